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
    login: str
    powerful: bool  # the login could take back what the role gave up


WORKING = Query("roles/working", Working)


async def role_to_take(tx: Any) -> str | None:
    """The role that a connection like this one is to be opened with: none for a login that has the server's rights and
    no more. The schema must be this version's."""
    found = await WORKING.one(cast("Tx", tx))
    return SERVER if found.bypasses or found.owned or not found.serves else None


async def require_guarded(tx: Tx) -> None:
    """Raises `SettingsError` unless what works on this connection is under row-level security."""
    if (wrong := unguarded(await WORKING.one(tx))) is not None:
        raise SettingsError(f"DATABASE_URL: {wrong}")


def unguarded(found: Working) -> str | None:
    """Why this role is not to serve, and what to do about it; None when it may."""
    if found.bypasses:
        return f"{found.role} is not under row-level security: let an administrator run: {OWN_LOGIN}"
    if found.owned:
        return f"{found.role} owns {', '.join(found.owned)}: let an administrator run: {OWN_LOGIN}"
    if found.open:
        table = found.open[0]
        return f"row security is off on {table}: let its owner run: alter table {table} enable row level security;"
    if not found.serves:
        return f"{found.role} has not the server's rights: let an administrator run: grant {SERVER} to {found.role};"
    return None
