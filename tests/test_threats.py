"""The page about threats names tests that are there."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "threats.md"
THREATS = [*range(1, 14), *range(16, 27), *range(31, 38), 49, 50, 53, 54, 60]


def test_every_threat_names_tests_that_are_there() -> None:
    rows = re.findall(r"^\| \*\*(\d+)\*\* (.*)$", PAGE.read_text(), re.MULTILINE)
    assert [int(number) for number, _ in rows] == THREATS
    for number, row in rows:
        named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", row)
        assert named, f"no test of threat {number}"
        for file, name in named:
            assert re.search(rf"^(async )?def {name}\(", (TESTS / file).read_text(), re.MULTILINE), (
                file,
                name,
            )
