"""Three programs for n workers, as coroutines and as threads: all shared, a fifth under a lock, all under a lock.

Each does a fixed amount of work, so that Amdahl's law applies: ``rounds`` times as many units as `UNITS`, shared out
equally. A unit is a wait that anybody can do at any time, then a wait under the lock, while which the shared counter
is between being read and being written. In a round all workers do the first for all their units, meet, do the second,
and meet again: the serial part begins when the parallel part has ended. That meeting is what the law is about. (Without
it one worker's serial part goes on beside another's parallel part, and the speed-up is n until the lock is always
taken: better than the law, which is the worst case.)
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from raftzmq.benchmarks.scaling_waits import REQUEST
from raftzmq.errors import RaftzmqError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

Kind: TypeAlias = Literal["asyncio", "threads"]
KINDS: tuple[Kind, ...] = ("asyncio", "threads")
UNITS = 16
"""Of work in a round, so that 1, 2, 4, 8 or 16 workers have equal shares."""


class TaskFailed(RaftzmqError):
    """The work was not done right: a wrong count, or nobody who answers."""


@dataclass(frozen=True, slots=True)
class Task:
    """How long a unit waits: ``parallel_s`` beside the others, ``serial_s`` under the lock."""

    name: str
    label: str
    parallel_s: float
    serial_s: float

    @property
    def nominal_fraction(self) -> float:
        """The parallel fraction that it is made with, if waiting were all it does."""
        return self.parallel_s / (self.parallel_s + self.serial_s)

    def rounds(self, workers: int, base: int) -> int:
        """So many that every number of workers is measured for about as long as one worker takes for ``base``."""
        fraction = self.nominal_fraction
        return base * max(1, round(1 / (1 - fraction + fraction / workers)))


def tasks_of(wait_s: float) -> tuple[Task, ...]:
    """The three, whose longest waits are ``wait_s``."""
    return (
        Task("parallel", "parallel", wait_s, 0.0),
        Task("partly_serial", "partly serial", 0.8 * wait_s, 0.2 * wait_s),
        Task("locked_counter", "locked counter", 0.0, wait_s),
    )


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement: units per second, and the share of the time in which somebody held the lock."""

    rate: float
    held: float


@dataclass(frozen=True, slots=True)
class _Span:
    """When a worker began and ended, and for how many seconds of it it held the lock."""

    begun: float
    ended: float
    held: float


def run(kind: Kind, task: Task, workers: int, rounds: int, lines: Sequence[socket.socket]) -> Run:
    """Do the work and time it, from when the first worker begins until the last has ended; starting them is not timed.

    Raises TaskFailed if the counter is not what it must be, or if nobody answers at the lines.
    """
    if UNITS % workers:
        raise ValueError(f"{UNITS} units can't be shared equally by {workers} workers")
    if kind == "asyncio":
        counter, spans = asyncio.run(_Coroutines(task, workers, rounds, lines).run())
    else:
        counter, spans = _Threads(task, workers, rounds, lines).run()
    expected = rounds * UNITS if task.serial_s else 0
    if counter != expected:
        raise TaskFailed(f"{kind}, {task.name}: the locked counter is {counter} after {expected} increments")
    elapsed = max(span.ended for span in spans) - min(span.begun for span in spans)
    return Run(rounds * UNITS / elapsed, sum(span.held for span in spans) / elapsed)


