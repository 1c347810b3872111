"""The store as its commands define it, in the plainest way: what real nodes' results are compared with.

It is fed the committed log, so what it says is right by definition, and it shares no code with the state machine but
the decoding of commands. It keeps everything in dicts and forgets nothing: of a session that the store forgets it
still knows what was executed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from raftzmq.config import SESSION_IDLE_US, SESSION_WINDOW, SESSIONS_MAX
from raftzmq.core.types import Entry, EntryKind
from raftzmq.kv.commands import CompareAndSwap, Delete, OpenSession, Parcel, Put, Row, decode_batch
from raftzmq.verify import LogTime, RealTime

Command = Put | Delete | CompareAndSwap | OpenSession


@dataclass(slots=True)
class ModelSession:
    """``results`` of every command ever executed, by sequence; those below ``lowest`` nobody may ask for.

    ``used``: when its last parcel came, as entry, place in the entry, and log time. ``open``: the store knows it.
    """

    used: tuple[int, int, int]
    lowest: int = 0
    results: dict[int, Any] = field(default_factory=dict)
    open: bool = True


def error(code: str) -> dict[str, str]:
    """A failed command's result; sentences are nobody's business here."""
    return {"error": code}


def plain(result: Any) -> Any:
    """A node's result as the model writes it: lists for tuples, errors without their sentence."""
    if isinstance(result, dict) and "error" in result:
        return error(str(result["error"]))
    if isinstance(result, (list, tuple)):
        return [plain(item) for item in result]
    return result


class Model:
    """``expected[i]`` are the results of entry i, ``revisions[i]`` the store's revision after it."""

    def __init__(
        self,
        realtime: RealTime,
        log_time: LogTime,
        sessions_max: int = SESSIONS_MAX,
        idle_us: int = SESSION_IDLE_US,
    ) -> None:
        self._realtime = realtime
        self._log_time = log_time
        self._sessions_max = sessions_max
        self._idle_us = idle_us
        self._time_us = 0
        self._rows: dict[bytes, Row] = {}
        self._changes: list[tuple[bytes, Row | None]] = []
        self._sessions: dict[int, ModelSession] = {}
        self.applied = 0
        self.evicted = 0
        self.expected: list[list[Any]] = [[]]
        self.revisions: list[int] = [0]
        self.repeated: dict[int, int] = {}

    @property
    def revision(self) -> int:
        """The revision after all that is committed."""
        return len(self._changes)

    def apply(self, entry: Entry) -> None:
        """Apply the next committed entry."""
        assert entry.index == self.applied + 1, "committed entries come in order"
        self.applied = entry.index
        results: list[Any] = []
        if entry.kind is EntryKind.COMMANDS:
            time_us, parcels = decode_batch(entry.data)
            self._log_time.committed(entry.index, time_us)
            self._time_us = max(self._time_us, time_us)
            for place, parcel in enumerate(parcels):
                results.append(self._parcel((entry.index, place, self._time_us), parcel))
        self.expected.append(results)
        self.revisions.append(self.revision)

    def result(self, session: int, sequence: int) -> Any:
        """What the command gave when it was executed; None if it has not been."""
        known = self._sessions.get(session)
        return None if known is None else known.results.get(sequence)

    def knows(self, session: int) -> bool:
        """Whether the store has the session, after all that is committed."""
        known = self._sessions.get(session)
        return known is not None and known.open

    def rows_at(self, revision: int) -> list[Row]:
        """All rows as of ``revision``, in the order of their keys."""
        rows: dict[bytes, Row] = {}
        for key, row in self._changes[:revision]:
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        return [rows[key] for key in sorted(rows)]

    def value(self, mod_revision: int) -> Row | None:
        """The row that ``mod_revision`` wrote; None if it removed one or isn't committed."""
        return self._changes[mod_revision - 1][1] if 1 <= mod_revision <= self.revision else None

    def _open(self, now: tuple[int, int, int]) -> None:
        """Before one opens, those go that were idle too long, and then the one idle longest if there are too many."""
        by_use = sorted((s for s in self._sessions.values() if s.open), key=lambda session: session.used)
        too_many = len(by_use) - self._sessions_max + 1
        for place, session in enumerate(by_use):
            if place >= too_many and now[2] - session.used[2] <= self._idle_us:
                break
            session.open = False
            self.evicted += 1
        self._sessions[now[0]] = ModelSession(now)

    def _parcel(self, now: tuple[int, int, int], parcel: Parcel) -> Any:
        index = now[0]
        if parcel.session == 0:
            self._open(now)
            return [index]
        session = self._sessions.get(parcel.session)
        if session is None or not session.open:
            return error("session_expired")
        session.used = now
        session.lowest = max(session.lowest, parcel.lowest)
        results = []
        for sequence, command in enumerate(parcel.commands, parcel.first):
            if sequence in session.results:
                self.repeated[index] = self.repeated.get(index, 0) + 1
            if sequence < session.lowest or sequence >= session.lowest + SESSION_WINDOW:
                results.append(error("invalid"))
                continue
            if sequence not in session.results:
                session.results[sequence] = self._execute(command)
            results.append(session.results[sequence])
        return results

    def _execute(self, command: Command) -> Any:
        assert not isinstance(command, OpenSession)
        row = self._rows.get(command.key)
        if isinstance(command, Put):
            return self._set(command.key, command.value)
        if isinstance(command, Delete):
            if row is None:
                return [False, self.revision]
            del self._rows[command.key]
            self._changes.append((command.key, None))
            self._realtime.changed(command.key, self.revision, exists=False)
            return [True, self.revision]
        if command.mod_revision is not None:
            fits = (row[3] if row else 0) == command.mod_revision
        else:
            fits = (row[1] if row else None) == command.expected
        if not fits:
            return [False, row[3] if row else 0]
        return [True, self._set(command.key, command.value)]

    def _set(self, key: bytes, value: bytes) -> int:
        row = self._rows.get(key)
        revision = self.revision + 1
        new = (key, value, row[2] if row else revision, revision, row[4] + 1 if row else 1, 0)
        self._rows[key] = new
        self._changes.append((key, new))
        self._realtime.changed(key, revision, exists=True)
        return revision
