"""Notices that the whole machine stood still: then a slow answer, or an election, says nothing about the program."""

from __future__ import annotations

import multiprocessing
import os
import time
from typing import Any, Final, Self

from raftzmq.benchmarks.starting import start

STALL_MS: Final = 100.0
"""A program that only wanted to sleep 5 ms and was away for longer than this: the machine stalled, not the nodes."""
_NAP_S: Final = 0.005
_START_S: Final = 30.0


class Watchdog:
    """A process of its own that sleeps 5 ms at a time, and notes by how much it oversleeps.

    A context manager; its figures are those of the time inside. It needs no lock or memory of anybody else, so what
    keeps it from waking keeps everybody: a paused virtual machine, a host that is out of memory, a suspended laptop.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        # Naps, stalls, longest nap in seconds.
        self._seen = context.Array("d", 3, lock=False)
        self._process = context.Process(target=_watch, args=(self._seen, os.getpid()), daemon=True)

    def __enter__(self) -> Self:
        start(self._process)
        deadline = time.monotonic() + _START_S
        while not self._seen[0] and time.monotonic() < deadline:
            time.sleep(_NAP_S)
        self._seen[1] = self._seen[2] = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        # A stall that lasts until now must not go unseen.
        naps, deadline = self._seen[0], time.monotonic() + _START_S
        while self._seen[0] == naps and self._process.is_alive() and time.monotonic() < deadline:
            time.sleep(_NAP_S)
        self._process.kill()
        self._process.join()

    @property
    def pid(self) -> int | None:
        """Its process."""
        return self._process.pid

    @property
    def stalls(self) -> int:
        """How often it overslept by more than `STALL_MS`."""
        return int(self._seen[1])

    @property
    def stall_max_ms(self) -> float:
        """By how much it overslept at most, milliseconds."""
        return round(float(self._seen[2]) * 1000, 1)


def _watch(seen: Any, parent: int) -> None:
    clock = time.monotonic
    while os.getppid() == parent:
        begun = clock()
        time.sleep(_NAP_S)
        late = clock() - begun - _NAP_S
        if late * 1000 > STALL_MS:
            seen[1] += 1
        seen[2] = max(seen[2], late)
        seen[0] += 1
