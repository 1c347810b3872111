"""Lamport time: numbers that put what was sent before what was received, on whichever nodes (Lamport, 1978)."""

from __future__ import annotations

from raftzmq.config import LAMPORT_MAX


class LamportClock:
    """The Lamport time of one node in one boot.

    Each message that it sends is one tick, each that it takes brings the clock past the sender's stamp. What happens
    in between has the time of the last of them, so it lies after all that it can depend on. At LAMPORT_MAX it stops.
    """

    __slots__ = ("value",)

    def __init__(self, value: int = 0) -> None:
        self.value = value

    def tick(self) -> int:
        """The time of the next message that leaves."""
        value = self.value
        if value < LAMPORT_MAX:
            self.value = value = value + 1
        return value

    def merge(self, stamp: int) -> None:
        """A message with this stamp (at most LAMPORT_MAX) was taken: it is later here than there."""
        value = self.value
        if stamp > value:
            value = stamp
        if value < LAMPORT_MAX:
            value += 1
        self.value = value
