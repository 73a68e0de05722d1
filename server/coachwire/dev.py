"""`coachwire dev`: everything embedded, demo people, and a door that hands out their tokens to this machine only."""

import asyncio
import os
import secrets
from contextlib import AsyncExitStack
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from coachwire_protocol.check import checked, read_body
from coachwire_protocol.errors import Forbidden, NotFound
from coachwire_protocol.frames import encode
from coachwire_protocol.shape import Wire
from rich.console import Console

from coachwire.blobs import Blobs
from coachwire.blobs.local import LocalBlobs
from coachwire.commands.queries import find_user
from coachwire.demo import DemoPerson, demo
from coachwire.embedded import EmbeddedPostgres
from coachwire.identity.tokens import sign
from coachwire.keys import SETTINGS
from coachwire.migrate import migrate
from coachwire.observe import configure
from coachwire.serving import run, run_loop
from coachwire.settings import Settings, SettingsError

TTL = 300  # s; the page asks for the next one in time
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class WhoToBe(Wire, frozen=True, kw_only=True):
    email: str


def dev(settings: Settings) -> None:
    """`coachwire dev`. Raises `SettingsError` for what does not go with it, before anything starts."""
    if settings.jwks_url is not None:
        raise SettingsError(
            "COACHWIRE_JWKS_URL: expected none, `coachwire dev` signs its people's tokens itself"
        )
    configure(settings.log_level)
    run_loop(run_dev(settings))


async def run_dev(settings: Settings) -> None:
    """Serve until ctrl-C. An explicit DATABASE_URL is used instead of the embedded PostgreSQL."""
    console = Console()
    async with AsyncExitStack() as stack:
        dsn = settings.database_url
        if dsn is None:
            with console.status("Starting PostgreSQL"):
                postgres = await stack.enter_async_context(EmbeddedPostgres(settings.home))
            dsn = postgres.dsn
        owner = dsn if settings.database_url is None else settings.migrate_url or dsn
        await migrate(owner)
        people = await demo(owner, _blobs(settings))
        secret = settings.jwt_secret or await asyncio.to_thread(_lasting_secret, settings.home)
        metrics = settings.metrics if settings.metrics and settings.metrics.asked else None
        ready = replace(settings, database_url=dsn, jwt_secret=secret, metrics=metrics)
        await run(ready, lambda address: _tell(console, address, people), dev_routes(people))


def _blobs(settings: Settings) -> Blobs | None:
    """Where a picture of the demo may lie: in no bucket that is somebody's."""
    return None if settings.s3 is not None else LocalBlobs(settings.home / "blobs", lambda: "")


def dev_routes(people: list[DemoPerson]) -> list[web.RouteDef]:
    """Only here: whoever sits at this machine may be anybody."""

    async def token(request: web.Request) -> web.Response:
        """A short token for the person with this email."""
        require_loopback(request)
        who = checked(WhoToBe, read_body(await request.read()))
        settings = request.app[SETTINGS]
        if settings.database_url is None or settings.jwt_secret is None:
            raise NotFound
        user_id = await find_user(settings.database_url, who.email)
        if user_id is None:
            raise NotFound
        signed = sign(
            user_id,
            secret=settings.jwt_secret,
            ttl=TTL,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
        )
        return web.Response(body=encode({"data": {"token": signed}}), content_type="application/json")

    async def everybody(request: web.Request) -> web.Response:
        """Who one can be."""
        require_loopback(request)
        return web.Response(body=encode({"data": people}), content_type="application/json")

    return [web.post("/dev/token", token), web.get("/dev/people", everybody)]


def require_loopback(request: web.Request) -> None:
    """From this machine, and by a name of this machine: a name that was bound to it from outside is refused."""
    try:
        host = urlsplit(f"//{request.host}").hostname
    except ValueError:  # half a bracket, and no name at all
        raise Forbidden from None
    if request.remote is None or not ip_address(request.remote).is_loopback or host not in LOOPBACK_NAMES:
        raise Forbidden


def _lasting_secret(home: Path) -> str:
    """The same after a restart: the page's tokens stay good."""
    path = home / "jwt-secret"
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        home.mkdir(parents=True, exist_ok=True)
        secret = secrets.token_urlsafe(32)
        part = path.with_suffix(".part")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(secret)
        part.replace(path)
        return secret


def _tell(console: Console, address: str, people: list[DemoPerson]) -> None:
    """A line a person, its link unbroken however narrow the terminal: links are there to be clicked."""
    console.print(
        f"\nCoachwire is running at {address}\n\nOpen two of these side by side:\n", highlight=False
    )
    width = max(len(person.email) for person in people)
    for person in people:
        link = f"{address}/#as={person.email.ljust(width)}"
        console.print(
            f"  {link}  {person.name} · {person.role} · {person.organization}",
            soft_wrap=True,
            highlight=False,
        )
    console.print("\nStop it with ctrl-C; the data stays.", highlight=False)
