"""Exactly once: what each client session has had executed, and with which results (thesis 6.3, pipelined).

A command is (session, sequence). Every parcel also says the lowest sequence that its client still waits for; it only
rises. A sequence seen before gets its kept result; one unseen and less than the window above the lowest is executed,
in any order; one below the lowest is refused, since its result has been forgotten. So retries are harmless and the
memory is bounded: per session by the window, in all by the number of sessions.

Everything here follows from the log alone, so all replicas forget the same session at the same entry. Each parcel
makes one row, and the rows of forgotten results go: reading the table back gives the same state. The table gets them
in `save`, once per transaction of it, and most rows never, since their results are forgotten before: with one put in
flight applying took 0.8 of the time so. The results themselves are in their rows alone, and read when they are asked
for again, which is rare: a client that is gone leaves up to a window of them, which took 160 to 710 KiB of memory for
each, and takes 0.2 to 50 so.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import OrderedDict
from typing import Any

from raftzmq.checksum import crc32
from raftzmq.config import SESSION_IDLE_US, SESSION_WINDOW, SESSIONS_MAX
from raftzmq.errors import CorruptionError
from raftzmq.kv.rows import (
    Activity,
    decode_results,
    decode_session_key,
    decode_session_row,
    encode_results,
    pack_checksum,
    pack_session_head,
    results_key,
    session_key,
)
from raftzmq.kv.tables import Table

NEVER = Activity(0, 0, 0)


class Session:
    """One client's session, and of which sequences there are results: runs of them, as they were executed."""

    __slots__ = ("activity", "client", "counts", "firsts", "highest", "id", "lowest")

    def __init__(self, identifier: int, client: bytes, activity: Activity) -> None:
        self.id = identifier
        self.client = client
        self.activity = activity
        self.lowest = 0
        """The lowest sequence that the client may still wait for."""
        self.highest = -1
        """No sequence above it was executed."""
        self.firsts = array("q")
        """The first sequence of each run, ascending."""
        self.counts = array("I")
        """How many results each run has."""

    def run_of(self, sequence: int) -> int | None:
        """The first sequence of the run that ``sequence`` is in, or None: not executed, or its result is forgotten."""
        at = bisect_right(self.firsts, sequence) - 1
        if at < 0 or sequence - self.firsts[at] >= self.counts[at]:
            return None
        return self.firsts[at]

    def snapshot(self) -> tuple[Any, ...]:
        """All there is to it but the results, for comparing two replicas."""
        return self.id, self.client, self.activity, self.lowest, self.highest, tuple(self.firsts), tuple(self.counts)


