"""What the drivers of client processes share: their notes, when they end, and the alarm if nothing moves."""

from __future__ import annotations

import random
import time
from array import array
from collections.abc import Iterator, MutableSequence
from typing import Final

from raftzmq.benchmarks.plan import Plan
from raftzmq.benchmarks.record import Record
from raftzmq.errors import RaftzmqError

READY: Final = "ready"
"""What a client process and its parent tell each other before the clock runs."""
REPORT_S: Final = 0.1
SILENCE_S: Final = 30.0
"""Without an acknowledgement for so long a measurement has no sense any more."""
PRELOAD_IN_FLIGHT: Final = 256
BACK_OFF_S: Final = 0.02
"""After a call that failed: without a leader calls can fail at once, and nobody would try again so soon."""


class LoadFailed(RaftzmqError):
    """A client process ended without its figures."""


class Driver:
    """One client process at work. ``done`` has a place for each client, where it tells how many calls are answered."""

    def __init__(self, plan: Plan, done: MutableSequence[int]) -> None:
        self.plan = plan
        self.done = done
        self.record = Record.empty(plan)
        self.value = plan.values()
        self.newest: array[int] = array("q", bytes(8 * plan.keys if plan.read_share > 0 else 0))
        """Of each key the highest revision that this client was told of, if it reads."""
        self._last, self._moved = -1, time.monotonic()
        self._used = 0

    def randoms(self, thread: int = 0) -> random.Random:
        """Chooses keys and operations."""
        name = f"keys {self.plan.seed} {self.plan.client}"
        return random.Random(f"{name} {thread}" if thread else name)

    def sequences(self, first: int = 0, step: int = 1) -> Iterator[int]:
        """The numbers of the operations, until all are done or the time is up."""
        begin = self.plan.first_sequence
        numbers = range(begin + first, begin + self.plan.operations, step)
        return iter(numbers) if self.plan.seconds is None else self._until(numbers, self.plan.seconds)

    def _until(self, numbers: range, seconds: float) -> Iterator[int]:
        clock = time.monotonic
        end = clock() + seconds
        for number in numbers:
            if clock() >= end:
                self._used = max(self._used, number)
                return
            yield number
        self._used = len(self.record.keys)

    def preloaded(self) -> Iterator[tuple[int, int]]:
        """Sequence and key of each put before the clock runs."""
        return enumerate(range(*self.plan.preload), 1)

    def look(self) -> None:
        """Tell how far it is; raises LoadFailed when nothing moves any more."""
        record, now = self.record, time.monotonic()
        count = record.answered
        if count != self._last:
            self._last, self._moved = count, now
        elif now - self._moved > SILENCE_S:
            raise LoadFailed(
                f"no acknowledgement for {SILENCE_S:g} s, after {count} calls; errors: {dict(record.failures)}"
            )
        self.done[self.plan.client] = count

    def begin(self) -> None:
        """The clock runs: what came before is not timed."""
        record = self.record
        if self.plan.preload[0] < self.plan.preload[1] and record.failures:
            raise LoadFailed(f"keys could not be put before the measurement: {dict(record.failures)}")
        record.latencies = array("d")
        self._last, self._moved = -1, time.monotonic()
        record.begun = time.monotonic()

    def end(self) -> Record:
        """The clock stops; what was told, without empty places for what was never tried."""
        record = self.record
        record.ended = time.monotonic()
        self.done[self.plan.client] = record.answered
        if self._used:
            del record.keys[self._used :], record.revisions[self._used :]
        return record
