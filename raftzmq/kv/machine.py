"""The state machine: applies committed entries in order and answers queries about what they left (Raft §2).

Deterministic: two replicas that applied the same entries hold the same bytes, and `StateMachine.digest`, a running
checksum over every row made of history and sessions, is the same on both. (A key's row repeats what the history row of
its last revision says.)
"""

from __future__ import annotations

from typing import Any

from raftzmq.config import HISTORY_BYTES_MAX, HISTORY_REVISIONS_MAX
from raftzmq.core.types import Configuration, Entry, EntryKind, Mark
from raftzmq.errors import CorruptionError, InvariantViolation
from raftzmq.kv.commands import (
    UNFINISHED,
    CompareAndSwap,
    Delete,
    Get,
    OpenSession,
    Parcel,
    Put,
    Query,
    Range,
    StateHash,
    decode_batch,
    error_result,
)
from raftzmq.kv.hashing import Hashing, checked_rows
from raftzmq.kv.history import History
from raftzmq.kv.rows import (
    META_KEY,
    Activity,
    MetaRow,
    decode_meta_row,
    encode_meta_row,
)
from raftzmq.kv.sessions import Session, Sessions
from raftzmq.kv.store import Store
from raftzmq.kv.tables import Tables

_ONLY_PUTS = {Put}


