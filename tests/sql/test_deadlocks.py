"""Every pair of writers against each other, on the same people: none ever waits in a circle."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement
from typing import TypeAlias, cast
from uuid import UUID, uuid4

from coachwire.database import Tx
from coachwire.files.sweeping import FORGET
from coachwire.notifications.queries import CLAIM, HASTEN, REPLAY, SETTLE, SWEEP
from coachwire.operations.messages import SEE
from coachwire.operations.receipts import UNREAD
from coachwire.streams import pending
from coachwire.streams.pending import NEXT, TELL

from ..gym import Place, Someone
from .calls import (
    Connection,
    Sending,
    created_in_order,
    delete,
    mark_read,
    ready_uploads,
    rising,
    send,
    stream,
)
from .circles import assert_no_circles, find_circles_soon
from .conftest import Connect

ROUNDS = 10
ROWS = 24  # a batch; long enough for the batches of several connections to meet

dice = random.Random(1)  # noqa: S311 - the same choices in every run


# As in 0010, without the 10 s: what is sent is there to be claimed.
NOTIFY_AT_ONCE = """
  create or replace function notify_of(
    p_kind outbox_kind, p_user uuid[], p_organization uuid[], p_subject uuid[], p_position bigint[]) returns void
  language sql volatile as $$
    insert into outbox (kind, user_id, organization_id, subject_id, position, due_at)
    select p_kind, t.user_id, t.organization_id, t.subject_id, t.position, clock_timestamp()
    from unnest(p_user, p_organization, p_subject, p_position) t (user_id, organization_id, subject_id, position)
  $$