class _Coroutines:
    """A task by coroutines of one event loop."""

    def __init__(self, task: Task, workers: int, rounds: int, lines: Sequence[socket.socket]) -> None:
        self._task, self._workers, self._rounds, self._lines = task, workers, rounds, lines[:workers]
        self._counter = 0

    async def run(self) -> tuple[int, list[_Span]]:
        """The counter, and when each worker began and ended."""
        self._lock, self._meeting = asyncio.Lock(), asyncio.Barrier(self._workers)
        for line in self._lines:
            line.setblocking(False)
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                found = [group.create_task(self._work(line)) for line in self._lines]
        except* TaskFailed as failures:
            failure = failures.exceptions[0]
        if failure is not None:
            raise failure
        return self._counter, [each.result() for each in found]

    async def _work(self, line: socket.socket) -> _Span:
        task, share = self._task, UNITS // self._workers
        both = task.parallel_s > 0 and task.serial_s > 0
        await self._meeting.wait()
        held, clock = 0.0, time.perf_counter
        begun = clock()
        for _ in range(self._rounds):
            if task.parallel_s:
                for _ in range(share):
                    await self._wait(line, task.parallel_s)
            if both:
                await self._meeting.wait()
            if task.serial_s:
                for _ in range(share):
                    async with self._lock:
                        since, seen = clock(), self._counter
                        await self._wait(line, task.serial_s)
                        self._counter = seen + 1
                        held += clock() - since
            if both:
                await self._meeting.wait()
        return _Span(begun, clock(), held)

    async def _wait(self, line: socket.socket, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        with _answering():
            await loop.sock_sendall(line, REQUEST.pack(seconds))
            answer = await loop.sock_recv(line, 1)
        _check(answer)


class _Threads:
    """The same task by threads."""

    def __init__(self, task: Task, workers: int, rounds: int, lines: Sequence[socket.socket]) -> None:
        self._task, self._workers, self._rounds, self._lines = task, workers, rounds, lines[:workers]
        self._counter = 0
        self._lock, self._meeting = threading.Lock(), threading.Barrier(workers)

    def run(self) -> tuple[int, list[_Span]]:
        """The counter, and when each worker began and ended."""
        for line in self._lines:
            line.setblocking(True)
        with ThreadPoolExecutor(self._workers) as pool:
            found = [pool.submit(self._guarded, line) for line in self._lines]
            failures = [error for each in found if (error := each.exception()) is not None]
        if failures:
            # The others only say that they met nobody.
            raise next((error for error in failures if isinstance(error, TaskFailed)), failures[0])
        return self._counter, [each.result() for each in found]

    def _guarded(self, line: socket.socket) -> _Span:
        try:
            return self._work(line)
        except TaskFailed:
            self._meeting.abort()  # nobody waits for one who will not come
            raise

    def _work(self, line: socket.socket) -> _Span:
        task, share = self._task, UNITS // self._workers
        both = task.parallel_s > 0 and task.serial_s > 0
        self._meeting.wait()
        held, clock = 0.0, time.perf_counter
        begun = clock()
        for _ in range(self._rounds):
            if task.parallel_s:
                for _ in range(share):
                    self._wait(line, task.parallel_s)
            if both:
                self._meeting.wait()
            if task.serial_s:
                for _ in range(share):
                    with self._lock:
                        since, seen = clock(), self._counter
                        self._wait(line, task.serial_s)
                        self._counter = seen + 1
                        held += clock() - since
            if both:
                self._meeting.wait()
        return _Span(begun, clock(), held)

    def _wait(self, line: socket.socket, seconds: float) -> None:
        with _answering():
            line.sendall(REQUEST.pack(seconds))
            answer = line.recv(1)
        _check(answer)


_NOBODY = "the process that the workers wait for has ended"


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except ConnectionError:
        raise TaskFailed(_NOBODY) from None


def _check(answer: bytes) -> None:
    if not answer:
        raise TaskFailed(_NOBODY)


def lost_updates(kind: Kind, workers: int, updates: int, *, locked: bool) -> int:
    """How many of ``updates`` increments, by so many workers, the shared counter has forgotten.

    Each worker lets others go on between its reading and its writing, as every ``await`` there does.
    """
    if kind == "asyncio":
        return updates - asyncio.run(_count_by_coroutines(workers, updates // workers, locked))
    return updates - _count_by_threads(workers, updates // workers, locked)


async def _count_by_coroutines(workers: int, share: int, locked: bool) -> int:
    counter, lock = 0, asyncio.Lock()

    @asynccontextmanager
    async def perhaps() -> AsyncIterator[None]:
        if not locked:
            yield
            return
        async with lock:
            yield

    async def work() -> None:
        nonlocal counter
        for _ in range(share):
            async with perhaps():
                seen = counter
                await asyncio.sleep(0)
                counter = seen + 1

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())
    return counter


def _count_by_threads(workers: int, share: int, locked: bool) -> int:
    counter, lock, meeting = 0, threading.Lock(), threading.Barrier(workers)

    @contextmanager
    def perhaps() -> Iterator[None]:
        if not locked:
            yield
            return
        with lock:
            yield

    def work() -> None:
        nonlocal counter
        meeting.wait()
        for _ in range(share):
            with perhaps():
                seen = counter
                time.sleep(0)  # lets go of the GIL, as any system call between would
                counter = seen + 1

    with ThreadPoolExecutor(workers) as pool:
        for each in [pool.submit(work) for _ in range(workers)]:
            each.result()
    return counter
