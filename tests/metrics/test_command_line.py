"""An installation's own definitions: from a file, all or none, and out again unless they are in use."""

import json
from pathlib import Path
from typing import Any

import pytest

from ..gym import Place
from ..server.platform import Tables
from ..test_cli import coachwire, refusal

GRIP: dict[str, Any] = {
    "slug": "grip_strength",
    "name": {"en": "Grip strength", "he": "חוזק אחיזה", "ru": "Сила хвата"},
    "unit": "kg",
    "kind": "rep_max",
}
JUMPS: dict[str, Any] = {
    "slug": "rope_jumps",
    "name": {"en": "Rope jumps"},
    "unit": "reps",
    "kind": "reps",
    "id": "5f3cf2f0-41d7-4c5b-8a5e-3f3f0f2b7f11",
}


@pytest.fixture(autouse=True)
async def _as_shipped(database: Tables) -> Any:
    """The catalogue is not emptied after a test: what a test adds, it takes away."""
    yield
    await database.execute("delete from member_metrics")
    await database.execute("delete from metric_definitions where slug in ('grip_strength', 'rope_jumps')")


def write(folder: Path, *definitions: Any) -> str:
    path = folder / "own.json"
    path.write_text(json.dumps(definitions))
    return str(path)


async def names(database: Tables) -> list[tuple[str, str]]:
    rows = await database.fetch(
        "select slug, name_i18n ->> 'en' as name from metric_definitions"
        " where slug in ('grip_strength', 'rope_jumps') order by slug"
    )
    return [tuple(row) for row in rows]


async def test_definitions_are_added_changed_and_left_as_they_are(
    database_url: str, database: Tables, tmp_path: Path
) -> None:
    def load(*definitions: Any) -> str:
        done = coachwire("definitions", "load", write(tmp_path, *definitions), DATABASE_URL=database_url)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()

    assert load(GRIP, JUMPS) == "2 added, 0 changed"
    assert load(GRIP, JUMPS) == "0 added, 0 changed"
    assert load(GRIP | {"unit": "lb", "name": {"en": "Grip"}}) == "0 added, 1 changed"
    assert await names(database) == [("grip_strength", "Grip"), ("rope_jumps", "Rope jumps")]
    found = await database.fetchval("select id::text from metric_definitions where slug = 'rope_jumps'")
    assert found == JUMPS["id"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"slug": "Grip Strength"}, "$[1].slug"),
        ({"unit": "stones"}, "grip_strength: 'stones' is none of kg, lb, %"),
        ({"kind": "luck"}, "grip_strength: 'luck' is none of one_rep_max"),
        ({"name": {"he": "חוזק"}}, "grip_strength has no English name"),
        ({"units": "kg"}, "unknown field"),
        ({"slug": "rope_jumps"}, "rope_jumps is there twice"),
        ({"id": JUMPS["id"]}, "is taken"),
    ],
)
async def test_what_is_wrong_with_one_keeps_all_out(
    database_url: str, database: Tables, tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    file = write(tmp_path, JUMPS, GRIP | wrong)
    code, sentence = refusal(coachwire("definitions", "load", file, DATABASE_URL=database_url))
    assert code == 2
    assert said in sentence
    assert await names(database) == []


def test_a_file_that_is_not_there_is_one_line(database_url: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "none.json")
    done = coachwire("definitions", "load", missing, DATABASE_URL=database_url)
    assert refusal(done) == (2, f"coachwire: {missing} cannot be read")


async def test_a_definition_in_use_stays(
    gym: Place, database_url: str, database: Tables, tmp_path: Path
) -> None:
    coachwire("definitions", "load", write(tmp_path, GRIP), DATABASE_URL=database_url)
    await database.execute(
        "insert into member_metrics (id, member_id, definition_id, value, unit)"
        " select gen_random_uuid(), $1, id, 50, 'kg' from metric_definitions where slug = 'grip_strength'",
        gym.member.user_id,
    )
    done = coachwire("definitions", "delete", "grip_strength", DATABASE_URL=database_url)
    assert refusal(done) == (1, "coachwire: conflict: grip_strength is in use: in 0 sets and 1 values")
    other = write(tmp_path, GRIP | {"unit": "seconds"})
    code, sentence = refusal(coachwire("definitions", "load", other, DATABASE_URL=database_url))
    assert (code, "has values in kg" in sentence) == (1, True)
    await database.execute("delete from member_metrics")
    done = coachwire("definitions", "delete", "grip_strength", DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (0, "grip_strength deleted\n")
    done = coachwire("definitions", "delete", "grip_strength", DATABASE_URL=database_url)
    assert refusal(done) == (1, "coachwire: there is no definition 'grip_strength'")
