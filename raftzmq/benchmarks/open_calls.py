"""Calls that begin when they are due, whether or not earlier ones were answered: an open loop.

A closed loop, in which each caller waits for its answer before it calls again, falls silent while the store is slow,
and so measures the slow times seldom (G. Tene calls it coordinated omission). Here every call's latency is noted twice:
from when it was made, as a closed loop does, and from when it was due, which is what a user waits. They differ when a
call was made late: at most ``in_flight`` of the plan are under way, and a client that has much to do comes late too.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from raftzmq.benchmarks.arrivals import arrivals
from raftzmq.benchmarks.driver import Driver
from raftzmq.benchmarks.plan import key_name
from raftzmq.benchmarks.record import REFUSED, UNKNOWN
from raftzmq.errors import RequestError

Call = Callable[..., Any]
"""``put(key, value)`` or ``get(key)`` of a client, which return a future."""


def precise_loop() -> asyncio.AbstractEventLoop:
    """An event loop whose timers keep microseconds: epoll, which asyncio takes by itself, rounds up to milliseconds."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


class OpenCalls:
    """The calls of a plan with a rate, and the notes of them."""

    def __init__(self, driver: Driver, put: Call, get: Call) -> None:
        plan = driver.plan
        self._driver = driver
        self._put, self._get = put, get
        self._randrange = driver.randoms().randrange
        self._chance = random.Random(f"operations {plan.seed} {plan.client}").random
        self._due = arrivals(plan.rate, plan.operations, f"{plan.seed} {plan.client}")
        self._made = 0
        self._answered = 0
        self.begun = 0.0
        self._after: Callable[[], None] = lambda: None

    def begin(self, after: Callable[[], None]) -> None:
        """The clock runs from ``begun`` on; ``after`` is called after each answer, in the client's thread or loop."""
        self.begun = time.monotonic()
        self._after = after

    @property
    def all_made(self) -> bool:
        """Was every call made?"""
        return self._made == len(self._due)

    @property
    def all_answered(self) -> bool:
        """Did every call end?"""
        return self._answered == len(self._due)

    @property
    def is_full(self) -> bool:
        """Are as many calls under way as may be?"""
        return self._made - self._answered >= self._driver.plan.in_flight

    @property
    def next_due(self) -> float:
        """When the next call is due, on the monotonic clock."""
        return self.begun + self._due[self._made]

    def make(self) -> None:
        """Make the next call."""
        plan, record, newest = self._driver.plan, self._driver.record, self._driver.newest
        sequence, due = plan.first_sequence + self._made, self.next_due
        self._made += 1
        number = self._randrange(plan.keys)
        begun = time.monotonic()
        if plan.read_share >= 1 or (plan.read_share and self._chance() < plan.read_share):
            least, made, sequence = newest[number], self._get(key_name(number)), -1
        else:
            record.keys[sequence] = number
            least, made = 0, self._put(key_name(number), self._driver.value(sequence))
        made.add_done_callback(partial(self._note, sequence, number, least, due, begun))

    def _note(self, sequence: int, number: int, least: int, due: float, begun: float, future: Any) -> None:
        now = time.monotonic()
        record, newest = self._driver.record, self._driver.newest
        record.response_times.append(now - due)
        error = future.exception()
        if error is None:
            if sequence < 0:
                record.get_latencies.append(now - begun)
                revision = record.readings.note(number, future.result(), least)
            else:
                record.latencies.append(now - begun)
                record.revisions[sequence] = revision = future.result().revision
            if newest and newest[number] < revision:
                newest[number] = revision
        elif isinstance(error, RequestError):
            record.failures[error.code] += 1
            if sequence >= 0:
                record.revisions[sequence] = REFUSED if error.definite else UNKNOWN
        else:
            raise error
        self._answered += 1
        self._after()


class LoopClock:
    """Makes the calls in an event loop."""

    def __init__(self, calls: OpenCalls) -> None:
        self._calls = calls
        self._loop = asyncio.get_running_loop()
        self._end: asyncio.Future[None] = self._loop.create_future()
        self._waits = False

    async def run(self) -> None:
        """Returns when all calls have ended."""
        self._calls.begin(self._answered)
        self._make_due()
        await self._end

    def _make_due(self) -> None:
        calls, now = self._calls, time.monotonic()
        while not calls.all_made and not calls.is_full:
            if calls.next_due > now:
                if not self._waits:
                    self._waits = True
                    self._loop.call_at(calls.next_due, self._on_time)
                return
            calls.make()

    def _on_time(self) -> None:
        self._waits = False
        self._make_due()

    def _answered(self) -> None:
        if self._calls.all_answered:
            self._end.set_result(None)
        elif not self._waits:
            self._make_due()


class ThreadClock:
    """Makes the calls in a thread."""

    def __init__(self, calls: OpenCalls, in_flight: int) -> None:
        self._calls = calls
        self._in_flight = in_flight
        self._places = threading.Semaphore(in_flight)

    def run(self) -> None:
        """Returns when all calls have ended."""
        calls = self._calls
        calls.begin(self._places.release)
        while not calls.all_made:
            self._places.acquire()
            wait = calls.next_due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            calls.make()
        for _ in range(self._in_flight):
            self._places.acquire()
