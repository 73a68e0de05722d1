"""Is what the server works as under row-level security, and its login no more than that?"""

from typing import Any

from coachwire.doctor.check import Finding, failed, ok, warning
from coachwire.roles import OWN_LOGIN, SERVER, WORKING, role_to_take, unguarded
from coachwire.settings import SettingsError

ADVICE = "docs/operations.md tells of the roles."


async def check_role(tx: Any) -> Finding:
    """Of a database with this version's schema."""
    try:
        taken = await role_to_take(tx)
    except SettingsError as error:
        return failed("role", str(error), ADVICE)
    if taken is not None:
        await tx.execute(f"set role {SERVER}")
    found = await WORKING.one(tx)
    theirs = await tx.fetchval(
        "select not relrowsecurity from pg_class where oid = 'member_metrics'::regclass"
    )
    await tx.execute("reset role")
    if (wrong := unguarded(found)) is not None:
        return failed("role", wrong, ADVICE)
    if theirs:
        return warning(
            "role",
            "row security is off on member_metrics, which is the platform's",
            "See docs/operations.md.",
        )
    if found.powerful:
        return warning(
            "role",
            f"{found.login} works as {found.role}, but could take its own rights back",
            f"Let the server log in as somebody who has no others: {OWN_LOGIN}",
        )
    return ok("role", found.login if taken is None else f"{found.login} as {taken}")
