"""Two revisions in turn, so that what else the machine does meets both. `python -m bench.compare REV_A REV_B`

A revision is what git knows as one, or a folder with a checkout. Each run has a database of its own."""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.messages import Figures, measure, percentile
from bench.world import ROOT, world

MEASURES: tuple[tuple[str, Callable[[Figures], float]], ...] = (
    ("messages /s", lambda f: f.rate),
    ("p50 send to delivered, ms", lambda f: percentile(f.delivered, 0.5)),
    ("p99 send to delivered, ms", lambda f: percentile(f.delivered, 0.99)),
    ("server, CPU-s per 1,000", lambda f: f.server),
    ("database, CPU-s per 1,000", lambda f: f.database),
    ("both, CPU-s per 1,000", lambda f: f.server + f.database),
)


def checkout(stack: ExitStack, revision: str) -> Path:
    if (Path(revision) / "server").is_dir():
        return Path(revision).resolve()
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="coachwire-revision-"))) / "tree"
    subprocess.run(["git", "worktree", "add", "-q", "--detach", folder, revision], cwd=ROOT, check=True)
    stack.callback(
        lambda: subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, check=True)
    )
    return folder


async def run(options: argparse.Namespace, codes: list[Path]) -> list[list[Figures]]:
    figures: list[list[Figures]] = [[] for _ in codes]
    for number in range(options.rounds):
        for code, taken in zip(codes, figures, strict=True):
            async with world(pairs=options.pairs, servers=options.servers, code=code) as here:
                taken.append(
                    await measure(
                        here, seconds=options.seconds, in_flight=options.in_flight, rate=options.rate
                    )
                )
            print(f"round {number + 1} {code}: {taken[-1].rate:,.0f}/s", file=sys.stderr)
            if taken[-1].violations:
                raise RuntimeError(f"{code}: {taken[-1].told}")
    return figures


def table(names: list[str], figures: list[list[Figures]]) -> str:
    lines = [f"{'medians':<28}" + "".join(f"{name[-12:]:>14}" for name in [*names, "ratio"])]
    for name, value in MEASURES:
        a, b = (median(map(value, taken)) for taken in figures)
        lines.append(f"{name:<28}{a:>14,.3f}{b:>14,.3f}{b / a:>14.3f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("revisions", nargs=2, metavar="REVISION")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--servers", type=int, default=1)
    options = parser.parse_args()
    with ExitStack() as stack:
        codes = [checkout(stack, revision) for revision in options.revisions]
        try:
            print(table(options.revisions, asyncio.run(run(options, codes))))
        except RuntimeError as error:
            sys.exit(f"bench: {error}")
        except (KeyboardInterrupt, asyncio.CancelledError):
            sys.exit(130)


if __name__ == "__main__":
    main()
