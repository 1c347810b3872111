"""What one round takes from a socket, and what a flood of bad messages costs those who come behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import zmq

from raftzmq.runtime.inbox import REFUSED_COST, ROUND_MESSAGES_MAX, SKIPPED_FRAMES_MAX, Inbox

PATIENCE_MS = 10_000
GOOD, BAD = b"good", b"bad"
FRAMES_MAX = 3


class Desk:
    """An inbox that holds all but `GOOD` for bad, and a sender."""

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.PULL)
        self.sender = self.context.socket(zmq.PUSH)
        for socket in (self.socket, self.sender):
            socket.setsockopt(zmq.RCVHWM, 0)
            socket.setsockopt(zmq.SNDHWM, 0)
        self.socket.bind("inproc://desk")
        self.sender.connect("inproc://desk")
        self.taken: list[list[bytes]] = []
        self.inbox = Inbox(self.socket, self._take, FRAMES_MAX)

    def _take(self, frames: list[bytes]) -> bool:
        self.taken.append(frames)
        return frames == [GOOD]

    def send(self, *frames: bytes) -> None:
        self.sender.send_multipart(frames)
        assert self.socket.poll(PATIENCE_MS)

    def rounds(self) -> list[int]:
        """How many messages each round took, until there are none."""
        counts = []
        while True:
            before = len(self.taken)
            empty = self.inbox.drain()
            counts.append(len(self.taken) - before)
            if empty:
                return counts


@contextmanager
def opened() -> Iterator[Desk]:
    with ExitStack() as closing:
        desk = Desk()
        closing.callback(desk.context.destroy, 0)
        yield desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    with opened() as desk:
        yield desk


def test_a_round_takes_so_many(desk: Desk) -> None:
    for _ in range(2 * ROUND_MESSAGES_MAX + 1):
        desk.send(GOOD)
    assert desk.rounds() == [ROUND_MESSAGES_MAX, ROUND_MESSAGES_MAX, 1]


def test_a_refused_message_counts_for_several(desk: Desk) -> None:
    for _ in range(20):
        desk.send(BAD)
    most = ROUND_MESSAGES_MAX // REFUSED_COST
    assert desk.rounds() == [most] * (20 // most) + [20 % most]


def test_of_too_many_frames_the_rest_is_thrown_away_in_parts(desk: Desk) -> None:
    desk.send(GOOD)
    desk.send(*[b"%d" % number for number in range(3 * SKIPPED_FRAMES_MAX)])
    desk.send(GOOD)
    counts = desk.rounds()
    assert desk.taken == [[GOOD], [b"0", b"1", b"2", b"3"], [GOOD]]
    assert counts == [2, 0, 0, 1]


@pytest.mark.parametrize("frames", [FRAMES_MAX, FRAMES_MAX + 1, FRAMES_MAX + 2])
def test_at_the_bound_nothing_of_the_next_message_is_lost(desk: Desk, frames: int) -> None:
    desk.send(*[b"%d" % number for number in range(frames)])
    desk.send(GOOD)
    desk.rounds()
    assert [len(taken) for taken in desk.taken] == [min(frames, FRAMES_MAX + 1), 1]
    assert desk.taken[-1] == [GOOD]
