"""The server's login, made by `migrate` where DATABASE_URL and COACHWIRE_MIGRATE_URL name two of them."""

import hashlib
import hmac
import secrets
from base64 import b64encode
from urllib.parse import unquote, urlsplit

import asyncpg

from coachwire.connect import connection
from coachwire.migrate import MigrationFailed
from coachwire.rights import quoted
from coachwire.roles import SERVER
from coachwire.settings import SettingsError

ITERATIONS = 4096  # PostgreSQL's own number


async def make_login(owner_dsn: str, dsn: str) -> str | None:
    """Makes the login of `dsn`, with its password and the server's rights; returns its name, or None when there is
    nothing to do. A login that is there keeps its password. The password itself is not sent."""
    given = urlsplit(dsn)
    name, password = unquote(given.username or ""), unquote(given.password or "")
    if not name or name == unquote(urlsplit(owner_dsn).username or ""):
        return None
    async with connection(owner_dsn) as tx:
        found = await tx.fetchrow(
            "select pg_has_role(r.oid, $2, 'usage') as serves from pg_roles r where rolname = $1",
            name,
            SERVER,
        )
        if found is not None and found["serves"]:
            return None
        if found is not None:
            statement = f"grant {SERVER} to {quoted(name)}"
        else:
            how = f" password '{verifier(password)}'" if password else ""
            statement = f"create role {quoted(name)} login{how} in role {SERVER}"
        try:
            await tx.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            what = (
                f"create role {quoted(name)} login password '…' in role {SERVER};"
                if found is None
                else f"{statement};"
            )
            raise MigrationFailed(
                f"The server's login may not serve yet: let an administrator run: {what}"
            ) from None
    return name


def verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL keeps of a password (RFC 5803)."""
    if not password.isascii():
        raise SettingsError("DATABASE_URL: expected a password in ASCII, or a login that is there already")
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = (b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(ITERATIONS, *parts)
