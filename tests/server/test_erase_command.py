"""`coachwire erase`: the operator erases a person, and erases again what a restored backup has brought back."""

from pathlib import Path

from aiohttp import ClientSession

from ..gym import Place, message_to
from ..test_cli import coachwire
from .caller import Caller
from .platform import Tables


async def test_a_person_is_erased_without_a_server(
    gym: Place, http: ClientSession, database: Tables, database_url: str, tmp_path: Path
) -> None:
    sent = message_to(gym.coach, "words")
    assert (await Caller(http, gym.member).post("messages", sent)).status == 201
    where = {"DATABASE_URL": database_url, "COACHWIRE_HOME": str(tmp_path)}
    email = await database.fetchval("select email from users where id = $1", gym.member.user_id)

    done = coachwire("erase", "--user", email.upper(), **where)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.rstrip().endswith("1 messages")
    assert await database.fetchval("select content from messages") is None
    again = coachwire("erase", "--user", gym.member.user_id, **where)
    assert (again.returncode, again.stdout) == (0, done.stdout)
    unknown = coachwire("erase", "--user", email, **where)
    assert (unknown.returncode, unknown.stderr) == (1, f"coachwire: no user has the id or email '{email}'\n")


async def test_the_ledger_is_applied_again_to_a_restored_backup(
    gym: Place, http: ClientSession, database: Tables, database_url: str, tmp_path: Path
) -> None:
    await Caller(http, gym.member).post("messages", message_to(gym.coach, "words"))
    where = {"DATABASE_URL": database_url, "COACHWIRE_HOME": str(tmp_path)}
    assert coachwire("erase", "--user", gym.member.user_id, **where).returncode == 0
    await database.execute("update messages set content = 'words'")  # as the backup has it
    await database.execute("update message_ledger set erased_at = null")
    await database.execute("delete from jobs")
    await database.execute("delete from erasures")
    await database.execute("delete from erased_people")

    done = coachwire("erase", "--replay-ledger", **where)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("1 erasures applied again\n")
    assert await database.fetchval("select content from messages") is None
    assert coachwire("erase", "--replay-ledger", **where).stdout == "0 erasures applied again\n"


def test_what_is_to_be_erased_must_be_said(database_url: str) -> None:
    for asked in ((), ("--user", "x", "--replay-ledger")):
        done = coachwire("erase", *asked, DATABASE_URL=database_url)
        assert (done.returncode, done.stderr) == (2, "coachwire: one of --user and --replay-ledger\n")
