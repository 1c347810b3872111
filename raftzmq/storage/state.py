"""The state in LMDB: one write transaction stays open over many batches, and one commit makes them all durable.

Applying and reading share it: a read transaction would not see what is applied and not yet committed. An LMDB write
transaction lives and dies on one thread, so all calls but the constructor come from the same one. If the process
dies, the log still has what was not committed here, and it is applied again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import lmdb

from raftzmq.config import KIB, STATE_ANSWER_BYTES_MAX
from raftzmq.errors import InvariantViolation, RaftzmqError, StorageError
from raftzmq.kv.commands import result_bytes
from raftzmq.kv.machine import StateMachine
from raftzmq.kv.tables import Tables
from raftzmq.node.work import ReadBatch, StateJob, StateResult
from raftzmq.storage.environment import LmdbTable, storage_error, used_fraction

STATE_MAP_BYTES = 64 * KIB**3
"""Address space for the state: a bound, not a size. A full map is fatal here, since the open transaction holds batches
that were answered already, so the bound lies far above what the history's own limits will leave."""
STATE_TABLES = ("keys", "history", "sessions", "meta")


def run_job(machine: StateMachine, job: StateJob) -> StateResult:
    """Apply and read what ``job`` asks for; raises CorruptionError, InvariantViolation."""
    suppressed = machine.suppressed
    results = tuple([machine.apply(entry) for entry in job.entries])
    return StateResult(
        applied_index=machine.applied_index,
        digest=machine.digest,
        revision=machine.revision,
        results=results,
        answers=tuple(answer_reads(machine, job.reads)),
        suppressed=machine.suppressed - suppressed,
    )


def answer_reads(machine: StateMachine, reads: tuple[ReadBatch, ...]) -> Iterator[tuple[int, list[Any]]]:
    """Answer in order until about STATE_ANSWER_BYTES_MAX bytes are together: a read may get only its first answers."""
    left = STATE_ANSWER_BYTES_MAX
    for read in reads:
        results = []
        for query in read.queries:
            if left <= 0:
                break
            result = machine.query(query)
            left -= result_bytes(result)
            results.append(result)
        yield read.token, results


def as_tables(tables: dict[str, Any]) -> Tables:
    """The state machine's view of tables by name."""
    return Tables(tables["keys"], tables["history"], tables["sessions"], tables["meta"])


class LmdbState:
    """The state of one node in LMDB. Any failure ends its use: nothing is committed after one."""

    def __init__(self, environment: lmdb.Environment, tables: dict[str, LmdbTable]) -> None:
        """Read the state back; raises CorruptionError, StorageError."""
        self._environment = environment
        self._tables = tables
        self._open: lmdb.Transaction[bytes] | None = None
        self._thread = 0
        self._failure: str | None = None
        try:
            with environment.begin() as transaction:
                self._bind(transaction)
                self.machine = StateMachine(as_tables(tables))
        except lmdb.Error as error:
            raise storage_error(error, "the state cannot be read") from error
        finally:
            self._bind(None)
        self._durable_index = self.machine.applied_index

    def apply(self, job: StateJob) -> StateResult:
        """Apply and read; visible at once, durable only after `commit`.

        Raises CorruptionError, InvariantViolation and StorageError, each of them final: a batch that was cut short
        must never be committed, and a full map loses batches that were answered already.
        """
        self._check()
        # Stands unless the job ends well, whatever ends it.
        self._failure = "a job was cut short"
        try:
            result = self._run(job)
        except lmdb.Error as error:
            self._failure = str(error)
            raise storage_error(error, "the state cannot be applied") from error
        except RaftzmqError as error:
            self._failure = str(error)
            raise
        self._failure = None
        return result

    def _run(self, job: StateJob) -> StateResult:
        if self._open is None and not job.entries:
            with self._environment.begin() as transaction:
                self._bind(transaction)
                try:
                    return run_job(self.machine, job)
                finally:
                    self._bind(None)
        if self._open is None:
            self._begin()
        return run_job(self.machine, job)

    def commit(self) -> int:
        """Make all that was applied durable, synced; the index that is now durable. Nothing applied: costs nothing.

        Raises StorageError, now and at every later call: see `raftzmq.storage.log.LmdbLog.write`.
        """
        self._check()
        if self._open is None:
            return self._durable_index
        try:
            self.machine.save()
            self._open.commit()
        except lmdb.Error as error:
            self._failure = str(error)
            raise storage_error(error, "the state cannot be committed") from error
        finally:
            self._open = None
            self._bind(None)
        self._durable_index = self.machine.applied_index
        return self._durable_index

    def close(self) -> None:
        """Commit what is open, unless something failed, and release the files; harmless to repeat.

        Like every call, from the thread that applied.
        """
        try:
            if self._failure is None and self._open is not None:
                self.commit()
        finally:
            if self._open is not None:
                self._open.abort()
                self._open = None
            self._environment.close()

    @property
    def used(self) -> float:
        """How much of the map is used, 0 to 1; the door closes well before 1."""
        return used_fraction(self._environment)

    def _begin(self) -> None:
        self._open = self._environment.begin(write=True)
        self._thread = threading.get_ident()
        self._bind(self._open)

    def _check(self) -> None:
        if self._failure is not None:
            raise StorageError(f"the state failed before: {self._failure}")
        if self._open is not None and self._thread != threading.get_ident():
            raise InvariantViolation("the state was used from two threads: its transaction belongs to the first")

    def _bind(self, transaction: lmdb.Transaction[bytes] | None) -> None:
        for table in self._tables.values():
            table.bind(transaction)
