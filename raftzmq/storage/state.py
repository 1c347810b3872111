"""The state in LMDB: one write transaction stays open over many batches, and one commit makes them all durable.

Applying and reading share it: a read transaction would not see what is applied and not yet committed. An LMDB write
transaction lives and dies on one thread, so all calls but the constructor come from the same one. If the process
dies, the log still has what was not committed here, and it is applied again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import lmdb

from raftzmq.config import STATE_ANSWER_BYTES_MAX
from raftzmq.core.types import Mark
from raftzmq.errors import CorruptionError, IdentityError, InvariantViolation, RaftzmqError, StorageError
from raftzmq.kv.commands import UNFINISHED, Get, StateHash, result_bytes
from raftzmq.kv.machine import StateMachine
from raftzmq.kv.store import SCAN_STEPS_MAX
from raftzmq.node.work import ReadBatch, StateJob, StateResult
from raftzmq.storage.environment import open_environment, storage_error, used_fraction
from raftzmq.storage.hashes import Hashes
from raftzmq.storage.identity import IDENTITY_KEY, Identity, decode_identity
from raftzmq.storage.pointer import StatePointer, stale_directories, state_directory, write_pointer
from raftzmq.storage.snapshots import remove_environment
from raftzmq.storage.tables import STATE_MAP_BYTES, StateTable, as_tables, bind_all, open_state_tables


def run_job(machine: StateMachine, job: StateJob, hashed: Callable[[int], Any] | None = None) -> StateResult:
    """Apply and read what ``job`` asks for; raises CorruptionError, InvariantViolation.

    ``hashed`` answers the `StateHash` of a read, by its token, in parts; without it that takes one job.
    """
    suppressed = machine.suppressed
    results = tuple(map(machine.apply, job.entries))
    return StateResult(
        applied_index=machine.applied_index,
        digest=machine.digest,
        revision=machine.revision,
        log_time_us=machine.log_time_us,
        results=results,
        answers=tuple(answer_reads(machine, job.reads, hashed)) if job.reads else (),
        suppressed=machine.suppressed - suppressed,
    )


def answer_reads(
    machine: StateMachine, reads: tuple[ReadBatch, ...], hashed: Callable[[int], Any] | None = None
) -> Iterator[tuple[int, list[Any]]]:
    """Answer in order until about STATE_ANSWER_BYTES_MAX bytes are together: a read may get only its first answers.

    So it may after SCAN_STEPS_MAX rows looked at. Ranges over what is deleted bring no bytes: a hundred of them held up
    all entries for so long that a leader took its disk for dead. And so it may if one query is too much for a job. A
    get of a key as it is looks at no other rows, and doesn't wait for those that do.
    """
    left = STATE_ANSWER_BYTES_MAX
    scanned = machine.scanned
    for read in reads:
        results = []
        for query in read.queries:
            if left <= 0:
                break
            if type(query) is Get and not query.revision:
                result = machine.query(query)
            elif machine.scanned - scanned >= SCAN_STEPS_MAX:
                break
            elif hashed is not None and type(query) is StateHash:
                result = hashed(read.token)
            else:
                result = machine.query(query)
            if result is UNFINISHED:
                break
            left -= result_bytes(result)
            results.append(result)
        yield read.token, results


class LmdbState:
    """The state of one node in LMDB. Any failure ends its use: nothing is committed after one."""

    def __init__(self, data: Path, pointer: StatePointer, identity: Identity) -> None:
        """Read back the state of data directory ``data``, and remove what is left of others.

        Raises CorruptionError, IdentityError (the state belongs to another node), StorageError.
        """
        self._data = data
        self._identity = identity
        self._open: lmdb.Transaction[bytes] | None = None
        self._thread = 0
        self._failure: str | None = None
        self._in_use = threading.Lock()
        """Held while the environment is copied or replaced, which happens on different threads."""
        self._used = 0.0
        self._hashes = Hashes()
        self._load(pointer)

    def _load(self, pointer: StatePointer) -> None:
        self._environment, self._tables = _open_environment(self._data / pointer.directory, self._identity)
        try:
            with self._environment.begin() as transaction:
                self._bind(transaction)
                self.machine = StateMachine(as_tables(self._tables))
        except lmdb.Error as error:
            raise storage_error(error, "the state cannot be read") from error
        finally:
            self._bind(None)
        self._durable = self.machine.mark
        for stale in stale_directories(self._data, pointer):
            remove_environment(stale)

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
        self._hashes.begin_job()
        if self._open is None and not job.entries:
            with self._environment.begin() as transaction:
                self._bind(transaction)
                try:
                    return run_job(self.machine, job, self._hashed)
                finally:
                    self._bind(None)
        if self._open is None:
            self._begin()
        return run_job(self.machine, job, self._hashed)

    def _hashed(self, token: int) -> Any:
        """The result of a `StateHash` of read ``token``, or UNFINISHED; it is as of the job in which it began."""
        if not self._hashes.busy:
            if self.machine.applied_index != self._durable.index:
                # What is to be hashed must be seen from another transaction.
                self._commit()
                self._begin()
            transaction = self._environment.begin()
            tables = as_tables({name: table.within(transaction) for name, table in self._tables.items()})
            machine = self.machine
            self._hashes.begin(token, machine.hashing(tables), transaction, machine.applied_index, machine.revision)
        return self._hashes.go_on(token)

    def commit(self) -> Mark:
        """Make all that was applied durable, synced; where it ends now, durably. Nothing applied: costs nothing.

        Raises StorageError, now and at every later call: see `raftzmq.storage.log.LmdbLog.write`.
        """
        self._check()
        if self._open is not None:
            self._commit()
        return self._durable

    def _commit(self) -> None:
        if self._open is None:
            raise InvariantViolation("the state has applied what no open transaction holds")
        try:
            self.machine.save()
            self._open.commit()
        except lmdb.Error as error:
            self._failure = str(error)
            raise storage_error(error, "the state cannot be committed") from error
        finally:
            self._open = None
            self._bind(None)
        self._durable = self.machine.mark

    def install(self, mark: Mark) -> StateResult:
        """Put the snapshot that ends at ``mark``, ready beside the state, in the state's place, durably.

        What is applied and not committed is dropped: the snapshot has it. Raises CorruptionError, StorageError.
        """
        self._check()
        self._failure = "an install was cut short"
        with self._in_use:
            self._hashes.drop()
            if self._open is not None:
                self._open.abort()
                self._open = None
                self._bind(None)
            self._environment.close()
            pointer = StatePointer(state_directory(mark.index), mark.index)
            write_pointer(self._data, pointer)
            self._load(pointer)
        if self._durable != mark:
            raise CorruptionError(f"the snapshot installed ends at {self._durable.index}, not at {mark.index}")
        self._failure = None
        return run_job(self.machine, StateJob())

    def copy(self, descriptor: int) -> None:
        """Write a copy of the state as of its last commit into a file; from any thread. Raises lmdb.Error.

        It is one read transaction, which pins the pages of that commit until it ends.
        """
        with self._in_use:
            self._environment.copyfd(descriptor, compact=True)

    def close(self) -> None:
        """Commit what is open, unless something failed, and release the files; harmless to repeat.

        Like every call, from the thread that applied.
        """
        try:
            if self._failure is None and self._open is not None:
                self.commit()
        finally:
            self._hashes.drop()
            if self._open is not None:
                self._open.abort()
                self._open = None
            self._environment.close()

    @property
    def used(self) -> float:
        """How much of the map is used, 0 to 1; the door closes well before 1. While it is copied: before that."""
        if self._in_use.acquire(blocking=False):
            try:
                self._used = used_fraction(self._environment)
            finally:
                self._in_use.release()
        return self._used

    @property
    def size(self) -> int:
        """Bytes that a copy of it takes, at most; as current as `used`."""
        return int(self._used * STATE_MAP_BYTES)

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
        bind_all(self._tables, transaction)


def _open_environment(path: Path, identity: Identity) -> tuple[lmdb.Environment, dict[str, StateTable]]:
    """The environment at ``path`` and its tables, once it is known to be that of ``identity``."""
    environment = open_environment(path, STATE_MAP_BYTES)
    with ExitStack() as undo:
        undo.callback(environment.close)
        tables = open_state_tables(environment)
        with environment.begin() as transaction:
            tables["meta"].bind(transaction)
            record = tables["meta"].get(IDENTITY_KEY)
        if record is None:
            raise CorruptionError(f"{path} lacks the identity of the node that it belongs to")
        if decode_identity(record, "the state's identity") != identity:
            raise IdentityError(f"{path} belongs to another node, or another incarnation, than the log beside it")
        undo.pop_all()
    return environment, tables
