"""As whom the server works in its database: as `coachwire_server`, whatever login DATABASE_URL names."""

from typing import Any, NamedTuple, cast

from coachwire.database import Query, Tx
from coachwire.settings import SettingsError

SERVER = "coachwire_server"
ROWS = "coachwire_rows"  # owns what goes past row-level security; nobody logs in as it
OWN_LOGIN = f"create role coachwire_login login password '…' in role {SERVER};"


class Working(NamedTuple):
    role: str
    bypasses: bool  # a superuser, or let past row-level security
    owned: list[str]  # tables under row-level security that are as good as its own
    open: list[str]  # tables that should be under it, and are not
    serves: bool  # it has the server's rights
    becomes: bool  # the login may take them on
    login: str
    powerful: bool  # the login could take back what the role gave up


WORKING = Query("roles/working", Working)


async def role_to_take(tx: Any) -> str | None:
    """The role that connections by this one's login are to be opened with; None for a login that has the server's
    rights and no more. Raises `SettingsError` when there is no way to have them. The schema must be this version's."""
    found = await WORKING.one(cast("Tx", tx))
    if found.serves and not found.bypasses and not found.owned:
        return None
    if found.becomes:
        return SERVER
    raise SettingsError(unguarded(found) or f"DATABASE_URL: {found.login} may not become {SERVER}")


async def require_guarded(tx: Tx) -> None:
    """Raises `SettingsError` unless what works on this connection is under row-level security."""
    if (wrong := unguarded(await WORKING.one(tx))) is not None:
        raise SettingsError(wrong)


def unguarded(found: Working) -> str | None:
    """Why this role is not to serve, and what to do about it; None when it may."""
    if found.bypasses:
        return f"DATABASE_URL: {found.role} is not under row-level security: let an administrator run: {OWN_LOGIN}"
    if found.owned:
        return (
            f"DATABASE_URL: {found.role} owns {', '.join(found.owned)}: let an administrator run: {OWN_LOGIN}"
        )
    if found.open:
        table = found.open[0]
        return f"row security is off on {table}: let its owner run: alter table {table} enable row level security;"
    if not found.serves:
        return (
            f"DATABASE_URL: {found.role} has not the server's rights:"
            f" let an administrator run: grant {SERVER} to {found.role};"
        )
    return None
