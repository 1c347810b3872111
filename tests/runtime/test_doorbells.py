"""Waiting by descriptors: nothing that came may be slept through, whatever was done with the sockets meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from raftzmq.config import MICROSECONDS
from raftzmq.runtime.doorbells import Doorbells
from raftzmq.runtime.inbox import ROUND_MESSAGES_MAX
from raftzmq.transport.frames import has_message, send_frames
from tests.runtime.house import House

PATIENCE_US = 10 * MICROSECONDS


class PolledHouse(House):
    """Where a thread waits."""

    def open(self) -> bool:
        """Wait for the bell and take what is there; False if nobody rang."""
        rung = self.bells.wait(PATIENCE_US)
        self.take(rung)
        return bool(rung)

    def hear(self, count: int) -> None:
        """Open until ``count`` messages have come in all."""
        while len(self.heard) < count:
            assert self.open(), f"{len(self.heard)} of {count} messages were heard of"

    def settle(self) -> None:
        """Have the visitor's arrival over with."""
        self.visitor.send(b"hello")
        self.hear(1)


@pytest.fixture
def house() -> Iterator[PolledHouse]:
    house = PolledHouse()
    yield house
    house.close()


def test_every_message_is_heard(house: PolledHouse) -> None:
    for number in range(50):
        house.visitor.send(b"%d" % number)
        house.hear(number + 1)
    assert house.heard == [b"%d" % number for number in range(50)]


def test_what_came_before_is_heard(house: PolledHouse) -> None:
    house.visitor.send(b"early")
    assert house.router.poll(PATIENCE_US // 1000)
    later = Doorbells([house.router], house.wake)
    assert house.router in later.wait(0)
    later.close()


def test_what_came_while_something_was_sent_is_heard(house: PolledHouse) -> None:
    house.visitor.send(b"first")
    house.hear(1)
    house.visitor.send(b"second")
    # Wait until it is there, in a way that takes the ring away: as sending may.
    assert house.router.poll(PATIENCE_US // 1000)
    assert send_frames(house.router, [b"visitor", b"answer"])
    house.bells.sent(house.router)
    house.hear(2)


def test_a_full_round_is_followed_by_another(house: PolledHouse) -> None:
    count = ROUND_MESSAGES_MAX + 10
    for number in range(count):
        house.visitor.send(b"%d" % number)
    # The last is there, so none of them will ring again.
    house.visitor.send(b"last")
    while not has_message(house.router):
        assert house.router.poll(PATIENCE_US // 1000)
    house.hear(count + 1)


def test_another_thread_wakes_each_time_without_being_read(house: PolledHouse) -> None:
    house.settle()
    for _ in range(3):
        thread = threading.Thread(target=os.eventfd_write, args=(house.wake, 1))
        thread.start()
        assert list(house.bells.wait(PATIENCE_US)) == [None]
        thread.join()
        assert list(house.bells.wait(0)) == []


def test_patience_ends(house: PolledHouse) -> None:
    house.settle()
    assert list(house.bells.wait(1)) == []
