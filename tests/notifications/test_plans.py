"""Which index each statement of the outbox uses, in a fresh database and with 100,000 rows behind it."""

from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest
from coachwire.database import Tx
from coachwire.notifications.queries import CLAIM, HASTEN, REPLAY, SETTLE, SWEEP
from coachwire.operations.writing import CREATE_STREAMS
from coachwire.sampling import OUTBOX

from ..gym import Place, open_gym
from ..sql.calls import Sending, send
from ..sql.test_plans import Explained, Scans, explained

OURS = {
    "claim": {
        "outbox": {"outbox_due_idx", "outbox_pkey"},
        "messages": {"messages_pkey", "messages_recipient_read_at_idx"},
        "message_ledger": {"message_ledger_pkey"},
        "devices": {"devices_pkey"},
    },
    "browsers": {"outbox": {"outbox_push_due_idx"}},
    "settle": {"outbox": {"outbox_pkey"}},
    "clear": {"outbox": {"outbox_subject_idx", "outbox_pkey"}},
    "hasten": {"outbox": {"outbox_subject_idx", "outbox_pkey"}},
    "waiting": {"outbox": {"outbox_due_idx", "outbox_push_due_idx", "outbox_dead_idx"}},
    "sweep": {"outbox": {"outbox_dropped_idx", "outbox_settled_idx", "outbox_pkey"}},
    "replay": {"outbox": {"outbox_dead_idx", "outbox_pkey"}},
}
FUNCTIONS = {"claim", "browsers", "clear"}  # of the others, a small table may be read as a whole
GROWING = {"outbox", "messages", "message_ledger", "devices"}


async def look(one: Explained, gym: Place) -> dict[str, Scans]:
    tx = cast("Tx", one.tx)
    batch = [Sending(sender=gym.coach, recipient=gym.member) for _ in range(40)]
    await send(one.tx, *batch, notify=True)
    ids = [UUID(sending.id) for sending in batch]
    await one.tx.execute("update outbox set due_at = now() where subject_id = any ($1)", ids)
    found: dict[str, Scans] = {}

    def keep(name: str) -> None:
        found[name] = {table: names for table, names in one.scans().items() if table in GROWING}

    await one.look()
    claimed = await CLAIM.rows(tx, False, 16, timedelta(seconds=60), True, True)
    assert len(claimed) == 16
    keep("claim")
    await CLAIM.rows(tx, True, 16, timedelta(seconds=60), True, True)
    keep("browsers")
    await SETTLE.rows(
        tx,
        [due.id for due in claimed],
        [due.claim for due in claimed],
        ["sent"] * 16,
        [0.0] * 16,
        [None] * 16,
    )
    keep("settle")
    await one.tx.execute("select clear_notifications($1)", ids)
    keep("clear")
    await HASTEN.run(tx, [due.id for due in claimed])
    keep("hasten")
    await OUTBOX.one(tx)
    keep("waiting")
    await SWEEP.one(tx, 1000)
    keep("sweep")
    await REPLAY.one(tx, None, 1000)
    keep("replay")
    return found


@pytest.fixture
def database_url(own_database_url: str) -> str:
    """Statistics of former tests would decide here."""
    return own_database_url


@pytest.mark.parametrize("rows", [0, 100_000])
async def test_every_statement_of_the_outbox_uses_its_index(database_url: str, rows: int) -> None:
    gym = await open_gym(database_url, "harbor")
    async with explained(database_url) as one:
        await one.tx.execute(CREATE_STREAMS.sql, [someone.user_id for someone in gym.people.values()])
        await one.tx.execute(
            """
            insert into outbox (kind, user_id, organization_id, subject_id, position, state, claims, due_at, settled_at)
            select 'message', gen_random_uuid(), $1, gen_random_uuid(), n,
              case when n % 50 = 0 then 'dead' when n % 3 = 0 then 'dropped' else 'sent' end::outbox_state, 1,
              now() - n * interval '10 s', now() - n * interval '10 s'
            from generate_series(1, $2::int) n
            """,
            UUID(gym.organization_id),
            rows,
        )
        await one.tx.execute(
            """
            insert into messages
              (id, organization_id, sender_id, sender_role, recipient_id, content, created_at, read_at)
            select gen_random_uuid(), $1, $2, 'coach', $3, 'long ago', now() - n * interval '1 hour', now()
            from generate_series(1, $4::int / 20) n
            """,
            UUID(gym.organization_id),
            UUID(gym.coach.user_id),
            UUID(gym.member.user_id),
            rows,
        )
        if rows:
            await one.tx.execute("analyze")
        found = await look(one, gym)
        if not rows:
            found = {name: scans for name, scans in found.items() if name in FUNCTIONS}
            assert found == {name: OURS[name] for name in FUNCTIONS}
        else:
            assert found == OURS
