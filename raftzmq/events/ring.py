"""The events that a node keeps for who missed them: bounded in bytes, the oldest go first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice

from raftzmq.config import EVENTS_RARE_BYTES, EVENTS_RING_BYTES
from raftzmq.events.catalogue import EVENT_TYPES
from raftzmq.events.event_type import Level

EVENT_OVERHEAD_BYTES = 200
"""What an event costs in memory beside its JSON: the objects around it (tuple, two numbers, head of the bytes)."""

Json = bytes
Kept = tuple[int, str, int, Json]
"""An event in the ring: order, type, seq, JSON. They compare by the first, which is theirs alone."""


class Ring:
    """What was made last in this boot, by type and in order.

    Two bounds: a flood of usual or single-message events doesn't flush out the rare ones, which tell of elections
    long ago. ``usual_bytes`` and ``rare_bytes`` count JSON and `EVENT_OVERHEAD_BYTES` for each event.
    """

    __slots__ = ("_by_kind", "_next", "_rare", "_usual")

    def __init__(self, usual_bytes: int = EVENTS_RING_BYTES, rare_bytes: int = EVENTS_RARE_BYTES) -> None:
        self._usual = _Shelf(usual_bytes)
        self._rare = _Shelf(rare_bytes)
        self._by_kind = {
            kind: self._rare if event.level is Level.RARE else self._usual for kind, event in EVENT_TYPES.items()
        }
        self._next = dict.fromkeys(EVENT_TYPES, 1)

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        return self._usual.bytes + self._rare.bytes

    def add(self, order: int, kind: str, seq: int, payload: Json) -> None:
        """Keep an event; ``order`` and, among those of its type, ``seq`` are above all before."""
        self._next[kind] = seq + 1
        self._by_kind[kind].add(order, kind, seq, payload)

    def oldest(self, kind: str) -> int:
        """The ``seq`` of the oldest event of this type that is still here; the next to be made if none is."""
        kept = self._by_kind[kind].events.get(kind)
        return kept[0][2] if kept else self._next[kind]

    def find(self, ranges: Iterable[tuple[str, int, int]]) -> Iterator[Kept]:
        """What is left of the ranges (type, first seq, last seq), in the order in which it was made.

        Lazy: it costs what is taken of it, and is good only until the next `add`. No two ranges of a type may overlap.
        """
        return merge(*(self._range(*asked) for asked in ranges))

    def _range(self, kind: str, first: int, last: int) -> Iterator[Kept]:
        kept = self._by_kind[kind].events.get(kind)
        if not kept:
            return iter(())
        # Within a type no seq is missing, so the place follows from the number.
        oldest = kept[0][2]
        return islice(kept, max(0, first - oldest), max(0, last + 1 - oldest))


class _Shelf:
    """Events that share a bound."""

    __slots__ = ("_made", "_max", "bytes", "events")

    def __init__(self, bytes_max: int) -> None:
        self._max = bytes_max
        self._made: deque[deque[Kept]] = deque()
        self.events: dict[str, deque[Kept]] = {}
        self.bytes = 0

    def add(self, order: int, kind: str, seq: int, payload: Json) -> None:
        kept = self.events.get(kind)
        if kept is None:
            kept = self.events[kind] = deque()
        kept.append((order, kind, seq, payload))
        self._made.append(kept)
        self.bytes += len(payload) + EVENT_OVERHEAD_BYTES
        while self.bytes > self._max:
            gone = self._made.popleft().popleft()
            self.bytes -= len(gone[3]) + EVENT_OVERHEAD_BYTES
