"""`python -m tests.faults --seconds 120 --seed 7 --keep folder`: the long fault run. 1 when a promise was broken."""

import argparse
import asyncio
import random
import signal
import sys
from pathlib import Path

from rich.console import Console

from .long_run import long_run
from .report import show


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--seconds",
        type=float,
        default=60.0,
        help="for how long faults begin (60); each kind comes once at least",
    )
    parser.add_argument("--seed", type=int, help="of the plan; one is drawn and printed otherwise")
    parser.add_argument("--keep", type=Path, help="a folder for the history (JSONL) and the instances' logs")
    options = parser.parse_args()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed  # noqa: S311 - no secret
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(f"seed {seed}, {options.seconds:g} s")
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # nothing is left running
    run = asyncio.run(long_run(options.seconds, seed, options.keep))
    show(run, console)
    return 1 if run.broken or run.errors else 0


if __name__ == "__main__":
    sys.exit(main())
