"""The durable log: entries, term and vote, and the incarnations of peers, one LMDB transaction per `LogJob`.

How a job changes the tables and how they are read back are functions over `Table`, which the simulator's disk shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import lmdb

from raftzmq.config import KIB
from raftzmq.core.types import Entry, HardState, Mark
from raftzmq.errors import CorruptionError, InvariantViolation, StorageError
from raftzmq.kv.tables import Table
from raftzmq.node.work import LogJob
from raftzmq.records import (
    decode_entry,
    decode_hard_state,
    decode_mark,
    encode_entry,
    encode_hard_state,
    encode_mark,
    log_index,
    log_key,
    seal,
    unseal,
)
from raftzmq.storage.environment import LmdbTable, storage_error, used_fraction
from raftzmq.storage.identity import IDENTITY_KEY, Identity, decode_identity
from raftzmq.storage.tables import bind_all

GIB = KIB**3
LOG_MAP_BYTES = 64 * GIB
"""Address space for the log: a bound, not a size (the file grows with what is written). It can't grow while the node
runs, so it lies far above what compaction will leave and far below the 128 TiB that a process may map."""
LOG_TABLES = ("entries", "meta", "peers")
HARD_STATE_KEY = b"hard_state"
MARK_KEY = b"mark"


class LogFull(StorageError):
    """The log's map is full. The job left no trace, and the log goes on: smaller jobs may still fit."""


@dataclass(frozen=True, slots=True)
class LogTables:
    """The tables of a log, within one transaction."""

    entries: Table
    meta: Table
    peers: Table


@dataclass(frozen=True, slots=True)
class LogContents:
    """All that a log remembers."""

    hard_state: HardState
    mark: Mark
    entries: tuple[Entry, ...]
    peers: dict[str, str]

    @property
    def span(self) -> Span:
        """Which entries there are."""
        return Span(self.mark.index + 1, self.mark.index + len(self.entries))


class Span(NamedTuple):
    """The entries of a log: ``first`` to ``last``, or none if ``last`` is ``first - 1``."""

    first: int
    last: int


def create_log(tables: LogTables, identity: Identity, first: Entry) -> None:
    """The first content of a node's log: whose it is, entry 1, and a vote for nobody in term 0."""
    tables.meta.put(IDENTITY_KEY, identity.encode())
    tables.meta.put(MARK_KEY, encode_mark(Mark()))
    tables.meta.put(HARD_STATE_KEY, encode_hard_state(HardState()))
    tables.entries.put(log_key(first.index), encode_entry(first))


def write_job(tables: LogTables, job: LogJob, span: Span) -> Span:
    """Change the tables, which have the entries of ``span``, as ``job`` says; what they have then.

    Entries replace everything from their first index on. Raises InvariantViolation for a gap.
    """
    append = job.append
    if append is not None:
        if append.hard_state is not None:
            tables.meta.put(HARD_STATE_KEY, encode_hard_state(append.hard_state))
        if append.snapshot is not None:
            span = restart_log(tables, append.snapshot, span)
        if append.compact_to is not None:
            span = _compact(tables, append.compact_to, span)
        if append.entries:
            span = Span(span.first, _write_entries(tables.entries, append.entries, span))
    for node, incarnation in job.incarnations:
        tables.peers.put(node.encode(), seal(incarnation.encode()))
    return span


def restart_log(tables: LogTables, mark: Mark, span: Span) -> Span:
    """Remove all entries: a snapshot ends at ``mark``, and the log begins after it (rule 10)."""
    for index in range(span.first, span.last + 1):
        tables.entries.delete(log_key(index))
    tables.meta.put(MARK_KEY, encode_mark(mark))
    return Span(mark.index + 1, mark.index)


def _compact(tables: LogTables, mark: Mark, span: Span) -> Span:
    if not span.first <= mark.index <= span.last:
        raise InvariantViolation(f"a log of entries {span.first} to {span.last} was to be compacted to {mark.index}")
    for index in range(span.first, mark.index + 1):
        tables.entries.delete(log_key(index))
    tables.meta.put(MARK_KEY, encode_mark(mark))
    return Span(mark.index + 1, span.last)


