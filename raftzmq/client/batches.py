"""Calls on their way: waiting in the order in which they were made, then together in one message.

No timer is kept per call. Calls that wait are kept in *runs* with one deadline each, calls under way in *batches* with
a deadline per *span* of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from raftzmq.client.arguments import size_of
from raftzmq.client.links import Link
from raftzmq.client.results import Convert
from raftzmq.config import MICROSECONDS

Call = tuple[Any, int, Any, Convert, int]
"""Command or query, size, future, converter, timeout: what `Queue.add` takes."""

GRAIN_US: Final = 5_000
"""Runs whose deadlines lie this close become one, with the later deadline: calls end late by that at most."""
NEVER: Final = 2**62
"""A deadline that doesn't come."""
RETRY_US: Final = MICROSECONDS // 2
"""Silence after which a request is sent to another node: some elections long, so that no retry hits one."""
RETRY_MAX_US: Final = 4 * MICROSECONDS
"""Each retry of a batch waits twice as long as the one before, up to this: a slow node isn't helped by more work."""


@dataclass(slots=True, eq=False)
class Run:
    """Calls with one deadline."""

    timeout_us: int
    commands: list[Any] = field(default_factory=list)
    futures: list[Any] = field(default_factory=list)
    converts: list[Convert] = field(default_factory=list)
    size: int = 0
    asked_us: int = 0
    deadline_us: int = NEVER


@dataclass(slots=True, eq=False)
class Span:
    """Calls ``begin`` to ``end`` of a batch, which were asked for and end together."""

    begin: int
    end: int
    asked_us: int
    deadline_us: int


@dataclass(slots=True, eq=False)
class Batch:
    """Calls that travel in one message. They are sent again, as they are, until they are answered or given up.

    ``sendings`` are the requests that have not ended definitely, oldest first; ``uncertain`` becomes true when one
    ended with an unknown outcome. So the batch was surely not applied exactly if it is `clean`.
    """

    commands: list[Any]
    futures: list[Any]
    converts: list[Convert]
    spans: list[Span]
    size: int
    first: int = 0
    session: int = 0
    answered: int = 0
    link: Link | None = None
    request: int = 0
    sendings: dict[int, Link] = field(default_factory=dict)
    uncertain: bool = False
    retry_us: int = NEVER
    patience_us: int = RETRY_US

    @property
    def clean(self) -> bool:
        """Every sending, if there was any, ended definitely: nothing of it was applied or ever will be."""
        return not self.sendings and not self.uncertain

    @property
    def deadline_us(self) -> int:
        """When the first of its calls that wait gives up."""
        spans = self.spans
        return spans[0].deadline_us if len(spans) == 1 else min([span.deadline_us for span in spans], default=NEVER)

    @property
    def last_deadline_us(self) -> int:
        """When the last of its calls that wait gives up."""
        spans = self.spans
        return spans[0].deadline_us if len(spans) == 1 else max([span.deadline_us for span in spans])

    def expire(self, now_us: int) -> list[Span]:
        """Remove and return the spans whose time is up."""
        late = [span for span in self.spans if span.deadline_us <= now_us]
        if late:
            self.spans = [span for span in self.spans if span.deadline_us > now_us]
        return late

    def waiting(self) -> list[Any]:
        """The futures that are still to be answered."""
        return [future for span in self.spans for future in self.futures[max(span.begin, self.answered) : span.end]]


_NOBODY: Final = Run(-1)
"""No call has its timeout."""


