"""Where the time of a request went: its milestones on the way through this node, kept only while ``trace`` is wanted.

The clock is the driver's, so all that happens in one round happens at that round's time; a job of the disk ends when
its thread says that it did. A batch has one set of milestones for all requests in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from raftzmq.core.messages import AppendEntries, AppendEntriesResponse
from raftzmq.core.types import Entry
from raftzmq.node.reporting import Reporter
from raftzmq.node.work import Timed

OPEN_MAX = 256
"""Entries, and reads, under way that have milestones; of more than that, the rest have none."""


@dataclass(slots=True)
class Visit:
    """A request of a client: what the client calls it, and when it came in at the door."""

    tag: str
    kind: str
    request: int
    commands: int
    door_us: int


@dataclass(slots=True)
class _Entry:
    """An entry on its way, and the requests in it."""

    term: int
    visits: list[Visit]
    proposed_us: int
    logged_us: int | None = None
    committed_us: int | None = None
    sent_us: dict[str, int] = field(default_factory=dict)
    acknowledged_us: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Read:
    """A read on its way."""

    visit: Visit
    begun_us: int | None = None
    confirmed_us: int | None = None
    index: int = 0


class Tracing:
    """Follows requests from the door to the answer."""

    def __init__(self, report: Reporter) -> None:
        self._report = report
        self.entries: dict[int, _Entry] = {}
        """What is followed of writes: without any, nobody needs to say more of them than `proposed`."""
        self._reads: dict[int, _Read] = {}
        self._slowest_us = -1
        self._slowest: dict[str, Any] = {}

    @property
    def open(self) -> int:
        """How many entries and reads are followed."""
        return len(self.entries) + len(self._reads)

    # --- writes ---

    def visit(self, tag: str, kind: str, request: int, commands: int, now_us: int) -> Visit | None:
        """A request has come in at the door; None if nobody wants to know what becomes of it."""
        return Visit(tag, kind, request, commands, now_us) if self._report.wanted("trace") else None

    def proposed(self, index: int, term: int, visits: Sequence[Visit | None], now_us: int) -> None:
        """Requests became entry ``index``."""
        watched = [visit for visit in visits if visit is not None]
        if watched and len(self.entries) < OPEN_MAX:
            self.entries[index] = _Entry(term, watched, now_us)

    def sent(self, message: AppendEntries, now_us: int) -> None:
        """Entries leave for a peer."""
        first = message.prev_log_index + 1
        for index in range(first, first + len(message.entries)):
            entry = self.entries.get(index)
            if entry is not None:
                entry.sent_us.setdefault(message.to, now_us)

    def heard(self, answer: AppendEntriesResponse, now_us: int) -> None:
        """A peer says what its disk has."""
        if answer.success:
            for index, entry in self.entries.items():
                if index <= answer.match_index:
                    entry.acknowledged_us.setdefault(answer.sender, now_us)

    def logged(self, stable: int, timed: Timed, now_us: int) -> None:
        """This node's own disk has everything up to ``stable``."""
        for index, entry in self.entries.items():
            if index <= stable and entry.logged_us is None:
                entry.logged_us = timed.ended_us or now_us

    def committed(self, commit_index: int, now_us: int) -> None:
        """Everything up to ``commit_index`` is committed."""
        for index, entry in self.entries.items():
            if index <= commit_index and entry.committed_us is None:
                entry.committed_us = now_us

    def applied(self, entries: Sequence[Entry], timed: Timed, now_us: int) -> None:
        """Entries are visible, and their requests answered."""
        for applied in entries:
            entry = self.entries.pop(applied.index, None)
            if entry is None or entry.term != applied.term:
                continue
            for visit in entry.visits:
                if self._matters(visit, now_us):
                    self._finish(visit, _entry_fields(visit, applied.index, entry, timed, now_us), now_us)

    # --- reads ---

    def read(self, token: int, tag: str, request: int, queries: int, now_us: int) -> None:
        """A read has come in at the door."""
        if self._report.wanted("trace") and len(self._reads) < OPEN_MAX:
            self._reads[token] = _Read(Visit(tag, "read", request, queries, now_us))

    def asked(self, now_us: int) -> None:
        """A round began for all reads that had none."""
        for read in self._reads.values():
            if read.begun_us is None:
                read.begun_us = now_us

    def confirmed(self, tokens: Sequence[int], index: int, now_us: int) -> None:
        """These reads may be answered once the state has applied ``index``."""
        for token in tokens:
            read = self._reads.get(token)
            if read is not None:
                read.confirmed_us, read.index = now_us, index

    def answered(self, token: int, timed: Timed, now_us: int) -> None:
        """A read's last answer leaves."""
        read = self._reads.pop(token, None)
        if read is not None and self._matters(read.visit, now_us):
            self._finish(read.visit, _read_fields(read, timed, now_us), now_us)

    def expired(self, token: int) -> None:
        """A read was given up."""
        self._reads.pop(token, None)

    # --- both ---

    def abandon(self) -> None:
        """This node leads no longer: what becomes of its entries is not known here."""
        self.entries.clear()

    def _matters(self, visit: Visit, now_us: int) -> bool:
        return bool(visit.tag) or now_us - visit.door_us > self._slowest_us

    def _finish(self, visit: Visit, fields: dict[str, Any], now_us: int) -> None:
        if visit.tag:
            self._report.emit("trace", now_us, **fields)
        else:
            self._slowest_us, self._slowest = now_us - visit.door_us, fields

    def second(self, now_us: int) -> None:
        """A second is over: tell of the slowest request in it."""
        if self._slowest:
            self._report.emit("trace", now_us, **self._slowest)
        self._slowest_us, self._slowest = -1, {}


def _entry_fields(visit: Visit, index: int, entry: _Entry, timed: Timed, now_us: int) -> dict[str, Any]:
    times = entry.proposed_us, entry.logged_us, entry.committed_us
    return _fields(visit, index, times, (entry.sent_us, entry.acknowledged_us), timed, now_us)


def _read_fields(read: _Read, timed: Timed, now_us: int) -> dict[str, Any]:
    return _fields(read.visit, read.index, (read.begun_us, None, read.confirmed_us), ({}, {}), timed, now_us)


def _fields(
    visit: Visit,
    index: int,
    times: tuple[int | None, int | None, int | None],
    peers: tuple[dict[str, int], dict[str, int]],
    timed: Timed,
    now_us: int,
) -> dict[str, Any]:
    """``times``: proposed, logged, committed. ``peers``: when it was sent to each, when each acknowledged it."""
    door_us = visit.door_us
    proposed_us, logged_us, committed_us = [None if at is None else at - door_us for at in times]
    sent_us, acknowledged_us = [{peer: at - door_us for peer, at in by_peer.items()} for by_peer in peers]
    return {
        "tag": visit.tag,
        "kind": visit.kind,
        "request": visit.request,
        "commands": visit.commands,
        "index": index,
        "door_ns": door_us * 1000,
        "proposed_us": proposed_us,
        "logged_us": logged_us,
        "sent_us": sent_us,
        "acknowledged_us": acknowledged_us,
        "committed_us": committed_us,
        "applied_us": (timed.ended_us or now_us) - door_us,
        "replied_us": now_us - door_us,
    }
