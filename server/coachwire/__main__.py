"""The command line: `coachwire --help` tells all."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from coachwire.settings import Settings, SettingsError

FAILED = 1  # what was asked could not be done
WRONG = 2  # it was asked in the wrong way: an option or a setting

app = typer.Typer(
    name="coachwire",
    help="Real-time messaging for coaching platforms. Settings come from the environment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Ttl = Annotated[int, typer.Option(min=1, help="Seconds that a token lives.")]


class Platform(StrEnum):
    OWN = "own"
    EXTERNAL = "external"


@app.command()
def dev() -> None:
    """Start everything embedded, with demo data: for a first look and for working on Coachwire."""
    with _honest():
        settings = Settings.from_environment(os.environ)
        from coachwire.dev import dev as run_dev  # slow to import: only where it is needed
        from coachwire.embedded.programs import EmbeddedPostgresError

        try:
            run_dev(settings)
        except EmbeddedPostgresError as error:
            _fail(str(error), FAILED)


@app.command()
def serve() -> None:
    """Run the server on the database that `coachwire migrate` made ready."""
    with _honest():
        settings = Settings.from_environment(os.environ)
        _database(settings)
        if settings.workers > 1:
            from coachwire.workers import serve_workers

            raise typer.Exit(serve_workers(settings))
        from coachwire.serving import serve as run_server  # slow to import: only where it is needed

        run_server(settings)


@app.command(hidden=True)
def worker() -> None:
    """What `serve` with COACHWIRE_WORKERS starts."""
    with _honest():
        from coachwire.workers import work

        work(Settings.from_environment(os.environ))


@app.command()
def migrate(
    platform: Annotated[
        Platform,
        typer.Option(help="Who makes the platform's tables; `external`: they are there and only checked."),
    ] = Platform.OWN,
) -> None:
    """Bring the database forward to this version. Safe to repeat, and to start twice at once."""
    with _honest():
        settings = Settings.from_environment(os.environ)
        dsn = _owner(settings)
        from coachwire.logins import make_login
        from coachwire.migrate import migrate as bring_forward

        applied = asyncio.run(
            bring_forward(dsn, platform=platform.value, progress=lambda name: typer.echo(f"applying {name}"))
        )
        typer.echo(f"{len(applied)} applied" if applied else "nothing to do: the schema is this version's")
        if (login := asyncio.run(make_login(dsn, settings.database_url or dsn))) is not None:
            typer.echo(f"{login} may log in and serve")


@app.command()
def token(
    user: Annotated[str, typer.Option(help="Their id or email.")],
    ttl: Ttl = 3600,
) -> None:
    """Print a token for a person, signed with COACHWIRE_JWT_SECRET."""
    with _honest():
        settings = Settings.from_environment(os.environ)
        dsn, secret = _database(settings), _secret(settings)
        from coachwire.commands.queries import find_user
        from coachwire.identity.tokens import sign

        user_id = asyncio.run(find_user(dsn, user))
        if user_id is None:
            _fail(f"no user has the id or email {user!r}", FAILED)
        typer.echo(
            sign(user_id, secret=secret, ttl=ttl, issuer=settings.jwt_issuer, audience=settings.jwt_audience)
        )


@app.command()
def seed(
    organizations: Annotated[int, typer.Option(min=1, help="Organizations to add.")],
    coaches: Annotated[int, typer.Option(min=0, help="Coaches in each.")],
    members: Annotated[int, typer.Option(min=0, help="Members in each.")],
    out: Annotated[Path, typer.Option(help="The file that says what was made, tokens included.")],
    messages: Annotated[int, typer.Option(min=0, help="Direct messages in each.")] = 0,
    ttl: Ttl = 86400,
) -> None:
    """Add organizations with people, workouts and conversations of their own."""
    with _honest():
        settings = Settings.from_environment(os.environ)
        dsn, secret = _owner(settings), _secret(settings)
        if not out.parent.is_dir():
            _fail(f"--out: there is no folder {out.parent}", WRONG)
        from functools import partial

        import orjson

        from coachwire.commands.progress import bar
        from coachwire.identity.tokens import sign
        from coachwire.seed import Size
        from coachwire.seed import seed as fill

        size = Size(organizations=organizations, coaches=coaches, members=members, messages=messages)
        issue = partial(
            sign, secret=secret, ttl=ttl, issuer=settings.jwt_issuer, audience=settings.jwt_audience
        )
        with bar("messages", organizations * messages) as advance:
            made = asyncio.run(fill(dsn, size, sign=issue, progress=advance))
        try:
            _write_private(out, orjson.dumps(made))
        except OSError as error:
            _fail(f"--out: {error}", FAILED)
        typer.echo(f"{organizations} organizations, {organizations * messages} messages; people in {out}")


@app.command()
def erase(
    user: Annotated[str | None, typer.Option(help="Their id or email.")] = None,
    replay_ledger: Annotated[
        bool, typer.Option("--replay-ledger", help="Apply again what a restored backup knows nothing of.")
    ] = False,
) -> None:
    """Erase a person: words, files, values and names, everywhere. Nothing brings them back."""
    with _honest():
        if (user is None) is not replay_ledger:
            _fail("one of --user and --replay-ledger", WRONG)
        settings = Settings.from_environment(os.environ)
        dsn = _database(settings)
        from coachwire.commands import erasure as operator_erasure
        from coachwire.commands.queries import find_user

        if user is None:
            count = asyncio.run(operator_erasure.replay_ledger(settings, typer.echo))
            typer.echo(f"{count} erasures applied again")
            return
        user_id = asyncio.run(find_user(dsn, user, or_deleted=True))
        if user_id is None:
            _fail(f"no user has the id or email {user!r}", FAILED)
        counts = asyncio.run(operator_erasure.erase_person(settings, user_id))
        typer.echo(
            ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing was left"
        )


@app.command()
def epoch(
    new: Annotated[
        bool, typer.Option("--new", help="Begin a new one: after a restore, or a lossy failover.")
    ] = False,
) -> None:
    """Print the epoch of the streams. With a new one every client forgets its position and loads again."""
    with _honest():
        settings = Settings.from_environment(os.environ)
        dsn = _owner(settings) if new else _database(settings)
        from coachwire.commands.queries import read_epoch, renew_epoch

        typer.echo(asyncio.run(renew_epoch(dsn) if new else read_epoch(dsn)))


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
) -> None:
    """Look at settings, database, Redis, keys and ports, and say what to do. Changes nothing; 1 if anything fails."""
    with _honest():
        from coachwire.doctor import as_object, examine, table

        findings = asyncio.run(examine(os.environ))
        if as_json:
            import orjson

            typer.echo(orjson.dumps(as_object(findings)))
        else:
            from rich.console import Console

            Console().print(table(findings))
        if any(finding.state == "failed" for finding in findings):
            raise typer.Exit(FAILED)


outbox = typer.Typer(
    help="Notifications that wait, were sent, or were given up.", invoke_without_command=True
)
app.add_typer(outbox, name="outbox")


@outbox.callback()
def count_outbox(context: typer.Context) -> None:
    """What the outbox holds: by receiver, kind, state and reason."""
    if context.invoked_subcommand is not None:
        return
    with _honest():
        dsn = _database(Settings.from_environment(os.environ))
        from coachwire.commands.queries import outbox_counts

        counts = asyncio.run(outbox_counts(dsn))
        for one in counts:
            since = f"{one.oldest:%Y-%m-%d %H:%M} to {one.newest:%Y-%m-%d %H:%M} UTC"
            reason = f" ({one.problem})" if one.problem else ""
            typer.echo(f"{one.rows:8} {one.state:8} {one.receiver:9} {one.kind:14} {since}{reason}")
        if not counts:
            typer.echo("the outbox is empty")


@outbox.command()
def replay(
    id_: Annotated[int | None, typer.Option("--id", help="This row, whatever became of it.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="All that were given up.")] = False,
) -> None:
    """Post again, with the same ids: a receiver that has one already need not act on it twice."""
    with _honest():
        if (id_ is None) != dead:
            _fail("expected either --id or --dead", WRONG)
        dsn = _database(Settings.from_environment(os.environ))
        from coachwire.commands.queries import replay_outbox

        rows = asyncio.run(replay_outbox(dsn, id_))
        if id_ is not None and not rows:
            _fail(f"no row {id_} that is settled", FAILED)
        typer.echo(f"{rows} to be posted again")


@app.command()
def vapid() -> None:
    """Make a key for Web Push and print it: the private one is COACHWIRE_VAPID_PRIVATE_KEY."""
    from coachwire.notifications.settings import VapidSettings, new_vapid_key

    private, key = new_vapid_key()
    typer.echo(f"COACHWIRE_VAPID_PRIVATE_KEY={private}")
    typer.echo(f"public (applicationServerKey): {VapidSettings(key, '').public_key}")


definitions = typer.Typer(help="What can be measured, beyond what is shipped.", no_args_is_help=True)
app.add_typer(definitions, name="definitions")


@definitions.command()
def load(
    file: Annotated[Path, typer.Argument(help="A JSON list: slug, unit, kind, name by language.")],
) -> None:
    """Add definitions from a file, and change those that are there by slug: all or none. Safe to repeat."""
    with _honest():
        dsn = _owner(Settings.from_environment(os.environ))
        from coachwire.commands.catalogue import InUse, WrongDefinitions, load_definitions, read_definitions

        try:
            added, changed = asyncio.run(load_definitions(dsn, read_definitions(file)))
        except WrongDefinitions as error:
            _fail(f"{file}: {error}", WRONG)
        except InUse as error:
            _fail(str(error), FAILED)
        except (FileNotFoundError, IsADirectoryError, PermissionError):
            _fail(f"{file} cannot be read", WRONG)
        typer.echo(f"{added} added, {changed} changed")


@definitions.command()
def delete(slug: Annotated[str, typer.Argument(help="Such as back_squat_1rm.")]) -> None:
    """Take a definition out of the catalogue, unless a set or a value refers to it."""
    with _honest():
        dsn = _owner(Settings.from_environment(os.environ))
        from coachwire.commands.catalogue import InUse, delete_definition

        try:
            found = asyncio.run(delete_definition(dsn, slug))
        except InUse as error:
            _fail(f"conflict: {error}", FAILED)
        if not found:
            _fail(f"there is no definition {slug!r}", FAILED)
        typer.echo(f"{slug} deleted")


def main() -> None:
    app()


def _database(settings: Settings) -> str:
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set: the address of the database, postgresql://…")
    return settings.database_url


def _owner(settings: Settings) -> str:
    """For what the server itself may not do."""
    return settings.migrate_url or _database(settings)


def _secret(settings: Settings) -> str:
    if settings.jwt_secret is None:
        raise SettingsError("COACHWIRE_JWT_SECRET is not set: tokens are signed with it")
    return settings.jwt_secret


def _write_private(path: Path, data: bytes) -> None:
    """Whole or not at all, and for this user's eyes: it holds tokens."""
    part = path.with_name(f"{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
    part.replace(path)


@contextlib.contextmanager
def _honest() -> Iterator[None]:
    """What can be expected to go wrong ends in a sentence on stderr; a traceback means a mistake of ours."""
    import asyncpg  # not before a command runs: `--help` is quick
    from coachwire_protocol.errors import Unavailable

    from coachwire.migrate import SchemaError

    try:
        yield
    except SettingsError as error:
        _fail(str(error), WRONG)
    except SchemaError as error:
        _fail(str(error), FAILED)
    except Unavailable:
        _fail("the database or the store of files does not answer: try again", FAILED)
    except asyncpg.UndefinedTableError:
        _fail("the database has no tables of Coachwire yet: run `coachwire migrate`", FAILED)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        _fail(f"database: {error}", FAILED)
    except TimeoutError:
        _fail("the database did not answer in time", FAILED)
    except OSError as error:
        _fail(f"cannot connect: {error}" if _of_connecting(error) else str(error), FAILED)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _of_connecting(error: OSError) -> bool:
    # A missing Unix socket is told as a missing file; an address in use carries its own sentence.
    return isinstance(error, ConnectionError | FileNotFoundError | socket.gaierror)


def _fail(sentence: str, code: int) -> NoReturn:
    typer.echo(f"coachwire: {sentence}", err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    main()
