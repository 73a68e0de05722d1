"""What the operator sees of the outbox, and does with it."""

import asyncio
import json
import os
import sys
from collections.abc import MutableMapping
from typing import Any
from uuid import UUID

import pytest
from coachwire.database import Database
from coachwire.notifications.queries import SWEEP
from coachwire.notifications.settings import VapidSettings, new_vapid_key, vapid_key

from ..gym import Place
from ..server.conftest import OpenPhone
from .outbox import Outbox, Tables
from .receiver import OTHER_SECRET, SECRET, Receiver
from .test_failing_receivers import take_out

WEBHOOK = {
    "COACHWIRE_WEBHOOK_URL": "http://127.0.0.1:9/hooks",
    "COACHWIRE_WEBHOOK_SECRETS": f"{SECRET},{OTHER_SECRET}",
    "COACHWIRE_WEBHOOK_ALLOW_PRIVATE": "127.0.0.0/8",
}

Log = list[MutableMapping[str, Any]]


async def coachwire(dsn: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "coachwire", *arguments,
        env=os.environ | {"DATABASE_URL": dsn},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_what_was_given_up_is_counted_with_its_reason_and_posted_again_with_its_id(
    gym: Place,
    phone: OpenPhone,
    outbox: Outbox,
    receiver: Receiver,
    database_url: str,
    log: Log,
) -> None:
    assert await coachwire(database_url, "outbox") == (0, "the outbox is empty\n", "")
    receiver.answers = [410]
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    await outbox.settled(id_, "dead")
    await take_out(log, "notification_dead")
    code, out, err = await coachwire(database_url, "outbox")
    assert (code, err) == (0, "")
    assert out.split()[:4] == ["1", "dead", "webhook", "message"]
    assert out.endswith("(status 410)\n")

    assert await coachwire(database_url, "outbox", "replay", "--dead") == (0, "1 to be posted again\n", "")
    assert await outbox.settled(id_, "sent") == [("message", "sent", 1, None)]
    first, second = receiver.posts
    assert first.id == second.id
    assert await coachwire(database_url, "outbox", "replay", "--dead") == (0, "0 to be posted again\n", "")


async def test_one_row_is_posted_again_whatever_became_of_it(
    gym: Place, phone: OpenPhone, outbox: Outbox, receiver: Receiver, database: Tables, database_url: str
) -> None:
    id_ = await outbox.message(await phone(gym.coach), gym.member)
    await outbox.settled(id_, "sent")
    row = await database.fetchval("select id from outbox where subject_id = $1", UUID(id_))
    code, out, _ = await coachwire(database_url, "outbox", "replay", "--id", str(row))
    assert (code, out) == (0, "1 to be posted again\n")
    first, second = await receiver.next(), await receiver.next()
    assert first.id == second.id


@pytest.mark.parametrize("arguments", [(), ("--id", "1", "--dead")])
async def test_a_replay_says_of_what(database_url: str, arguments: tuple[str, ...]) -> None:
    code, out, err = await coachwire(database_url, "outbox", "replay", *arguments)
    assert (code, out, err) == (2, "", "coachwire: expected either --id or --dead\n")


async def test_a_row_that_is_not_there_is_said(database_url: str) -> None:
    code, out, err = await coachwire(database_url, "outbox", "replay", "--id", "7")
    assert (code, out, err) == (1, "", "coachwire: no row 7 that is settled\n")


async def test_dropped_rows_go_after_a_day_others_after_thirty_and_what_waits_stays(
    database: Tables, database_url: str
) -> None:
    await database.execute(
        """
        insert into outbox (kind, user_id, subject_id, state, due_at, settled_at)
        select 'message', gen_random_uuid(), gen_random_uuid(), state::outbox_state, now() - interval '90 days',
          now() - days * interval '1 day'
        from (values ('dropped', 0.9), ('dropped', 1.1), ('dropped', 40), ('sent', 29), ('sent', 31), ('dead', 29),
          ('dead', 31), ('waiting', null)) t (state, days)
        """
    )
    pool = Database(database_url)
    await pool.open()
    async with pool.connection() as tx:
        gone = [(await SWEEP.one(tx, 3)).rows, (await SWEEP.one(tx, 3)).rows]
    await pool.close()
    left = await database.fetch("select state::text from outbox order by state::text")
    assert gone == [4, 0]
    assert [row["state"] for row in left] == ["dead", "dropped", "sent", "waiting"]


async def test_the_doctor_says_what_is_wrong_with_notifications_and_no_secret(
    database: Tables, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def findings() -> dict[str, tuple[str, str]]:
        _, out, _ = await coachwire(database_url, "doctor", "--json")
        for secret in (SECRET, OTHER_SECRET):
            assert secret.removeprefix("whsec_") not in out
        return {one["check"]: (one["state"], one["found"]) for one in json.loads(out)["findings"]}

    private, key = new_vapid_key()
    vapid = {"COACHWIRE_VAPID_PRIVATE_KEY": private, "COACHWIRE_VAPID_SUBJECT": "mailto:ops@harbor.test"}
    for name, value in (WEBHOOK | vapid).items():
        monkeypatch.setenv(name, value)
    found = await findings()
    assert found["webhook"] == ("ok", "127.0.0.1 resolves; signed by two secrets: a rotation is under way")
    assert found["web push"] == (
        "ok",
        f"as ops@harbor.test, key {VapidSettings(key, '').public_key[:12]}…",
    )
    assert found["outbox"] == ("ok", "nothing is due")

    monkeypatch.setenv("COACHWIRE_WEBHOOK_ALLOW_PRIVATE", "10.0.0.0/8")
    await database.execute(
        "insert into outbox (kind, user_id, subject_id, state, due_at)"
        " select 'message', gen_random_uuid(), gen_random_uuid(), 'dead', now() from generate_series(1, 3)"
    )
    found = await findings()
    assert found["webhook"] == ("failed", "127.0.0.1 is at 127.0.0.1, which is refused")
    assert found["outbox"] == ("warning", "3 notifications were given up")

    await database.execute(
        "insert into outbox (kind, user_id, subject_id, due_at)"
        " values ('message', gen_random_uuid(), gen_random_uuid(), now() - interval '5 minutes')"
    )
    state, said = (await findings())["outbox"]
    assert state == "warning"
    assert said.startswith("1 notifications are due, the first one for 30")


async def test_a_key_for_web_push_is_made_on_demand(database_url: str) -> None:
    code, out, _ = await coachwire(database_url, "vapid")
    private, public = (
        line.rpartition("=")[2] if "=" in line else line.split()[-1] for line in out.splitlines()
    )
    assert code == 0
    key = vapid_key(private)
    assert key is not None
    assert VapidSettings(key, "").public_key == public