class Queue:
    """Calls that wait to be sent. `add` is on the path of every call; all else is per message."""

    __slots__ = ("_open", "deadline_us", "fresh", "runs")

    def __init__(self) -> None:
        self._open = _NOBODY
        self.fresh: list[Run] = []
        """Runs that wait for a `stamp`."""
        self.runs: deque[Run] = deque()
        self.deadline_us = NEVER
        """No run's deadline is before it."""

    def add(self, command: Any, size: int, future: Any, convert: Convert, timeout_us: int) -> None:
        """Put a call at the end. Its time begins with the next `stamp`."""
        run = self._open
        if run.timeout_us != timeout_us:
            run = self._open = Run(timeout_us)
            self.fresh.append(run)
        run.commands.append(command)
        run.futures.append(future)
        run.converts.append(convert)
        run.size += size

    def add_all(self, calls: Sequence[Call]) -> None:
        """`add` each of ``calls``, which there must be some of."""
        commands, sizes, futures, converts, timeouts = zip(*calls, strict=True)
        if timeouts.count(timeouts[0]) != len(timeouts):
            for call in calls:
                self.add(*call)
            return
        self.add(*calls[0])
        run = self._open
        run.commands += commands[1:]
        run.futures += futures[1:]
        run.converts += converts[1:]
        run.size += sum(sizes) - sizes[0]

    def stamp(self, now_us: int) -> None:
        """The calls that were added since the last time were made at ``now_us``."""
        for run in self.fresh:
            run.asked_us = now_us
            run.deadline_us = now_us + run.timeout_us
            self.deadline_us = min(self.deadline_us, run.deadline_us)
            last = self.runs[-1] if self.runs else None
            if last is not None and last.timeout_us == run.timeout_us and now_us - last.asked_us <= GRAIN_US:
                last.commands += run.commands
                last.futures += run.futures
                last.converts += run.converts
                last.size += run.size
                last.deadline_us = last.asked_us + run.timeout_us + GRAIN_US
            else:
                self.runs.append(run)
        self.fresh.clear()
        self._open = _NOBODY

    def take(self, count_max: int, bytes_max: int) -> Batch:
        """The calls at the front as one batch: as many as the limits allow, at least one. There must be some."""
        runs = self.runs
        run = runs[0]
        if len(runs) == 1 and len(run.commands) <= count_max and run.size <= bytes_max:
            runs.clear()
            span = Span(0, len(run.commands), run.asked_us, run.deadline_us)
            return Batch(run.commands, run.futures, run.converts, [span], run.size)
        batch = Batch([], [], [], [], 0)
        while runs and len(batch.commands) < count_max:
            run = runs[0]
            if len(batch.commands) + len(run.commands) <= count_max and batch.size + run.size <= bytes_max:
                runs.popleft()
                self._join(batch, run)
                continue
            part = _split(run, count_max - len(batch.commands), bytes_max - batch.size, force=not batch.commands)
            if part is not None:
                self._join(batch, part)
            if not run.commands:
                runs.popleft()
            break
        return batch

    @staticmethod
    def _join(batch: Batch, run: Run) -> None:
        begin = len(batch.commands)
        batch.commands += run.commands
        batch.futures += run.futures
        batch.converts += run.converts
        batch.size += run.size
        batch.spans.append(Span(begin, len(batch.commands), run.asked_us, run.deadline_us))

    def put_back(self, batch: Batch) -> None:
        """Let the calls of a clean batch that still wait do so at the front: they will travel as if never sent."""
        for span in reversed(batch.spans):
            part = slice(max(span.begin, batch.answered), span.end)
            commands = batch.commands[part]
            if commands:
                size = sum(map(size_of, commands))
                timeout_us = span.deadline_us - span.asked_us
                run = Run(timeout_us, commands, batch.futures[part], batch.converts[part], size)
                run.asked_us, run.deadline_us = span.asked_us, span.deadline_us
                self.runs.appendleft(run)
                self.deadline_us = min(self.deadline_us, run.deadline_us)

    def expire(self, now_us: int) -> list[Run]:
        """Remove and return the runs whose time is up."""
        late = [run for run in self.runs if run.deadline_us <= now_us]
        if late:
            self.runs = deque(run for run in self.runs if run.deadline_us > now_us)
        self.deadline_us = min((run.deadline_us for run in self.runs), default=NEVER)
        return late

    def take_all(self) -> list[Run]:
        """Empty the queue."""
        runs = [*self.runs, *self.fresh]
        self.runs.clear()
        self.fresh.clear()
        self._open = _NOBODY
        self.deadline_us = NEVER
        return runs


def _split(run: Run, count_max: int, bytes_max: int, *, force: bool) -> Run | None:
    """Cut the calls that fit off the front of ``run``; with ``force`` at least one. None if none fit."""
    count = size = 0
    for command in run.commands[:count_max]:
        grown = size + size_of(command)
        if grown > bytes_max and not (force and count == 0):
            break
        count, size = count + 1, grown
    if count == 0:
        return None
    part = Run(run.timeout_us, run.commands[:count], run.futures[:count], run.converts[:count], size)
    part.asked_us, part.deadline_us = run.asked_us, run.deadline_us
    del run.commands[:count], run.futures[:count], run.converts[:count]
    run.size -= size
    return part
