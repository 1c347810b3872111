"""A client process with the client for threads: a few threads, each with a window of futures that it works through.

That is what a program does that wants many calls in flight without an event loop: call, keep the future, and when the
window is full wait for the oldest. With one call in flight it is a plain blocking call. A call's latency ends when its
result is in the caller's hand.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final

from raftzmq.benchmarks.driver import BACK_OFF_S, PRELOAD_IN_FLIGHT, READY, REPORT_S, Driver
from raftzmq.benchmarks.open_calls import OpenCalls, ThreadClock
from raftzmq.benchmarks.plan import key_name
from raftzmq.benchmarks.record import REFUSED, UNKNOWN, Record
from raftzmq.client.sync import Client
from raftzmq.errors import RequestError

THREADS: Final = 1
"""That call; another takes the GIL from the client's own one, and nothing is gained."""


class SyncDriver(Driver):
    """One client and the threads that call it."""

    def run(self, pipe: Connection) -> Record:
        """As `Driver` says; raises LoadFailed."""
        with Client(self.plan.endpoints) as client:
            window = _Window(self, client, random.Random(0), 1)
            window.work((0,), read_share=0.0)
            self._preload(client)
            pipe.send(READY)
            pipe.recv()
            self.begin()
            self.load(client)
            return self.end()

    def load(self, client: Client) -> None:
        """What is timed."""
        plan = self.plan
        if plan.rate:
            calls = OpenCalls(self, client.put_async, client.get_async)
            self._run_threads([ThreadClock(calls, plan.in_flight).run])
            return
        threads = min(THREADS, plan.in_flight)
        work: list[Callable[[], None]] = []
        for number in range(threads):
            size = plan.in_flight // threads + (number < plan.in_flight % threads)
            window = _Window(self, client, self.randoms(number), size)
            work.append(partial(window.work, self.sequences(number, threads), plan.read_share))
        self._run_threads(work)

    def _run_threads(self, work: Sequence[Callable[[], None]]) -> None:
        """Each in a thread of its own; raises what ends one of them, and LoadFailed if nothing moves."""
        executor = ThreadPoolExecutor(len(work), "caller")
        try:
            threads = [executor.submit(each) for each in work]
            while wait(threads, REPORT_S).not_done:
                self.look()
            for thread in threads:
                thread.result()
        finally:
            # Those that still wait get their answer, an error, when the client is closed.
            executor.shutdown(wait=False)

    def _preload(self, client: Client) -> None:
        pending: deque[tuple[int, int, Future[Any]]] = deque()
        record = self.record

        def take() -> None:
            sequence, number, future = pending.popleft()
            try:
                record.revisions[sequence] = revision = future.result().revision
            except RequestError as error:
                record.failures[error.code] += 1
            else:
                if self.newest:
                    self.newest[number] = revision

        for sequence, number in self.preloaded():
            record.keys[sequence] = number
            if len(pending) >= PRELOAD_IN_FLIGHT:
                take()
            pending.append((sequence, number, client.put_async(key_name(number), self.value(sequence))))
        while pending:
            take()


class _Window:
    """A caller's futures, oldest first."""

    def __init__(self, driver: SyncDriver, client: Client, rng: random.Random, size: int) -> None:
        self._driver = driver
        self._client = client
        self._rng = rng
        self._size = size
        self._pending: deque[tuple[Future[Any], int, int, int, float]] = deque()

    def work(self, sequences: Iterable[int], read_share: float) -> None:
        """Call for each sequence, with at most so many calls in flight."""
        record, newest, span = self._driver.record, self._driver.newest, self._driver.plan.keys
        put, get, value, clock = self._client.put_async, self._client.get_async, self._driver.value, time.perf_counter
        randrange, chance, keys = self._rng.randrange, self._rng.random, record.keys
        pending, size = self._pending, self._size
        reads_only = read_share >= 1
        for sequence in sequences:
            if len(pending) >= size:
                self._take()
            number = randrange(span)
            if reads_only or (read_share and chance() < read_share):
                least = newest[number]
                begun = clock()
                pending.append((get(key_name(number)), -1, number, least, begun))
            else:
                keys[sequence] = number
                begun = clock()
                pending.append((put(key_name(number), value(sequence)), sequence, number, 0, begun))
        while pending:
            self._take()

    def _take(self) -> None:
        """Wait for the oldest, and note what it says."""
        record, newest = self._driver.record, self._driver.newest
        future, sequence, number, least, begun = self._pending.popleft()
        try:
            result = future.result()
        except RequestError as error:
            record.failures[error.code] += 1
            if sequence >= 0:
                record.revisions[sequence] = REFUSED if error.definite else UNKNOWN
            time.sleep(BACK_OFF_S)
            return
        latency = time.perf_counter() - begun
        if sequence >= 0:
            record.latencies.append(latency)
            record.revisions[sequence] = revision = result.revision
        else:
            record.get_latencies.append(latency)
            revision = record.readings.note(number, result, least)
        if newest and newest[number] < revision:
            newest[number] = revision