class Sessions:
    """The sessions in the order of their last activity, the one idle longest first."""

    def __init__(
        self,
        table: Table,
        *,
        sessions_max: int = SESSIONS_MAX,
        idle_us: int = SESSION_IDLE_US,
        window: int = SESSION_WINDOW,
    ) -> None:
        self._table = table
        self._sessions_max = sessions_max
        self._idle_us = idle_us
        self._window = window
        self._sessions: OrderedDict[int, Session] = OrderedDict()
        self._put: dict[bytes, bytes] = {}
        """Rows that the table lacks."""
        self._deleted: list[bytes] = []
        """Rows that are in the table and are to go. None of them is ever made again."""
        self._checksums: list[bytes] = []
        """Those of the rows made since `flush`."""
        self._read: tuple[bytes, list[Any]] | None = None
        """The results read last, and where: a parcel that is sent again asks for one after the other."""
        self._load()

    def __len__(self) -> int:
        return len(self._sessions)

    def find(self, session: int) -> Session | None:
        """The session, or None if it was never opened or has been forgotten."""
        return self._sessions.get(session)

    def snapshot(self) -> list[tuple[Any, ...]]:
        """Every session in order of activity, and its results, for comparing two replicas."""
        return [
            (*session.snapshot(), [self._results(session, first) for first in session.firsts])
            for session in self._sessions.values()
        ]

    def seen(self, session: Session, sequence: int) -> tuple[Any] | None:
        """The kept result of ``sequence`` in a tuple, or None if it was not executed (or was forgotten).

        Raises CorruptionError.
        """
        first = session.run_of(sequence)
        return None if first is None else (self._results(session, first)[sequence - first],)

    def open(self, client: bytes, activity: Activity) -> int:
        """Open the session of ``client``: its id is the entry's index. Forgets those idle too long, or one too many."""
        sessions = self._sessions
        while sessions:
            idlest = next(iter(sessions.values()))
            if len(sessions) < self._sessions_max and activity.time_us - idlest.activity.time_us <= self._idle_us:
                break
            self._forget(idlest)
        session = Session(activity.entry, client, activity)
        sessions[session.id] = session
        self._write_own(session)
        return session.id

    def touch(self, session: Session, lowest: int, activity: Activity) -> None:
        """A parcel of ``session`` was applied: note when, raise its lowest, forget the results below."""
        session.activity = activity
        self._sessions.move_to_end(session.id)
        if lowest <= session.lowest:
            return
        session.lowest = lowest
        if session.highest < lowest - 1:
            session.highest = lowest - 1
        firsts, counts = session.firsts, session.counts
        gone = 0
        for first, count in zip(firsts, counts, strict=True):
            if first + count > lowest:
                break
            gone += 1
            self._forget_results(session, first)
        if gone:
            del firsts[:gone], counts[:gone]

    def takes_whole(self, session: Session, first: int, count: int) -> bool:
        """Whether ``count`` sequences from ``first`` are surely unseen and in the window, without a look at each."""
        return first > session.highest and first + count <= session.lowest + self._window

    def takes(self, session: Session, sequence: int) -> bool:
        """Whether an unseen ``sequence`` may be executed."""
        return session.lowest <= sequence < session.lowest + self._window

    def keep(self, session: Session, first: int, results: list[Any]) -> None:
        """Keep the results of a run that was executed just now, beginning with sequence ``first``."""
        place = len(session.firsts) if first > session.highest else bisect_right(session.firsts, first)
        session.firsts.insert(place, first)
        session.counts.insert(place, len(results))
        last = first + len(results) - 1
        if last > session.highest:
            session.highest = last
        self._write(results_key(session.id, first), session, encode_results(results))

    def note(self, session: Session) -> None:
        """Write the session's own row: for a parcel that left no run to carry its activity and lowest."""
        self._write_own(session)

    def flush(self, digest: int) -> int:
        """End a batch: ``digest`` continued over the checksums of the rows that it made."""
        checksums, self._checksums = self._checksums, []
        return crc32(b"".join(checksums), digest)

    def save(self) -> None:
        """Bring the table up to date."""
        if self._put:
            self._table.put_many(sorted(self._put.items()))
            self._put = {}
        if self._deleted:
            self._table.delete_many(sorted(self._deleted))
            self._deleted = []

    def _results(self, session: Session, first: int) -> list[Any]:
        key = results_key(session.id, first)
        if self._read is not None and self._read[0] == key:
            return self._read[1]
        row = self._put.get(key) or self._table.get(key)
        if row is None:
            raise CorruptionError(f"session {session.id} lacks its results from {first} on")
        results = decode_results(decode_session_row(key, row).tail)
        self._read = key, results
        return results

    def _write_own(self, session: Session) -> None:
        self._write(session_key(session.id), session, session.client)

    def _write(self, key: bytes, session: Session, tail: bytes) -> None:
        body = pack_session_head(*session.activity, session.lowest) + tail
        checksum = pack_checksum(crc32(body, crc32(key)))
        self._put[key] = body + checksum
        self._checksums.append(checksum)

    def _forget_results(self, session: Session, first: int) -> None:
        key = results_key(session.id, first)
        # Made once: what still waits for the table isn't in it.
        if self._put.pop(key, None) is None:
            self._deleted.append(key)

    def _forget(self, session: Session) -> None:
        del self._sessions[session.id]
        key = session_key(session.id)
        self._put.pop(key, None)
        self._deleted.append(key)
        for first in session.firsts:
            self._forget_results(session, first)

    def _load(self) -> None:
        """Read the table back. Of a session's rows, the one of the latest activity knows activity and lowest."""
        found: dict[int, Session] = {}
        for key, stored in self._table.scan(b""):
            identifier, first = decode_session_key(key)
            row = decode_session_row(key, stored)
            session = found.get(identifier)
            if first is None:
                session = found[identifier] = Session(identifier, row.tail, NEVER)
            elif session is None:
                raise CorruptionError(f"session {identifier} has results, but no row of its own")
            else:
                count = len(decode_results(row.tail))
                session.firsts.append(first)
                session.counts.append(count)
                session.highest = max(session.highest, first + count - 1)
            session.activity = max(session.activity, row.activity)
            session.lowest = max(session.lowest, row.lowest)
        for session in found.values():
            session.highest = max(session.highest, session.lowest - 1)
        ordered = sorted(found.values(), key=lambda session: session.activity)
        self._sessions = OrderedDict((session.id, session) for session in ordered)
