"""The store as its commands define it, in the plainest way: what real nodes' results are compared with.

It is fed the committed log, so what it says is right by definition, and it shares no code with the state machine but
the decoding of commands. It keeps everything in dicts and forgets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from raftzmq.config import SESSION_WINDOW
from raftzmq.core.types import Entry, EntryKind
from raftzmq.kv.commands import CompareAndSwap, Delete, OpenSession, Parcel, Put, Row, decode_batch
from raftzmq.verify import RealTime

Command = Put | Delete | CompareAndSwap | OpenSession


@dataclass(slots=True)
class ModelSession:
    """``results`` of every command ever executed, by sequence; those below ``lowest`` nobody may ask for."""

    lowest: int = 0
    results: dict[int, Any] = field(default_factory=dict)


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

    def __init__(self, realtime: RealTime) -> None:
        self._realtime = realtime
        self._rows: dict[bytes, Row] = {}
        self._changes: list[tuple[bytes, Row | None]] = []
        self._sessions: dict[int, ModelSession] = {}
        self.applied = 0
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
            for parcel in decode_batch(entry.data)[1]:
                results.append(self._parcel(entry.index, parcel))
        self.expected.append(results)
        self.revisions.append(self.revision)

    def result(self, session: int, sequence: int) -> Any:
        """What the command gave when it was executed; None if it has not been."""
        known = self._sessions.get(session)
        return None if known is None else known.results.get(sequence)

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

    def _parcel(self, index: int, parcel: Parcel) -> Any:
        if parcel.session == 0:
            self._sessions[index] = ModelSession()
            return [index]
        session = self._sessions.get(parcel.session)
        if session is None:
            return error("session_expired")
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
