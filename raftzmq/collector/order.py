"""Events of several nodes in one causal order: a receipt never before its sending (Lamport, 1978).

Each event has a key, its Lamport time. What happened before another event has the smaller key, so an event may leave
when nothing with a smaller key can come any more: when every other node is known to have come as far. Nodes say how
far they are every heartbeat interval. Whoever doesn't is not waited for without end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Any, Protocol

from raftzmq.config import MIB

HOLD_US = 250_000
"""An event is held back for at most so long: some heartbeat intervals, and people don't see it as late yet."""
FILL_HOLD_US = 1_000_000
"""The same while a node's missing events are being asked for: what comes of it would be late otherwise."""
SILENT_US = 300_000
"""A node that nothing was heard of for so long is not waited for: it is down, or cut off."""
HELD_EVENTS_MAX = 100_000
HELD_BYTES_MAX = 64 * MIB
"""What may be held back, in events and in bytes of JSON (in memory a multiple); past it the oldest leave early."""
ANY_KEY = 2**63
"""Above every Lamport time."""

Passed = tuple[int, int, bytes, bytes, dict[str, Any]]
"""Key, number (unique, in order of arrival), topic, payload, event. A gap has no topic; its event is its fields."""


class Frontier(Protocol):
    """What `Order` has to know of a node: the key up to which it was heard whole, when, and if it is being asked."""

    key: int
    heard_us: int
    filling: bool


class Order:
    """Holds events back until their turn. Keys of one node must not fall, or it calls the event late itself.

    ``forced`` counts events that left before their turn because too many were held.
    """

    def __init__(
        self,
        *,
        hold_us: int = HOLD_US,
        fill_hold_us: int = FILL_HOLD_US,
        events_max: int = HELD_EVENTS_MAX,
        bytes_max: int = HELD_BYTES_MAX,
    ) -> None:
        self.forced = 0
        self._hold_us = hold_us
        self._fill_hold_us = fill_hold_us
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._heap: list[Passed] = []
        self._bytes = 0
        self._number = 0
        self._newest = -1
        self._since: deque[tuple[int, int]] = deque()

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, key: int, topic: bytes, payload: bytes, event: dict[str, Any]) -> None:
        """Take an event in. Those of one node come in its own order, and leave in it."""
        self._number = number = self._number + 1
        self._bytes += len(payload)
        if key > self._newest:
            self._newest = key
        heappush(self._heap, (key, number, topic, payload, event))

    def release(self, now_us: int, nodes: Iterable[Frontier]) -> list[Passed]:
        """What may leave at ``now_us``, in order of keys."""
        if not self._heap:
            return []
        live = [node for node in nodes if now_us - node.heard_us < SILENT_US]
        bound = min([node.key for node in live], default=ANY_KEY)
        hold_us = self._fill_hold_us if any(node.filling for node in live) else self._hold_us
        return self._pop(max(bound, self._overdue(now_us, hold_us)))

    def _overdue(self, now_us: int, hold_us: int) -> int:
        """The highest key among what was held for too long: all up to there leaves with it. -1 if there is none."""
        since = self._since
        if self._newest >= 0:
            since.append((now_us, self._newest))
            self._newest = -1
        highest = -1
        while since and now_us - since[0][0] >= hold_us:
            highest = max(highest, since.popleft()[1])
        return highest

    def _pop(self, bound: int) -> list[Passed]:
        heap = self._heap
        released = []
        size = 0
        while heap and heap[0][0] <= bound:
            one = heappop(heap)
            size += len(one[3])
            released.append(one)
        self._bytes -= size
        while len(heap) > self._events_max or self._bytes > self._bytes_max:
            one = heappop(heap)
            self._bytes -= len(one[3])
            self.forced += 1
            released.append(one)
        if not heap:
            self._since.clear()
        return released
