"""A log in the making and a replica that applies it, for tests of the state machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from raftzmq.core.types import Entry, EntryKind, make_entry
from raftzmq.kv.commands import (
    Command,
    Get,
    OpenSession,
    Parcel,
    Put,
    Range,
    StateHash,
    encode_batch,
    encode_parcel,
)
from raftzmq.kv.machine import StateMachine
from raftzmq.kv.sessions import Sessions
from raftzmq.kv.tables import Tables
from raftzmq.storage.memory_table import MemoryTable


class LogMaker:
    """Makes the entries of one log, in order, each with the chain value that belongs there."""

    def __init__(self, last: Entry | None = None) -> None:
        self._index = last.index if last else 0
        self._chain = last.chain if last else 0
        self.time_us = 0

    def entry(self, kind: EntryKind, data: bytes, term: int = 1) -> Entry:
        """The next entry."""
        self._index += 1
        entry = make_entry(self._chain, self._index, term, kind, data)
        self._chain = entry.chain
        return entry

    def batch(self, *parcels: Parcel, time_us: int | None = None, term: int = 1) -> Entry:
        """The next entry, a batch of ``parcels``; log time goes on by a millisecond unless given."""
        self.time_us = self.time_us + 1000 if time_us is None else time_us
        data = encode_batch(self.time_us, [encode_parcel(parcel) for parcel in parcels], len(parcels))
        return self.entry(EntryKind.COMMANDS, data, term)

    def open(self, client: bytes = b"c", time_us: int | None = None) -> Entry:
        """The next entry, which opens a session."""
        return self.batch(opening(client), time_us=time_us)


def opening(client: bytes = b"c") -> Parcel:
    """The parcel that opens a session."""
    return Parcel(0, 0, 0, [OpenSession(client)])


def memory_tables() -> Tables:
    """Empty tables in memory."""
    return Tables(MemoryTable(), MemoryTable(), MemoryTable(), MemoryTable())


class Replica:
    """A state machine over memory with one session open, in which commands are executed one batch each."""

    def __init__(self, tables: Tables | None = None, bounds: dict[str, int] | None = None) -> None:
        self.tables = tables or memory_tables()
        self.bounds = bounds or {}
        self.log = LogMaker()
        self.machine = self.load()
        self.session = 0
        self._sequence = 1

    def load(self) -> StateMachine:
        """Another state machine that reads back what the tables hold."""
        return StateMachine(self.tables, sessions=Sessions(self.tables.sessions, **self.bounds))

    def open_session(self, client: bytes = b"c", time_us: int | None = None) -> int:
        """Open a session through the log; its id."""
        entry = self.log.open(client, time_us)
        assert self.machine.apply(entry) == [[entry.index]]
        return entry.index

    def run(self, *commands: Command) -> list[Any]:
        """Execute ``commands`` as one parcel of one batch; their results."""
        if not self.session:
            self.session = self.open_session()
        parcel = Parcel(self.session, self._sequence, self._sequence, list(commands))
        self._sequence += len(commands)
        [results] = self.machine.apply(self.log.batch(parcel))
        assert isinstance(results, list), results
        return results

    def fill(self, rows: Iterable[tuple[bytes, bytes]]) -> list[Any]:
        """Put ``rows``, one revision each."""
        return self.run(*[Put(key, value) for key, value in rows])

    def get(self, key: bytes, revision: int = 0) -> Any:
        """The row of ``key``, or an error result."""
        return self.machine.query(Get(key, revision))

    def pages(self, start: bytes, end: bytes | None, limit: int, revision: int = 0) -> list[list[Any]]:
        """Every page of a range, asked for as a client does: the rest at the first page's revision."""
        pages = []
        while True:
            answer = self.machine.query(Range(start, end, limit, revision))
            revision, more, resume, rows = answer
            pages.append(rows)
            if not more:
                assert resume is None
                return pages
            assert resume is not None
            assert resume > start or not rows
            start = resume

    def hash(self) -> Sequence[Any]:
        """The hash of all that is stored."""
        answer = self.machine.query(StateHash())
        assert isinstance(answer, list)
        return answer

    def hash_after_reload(self) -> Sequence[Any]:
        """The hash that another replica comes to, which read this one's tables back."""
        self.machine.save()
        other = self.load()
        assert other.digest == self.machine.digest
        answer = other.query(StateHash())
        assert isinstance(answer, list)
        return answer
