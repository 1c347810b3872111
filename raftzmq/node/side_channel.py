"""Events for subscribers that missed some: from the ring, over the clients' socket.

A subscriber that saw a jump in ``seq``, or comes late, greets like any client and asks for ranges of numbers. What
the ring no longer has is named in the answer, so that nobody waits for it.
"""

from __future__ import annotations

from raftzmq.codec.clients import EventsAnswer, EventsRequest, encode_events, encode_header
from raftzmq.config import ANSWER_BYTES_MAX
from raftzmq.errors import InvalidRequest
from raftzmq.events import EVENT_TYPES
from raftzmq.events.ring import Ring

NEWEST = 2**63 - 1
"""Above every ``seq``."""
ROW_BYTES = 48
"""What a row of an answer has beside the event: its type, its number and their framing."""


class SideChannel:
    """Answers `EventsRequest` from the ring of this boot."""

    def __init__(self, boot: str, ring: Ring) -> None:
        self._boot = boot
        self._ring = ring

    def answer(self, asked: EventsRequest) -> list[bytes]:
        """The frames of the answer, at most about ANSWER_BYTES_MAX; raises InvalidRequest.

        Its cost is bounded by its size and by EVENTS_RANGES_MAX, however wide the ranges are.
        """
        ranges = _apart(asked.ranges)
        oldest = {kind: self._ring.oldest(kind) for kind, _, _ in ranges}
        rows: list[tuple[str, int, bytes]] = []
        more = False
        if asked.boot in ("", self._boot):
            size = 0
            for _, kind, seq, payload in self._ring.find(ranges):
                size += len(payload) + ROW_BYTES
                if rows and size > ANSWER_BYTES_MAX:
                    more = True
                    break
                rows.append((kind, seq, payload))
        return [encode_header(EventsAnswer(asked.request, self._boot, more, oldest)), encode_events(rows)]


def _apart(ranges: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """The same numbers in ranges that don't overlap within a type; raises InvalidRequest for a type that isn't one."""
    apart: list[tuple[str, int, int]] = []
    for kind, first, last in sorted((kind, first, last or NEWEST) for kind, first, last in ranges):
        if kind not in EVENT_TYPES:
            raise InvalidRequest(f"there is no type of event {kind[:64]!r}")
        if apart and apart[-1][0] == kind:
            first = max(first, apart[-1][2] + 1)
        if first <= last:
            apart.append((kind, first, last))
    return apart
