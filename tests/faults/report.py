"""What a run came to, as tables."""

from collections import Counter, defaultdict

from rich.console import Console
from rich.table import Table

from ..history import History
from ..judge import PROMISES
from ..judge_faults import ENDED, is_disturbed
from .long_run import Run

NAMED = 12  # offending events a promise


def show(run: Run, console: Console) -> None:
    console.print(_counts(run), _faults(run.history), _times(run), _verdicts(run))
    shown: Counter[str] = Counter()
    for broken in run.broken:
        shown[broken.invariant] += 1
        if shown[broken.invariant] <= NAMED:
            console.print(
                f"{broken.invariant}  {broken.sentence}", style="red", markup=False, highlight=False
            )
    for line in run.errors[:NAMED]:
        console.print(f"logged  {line}", style="red", markup=False, highlight=False)
    verdict = "every promise was kept" if not run.broken and not run.errors else "VIOLATED"
    console.print(
        f"seed {run.seed}: {verdict}; {len(run.broken)} violations, {len(run.errors)} logged errors"
    )


def _counts(run: Run) -> Table:
    history = run.history
    answers = Counter(answer.code for sending in history.sendings for answer in sending.answers)
    again = sum(a.duplicate for sending in history.sendings for a in sending.answers)
    acknowledged = {s.id for s in history.sendings if any(a.code == "ok" for a in s.answers)}
    others = ", ".join(f"{count:,} {code}" for code, count in sorted(answers.items()) if code != "ok")
    undisturbed = sum(
        not is_disturbed(history, one.committed, one.committed + ENDED) for one in history.suspensions
    )
    table = _table("seen", "")
    rows = {
        "messages answered ok": f"{len(acknowledged):,} ({again:,} further answers as duplicates)",
        "messages stored": f"{len(run.truth.messages):,}",
        "other answers to sends": others or "none",
        "receipts, deletions answered ok": f"{len(history.read):,}, {len(history.deleted):,}",
        "events told": f"{sum(len(log.told) for log in history.devices):,}",
        "messages under workouts, told to watchers": (
            f"{sum(m.in_thread for m in run.truth.messages.values()):,},"
            f" {sum(len(one.told) for one in history.watched.values()):,}"
        ),
        "devices, connections": f"{len({log.name for log in history.devices})}, {len(history.connections):,}",
        "jumps seen": f"{len(history.jumps)}",
        "snapshots recounted": f"{len(history.counts):,}",
        "suspensions": f"{len(history.suspensions)} ({undisturbed} while nothing was broken)",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _faults(history: History) -> Table:
    table = _table("fault", "times, seconds")
    lasted = defaultdict(list)
    for fault in history.faults:
        lasted[fault.kind].append(fault.ended - fault.began)
    for kind, seconds in sorted(lasted.items()):
        table.add_row(kind, f"{len(seconds)}: {' '.join(f'{one:.1f}' for one in seconds)}")
    return table


def _times(run: Run) -> Table:
    history = run.history
    table = _table("seconds", "median / 99 % / worst")
    oks = [a.after for s in history.sendings for a in s.answers if a.code == "ok"]
    table.add_row("asked to ok", _spread(oks))
    table.add_row("first known of to told on each device", _spread(_spans(history)))
    ended = [
        told.at - one.committed
        for one in history.suspensions
        for log in history.devices
        if log.user_id == one.user_id
        for told in log.told
        if told.kind == "membership.ended" and one.begun <= told.at <= (one.reinstating or told.at)
    ]
    table.add_row("suspended to membership.ended", _spread(ended))
    table.add_row("SIGTERM to exit", _spread([one.exited - one.at for one in history.drains]))
    if history.healed is not None and history.converged is not None:
        table.add_row("healed to all equal", f"{history.converged - history.healed:.2f}")
    table.add_row("ourselves late", _spread([late for _, late in history.ourselves_late]))
    return table


def _verdicts(run: Run) -> Table:
    table = _table("promise", "verdict")
    broken = Counter(one.invariant for one in run.broken)
    for number, sentence in PROMISES.items():
        verdict = f"[red]{broken[number]} violations[/]" if broken[number] else "[green]kept[/]"
        table.add_row(f"{number} {sentence}", verdict)
    return table


def _spans(history: History) -> list[float]:
    """From when any device of a user had it to when each other one did: outages and absences included."""
    known: dict[tuple[str, int], float] = {}
    for log in history.devices:
        for told in log.told:
            key = (log.user_id, told.through)
            known[key] = min(known.get(key, told.at), told.at)
    return [t.at - known[log.user_id, t.through] for log in history.devices for t in log.told]


def _spread(values: list[float]) -> str:
    if not values:
        return "none"
    values = sorted(values)
    return " / ".join(f"{values[int(part * (len(values) - 1))]:.3f}" for part in (0.5, 0.99, 1.0))


def _table(*columns: str) -> Table:
    table = Table(*columns, show_edge=False, pad_edge=False)
    table.columns[0].min_width = 40
    return table