"""


class Shared:
    """The people and threads on which all writers meet."""

    def __init__(self, gym: Place) -> None:
        self.gym = gym
        self.staff = [gym.coach, gym.coach2, gym.owner]
        self.members = [gym.member, gym.member2]
        self.threads: list[tuple[str, Someone]] = []
        self.sent: list[Sending] = []
        self.uploads: list[str] = []  # of the first of the staff; some were sent already

    @property
    def everybody(self) -> list[Someone]:
        return self.staff + self.members

    async def open_thread(self, tx: Connection) -> None:
        """With something in it that a cascade takes away."""
        member = dice.choice(self.members)
        thread = await tx.fetchval(
            """
            insert into workout_assignments (organization_id, user_id, date, published)
            values ($1, $2, now(), true) returning id
            """,
            UUID(self.gym.organization_id),
            UUID(member.user_id),
        )
        posts = [
            Sending(sender=dice.choice(self.staff), recipient=member, assignment_id=str(thread))
            for _ in range(ROWS)
        ]
        await self.store(tx, posts)
        self.threads.append((str(thread), member))

    async def store(self, tx: Connection, batch: list[Sending]) -> None:
        stored = await send(tx, *batch, notify=True)
        self.sent += [one for one, code in zip(batch, stored.codes, strict=True) if code == "stored"]

    def pick(self, count: int) -> list[Sending]:
        """What several writers are after: messages of one thread, and some of the last ones."""
        thread = dice.choice(self.threads)[0] if self.threads else None
        posts = [one for one in self.sent[-1000:] if one.assignment_id == thread]
        recent = self.sent[-100:]
        return dice.sample(posts, min(count, len(posts))) + dice.sample(recent, min(count // 4, len(recent)))


Writer: TypeAlias = Callable[[Connection, Shared], Awaitable[None]]


async def staff_send(tx: Connection, shared: Shared) -> None:
    await _send(tx, shared, shared.staff, shared.members)


async def members_send(tx: Connection, shared: Shared) -> None:
    await _send(tx, shared, shared.members, shared.staff)


async def read(tx: Connection, shared: Shared) -> None:
    readers = {one.id: one.recipient for one in shared.pick(ROWS)}
    await mark_read(tx, *readers.items())


async def read_conversations(tx: Connection, shared: Shared) -> None:
    pairs = [(r, p) for r in shared.everybody for p in shared.everybody if r is not p]
    rows = await UNREAD.rows(
        cast("Tx", tx),
        [reader.user_id for reader, _ in pairs],
        [shared.gym.organization_id] * len(pairs),
        [partner.membership_id for _, partner in pairs],
        [None] * len(pairs),
        ROWS,
    )
    found = [(str(id_), reader) for (reader, _), row in zip(pairs, rows, strict=True) for id_ in row.ids]
    await mark_read(tx, *dice.sample(found, min(len(found), 2 * ROWS)))


async def see_threads(tx: Connection, shared: Shared) -> None:
    """Staff open many threads at once, in no order."""
    seen = [(one, thread) for one in shared.staff for thread, _ in shared.threads]
    dice.shuffle(seen)
    users = [one.user_id for one, _ in seen]
    threads = [thread for _, thread in seen]
    now = [datetime.now(UTC)] * len(seen)
    await SEE.rows(cast("Tx", tx), users, threads, now, [str(uuid4()) for _ in seen], users)


async def take_back(tx: Connection, shared: Shared) -> None:
    for one in shared.pick(3):
        await delete(tx, one.id, one.sender)


async def moderate(tx: Connection, shared: Shared) -> None:
    """The owner deletes what others wrote."""
    for one in shared.pick(3):
        await delete(tx, one.id, shared.gym.owner)


async def send_files(tx: Connection, shared: Shared) -> None:
    """Messages with files that others are sending at the same time, in no order."""
    if len(shared.uploads) < ROWS:
        shared.uploads += await ready_uploads(tx, shared.staff[0], 2 * ROWS)
    batch = []
    for _ in range(ROWS // 4):
        thread, member = (
            dice.choice(shared.threads) if shared.threads else (None, dice.choice(shared.members))
        )
        files = tuple(dice.sample(shared.uploads, 3))
        batch.append(
            Sending(sender=shared.staff[0], recipient=member, assignment_id=thread, upload_ids=files)
        )
    await shared.store(tx, batch)
    sent = {str(row["id"]) for row in await tx.fetch("select id from uploads where message_id is not null")}
    shared.uploads = [one for one in shared.uploads if one not in sent]


async def sweep_files(tx: Connection, shared: Shared) -> None:
    """Rows of uploads that nobody sent in time."""
    ids = dice.sample(shared.uploads, min(3, len(shared.uploads)))
    await tx.execute(
        "update uploads set created_at = now() - interval '1 hour' where id = $1 and message_id is null",
        UUID(ids[0]) if ids else uuid4(),
    )
    await FORGET.rows(cast("Tx", tx))


async def edit(tx: Connection, shared: Shared) -> None:
    for one in shared.pick(3):
        await tx.fetchrow(
            "select * from edit_message($1, $2, $3, $4, false, '1 hour')",
            UUID(one.id),
            UUID(one.organization),
            UUID(one.sender.user_id),
            str(uuid4()),
        )


async def platform_deletes_assignments(tx: Connection, shared: Shared) -> None:
    """As the platform does: several in one transaction, without asking for any order of ours."""
    going = dice.sample(shared.threads, min(2, len(shared.threads)))
    for one in going:
        shared.threads.remove(one)
    async with tx.transaction():
        for thread, _ in going:
            await tx.execute("delete from workout_assignments where id = $1", UUID(thread))
    for _ in going:
        await shared.open_thread(tx)


async def platform_changes_memberships(tx: Connection, shared: Shared) -> None:
    one = dice.choice(shared.everybody)
    for status in ("suspended", "active"):
        await tx.execute("update memberships set status = $2 where id = $1", UUID(one.membership_id), status)


async def tell_pending(tx: Connection, shared: Shared) -> None:
    """The worker that writes the events of what the platform changed."""
    rows = await NEXT.rows(cast("Tx", tx), pending.ROWS, pending.SUBJECTS)
    await TELL.rows(cast("Tx", tx), [row.id for row in rows])


async def notify(tx: Connection, shared: Shared) -> None:
    """Two claims of a worker, and what became of both settled together, as it happens in no order."""
    claimed = [
        due
        for _ in range(2)
        for due in await CLAIM.rows(cast("Tx", tx), False, ROWS, timedelta(seconds=1), True, False)
        if due.act == "post"
    ]
    dice.shuffle(claimed)
    states = [dice.choice(("sent", "waiting", "dead")) for _ in claimed]
    await SETTLE.rows(
        cast("Tx", tx),
        [due.id for due in claimed],
        [due.claim for due in claimed],
        states,
        [0.0] * len(claimed),
        [None] * len(claimed),
    )
    await HASTEN.rows(cast("Tx", tx), [due.id for due in claimed])


async def replay(tx: Connection, shared: Shared) -> None:
    """The operator's command, and the hourly sweep."""
    await REPLAY.rows(cast("Tx", tx), None, ROWS)
    await SWEEP.rows(cast("Tx", tx), ROWS)


