"""A thread of the pool: order, what it leaves for the loop, and when it wakes it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from raftzmq.node import Node
from raftzmq.runtime.jobs import Completion
from raftzmq.runtime.lane import Lane

PATIENCE_S = 10.0


class Loop:
    """What a lane sees of the loop."""

    def __init__(self) -> None:
        self.completions: deque[Completion | BaseException] = deque()
        self.woken = threading.Semaphore(0)
        self.pool = ThreadPoolExecutor(1)
        self.lane = Lane(self.pool, self.completions, self.woken.release)

    def settle(self) -> int:
        """Wait for all jobs; how often the loop was woken."""
        idle = threading.Event()
        self.lane.put(idle.set)
        assert idle.wait(PATIENCE_S)
        count = 0
        while self.woken.acquire(blocking=False):
            count += 1
        return count


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.lane.end()
    loop.pool.shutdown()


def told(node: Node, now_us: int) -> None:
    """A completion."""


def test_jobs_run_in_order_on_one_thread(loop: Loop) -> None:
    ran: list[tuple[int, int]] = []
    for number in range(100):
        loop.lane.put(lambda n: ran.append((n, threading.get_ident())), number)
    loop.settle()
    assert [number for number, _ in ran] == list(range(100))
    assert len({thread for _, thread in ran}) == 1


def test_what_is_awaited_wakes_the_loop(loop: Loop) -> None:
    loop.lane.put(loop.lane.done, told)
    assert loop.settle() == 1
    assert list(loop.completions) == [told]


def test_what_is_not_awaited_is_left_for_the_next_round(loop: Loop) -> None:
    loop.lane.awaited = False
    loop.lane.put(loop.lane.done, told)
    assert loop.settle() == 0
    assert list(loop.completions) == [told]


def test_what_becomes_awaited_while_it_runs_wakes_the_loop(loop: Loop) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        loop.lane.done(told)

    loop.lane.awaited = False
    loop.lane.put(job)
    assert begun.wait(PATIENCE_S)
    loop.lane.awaited = True
    assert not loop.completions
    go_on.set()
    assert loop.woken.acquire(timeout=PATIENCE_S)


def test_an_error_wakes_the_loop_always_and_the_thread_goes_on(loop: Loop) -> None:
    loop.lane.awaited = False
    loop.lane.put(lambda: 1 // 0)
    assert loop.settle() == 1
    assert [type(each) for each in loop.completions] == [ZeroDivisionError]