class StateMachine:
    """The store and its sessions over one set of tables, and how far in the log they have come.

    The caller puts `apply` and the `save` that follows into one transaction of the tables. After any error of
    `apply` the machine in memory and its tables disagree: both must be dropped.
    """

    def __init__(
        self,
        tables: Tables,
        *,
        sessions: Sessions | None = None,
        revisions_max: int = HISTORY_REVISIONS_MAX,
        history_bytes_max: int = HISTORY_BYTES_MAX,
    ) -> None:
        """Read the state back from ``tables``; raises CorruptionError.

        ``sessions``: with bounds of its own. ``revisions_max`` and ``history_bytes_max`` bound the history; all
        replicas must have the same.
        """
        row = tables.meta.get(META_KEY)
        meta = MetaRow() if row is None else decode_meta_row(row)
        self._tables = tables
        past = History(
            tables.keys,
            tables.history,
            meta.revision,
            meta.history,
            revisions_max=revisions_max,
            bytes_max=history_bytes_max,
        )
        self._store = Store(tables.keys, tables.history, meta.revision, past)
        self._sessions = Sessions(tables.sessions) if sessions is None else sessions
        self.applied_index = meta.applied_index
        self.applied_term = meta.applied_term
        self.chain = meta.chain
        self.configuration: Configuration = meta.configuration
        self.log_time_us = meta.log_time_us
        self.digest = meta.digest
        self.suppressed = 0
        """Commands answered from a kept result instead of being executed again, since this object was made."""

    @property
    def revision(self) -> int:
        """The store's revision: how many writes changed it."""
        return self._store.revision

    @property
    def scanned(self) -> int:
        """Rows that ranges and reads of the past looked at since this object was made: what they cost."""
        return self._store.scanned

    @property
    def mark(self) -> Mark:
        """Where the state ends: the last entry applied, and the configuration then."""
        return Mark(self.applied_index, self.applied_term, self.chain, self.configuration)

    @property
    def sessions(self) -> Sessions:
        """The sessions, for comparing replicas."""
        return self._sessions

    def save(self) -> None:
        """Write the sessions and how far the state has come. Call it once per transaction, before the commit."""
        self._sessions.save()
        store = self._store
        meta = MetaRow(
            self.applied_index,
            self.applied_term,
            self.chain,
            self.log_time_us,
            store.revision,
            store.past.bounds,
            self.digest,
            self.configuration,
        )
        self._tables.meta.put(META_KEY, encode_meta_row(meta))

    # ---- applying

    def apply(self, entry: Entry) -> list[Any]:
        """Apply the next entry: a list of results per parcel, or an error result for a parcel as a whole.

        Raises InvariantViolation for an entry out of order or one that cannot be decoded, CorruptionError for a damaged
        row that it depends on.
        """
        if entry.index != self.applied_index + 1:
            raise InvariantViolation(f"entry {entry.index} was to be applied after entry {self.applied_index}")
        results: list[Any] = []
        if entry.kind is EntryKind.COMMANDS:
            results = self._apply_batch(entry)
        elif entry.kind is EntryKind.CONFIGURATION:
            self.configuration = Configuration.decode(entry.data)
        self.applied_index, self.applied_term, self.chain = entry.index, entry.term, entry.chain
        return results

    def _apply_batch(self, entry: Entry) -> list[Any]:
        log_time_us, parcels = decode_batch(entry.data)
        # A batch's time is never before the last one's; the guard keeps time from running back even so.
        if log_time_us > self.log_time_us:
            self.log_time_us = log_time_us
        self._store.begin()
        results: list[Any] = []
        for parcel in parcels:
            results.append(self._apply_parcel(parcel, Activity(entry.index, len(results), self.log_time_us)))
        self.digest = self._sessions.flush(self._store.flush(self.digest))
        return results

    def _apply_parcel(self, parcel: Parcel, activity: Activity) -> Any:
        kinds = {*map(type, parcel.commands)}
        if not parcel.session or OpenSession in kinds:
            return self._open_session(parcel, activity)
        sessions = self._sessions
        session = sessions.find(parcel.session)
        if session is None:
            return error_result(
                "session_expired", f"session {parcel.session} is not known here (any more); nothing was executed"
            )
        sessions.touch(session, parcel.lowest, activity)
        commands, first = parcel.commands, parcel.first
        if not sessions.takes_whole(session, first, len(commands)):
            return self._apply_one_by_one(session, first, commands)
        if kinds == _ONLY_PUTS:
            results: list[Any] = self._store.put_all(commands)  # type: ignore[arg-type]
        else:
            results = [self._execute(command) for command in commands]
        sessions.keep(session, first, results)
        return results

    def _apply_one_by_one(self, session: Session, first: int, commands: list[Any]) -> list[Any]:
        """A parcel of which something was seen before or lies outside the window: look at each sequence."""
        sessions = self._sessions
        results: list[Any] = []
        run: list[Any] = []
        kept = False
        for sequence, command in enumerate(commands, first):
            known = sessions.seen(session, sequence) if sequence >= session.lowest else None
            if known is None and sessions.takes(session, sequence):
                result = self._execute(command)
                run.append(result)
            else:
                if run:
                    sessions.keep(session, sequence - len(run), run)
                    run, kept = [], True
                if known is None:
                    result = _refusal(session, sequence)
                else:
                    result = known[0]
                    self.suppressed += 1
            results.append(result)
        if run:
            sessions.keep(session, first + len(commands) - len(run), run)
        elif not kept:
            sessions.note(session)
        return results

    def _execute(self, command: Any) -> Any:
        match command:
            case Put():
                return self._store.put(command)
            case Delete():
                return self._store.delete(command)
            case CompareAndSwap():
                return self._store.compare_and_swap(command)
        raise InvariantViolation(f"a committed command is of unknown type {type(command).__name__}")

    def _open_session(self, parcel: Parcel, activity: Activity) -> Any:
        command = parcel.commands[0]
        if parcel.session or parcel.first or len(parcel.commands) > 1 or not isinstance(command, OpenSession):
            return error_result("invalid", "commands need a session, and a session is opened by a parcel of its own")
        if self._sessions.find(activity.entry) is not None:
            # The id is the entry's index, so an entry opens one session; nothing was done, the client tries again.
            return error_result("overloaded", "another session was opened in the same instant; try again")
        return [self._sessions.open(command.client, activity)]

    # ---- reading

    def query(self, query: Query) -> Any:
        """Answer ``query`` from what is applied: its result, or an error result if it can't be had.

        UNFINISHED: what it is about lies so far back that it must be asked again. Each time it gets further.
        """
        try:
            if type(query) is Get and not query.revision:
                return self._store.get(query.key, self._store.revision)
            if isinstance(query, StateHash):
                return [self.applied_index, self.revision, self.hashing().go_on()]
            return self._read(query)
        except CorruptionError as error:
            return error_result("corrupted", str(error))

    def _read(self, query: Get | Range) -> Any:
        store = self._store
        revision = query.revision or store.revision
        if revision > store.revision:
            return error_result("invalid", f"revision {revision} is yet to come; the store is at {store.revision}")
        begins = store.past.compacted_revision
        if revision < begins:
            return error_result("compacted", f"revision {revision} is compacted; the history begins at {begins}")
        if isinstance(query, Get):
            return store.get(query.key, revision)
        found = store.range(query.start, query.end, query.limit, revision)
        if found.resume == query.start and not found.rows:
            return UNFINISHED
        return [revision, found.resume is not None, found.resume, found.rows]

    def hashing(self, tables: Tables | None = None) -> Hashing:
        """The hash of all that is stored as it is now; ``tables``: these tables as of the last `save`, if not they.

        Without anything applied since `save` it only reads.
        """
        if tables is None:
            self._sessions.save()
        return Hashing(self._tables if tables is None else tables, self.revision)

    def verify(self) -> None:
        """Look at every row, as reading them would; raises CorruptionError. Takes microseconds a row.

        Without anything applied since `save` it only reads.
        """
        self._sessions.save()
        for _ in checked_rows(self._tables):
            pass


def _refusal(session: Session, sequence: int) -> dict[str, Any]:
    if sequence < session.lowest:
        said = f"below {session.lowest}, the lowest that its client still waited for: its result is forgotten"
    else:
        said = f"too far above {session.lowest}, the lowest that its client still waits for"
    return error_result("invalid", f"sequence {sequence} of session {session.id} is {said}")
