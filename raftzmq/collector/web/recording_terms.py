"""Which term each entry of each node's log had, at any moment of a recording: also of entries from long before it.

Only where terms begin is kept, and from which position of the recording on: of a million entries, a few numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeGuard

import orjson

from raftzmq.collector.cluster_state import NODES_MAX
from raftzmq.collector.envelope import COLLECTOR_NODE
from raftzmq.collector.node_state import INTEGER_MAX
from raftzmq.collector.recording_frame import Frame, read_event
from raftzmq.collector.web.backlog import Kept

TERM_TYPES = frozenset({"append", "truncate", "boot", "standing", "snapshot"})
"""Types of events that say something about the terms of entries."""
CHANGES_MAX = 20_000
"""Beginnings of terms that are kept of a node; of one with more, nothing is told."""
_WORTH = re.compile(rb'"type"\s*:\s*"(?:%b)"' % "|".join(sorted(TERM_TYPES)).encode())

Beginning = tuple[int, int | None]
"""From this index on, entries have this term (None: nobody knows which), up to where the next one begins."""


class Change(NamedTuple):
    """From ``position`` of the recording on, entries from ``first`` on have ``term``, whatever stood there before."""

    position: int
    first: int
    term: int | None


def _changed(beginnings: list[Beginning], first: int, term: int | None) -> bool:
    """Let entries from ``first`` on have ``term``; says whether that was new."""
    before = len(beginnings)
    while beginnings and beginnings[-1][0] >= first:
        beginnings.pop()
    removed = beginnings[:] if len(beginnings) != before else None
    known = beginnings[-1][1] if beginnings else None
    if known != term:
        beginnings.append((first, term))
    return removed is not None or known != term


class _Log:
    """One node's: what was told so far, and where its log ends."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.beginnings: list[Beginning] = []
        self.end: int | None = None

    def copy(self) -> _Log:
        found = _Log()
        found.changes, found.beginnings, found.end = list(self.changes), list(self.beginnings), self.end
        return found

    def set(self, position: int, first: int, term: int | None) -> None:
        """Entries from ``first`` on."""
        if len(self.changes) < CHANGES_MAX and _changed(self.beginnings, first, term):
            self.changes.append(Change(position, first, term))

    def skip(self, position: int, last: int) -> None:
        """The log ends at ``last`` now; what it has beyond where it was known to end came unheard."""
        if self.end is None or last > self.end:
            self.set(position, 1 if self.end is None else self.end + 1, None)
        self.end = last

    def append(self, position: int, first: int, terms: list[int]) -> None:
        """Entries joined it."""
        self.skip(position, first - 1)
        previous: int | None = None
        for index, term in enumerate(terms, first):
            if term != previous:
                self.set(position, index, term)
                previous = term
        self.end = first + len(terms) - 1

    def agree(self, position: int, last: int, term: int) -> None:
        """It ends at ``last``, an entry of this term."""
        if self.end != last:
            self.skip(position, last)
        if last > 0 and self._at(last) != term:
            self.set(position, last, term)

    def _at(self, index: int) -> int | None:
        return next((term for first, term in reversed(self.beginnings) if first <= index), None)


class TermHistory:
    """The terms of all logs of a recording, as far as it was looked through."""

    def __init__(self) -> None:
        self.position = 0
        """Up to and with which everything is known."""
        self._logs: dict[str, _Log] = {}

    def take_frame(self, frame: Frame, lines: list[bytes]) -> None:
        """The next frame of a recording."""
        for position, line in enumerate(lines, frame.position):
            if _WORTH.search(line):
                event = read_event(line)
                if event is not None:
                    self.take(position, event)
        self.position = frame.last_position

    def with_tail(self, tail: Iterable[Kept]) -> TermHistory:
        """The same and what has happened since, which isn't in a file yet."""
        found = TermHistory()
        found.position = self.position
        found._logs = {node: log.copy() for node, log in self._logs.items()}
        for position, _, kind, payload in tail:
            if position > self.position and kind in TERM_TYPES:
                found.take(position, orjson.loads(payload))
        return found

    def take(self, position: int, event: dict[str, Any]) -> None:
        """The next event of one of `TERM_TYPES`; what isn't well made tells nothing."""
        node, kind = event.get("node"), event.get("type")
        if (
            not isinstance(node, str)
            or node == COLLECTOR_NODE
            or (node not in self._logs and len(self._logs) >= NODES_MAX)
        ):
            return
        log = self._logs.setdefault(node, _Log())
        if kind == "append":
            first, last, terms = event.get("first"), event.get("last"), event.get("terms")
            if not (_count(first) and _count(last) and isinstance(terms, list) and all(map(_count, terms))):
                return
            if first > 0 and len(terms) == last - first + 1 and terms:
                log.append(position, first, terms)
        elif kind in ("boot", "standing"):
            last, term = event.get("last_index"), event.get("last_term")
            if _count(last) and _count(term):
                log.agree(position, last, term)
        elif kind == "truncate":
            first = event.get("first")
            if _count(first) and log.end is not None:
                log.end = min(log.end, max(first - 1, 0))
        elif kind == "snapshot" and event.get("step") == "installed" and _count(event.get("index")):
            log.skip(position, max(event["index"], log.end or 0))

    def at(self, position: int) -> dict[str, list[Beginning]]:
        """By node: where terms begin in its log as it was at a position; before the first, and for None, unknown.

        Where a log ended then says the state of the cluster there: the last beginning goes up to that.
        """
        found = {}
        for node, log in self._logs.items():
            if len(log.changes) >= CHANGES_MAX:
                continue
            beginnings: list[Beginning] = []
            for change in log.changes:
                if change.position > position:
                    break
                _changed(beginnings, change.first, change.term)
            found[node] = beginnings
        return found


def _count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= INTEGER_MAX
