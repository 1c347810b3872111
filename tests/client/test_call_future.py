"""The sync client's futures: what the standard tools make of them, also when they end at that very moment."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    CancelledError,
    Future,
    InvalidStateError,
    as_completed,
    wait,
)

import pytest

from raftzmq.client.call_future import CallFuture

ROUNDS = 300


@pytest.fixture(autouse=True)
def _many_switches() -> Iterator[None]:
    """Have threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def at_once(*works: Callable[[], object]) -> None:
    """Run each work in a thread of its own, all begun at the same moment; raises what one of them raised."""
    barrier = threading.Barrier(len(works))
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        barrier.wait(30)
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised by the thread that waits for it
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "a waiter was missed"
    if errors:
        raise errors[0]


def ending(futures: list[CallFuture[int]]) -> Callable[[], None]:
    """Ends each future with its number."""

    def work() -> None:
        for number, future in enumerate(futures):
            future.set_result(number)

    return work


def test_a_future_that_is_done_makes_no_condition() -> None:
    future: CallFuture[int] = CallFuture()
    assert not future.done()
    future.set_result(7)
    assert future.done()
    assert future.result() == 7
    assert future._made is None
    assert (future.running(), future.cancelled(), future.exception()) == (False, False, None)


def test_an_error_is_raised_and_told() -> None:
    future: CallFuture[int] = CallFuture()
    future.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        future.result()
    assert isinstance(future.exception(), ValueError)
    assert "raised ValueError" in repr(future)


def test_a_future_ends_once() -> None:
    for looked_at in (False, True):
        future: CallFuture[int] = CallFuture()
        if looked_at:
            future.add_done_callback(lambda _: None)
        future.set_result(1)
        with pytest.raises(InvalidStateError):
            future.set_result(2)
        with pytest.raises(InvalidStateError):
            future.set_exception(ValueError())
        assert future.result() == 1


def test_a_wait_that_is_too_short_says_so() -> None:
    future: CallFuture[int] = CallFuture()
    with pytest.raises(TimeoutError):
        future.result(0.01)
    with pytest.raises(TimeoutError):
        future.exception(0.01)
    future.set_result(1)
    assert future.result(0) == 1


def test_whoever_waits_for_a_result_is_told() -> None:
    for _ in range(ROUNDS):
        futures: list[CallFuture[int]] = [CallFuture() for _ in range(4)]
        told: list[int] = []

        def take(futures: list[CallFuture[int]] = futures, told: list[int] = told) -> None:
            told.extend(future.result() for future in futures)

        at_once(ending(futures), take, take)
        assert sorted(told) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_as_completed_gives_each_once() -> None:
    for _ in range(ROUNDS):
        futures: list[CallFuture[int]] = [CallFuture() for _ in range(8)]
        told: list[int] = []

        def take(futures: list[CallFuture[int]] = futures, told: list[int] = told) -> None:
            told.extend(future.result() for future in as_completed(list[Future[int]](futures), 30))

        at_once(ending(futures), take)
        assert sorted(told) == list(range(8))


def test_wait_ends_when_its_futures_have() -> None:
    for when in (ALL_COMPLETED, FIRST_COMPLETED):
        for _ in range(ROUNDS // 2):
            futures: list[CallFuture[int]] = [CallFuture() for _ in range(4)]
            done: set[Future[int]] = set()

            def take(futures: list[CallFuture[int]] = futures, done: set[Future[int]] = done, when: str = when) -> None:
                done.update(wait(futures, 30, when).done)

            at_once(ending(futures), take)
            assert done == set(futures) if when == ALL_COMPLETED else done


def test_each_callback_is_called_once() -> None:
    for _ in range(ROUNDS):
        futures: list[CallFuture[int]] = [CallFuture() for _ in range(4)]
        told: list[int] = []

        def ask(futures: list[CallFuture[int]] = futures, told: list[int] = told) -> None:
            for future in futures:
                future.add_done_callback(lambda done: told.append(done.result()))

        at_once(ending(futures), ask)
        assert sorted(told) == list(range(4))


def test_coroutines_can_wait_for_it() -> None:
    async def main() -> list[int]:
        futures: list[CallFuture[int]] = [CallFuture() for _ in range(50)]
        thread = threading.Thread(target=ending(futures))
        thread.start()
        results = await asyncio.wait_for(asyncio.gather(*map(asyncio.wrap_future, futures)), 30)
        thread.join(30)
        return results

    assert asyncio.run(main()) == list(range(50))


def test_a_coroutine_that_gives_up_leaves_the_call_alone() -> None:
    async def main() -> int:
        future: CallFuture[int] = CallFuture()
        wrapped = asyncio.wrap_future(future)
        wrapped.cancel()
        with pytest.raises((asyncio.CancelledError, CancelledError)):
            await wrapped
        future.set_result(3)
        return future.result()

    assert asyncio.run(main()) == 3


def test_a_fork_in_the_midst_of_an_end_leaves_the_child_no_lock() -> None:
    from raftzmq.client import call_future

    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with call_future._making:
            held.set()
            release.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(10)  # ends a child that waits for ever
        future: CallFuture[int] = CallFuture()
        future.set_result(1)
        os._exit(0 if future.done() else 1)
    _, status = os.waitpid(child, 0)
    release.set()
    thread.join(30)
    assert os.waitstatus_to_exitcode(status) == 0
