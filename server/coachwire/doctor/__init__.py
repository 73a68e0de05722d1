"""`coachwire doctor`: looks at all that a server needs, and says what to do about what is wrong. Changes nothing."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict

from rich import box
from rich.table import Table
from rich.text import Text

from coachwire.doctor.check import Finding, failed
from coachwire.doctor.database import check_database
from coachwire.doctor.files import check_files
from coachwire.doctor.notifications import check_notifications
from coachwire.doctor.services import check_ports, check_redis, check_tokens
from coachwire.settings import Settings, SettingsError

MARKS = {"ok": "ok", "warning": "warning", "failed": "FAILED"}
STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


async def examine(environment: Mapping[str, str]) -> list[Finding]:
    """All findings. With a wrong setting it is the only one: what else was meant cannot be known."""
    try:
        settings = Settings.from_environment(environment)
    except SettingsError as error:
        return [failed("settings", str(error), "Correct this setting; README.md lists them all.")]
    return [
        Finding("settings", "ok", "can be read"),
        *[finding async for finding in _checks(settings)],
    ]


async def _checks(settings: Settings) -> AsyncIterator[Finding]:
    for check in (
        check_database,
        check_redis,
        check_files,
        check_tokens,
        check_notifications,
        check_ports,
    ):
        async for finding in check(settings):
            yield finding


def as_object(findings: list[Finding]) -> dict[str, object]:
    """For programs."""
    return {
        "ok": not any(finding.state == "failed" for finding in findings),
        "findings": [asdict(finding) for finding in findings],
    }


def table(findings: list[Finding]) -> Table:
    """For people."""
    rows = Table("", "what", box=box.SIMPLE)
    rows.add_column("found", overflow="fold")
    rows.add_column("what to do", overflow="fold")
    for finding in findings:
        mark = Text(MARKS[finding.state], style=STYLES[finding.state])
        rows.add_row(mark, finding.check, Text(finding.found), Text(finding.advice))
    return rows
