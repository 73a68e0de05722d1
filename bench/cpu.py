"""CPU time of processes, from Linux's /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def seconds(roots: Iterable[int]) -> float:
    """Used by these processes and all that descend from them, with those of their children that have ended."""
    stats = dict(_stats())
    wanted = set(roots)
    while grown := {pid for pid, (parent, _) in stats.items() if parent in wanted} - wanted:
        wanted |= grown
    return sum(stats[pid][1] for pid in wanted if pid in stats) / TICKS


def _stats() -> Iterable[tuple[int, tuple[int, int]]]:
    """(pid, (parent, ticks)) of every process. A child that ends between two looks moves to its parent's account."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                # The name in parentheses may hold anything.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            yield int(entry.name), (int(fields[1]), sum(map(int, fields[11:15])))