def _write_entries(table: Table, entries: tuple[Entry, ...], span: Span) -> int:
    first = entries[0].index
    if not span.first <= first <= span.last + 1:
        raise InvariantViolation(f"entry {first} was to be written into a log of entries {span.first} to {span.last}")
    for index in range(first, span.last + 1):
        table.delete(log_key(index))
    rows = []
    for index, entry in enumerate(entries, first):
        if entry.index != index:
            raise InvariantViolation(f"entry {entry.index} was to be written in place {index}")
        rows.append((log_key(index), encode_entry(entry)))
    table.put_many(rows, append=True)
    return first + len(entries) - 1


def read_identity(tables: LogTables) -> Identity | None:
    """Whose log this is, or None if it was never written whole; raises CorruptionError."""
    record = tables.meta.get(IDENTITY_KEY)
    if record is not None:
        return decode_identity(record, "the log's identity")
    for table in (tables.entries, tables.meta, tables.peers):
        if next(table.scan(b""), None) is not None:
            raise CorruptionError("the log has content, but its identity is missing")
    return None


def read_log(tables: LogTables) -> LogContents:
    """Read the whole log back, checking every record and the chain that links the entries.

    Raises CorruptionError at the first damage: any record that is there may have been acknowledged, so none may be
    dropped to go on without it.
    """
    hard_state, mark = tables.meta.get(HARD_STATE_KEY), tables.meta.get(MARK_KEY)
    if hard_state is None or mark is None:
        raise CorruptionError("the log lacks its term and vote, or the mark that it begins after")
    before = decode_mark(mark)
    index, chain = before.index, before.chain
    entries = []
    for key, record in tables.entries.scan(b""):
        index += 1
        if log_index(key) != index:
            raise CorruptionError(f"the log has entry {log_index(key)} where entry {index} belongs")
        entry = decode_entry(index, record, chain)
        chain = entry.chain
        entries.append(entry)
    peers = {
        key.decode(): unseal(record, f"the incarnation of peer {key!r}").decode()
        for key, record in tables.peers.scan(b"")
    }
    return LogContents(decode_hard_state(hard_state), before, tuple(entries), peers)


class LmdbLog:
    """The log of one node in LMDB. One thread at a time; any failure but `LogFull` ends its use."""

    def __init__(self, environment: lmdb.Environment, tables: dict[str, LmdbTable]) -> None:
        self._environment = environment
        self._tables = tables
        self._log = LogTables(tables["entries"], tables["meta"], tables["peers"])
        self._span: Span | None = None
        self._failure: str | None = None

    def load(self) -> LogContents:
        """Read and check everything; must come before the first `write`. Raises CorruptionError, StorageError."""
        try:
            with self._environment.begin() as transaction:
                self._bind(transaction)
                contents = read_log(self._log)
        except lmdb.Error as error:
            raise storage_error(error, "the log cannot be read") from error
        finally:
            self._bind(None)
        self._span = contents.span
        return contents

    def write(self, job: LogJob) -> None:
        """Make ``job`` durable in one synced transaction.

        Raises `LogFull` if the map has no room: nothing was written, and the log stays usable. Raises StorageError
        for anything else, now and at every later call: after a failed sync the kernel may have dropped the pages and
        would report the next one as good, so what was in flight is unknown and nothing may be built on it.
        """
        if self._failure is not None:
            raise StorageError(f"the log failed before: {self._failure}")
        if self._span is None:
            raise InvariantViolation("the log was written before it was loaded")
        try:
            span = self._commit(job, self._span)
        except lmdb.Error as error:
            self._failure = str(error)
            raise storage_error(error, "the log cannot be written") from error
        finally:
            self._bind(None)
        self._span = span

    def _commit(self, job: LogJob, span: Span) -> Span:
        transaction = self._environment.begin(write=True)
        written = False
        try:
            self._bind(transaction)
            span = write_job(self._log, job, span)
            written = True
        except lmdb.MapFullError as error:
            raise LogFull(f"the log's map of {self._environment.info()['map_size']} bytes is full") from error
        finally:
            if not written:
                transaction.abort()
        transaction.commit()
        return span

    def _bind(self, transaction: lmdb.Transaction[bytes] | None) -> None:
        bind_all(self._tables, transaction)

    @property
    def used(self) -> float:
        """How much of the map is used, 0 to 1; the door closes well before 1."""
        return used_fraction(self._environment)

    def close(self) -> None:
        """Release the files; harmless to repeat."""
        self._environment.close()
