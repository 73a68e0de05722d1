"""Direct messages from phone to phone: how many, how fast, and what they cost. `python -m bench.messages --help`

Starts PostgreSQL with its own settings (so fsync and synchronous_commit are on), seeds pairs of a coach and a member,
starts `coachwire serve` without a rate limit, and lets each pair talk over two sockets."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import cpu
from bench.load import LINGER, Span, Taken, Work
from bench.outcome import outcome
from bench.world import ROOT, World, process, world

CONNECT = 120.0  # s for all sockets to say hello


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Latencies in ms, CPU in seconds per 1,000 messages acknowledged and delivered."""

    seconds: float
    done: int
    ok: Sequence[int]  # µs, sorted
    delivered: Sequence[int]
    server: float
    database: float
    generator: float
    load: float  # average of the machine, before
    violations: int
    told: Sequence[str]

    @property
    def rate(self) -> float:
        return self.done / self.seconds


def percentile(latencies: Sequence[int], share: float) -> float:
    """In ms."""
    return (
        latencies[min(len(latencies) - 1, int(len(latencies) * share))] / 1000 if latencies else float("nan")
    )


async def measure(
    here: World,
    *,
    seconds: float,
    in_flight: int,
    rate: float | None = None,
    processes: int = 1,
    warm_up: float = 3,
) -> Figures:
    """One run on a world that stands."""
    load = os.getloadavg()[0]
    async with AsyncExitStack() as stack:
        generators = [
            await stack.enter_async_context(process("-m", "bench.load", environment=os.environ))
            for _ in range(processes)
        ]
        for place, generator in enumerate(generators):
            part = here.pairs[place::processes]
            _say(generator, Work(part, in_flight, rate / processes if rate else None))
        async with asyncio.timeout(CONNECT):
            for generator in generators:
                if await _line(generator) != b"ready\n":
                    raise RuntimeError("the generator did not connect")
        begin = time.monotonic() + warm_up
        span = Span(begin, begin + seconds)
        for generator in generators:
            _say(generator, span)
        accounts = (
            [server.pid for server in here.servers],
            [here.postgres.pid],
            [generator.pid for generator in generators],
        )
        await asyncio.sleep(begin - time.monotonic())
        before = [cpu.seconds(account) for account in accounts]
        await asyncio.sleep(span.end - time.monotonic())
        after = [cpu.seconds(account) for account in accounts]
        async with asyncio.timeout(LINGER + CONNECT):
            taken = [msgspec.json.decode(await _line(generator), type=Taken) for generator in generators]
    done = sum(part.done for part in taken)
    spent = [(late - early) / max(1, done) * 1000 for early, late in zip(before, after, strict=True)]
    return Figures(
        seconds=seconds,
        done=done,
        ok=sorted(latency for part in taken for latency in part.ok),
        delivered=sorted(latency for part in taken for latency in part.delivered),
        server=spent[0],
        database=spent[1],
        generator=spent[2],
        load=load,
        violations=sum(part.violations for part in taken),
        told=[text for part in taken for text in part.told],
    )


def table(figures: Figures) -> str:
    def row(name: str, *values: str) -> str:
        return f"{name:<34}" + "".join(f"{value:>10}" for value in values)

    def milliseconds(latencies: Sequence[int]) -> list[str]:
        return [f"{percentile(latencies, share):.1f}" for share in (0.5, 0.95, 0.99)]

    return "\n".join(
        (
            row("acknowledged and delivered /s", f"{figures.rate:,.0f}"),
            row("latency, ms", "p50", "p95", "p99"),
            row("  send to ok", *milliseconds(figures.ok)),
            row("  send to delivered", *milliseconds(figures.delivered)),
            row("CPU-s per 1,000 messages", "server", "database", "both", "generator"),
            row("", *(f"{value:.3f}" for value in (
                figures.server, figures.database, figures.server + figures.database, figures.generator))),
            row("load average before", f"{figures.load:.2f}"),
            row("violations", f"{figures.violations:,}"),
        )
    )  # fmt: skip


async def run(options: argparse.Namespace) -> int:
    """The process's exit status: 1 when anything came twice, out of order, or not at all."""
    status = 0
    async with world(
        pairs=options.pairs,
        servers=options.servers,
        history=options.history,
        home=options.home,
        code=options.code,
    ) as here:
        for number in range(options.runs):
            figures = await measure(
                here,
                seconds=options.seconds,
                in_flight=options.in_flight,
                rate=options.rate,
                processes=options.processes,
            )
            kind = f"open loop at {options.rate:g}/s" if options.rate else f"{options.in_flight} in flight"
            print(f"{options.pairs} pairs, {kind}, {options.servers} server(s), run {number + 1}")
            print(table(figures), flush=True)
            for text in figures.told:
                print(f"VIOLATION: {text}", file=sys.stderr)
            if figures.violations or not figures.done:
                status = 1
    return status


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.messages", description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15, help="measured, after 3 s to warm up")
    parser.add_argument(
        "--in-flight", type=int, default=1, help="messages a pair has on their way: a closed loop"
    )
    parser.add_argument(
        "--rate", type=float, help="messages a second of all pairs together: an open loop instead"
    )
    parser.add_argument("--servers", type=int, default=1, help="more than one meet over Redis")
    parser.add_argument("--processes", type=int, default=1, help="of the generator")
    parser.add_argument("--history", type=int, default=0, help="messages in the database before")
    parser.add_argument("--home", type=Path, help="a folder that keeps the database for the next run")
    parser.add_argument("--code", type=Path, default=ROOT, help="the checkout whose server is measured")
    parser.add_argument("--runs", type=int, default=1)
    sys.exit(outcome(run(parser.parse_args())))


def _say(child: asyncio.subprocess.Process, words: msgspec.Struct) -> None:
    assert child.stdin is not None
    child.stdin.write(msgspec.json.encode(words) + b"\n")


async def _line(child: asyncio.subprocess.Process) -> bytes:
    assert child.stdout is not None
    return await child.stdout.readline()


if __name__ == "__main__":
    main()
