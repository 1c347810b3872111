"""A one-way channel between two nodes that delays, loses and doubles messages on purpose, for experiments and lessons.

As in a classroom's simulated network: each message is lost with a fixed probability, and those that are not lost take
an exponentially distributed time, independently of one another, so that they overtake each other. Raft needs no more
from a network than this: its safety depends neither on timing nor on order (Raft §2).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Generic, TypeVar

from raftzmq.errors import ConfigurationError
from raftzmq.node.link_faults import SOUND, LinkFaults

M = TypeVar("M")

HELD_MAX = 4096
"""Messages under way at once; one more is lost, as in a full pipe. Their bytes are bounded by the core's own limits."""


@dataclass(frozen=True, slots=True)
class ChannelFaults:
    """What the channels of a node do to its messages. Raises ConfigurationError for what no channel can do."""

    delay_mean_us: int = 0
    loss: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.delay_mean_us < 0:
            raise ConfigurationError("--delay-ms-mean must not be negative: no message arrives before it is sent")
        if not 0 <= self.loss <= 1:
            raise ConfigurationError(f"--loss is a probability from 0 to 1, such as 0.1, not {self.loss:g}")

    def __bool__(self) -> bool:
        """Is there anything that they do?"""
        return bool(self.delay_mean_us or self.loss)


class Channel(Generic[M]):
    """Messages under way from one node to another. Times are microseconds of any one clock, handed in.

    The same faults and name make the same decisions: the n-th message is lost, or delayed by as much, in every run.
    """

    def __init__(self, faults: ChannelFaults, name: str) -> None:
        self._faults = faults
        self._rng = random.Random(f"{faults.seed} {name}")
        # Of its own: what is asked for while it runs doesn't move the decisions that the seed has made.
        self._link_rng = random.Random(f"{faults.seed} {name} link")
        self._held: list[tuple[int, int, M]] = []
        self._count = 0

    def put(self, message: M, now_us: int, link: LinkFaults = SOUND) -> bool:
        """A message begins its way on a link with such faults beside the channel's own; False if it is lost."""
        # Both are drawn for every message: whether one is lost doesn't change what becomes of those after it.
        lost = self._rng.random() < self._faults.loss
        delay_us = self._delay_us()
        if not link:
            return not lost and self._hold(message, now_us + delay_us)
        # These too, whatever they are needed for.
        drawn = self._link_rng
        dropped, doubled = drawn.random() < link.drop, drawn.random() < link.duplicate
        ways = [max(0, link.delay_us + round(link.jitter_us * drawn.uniform(-1, 1))) for _ in range(2)]
        if lost or dropped or link.cut or not self._hold(message, now_us + delay_us + ways[0]):
            return False
        if doubled:
            self._hold(message, now_us + delay_us + ways[1])
        return True

    def _hold(self, message: M, arrival_us: int) -> bool:
        if len(self._held) >= HELD_MAX:
            return False
        self._count += 1
        heappush(self._held, (arrival_us, self._count, message))
        return True

    def lose_all(self) -> None:
        """What is under way is lost: the link is cut."""
        self._held.clear()

    def _delay_us(self) -> int:
        mean = self._faults.delay_mean_us
        return int(self._rng.expovariate(1 / mean)) if mean else 0

    def take(self, now_us: int) -> list[M]:
        """The messages that have arrived by now, in the order of their arrival."""
        arrived = []
        while self._held and self._held[0][0] <= now_us:
            arrived.append(heappop(self._held)[2])
        return arrived

    @property
    def deadline_us(self) -> int | None:
        """When the next message arrives; None if none is under way."""
        return self._held[0][0] if self._held else None
