"""A small asyncio program that blocks its loop, and one that doesn't: what the whole benchmark is about, in 20 lines.

Two handlers each make a call that takes a while and gives nothing back to the loop meanwhile. A third coroutine ticks,
as a leader's heartbeats do. On the loop the calls take twice as long as one, and nothing ticks; handed to threads
they take as long as one, and the ticks don't notice.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from itertools import pairwise

from raftzmq.benchmarks.blocking_call import PLACES, Where

TICK_S = 0.05
"""As often as a leader's heartbeats."""
HANDLERS = 2


@dataclass(frozen=True, slots=True)
class Lesson:
    """``elapsed_s``: both calls together. ``longest_gap_s``: between two ticks meanwhile."""

    where: Where
    elapsed_s: float
    longest_gap_s: float
    ticks_missed: int


def teach(seconds: float) -> list[Lesson]:
    """Calls of so many seconds each, on the loop and in threads."""
    return [asyncio.run(_program(seconds, where)) for where in PLACES]


async def _program(seconds: float, where: Where) -> Lesson:
    ticks: list[float] = []
    ticker = asyncio.create_task(_tick(ticks))
    await asyncio.sleep(2 * TICK_S)
    begun = time.monotonic()
    handle = _careless if where == "loop" else _careful
    await asyncio.gather(*(handle(seconds) for _ in range(HANDLERS)))
    elapsed = time.monotonic() - begun
    await asyncio.sleep(2 * TICK_S)
    ticker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ticker
    gap = max(later - earlier for earlier, later in pairwise(ticks))
    return Lesson(where, elapsed, gap, missed(gap, TICK_S))


async def _tick(ticks: list[float]) -> None:
    while True:
        ticks.append(time.monotonic())
        await asyncio.sleep(TICK_S)


async def _careless(seconds: float) -> None:
    _blocking_call(seconds)


def _careful(seconds: float) -> Awaitable[None]:
    return asyncio.to_thread(_blocking_call, seconds)


def _blocking_call(seconds: float) -> None:
    """It sleeps; a slow disk, a name server or a large file are the same to the loop."""
    time.sleep(seconds)


def missed(gap_s: float, interval_s: float) -> int:
    """How many of those that come every ``interval_s`` are missing between two that are ``gap_s`` apart."""
    return max(0, round(gap_s / interval_s) - 1)
