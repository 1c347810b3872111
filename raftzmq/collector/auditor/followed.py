"""One node's stream of events, as far as it has come."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Any

from raftzmq.collector.auditor.rules import UNDOING

SILENCE_NS = 1_000_000_000
"""A node says its Lamport time at every heartbeat while events are made. If it said nothing for so long, it stood
still, or nobody wanted its events: what would have been said meanwhile is missing."""
HEARTBEATS = 4
"""The same for heartbeats that are far apart."""
BOOTS_KEPT = 8


class Followed:
    """What has come of a node, and what of it can be relied on.

    ``known``: what it said adds up to where it stands; it doesn't before it has said so, nor after something was lost.
    ``anchors``: kinds of knowledge that are complete since something was seen of them, because all that changes them
    has been told since.

    ``certain``: types of which nothing is missing unless a `gap` said so. Of others an event may be missing wherever
    an ``order`` is, until a next one of its type has the ``seq`` that follows.
    """

    def __init__(self, name: str, certain: Collection[str] = ()) -> None:
        self.name = name
        self._undoing = UNDOING.difference(certain)
        self.boot = ""
        self.incarnation = ""
        self.known = False
        self.ever_known = False
        self.seqs: dict[str, int] = {}
        self._counted = False
        self._met = False
        """Something came since what it has was known to be unknown: what is missing from here on makes a hole."""
        self.joined = False
        """Facts from before it said where it stands may still come."""
        self.lamport = 0
        self.position = 0
        self.ts = 0.0
        self.ended = (0, 0.0)
        """Position and wall clock of the last event of the boot before."""
        self.anchors: set[str] = set()
        self._hole = 0
        """The ``order`` of what came behind the newest hole, since what it has was known last; 0 without any."""
        self._told: dict[str, int] = {}
        """By type, the newest ``order`` up to which nothing of it is missing."""
        self._order = 0
        self._clock_ns = 0
        self._silence_ns = SILENCE_NS
        self._ended: deque[str] = deque(maxlen=BOOTS_KEPT)

    def has_ended(self, boot: str) -> bool:
        """Is this one of its earlier boots?"""
        return boot in self._ended

    def begin(self, boot: str, *, counted: bool) -> None:
        """A new boot begins; ``counted``: with its very first event."""
        if self.boot:
            self._ended.append(self.boot)
            self.ended = (self.position, self.ts)
        self.boot = boot
        self.known = self.joined = False
        self.seqs.clear()
        self._told.clear()
        self._counted = self._met = counted
        self.lamport = self._clock_ns = self._order = self._hole = 0
        self.anchors.clear()

    def lose(self) -> None:
        """Something was lost."""
        self.known = self._met = False
        self._hole = 0
        self.anchors.clear()

    def stands(self) -> None:
        """What it has is known anew, by what it says itself."""
        self._hole = 0

    @property
    def unheard(self) -> list[str]:
        """The types of `UNDOING` of which it may have made events that nobody heard, since what it has was known."""
        return sorted(kind for kind in self._undoing if self._told.get(kind, 0) < self._hole)

    def count_anew(self) -> None:
        """It isn't known what has come."""
        self.seqs.clear()
        self._counted = False

    def skipped(self, kind: str, seq: int, order: int) -> int:
        """How many events of a type are missing before this one, without anybody having said so."""
        first = kind not in self.seqs and not self._counted
        before = seq - 1 if first else self.seqs.get(kind, 0)
        self.seqs[kind] = max(before, seq)
        if not first:
            self._told[kind] = max(order, self._told.get(kind, 0))
        return max(0, seq - before - 1)

    def heard(self, event: dict[str, Any], position: int) -> None:
        """An event of its present boot has come."""
        self.lamport = max(self.lamport, event.get("lamport", 0))
        self.position, self.ts = position, event["ts"]
        now, order = event["mono_ns"], event["order"]
        # An event that was made and isn't here: of a type that nobody passes on, or lost, as will turn out.
        skips = order > self._order + 1
        if skips and self._met:
            self._hole = order
        self._met = True
        self._order = max(self._order, order)
        if skips or now - self._clock_ns > self._silence_ns:
            self.anchors.clear()
        if event["type"] == "clock":
            self._clock_ns = now
            self._silence_ns = max(SILENCE_NS, HEARTBEATS * 1000 * event["interval_us"])
            self.joined = False
