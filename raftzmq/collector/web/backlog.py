"""The newest events of the merged stream, kept once for everybody who reads them."""

from __future__ import annotations

from collections.abc import Iterable

from raftzmq.collector.merged import Merged
from raftzmq.collector.web.selection import Selection
from raftzmq.config import MIB

BACKLOG_BYTES_MAX = 8 * MIB
"""What readers may be behind: a second of a cluster under full load, minutes of an idle one."""
BACKLOG_EVENTS_MAX = 40_000
"""The same in events: small ones cost more than their bytes."""
TRIM_EVENTS = 4096
"""Removing from the front of a list moves all the rest, so it is done for so many at once."""


Kept = tuple[int, str, str, bytes]
"""An event of the backlog: its position, node, type, and JSON. A bare tuple: making one takes a tenth of the time of
one with names, and the garbage collector soon leaves it alone."""


class Backlog:
    """Bounded in bytes and events; readers remember the position up to which they have read.

    Positions follow one another without a hole (`Merged`). If they ever didn't, only what comes after the hole would
    be kept, and readers from before would count as having fallen behind.
    """

    def __init__(self, *, bytes_max: int = BACKLOG_BYTES_MAX, events_max: int = BACKLOG_EVENTS_MAX) -> None:
        self._bytes_max = bytes_max
        self._events_max = events_max
        self._events: list[Kept] = []
        self._start = 0
        self._bytes = 0
        self._names: dict[str, str] = {}
        self.newest = 0
        """The position of the newest event, also of one that isn't kept; 0 before the first."""

    @property
    def oldest(self) -> int:
        """The first position that can still be read; one past the newest if nothing is kept."""
        return self._events[self._start][0] if self._start < len(self._events) else self.newest + 1

    def extend(self, merged: Iterable[Merged]) -> None:
        """Add the next events of the stream."""
        events, name_of = self._events, self._names.setdefault
        newest, size = self.newest, 0
        for position, _, payload, event in merged:
            if position != newest + 1:
                events.clear()
                self._start = self._bytes = size = 0
            node, kind = event["node"], event["type"]
            # Each event brings strings of its own for the same few names: one of each is enough.
            events.append((position, name_of(node, node), name_of(kind, kind), payload))
            newest = position
            size += len(payload)
        self.newest = newest
        self._bytes += size
        self._trim()

    def _trim(self) -> None:
        events, start = self._events, self._start
        while start < len(events) and (self._bytes > self._bytes_max or len(events) - start > self._events_max):
            self._bytes -= len(events[start][3])
            start += 1
        if start >= TRIM_EVENTS or start == len(events):
            del events[:start]
            start = 0
        self._start = start
        if len(self._names) > self._events_max:  # no cluster has so many names; a forged stream may
            self._names.clear()

    def since(self, position: int) -> list[Kept]:
        """All that is kept behind ``position``."""
        return self._events[max(self._start, self._start + position + 1 - self.oldest) :]

    def after(self, position: int, wanted: Selection, bytes_max: int) -> tuple[list[Kept], int]:
        """The wanted events behind ``position``, up to about ``bytes_max``, and the position read up to.

        The caller makes sure that ``position`` is at least ``oldest - 1``.
        """
        found: list[Kept] = []
        size = 0
        first = max(self._start, self._start + position + 1 - self.oldest)
        for index in range(first, len(self._events)):
            one = self._events[index]
            position, node, kind, payload = one
            if wanted.wants(node, kind):
                found.append(one)
                size += len(payload)
                if size >= bytes_max:
                    break
        return found, position