async def erase(tx: Connection, shared: Shared) -> None:
    """The steps of an erasure that meet other writers; access has ended before them."""
    job = await tx.fetchval(
        "insert into jobs (kind, user_id, organization_id, stage) values ('erasure', $1, $2, 'ledger')"
        " on conflict do nothing returning id",
        UUID(dice.choice(shared.everybody).user_id),
        UUID(shared.gym.organization_id),
    )
    while job is not None and not await tx.fetchval("select done or held from erase_step($1)", job):
        pass
    await tx.execute("update jobs set state = 'done' where id = $1", job)


async def trim(tx: Connection, shared: Shared) -> None:
    """A run of retention, over all but the newest."""
    job = await tx.fetchval(
        "insert into jobs (kind, organization_id, stage, before)"
        " values ('retention', $1, 'messages', clock_timestamp() - interval '0.2 seconds') returning id",
        UUID(shared.gym.organization_id),
    )
    while not await tx.fetchval("select done from retention_step($1)", job):
        pass


WRITERS: list[Writer] = [
    staff_send, members_send, send_files, sweep_files, read, read_conversations, see_threads, take_back, moderate,
    edit, platform_deletes_assignments, platform_changes_memberships, tell_pending, notify, replay,
]  # fmt: skip
JOBS: list[Writer] = [erase, trim]


async def _send(tx: Connection, shared: Shared, senders: list[Someone], recipients: list[Someone]) -> None:
    batch = []
    for _ in range(ROWS):
        sender, recipient, thread = dice.choice(senders), dice.choice(recipients), None
        if shared.threads and dice.random() < 0.5:
            thread, athlete = dice.choice(shared.threads)
            sender, recipient = (athlete, recipient) if sender in shared.members else (sender, athlete)
        batch.append(Sending(sender=sender, recipient=recipient, assignment_id=thread))
    await shared.store(tx, batch)


async def test_no_two_writers_ever_wait_in_a_circle(connect: Connect, tx: Connection, gym: Place) -> None:
    shared = await begin(tx, gym)
    await meet(connect, tx, shared, combinations_with_replacement(WRITERS, 2))
    assert len(shared.sent) > 1000, "too little was stored to say anything"
    posted = await tx.fetchval("select count(*) from outbox where kind = 'message' and claims > 0")
    cleared = await tx.fetchval("select count(*) from outbox where kind = 'read'")
    assert posted > 500, "too little was posted to say anything"
    assert cleared > 50, "too little was read after it was posted to say anything"


async def test_no_job_and_writer_ever_wait_in_a_circle(connect: Connect, tx: Connection, gym: Place) -> None:
    """Which empty what the writers of the other test need to meet on."""
    shared = await begin(tx, gym)
    await meet(connect, tx, shared, [(job, writer) for job in JOBS for writer in (*WRITERS, *JOBS)])
    assert len(shared.sent) > 500, "too little was stored to say anything"
    for kind, what, least in (("erasure", "messages", 100), ("retention", "people", 10)):
        done = await tx.fetchval(
            "select sum((counts ->> $2)::int) from jobs where kind = $1::text::job_kind", kind, what
        )
        assert done > least, "too little was done to say anything"


async def begin(tx: Connection, gym: Place) -> Shared:
    """Some threads and messages, and notifications that are due at once."""
    shared = Shared(gym)
    await tx.execute(NOTIFY_AT_ONCE)
    for _ in range(4):
        await shared.open_thread(tx)
    await staff_send(tx, shared)
    await members_send(tx, shared)
    return shared


async def meet(
    connect: Connect, tx: Connection, shared: Shared, pairs: Iterable[tuple[Writer, Writer]]
) -> None:
    """Each pair for a while, on connections that find a circle soon; streams stay dense and in order."""
    await assert_no_circles(connect, tx, shared, pairs, rounds=ROUNDS)
    for someone in shared.everybody:
        await stream(tx, someone)  # dense
        assert rising(await created_in_order(tx, someone))


async def test_batches_that_meet_on_the_same_ids_wait_in_one_direction(
    connect: Connect, tx: Connection, gym: Place
) -> None:
    connections = await connect(), await connect()
    for connection in connections:
        await find_circles_soon(connection)
    for _ in range(4 * ROUNDS):
        ids = [str(uuid4()) for _ in range(4 * ROWS)]
        mine = [Sending(sender=gym.coach, recipient=gym.member, id=id_) for id_ in ids]
        theirs = [Sending(sender=gym.coach2, recipient=gym.member2, id=id_) for id_ in reversed(ids)]
        stored = await asyncio.gather(send(connections[0], *mine), send(connections[1], *theirs))
        assert sorted(code for one in stored for code in one.codes) == ["known"] * len(ids) + [
            "stored"
        ] * len(ids)
    for someone in gym.people.values():
        await stream(tx, someone)  # dense
