"""Which index each statement of comments uses, by name: with a hundred rows, before and after ANALYZE, and with 40,000.

The platform's table has no index but its key: what is looked for otherwise, the ledger's indexes find."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from coachwire import app
from coachwire.database import QUERIES
from coachwire.operations.writing import CREATE_STREAMS

from ..comments.calls import Writing, create, delete, edit, movements_of, resolve
from ..gym import Place, open_gym
from .calls import NOWHERE, Connection
from .test_plans import Explained, Scans, explained

assert app  # its import loads all statements

LEDGER = {"comment_ledger": {"comment_ledger_pkey"}}
COMMENTS = {"exercise_comments": {"exercise_comments_pkey"}}
RIGHTS: Scans = {
    "memberships": {"memberships_user_id_organization_id_key"},
    "organizations": {"organizations_pkey"},
    "users": {"users_pkey"},
    "workouts": {"workouts_pkey"},
    "workout_movements": {"workout_movements_pkey"},
    "workout_assignments": {"workout_assignments_user_date_idx"},
}
STREAMS = {"user_streams": {"user_streams_pkey"}, "topic_streams": {"topic_streams_pkey"}}
OUTBOX = {"outbox": {"outbox_subject_idx", "outbox_pkey"}}
FUNCTIONS: dict[str, Scans] = {
    "resolve_comments": RIGHTS | LEDGER | COMMENTS | {"user_streams": {"user_streams_pkey"}},
    "create_comments": RIGHTS
    | COMMENTS
    | STREAMS
    | {"comment_ledger": {"comment_ledger_pkey", "comment_ledger_movement_idx"}},
    "edit_comment": RIGHTS | LEDGER | COMMENTS | {"topic_streams": {"topic_streams_pkey"}},
    "delete_comment": RIGHTS | COMMENTS | OUTBOX | {"topic_streams": {"topic_streams_pkey"}},
    "fork_workout": COMMENTS
    | {
        "comment_ledger": {"comment_ledger_pkey", "comment_ledger_movement_idx"},
        "organizations": {"organizations_pkey"},  # these two for the foreign keys
        "users": {"users_pkey"},
        "workouts": {"workouts_pkey"},
        "workout_movements": {"workout_movements_workout_idx", "workout_movements_pkey"},
    },
}
# Of the reading statements what they read of the tables that grow without end: small ones may be read as a whole.
GROWING = ("exercise_comments", "comment_ledger")
STATEMENTS: dict[str, Scans] = {
    "comments/page": COMMENTS
    | {"comment_ledger": {"comment_ledger_movement_idx", "comment_ledger_parent_idx", "comment_ledger_pkey"}},
    "comments/one": LEDGER | COMMENTS,
    "comments/in_place": LEDGER | COMMENTS,
    "comments/told": LEDGER | COMMENTS,
    "comments/mentioned": LEDGER | COMMENTS,
}


async def call_functions(one: Explained, gym: Place) -> dict[str, Scans]:
    """Both staff and a member write, new ones and answers, on several exercises."""
    tx = one.tx
    await tx.execute("update workout_assignments set published = true")
    movements = (await movements_of(tx, gym.organization_id))[:3]
    roots = [Writing(author=gym.coach, movement_id=movements[n % 3]) for n in range(30)]
    await create(tx, *roots)
    await one.look()
    found = {}
    people = [gym.coach2, gym.member]
    batch = [
        Writing(author=people[n % 2], movement_id=root.movement_id, parent=root.id if n % 3 else None)
        for n, root in enumerate(roots)
    ]
    resolved = await resolve(tx, *batch)
    found["resolve_comments"] = one.scans()
    assert {row.code for row in resolved} == {"new"}
    await create(tx, *batch, resolved=resolved)
    found["create_comments"] = one.scans()
    for writing in batch[:4]:
        assert (await edit(tx, writing.id, writing.author, "x")).code == "edited"
    found["edit_comment"] = one.scans()
    for writing in batch[:4]:
        assert (await delete(tx, writing.id, writing.author)).code == "deleted"
    found["delete_comment"] = one.scans()
    await tx.execute(
        "select fork_workout(workout_id) from workout_movements where id = $1", UUID(movements[0])
    )
    found["fork_workout"] = one.scans()
    return found


async def write_many(tx: Connection, place: Place, count: int) -> str:
    """As the platform has it: 2,000 on one exercise, in chains of four with some deleted, the rest on 500 others.
    Returns the exercise."""
    await tx.execute(
        "insert into workout_movements (workout_id, name, sort_order)"
        " select id, 'Row ' || n, n from workouts cross join generate_series(1, 100) n where organization_id = $1",
        UUID(place.organization_id),
    )
    movements = await movements_of(tx, place.organization_id)
    ids = [uuid4() for _ in range(count)]
    await tx.execute("set auto_explain.log_min_duration = -1")
    await tx.execute(
        """
        insert into exercise_comments
          (id, workout_movement_id, author_id, body, parent_comment_id, created_at, deleted_at)
        select id,
          case when n < 2000 then $2::uuid else ($3::uuid[])[2 + (n / 4) % (cardinality($3::uuid[]) - 1)] end,
          $4, n::text, case when n % 4 <> 0 then ($1::uuid[])[n - 1] end,
          now() - interval '1 day' + n * interval '1 ms', case when n % 10 = 0 then now() end
        from unnest($1::uuid[]) with ordinality t (id, n)
        """,
        ids, UUID(movements[0]), [UUID(one) for one in movements], UUID(place.coach.user_id),
    )  # fmt: skip
    await tx.execute("set auto_explain.log_min_duration = 0")
    return movements[0]


async def run_statements(one: Explained, gym: Place, movement: str) -> dict[str, Scans]:
    """Often enough that plans without the values are tried as well."""
    tx = one.tx
    rows = await tx.fetch(
        "select l.comment_id, l.created_at, v.workout_id from comment_ledger l"
        " join workout_movements v on v.id = l.workout_movement_id where v.id = $1 order by 2 offset 900 limit 100",
        UUID(movement),
    )
    ids, middle, workout = [row["comment_id"] for row in rows], rows[0], rows[0]["workout_id"]
    me, here = gym.coach.user_id, gym.organization_id
    arguments: dict[str, list[tuple[object, ...]]] = {
        "comments/page": [
            (movement, None, None, 51),
            (movement, middle["created_at"], middle["comment_id"], 51),
            (movement, datetime.now(UTC) + timedelta(days=1), NOWHERE, 51),
        ],
        "comments/one": [(ids[0],)],
        "comments/in_place": [(me, here, workout, movement, ids[0])],
        "comments/told": [(ids, [datetime.now(UTC)] * 100)],
        "comments/mentioned": [([me] * 100, ids)],
    }
    await one.look()
    found = {}
    for name, every in arguments.items():
        for _ in range(7):
            for each in every:
                await tx.fetch(QUERIES[name].sql, *each)
        found[name] = {table: names for table, names in one.scans().items() if table in GROWING}
    return found


async def a_gym(database_url: str, one: Explained) -> Place:
    gym = await open_gym(database_url, "harbor")
    await one.tx.execute(CREATE_STREAMS.sql, [someone.user_id for someone in gym.people.values()])
    return gym


async def test_every_scan_uses_its_index_before_there_are_statistics(database_url: str) -> None:
    async with explained(database_url) as one:
        await one.tx.execute("alter table exercise_comments set (autovacuum_enabled = off)")
        await one.tx.execute("alter table comment_ledger set (autovacuum_enabled = off)")
        assert await call_functions(one, await a_gym(database_url, one)) == FUNCTIONS


async def test_every_scan_uses_its_index_with_a_hundred_rows(database_url: str) -> None:
    async with explained(database_url) as one:
        gym = await a_gym(database_url, one)
        await write_many(one.tx, gym, 100)
        await one.tx.execute("analyze")
        assert await call_functions(one, gym) == FUNCTIONS


async def test_every_scan_uses_its_index_with_40_000_comments(database_url: str) -> None:
    async with explained(database_url) as one:
        gym = await a_gym(database_url, one)
        movement = await write_many(one.tx, gym, 40_000)
        await one.tx.execute("analyze")
        assert await call_functions(one, gym) == FUNCTIONS
        assert await run_statements(one, gym, movement) == STATEMENTS
