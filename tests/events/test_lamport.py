"""The Lamport clock: a receipt is later than its sending, and no peer can drive a node's clock off its end."""

from __future__ import annotations

import pytest

from raftzmq.config import LAMPORT_MAX
from raftzmq.events.lamport import LamportClock


def test_each_message_that_leaves_is_later() -> None:
    clock = LamportClock()
    assert [clock.tick() for _ in range(3)] == [1, 2, 3]
    assert clock.value == 3


@pytest.mark.parametrize(("own", "stamp", "after"), [(5, 9, 10), (9, 5, 10), (7, 7, 8), (0, 0, 1)])
def test_a_receipt_is_later_than_its_sending_and_than_what_was_before(own: int, stamp: int, after: int) -> None:
    clock = LamportClock(own)
    clock.merge(stamp)
    assert clock.value == after


def test_at_its_end_it_stands_still() -> None:
    """What it says must always be a stamp that others take."""
    clock = LamportClock(LAMPORT_MAX - 1)
    assert [clock.tick(), clock.tick()] == [LAMPORT_MAX, LAMPORT_MAX]
    clock.merge(LAMPORT_MAX)
    assert clock.value == LAMPORT_MAX
    other = LamportClock()
    other.merge(LAMPORT_MAX)
    assert other.value == LAMPORT_MAX
