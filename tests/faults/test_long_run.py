"""The long fault run, short: the command as it is run by hand, and the plan that its seed makes."""

import asyncio
import json
import sys
from itertools import islice
from pathlib import Path

import pytest

from .schedule import KINDS, faults, suspensions

SECONDS = 40  # about as long as every kind of fault takes that comes once
LIMIT = 200  # s; it takes about a minute


@pytest.mark.timeout(LIMIT + 20)
async def test_every_promise_is_kept_through_every_kind_of_fault(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults", "--seconds", str(SECONDS), "--seed", "4", "--keep", str(tmp_path),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LIMIT):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode == 0, output.decode()
    records = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert {record["kind"] for record in records if record["record"] == "fault"} == {
        kind for kind, *_ in KINDS
    }
    kept = {record["record"] for record in records}
    assert kept >= {"run", "connection", "sending", "told", "stored", "row", "suspension", "drain", "count"}


def test_a_seed_makes_the_same_plan_again_and_another_seed_another() -> None:
    assert list(islice(faults(7), 30)) == list(islice(faults(7), 30))
    assert list(islice(faults(7), 30)) != list(islice(faults(8), 30))
    assert suspensions(7, 60, range(5)) == suspensions(7, 60, range(5))


def test_each_kind_of_fault_comes_once_before_any_comes_again() -> None:
    assert {planned.kind for planned in islice(faults(7), len(KINDS))} == {kind for kind, *_ in KINDS}


def test_nobody_is_suspended_twice_at_a_time() -> None:
    ends: dict[int, float] = {}
    for planned in suspensions(7, 600, range(3)):
        assert planned.at >= ends.get(planned.person, 0)
        ends[planned.person] = planned.at + planned.lasts
