"""Are there jobs that cannot go on? Erasures above all: somebody waits for their words to be gone."""

from typing import Any

from coachwire.doctor.check import Finding, ok, warning

TRIED = 6  # times in vain: for some seconds at least
NAMED = 5

Connection = Any  # of asyncpg


async def check_jobs(tx: Connection) -> Finding:
    """The schema must be this version's."""
    stuck = await tx.fetch(
        "select id, kind::text, stage, attempts, extract(epoch from clock_timestamp() - moved_at)::int as age"
        " from jobs where state = 'running' and attempts >= $1 order by moved_at limit $2",
        TRIED,
        NAMED,
    )
    if not stuck:
        return ok("jobs", "none is stuck")
    return warning(
        "jobs",
        "cannot go on: "
        + ", ".join(
            f"{one['kind']} {one['id']} at {one['stage']}, {one['attempts']} times in vain, for {one['age']} s"
            for one in stuck
        ),
        "Look for job_held and job_failed in the log; who holds rows is an old transaction in pg_stat_activity.",
    )
