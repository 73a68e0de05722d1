"""What the demo's people have lifted and weighed over some weeks, and the sets in which it is looked at."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from coachwire.seed.gyms import Gym
from coachwire.seed.talk import Tx

# gym → the set of the organization: its name, slugs of definitions in order
SETS = {
    "Iron Harbor": ("Strength", ("back_squat_1rm", "deadlift_1rm", "bench_press_1rm", "body_weight")),
    "Studio North": ("Condition", ("body_weight", "resting_heart_rate")),
}
# where, whose, recorded by, slug, unit, (days ago, value) …
VALUES: tuple[tuple[str, str, str, str, str, tuple[tuple[int, str], ...]], ...] = (
    ("Iron Harbor", "member2", "coach", "back_squat_1rm", "kg",
     ((56, "95"), (49, "97.5"), (42, "100"), (35, "100"), (28, "105"), (14, "107.5"), (7, "110"))),
    ("Iron Harbor", "member2", "member2", "deadlift_1rm", "kg",
     ((49, "120"), (35, "127.5"), (21, "132.5"), (10, "135"), (0, "140"))),
    ("Iron Harbor", "member2", "member2", "body_weight", "kg",
     ((42, "84.2"), (35, "83.8"), (28, "83.9"), (21, "83.1"), (14, "82.7"), (7, "82.9"), (1, "82.4"))),
    ("Studio North", "both", "both", "body_weight", "kg",
     ((30, "76.5"), (23, "76.1"), (16, "75.8"), (9, "75.9"), (2, "75.2"))),
    ("Studio North", "both", "both", "resting_heart_rate", "bpm",
     ((30, "58"), (23, "57"), (16, "55"), (9, "56"), (2, "54"))),
)  # fmt: skip


async def add_values(tx: Tx, gyms: dict[str, Gym], address: str, now: datetime) -> None:
    """`address`: what stands behind a name in an email. In the caller's transaction; nobody is told."""
    ids: dict[str, UUID] = dict(await tx.fetch("select slug, id from metric_definitions"))
    for name, (title, slugs) in SETS.items():
        set_id = uuid4()
        await tx.execute(
            "insert into metric_sets (id, name, organization_id) values ($1, $2, $3)",
            set_id,
            title,
            gyms[name].organization_id,
        )
        await tx.copy_records_to_table(
            "metric_set_definitions",
            records=[(set_id, ids[slug], place) for place, slug in enumerate(slugs)],
            columns=["set_id", "definition_id", "sort_order"],
        )
    for name, whose, by, slug, unit, values in VALUES:
        users = {person.email: person.user_id for person in gyms[name].people}
        member_id, recorded_by = users[f"{whose}@{address}"], users[f"{by}@{address}"]
        for days, value in values:
            at = now - timedelta(days=days, hours=1)
            await tx.execute(
                "with v as (insert into member_metrics (id, member_id, definition_id, value, unit, recorded_at, source)"
                "   values ($1, $2, $3, $4::text::numeric, $5::text::metric_unit, $6, $7) returning id, member_id)"
                " insert into metric_origins (value_id, member_id, organization_id, recorded_by, made_at)"
                " select id, member_id, $8, $9, $6 from v",
                uuid4(),
                member_id,
                ids[slug],
                value,
                unit,
                at,
                "self_report" if whose == by else "coach_input",
                gyms[name].organization_id,
                recorded_by,
            )
