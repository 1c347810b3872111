"""The events that a node keeps for who missed them: bounded in bytes, the oldest go first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import count, islice, repeat

from raftzmq.config import EVENTS_RARE_BYTES, EVENTS_RING_BYTES
from raftzmq.events.catalogue import EVENT_TYPES
from raftzmq.events.event_type import Level

EVENT_OVERHEAD_BYTES = 96
"""What an event costs in memory beside its JSON: the head of the bytes, a number, places in three queues."""

Json = bytes
Kept = tuple[int, str, int, Json]
"""An event in the ring: order, type, seq, JSON. They compare by the first, which is theirs alone."""


class Ring:
    """What was made last in this boot, by type and in order.

    Two bounds: a flood of usual or single-message events doesn't flush out the rare ones, which tell of elections
    long ago. ``usual_bytes`` and ``rare_bytes`` count JSON and `EVENT_OVERHEAD_BYTES` for each event.
    """

    __slots__ = ("_rare", "_rows", "_usual")

    def __init__(self, usual_bytes: int = EVENTS_RING_BYTES, rare_bytes: int = EVENTS_RARE_BYTES) -> None:
        self._usual = _Shelf(usual_bytes)
        self._rare = _Shelf(rare_bytes)
        self._rows = {
            kind: _Row(self._rare if event.level is Level.RARE else self._usual) for kind, event in EVENT_TYPES.items()
        }

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        return self._usual.bytes + self._rare.bytes

    def add(self, order: int, kind: str, payload: Json) -> None:
        """Keep an event, the next of its type; ``order`` is above all before."""
        row = self._rows[kind]
        row.payloads.append(payload)
        row.orders.append(order)
        shelf = row.shelf
        shelf.made.append(row)
        size = shelf.bytes + len(payload) + EVENT_OVERHEAD_BYTES
        while size > shelf.bytes_max:
            oldest = shelf.made.popleft()
            oldest.first += 1
            oldest.orders.popleft()
            size -= len(oldest.payloads.popleft()) + EVENT_OVERHEAD_BYTES
        shelf.bytes = size

    def oldest(self, kind: str) -> int:
        """The ``seq`` of the oldest event of this type that is still here; the next to be made if none is."""
        return self._rows[kind].first

    def find(self, ranges: Iterable[tuple[str, int, int]]) -> Iterator[Kept]:
        """What is left of the ranges (type, first seq, last seq), in the order in which it was made.

        The ranges of a type must ascend, without an overlap. Lazy, good only until the next `add`; it costs what is
        taken of it, and at worst one walk through what is kept, however many and wide the ranges are.
        """
        by_kind: dict[str, list[tuple[int, int]]] = {}
        for kind, first, last in ranges:
            by_kind.setdefault(kind, []).append((first, last))
        return merge(*(self._of_kind(kind, asked) for kind, asked in by_kind.items()))

    def _of_kind(self, kind: str, ranges: list[tuple[int, int]]) -> Iterator[Kept]:
        # Within a type no seq is missing, so the place follows from the number.
        row = self._rows[kind]
        begin = max(0, ranges[0][0] - row.first)
        seq = row.first + begin
        orders, payloads = islice(row.orders, begin, None), islice(row.payloads, begin, None)
        events = zip(orders, repeat(kind), count(seq), payloads, strict=False)
        for first, last in ranges:
            skipped = max(0, first - seq)
            taken = max(0, last + 1 - seq - skipped)
            yield from islice(events, skipped, skipped + taken)
            seq += skipped + taken


class _Shelf:
    """Rows that share a bound; ``made`` has the row of each event in the order in which they were made."""

    __slots__ = ("bytes", "bytes_max", "made")

    def __init__(self, bytes_max: int) -> None:
        self.bytes = 0
        self.bytes_max = bytes_max
        self.made: deque[_Row] = deque()


class _Row:
    """The events of one type, without an object for each of them, which the garbage collector would have to visit."""

    __slots__ = ("first", "orders", "payloads", "shelf")

    def __init__(self, shelf: _Shelf) -> None:
        self.shelf = shelf
        self.first = 1
        self.orders: deque[int] = deque()
        self.payloads: deque[bytes] = deque()
