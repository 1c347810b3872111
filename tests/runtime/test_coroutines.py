"""Waiting on an event loop: nothing that rings is slept through, and nothing is waited for longer than it should be."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator

import pytest

from raftzmq.config import MICROSECONDS
from raftzmq.runtime.coroutines import Porter
from raftzmq.runtime.inbox import ROUND_MESSAGES_MAX
from raftzmq.transport.frames import send_frames
from tests.runtime.house import House

PATIENCE_S = 10.0
LONG_US = 3600 * MICROSECONDS
Run = Callable[[Callable[[], Awaitable[None]]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine on one of the event loops, and not for ever."""
    factory = asyncio.new_event_loop if request.param == "asyncio" else pytest.importorskip("uvloop").new_event_loop

    def on_loop(work: Callable[[], Awaitable[None]]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(PATIENCE_S):
                await work()

        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(bounded())

    return on_loop


class AwaitedHouse(House):
    """Where an event loop waits."""

    async def hear(self, porter: Porter, count: int) -> None:
        """Wait until ``count`` messages have come in all, as the runtime waits."""
        while len(self.heard) < count:
            self.take(await porter.wait(LONG_US))

    async def settled(self) -> Porter:
        """A porter, and the visitor's arrival over with, so that nobody rings."""
        porter = Porter(self.bells)
        self.visitor.send(b"hello")
        await self.hear(porter, 1)
        return porter


@pytest.fixture
def house() -> Iterator[AwaitedHouse]:
    house = AwaitedHouse()
    yield house
    house.close()


def test_every_message_is_heard(house: AwaitedHouse, run: Run) -> None:
    async def work() -> None:
        porter = Porter(house.bells)
        for number in range(200):
            house.visitor.send(b"%d" % number)
            await house.hear(porter, number + 1)
        porter.close()

    run(work)
    assert house.heard == [b"%d" % number for number in range(200)]


def test_what_comes_between_a_round_and_the_wait_is_heard(house: AwaitedHouse, run: Run) -> None:
    async def work() -> None:
        porter = await house.settled()
        for number in range(1, 50):
            house.visitor.send(b"%d" % number)
            # Wait until it is there, in a way that takes the ring away: as sending may.
            assert house.router.poll(int(PATIENCE_S * 1000))
            assert send_frames(house.router, [b"visitor", b"answer"])
            house.bells.sent(house.router)
            await house.hear(porter, number + 1)
        porter.close()

    run(work)


def test_more_than_a_round_takes_is_heard(house: AwaitedHouse, run: Run) -> None:
    async def work() -> None:
        porter = await house.settled()
        count = 3 * ROUND_MESSAGES_MAX
        for number in range(count):
            house.visitor.send(b"%d" % number)
        await house.hear(porter, 1 + count)
        porter.close()

    run(work)


def test_another_thread_ends_the_wait(house: AwaitedHouse, run: Run) -> None:
    async def work() -> None:
        porter = await house.settled()
        for _ in range(50):
            ringing = asyncio.get_running_loop().run_in_executor(None, os.eventfd_write, house.wake, 1)
            assert await porter.wait(LONG_US) == [None]
            await ringing
        porter.close()

    run(work)


def test_a_ring_before_the_wait_ends_it_and_counts_once(house: AwaitedHouse, run: Run) -> None:
    async def work() -> None:
        porter = await house.settled()
        for _ in range(50):
            os.eventfd_write(house.wake, 1)
            assert await porter.wait(LONG_US) == [None]
        assert await porter.wait(1) == []
        porter.close()

    run(work)


def test_patience_ends(house: AwaitedHouse, run: Run) -> None:
    async def work() -> None:
        porter = await house.settled()
        for patience_us in (1, 5_000, 20_000, 3_000, 0, -5):
            assert await porter.wait(patience_us) == []
        porter.close()

    run(work)


def test_an_old_alarm_does_not_end_a_later_wait(house: AwaitedHouse, run: Run) -> None:
    async def work() -> None:
        porter = await house.settled()
        os.eventfd_write(house.wake, 1)
        assert await porter.wait(10_000) == [None]  # its alarm stays set
        waiting = asyncio.create_task(porter.wait(LONG_US))
        await asyncio.sleep(0.1)
        assert not waiting.done(), "the first wait's alarm ended the second"
        os.eventfd_write(house.wake, 1)
        assert await waiting == [None]
        porter.close()

    run(work)


def test_an_earlier_end_is_kept_though_a_later_alarm_is_set(house: AwaitedHouse, run: Run) -> None:
    async def work() -> None:
        porter = await house.settled()
        os.eventfd_write(house.wake, 1)
        assert await porter.wait(LONG_US) == [None]
        assert await porter.wait(1_000) == []
        porter.close()

    run(work)


def test_others_run_while_nothing_is_waited_for(house: AwaitedHouse, run: Run) -> None:
    """A wait that is over before it begins lets the event loop turn all the same."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def work() -> None:
        porter = await house.settled()
        task = asyncio.create_task(other())
        for _ in range(10):
            await porter.wait(0)
        task.cancel()
        porter.close()

    run(work)
    assert turns >= 9
