"""Ids of another organization are answered as ids that do not exist: by the same statements, rows and locks.

Counted in a transaction. One difference there may be: where an id is looked for by a unique index, that of another
organization has a row there, which is read and passed over."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

import asyncpg
import pytest
from coachwire import app
from coachwire.blobs import Blobs
from coachwire.database import Tx
from coachwire.operation import OPERATIONS, Actor, Answer, Call, Scope
from coachwire.operations.writing import CREATE_STREAMS
from coachwire_protocol.conversations import ReadHistory, ReadMessage
from coachwire_protocol.errors import Forbidden, NotFound, ProtocolError
from coachwire_protocol.messages import DeleteMessage, EditMessage, Party, SendMessage
from coachwire_protocol.receipts import ReadMessages
from coachwire_protocol.session import Typing
from msgspec import Struct

from ..gym import Place, Someone
from .calls import NOWHERE, Connection, Sending, assignment_of, heads, messages, send

assert app  # its import enters all operations into the table


@dataclass(frozen=True)
class Footprint:
    """What came of a request, and what it did to the database."""

    refusal: type[ProtocolError] | None
    statements: tuple[str, ...]
    scans: Counter[str]  # begun, of each table, by an index or not
    rows: Counter[str]  # read, of each table
    written: Counter[str]
    locks: frozenset[tuple[str, str]]  # relation and mode
    marked: bool  # the transaction has taken an id, as it does to lock or write a single row


async def footprint(tx: Connection, actor: Someone, request: Struct) -> Footprint:
    """Run the operation in a transaction, look, and undo it."""
    statements: list[str] = []

    def note(query: asyncpg.connection.LoggedQuery) -> None:
        statements.append(query.query)

    transaction = tx.transaction()
    await transaction.start()
    before = await counters(tx)
    with tx.query_logger(note):
        refusal = await answer(tx, actor, request)
    after = await counters(tx)
    for name in after:
        after[name].subtract(before[name])
    locks = await tx.fetch(
        """
        select relation::regclass::text as relation, mode from pg_locks
        where pid = pg_backend_pid() and locktype = 'relation' and relation::regclass::text not like 'pg%'
        """
    )
    marked = await tx.fetchval("select pg_current_xact_id_if_assigned() is not null")
    await transaction.rollback()
    return Footprint(
        refusal,
        tuple(statements),
        +after["scans"],
        +after["rows"],
        +after["written"],
        frozenset((row["relation"], row["mode"]) for row in locks),
        marked,
    )


async def answer(tx: Connection, actor: Someone, request: Struct) -> type[ProtocolError] | None:
    operation = OPERATIONS[type(request)]
    scope = Scope(cast("Tx", tx), None, timedelta(minutes=15), cast("Blobs", None))
    if operation.run_batch is not None:
        (result,) = await operation.run_batch(
            scope, [Call(Actor(actor.user_id), request, cast("Answer", None), 0.0)]
        )
        return type(result) if isinstance(result, ProtocolError) else None
    assert operation.run is not None
    try:
        await operation.run(scope, Actor(actor.user_id), request)
    except ProtocolError as error:
        return type(error)
    return None


async def counters(tx: Connection) -> dict[str, Counter[str]]:
    rows = await tx.fetch(
        """
        select relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) as scans,
          coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as rows, n_tup_ins + n_tup_upd + n_tup_del as written
        from pg_stat_xact_user_tables
        """
    )
    return {
        name: Counter({row["relname"]: row[name] for row in rows}) for name in ("scans", "rows", "written")
    }


Make = Callable[[Place, str], Struct]  # a request of somebody in this gym, about this id

ABOUT_A_MEMBERSHIP: dict[str, Make] = {
    "send": lambda gym, id_: SendMessage(
        organization_id=gym.organization_id, id=NOWHERE, to=Party(membership_id=id_), content="hello"
    ),
    "read a conversation": lambda gym, id_: ReadMessages(
        organization_id=gym.organization_id, conversation=Party(membership_id=id_)
    ),
    "history": lambda gym, id_: ReadHistory(organization_id=gym.organization_id, membership_id=id_),
    "typing": lambda gym, id_: Typing(
        organization_id=gym.organization_id, to=Party(membership_id=id_), active=True
    ),
}
ABOUT_A_MESSAGE: dict[str, Make] = {
    "read": lambda gym, id_: ReadMessages(organization_id=gym.organization_id, message_ids=(id_,)),
    "one": lambda gym, id_: ReadMessage(organization_id=gym.organization_id, id=id_),
    "delete": lambda gym, id_: DeleteMessage(organization_id=gym.organization_id, id=id_),
    "edit": lambda gym, id_: EditMessage(organization_id=gym.organization_id, id=id_, content="bye"),
    "read a conversation up to it": lambda gym, id_: ReadMessages(
        organization_id=gym.organization_id,
        conversation=Party(membership_id=gym.member.membership_id),
        up_to=id_,
    ),
}
ABOUT_A_THREAD: dict[str, Make] = {
    "post": lambda gym, id_: SendMessage(
        organization_id=gym.organization_id, id=NOWHERE, to=Party(workout_assignment_id=id_), content="hello"
    ),
}


# Where each id is looked for: the one row that is read more when another organization has it.
CASES = (
    [("memberships", name, make) for name, make in ABOUT_A_MEMBERSHIP.items()]
    + [("messages", name, make) for name, make in ABOUT_A_MESSAGE.items()]
    + [("workout_assignments", name, make) for name, make in ABOUT_A_THREAD.items()]
)


@pytest.fixture
async def foreign(tx: Connection, other_gym: Place) -> dict[str, str]:
    """An id of another organization, by table."""
    await tx.execute(CREATE_STREAMS.sql, [one.user_id for one in other_gym.people.values()])
    sending = Sending(sender=other_gym.coach, recipient=other_gym.member)
    await send(tx, sending)
    return {
        "memberships": other_gym.member.membership_id,
        "messages": sending.id,
        "workout_assignments": await assignment_of(tx, other_gym.member),
    }


@pytest.mark.parametrize(("table", "name", "make"), CASES, ids=[name for _, name, _ in CASES])
async def test_an_id_of_another_organization_leaves_the_traces_of_one_that_does_not_exist(
    tx: Connection, gym: Place, other_gym: Place, foreign: dict[str, str], table: str, name: str, make: Make
) -> None:
    before = (await messages(tx), await heads(tx, gym), await heads(tx, other_gym))
    there, nowhere = await traces(tx, gym.coach, make(gym, foreign[table]), make(gym, NOWHERE))
    assert there.refusal is NotFound
    passed_over = there.rows - nowhere.rows
    assert passed_over in (Counter(), Counter({table: 1}), Counter({"message_ledger": 1})), (
        "read more than the id's own row"
    )
    assert replace(there, rows=nowhere.rows) == nowhere
    assert not nowhere.rows - there.rows
    assert (there.written, there.marked) == (Counter(), False)
    assert (await messages(tx), await heads(tx, gym), await heads(tx, other_gym)) == before


@pytest.mark.parametrize(("table", "name", "make"), CASES, ids=[name for _, name, _ in CASES])
async def test_an_organization_of_others_leaves_the_traces_of_one_that_does_not_exist(
    tx: Connection, gym: Place, other_gym: Place, foreign: dict[str, str], table: str, name: str, make: Make
) -> None:
    nobodys = Place(NOWHERE, other_gym.people)
    there, nowhere = await traces(
        tx, gym.coach, make(other_gym, foreign[table]), make(nobodys, foreign[table])
    )
    assert there.refusal is Forbidden
    assert there == nowhere
    assert (there.written, there.marked) == (Counter(), False)


async def traces(
    tx: Connection, actor: Someone, there: Struct, nowhere: Struct
) -> tuple[Footprint, Footprint]:
    """Of both requests, once everything is prepared and cached."""
    await tx.execute("set plan_cache_mode = force_generic_plan")
    for _ in range(2):
        found = await footprint(tx, actor, there), await footprint(tx, actor, nowhere)
    return found
