"""The simulator's disk: the same records and the same state machine over tables in memory.

`MemoryDisk` holds what is durable. A `MemoryLog` changes it one whole job at a time, as a committed LMDB transaction
does. A `MemoryState` works on overlays that `commit` moves to the disk and that a crash loses. Everything on the
disk is bytes and is decoded and checked on the way back, so a flipped bit is found here by the code that finds it in
LMDB.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from raftzmq.config import SESSION_IDLE_US, SESSIONS_MAX, ClusterConfig
from raftzmq.core.types import first_entry
from raftzmq.errors import InvariantViolation, StorageError
from raftzmq.kv.machine import StateMachine
from raftzmq.kv.sessions import Sessions
from raftzmq.kv.tables import Table
from raftzmq.node.work import Loaded, LogJob, StateJob, StateResult
from raftzmq.storage.identity import Identity, check_identity
from raftzmq.storage.loading import make_loaded
from raftzmq.storage.log import LOG_TABLES, LogTables, create_log, read_identity, read_log, write_job
from raftzmq.storage.state import STATE_TABLES, as_tables, run_job


class MemoryTable:
    """A `Table` in memory: a dict, and its keys in order."""

    __slots__ = ("_keys", "rows")

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        """For tests that damage a row: change values only, or the order of keys is lost."""
        self._keys: list[bytes] = []

    @property
    def last(self) -> bytes:
        """The highest key; empty, which is below every key, if there is none."""
        return self._keys[-1] if self._keys else b""

    def get(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def put(self, key: bytes, row: bytes) -> None:
        if key not in self.rows:
            if not self._keys or key > self._keys[-1]:
                self._keys.append(key)
            else:
                insort(self._keys, key)
        self.rows[key] = row

    def delete(self, key: bytes) -> None:
        if self.rows.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def get_many(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        rows = self.rows
        return {key: rows[key] for key in keys if key in rows}

    def put_many(self, rows: list[tuple[bytes, bytes]], append: bool = False) -> None:
        for key, row in rows:
            if append and key <= self.last:
                raise InvariantViolation(f"row {key.hex()} was to be appended after {self.last.hex()}")
            self.put(key, row)

    def scan(self, start: bytes, end: bytes | None = None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        first = bisect_left(self._keys, start)
        last = len(self._keys) if end is None else bisect_left(self._keys, end)
        keys = self._keys[first:last]
        for key in reversed(keys) if reverse else keys:
            yield key, self.rows[key]


class OverlayTable:
    """A `Table` of changes over another, which stays as it is until `settle`."""

    __slots__ = ("_base", "_changes", "_highest")

    def __init__(self, base: MemoryTable) -> None:
        self._base = base
        self._changes: dict[bytes, bytes | None] = {}
        self._highest = base.last
        """No key lies above it: what is appended must."""

    def settle(self) -> None:
        """Move the changes to the table below."""
        for key, row in self._changes.items():
            if row is None:
                self._base.delete(key)
            else:
                self._base.put(key, row)
        self._changes = {}

    def get(self, key: bytes) -> bytes | None:
        return self._changes[key] if key in self._changes else self._base.get(key)

    def put(self, key: bytes, row: bytes) -> None:
        self._changes[key] = row
        self._highest = max(self._highest, key)

    def delete(self, key: bytes) -> None:
        self._changes[key] = None

    def get_many(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        found = {}
        for key in keys:
            row = self.get(key)
            if row is not None:
                found[key] = row
        return found

    def put_many(self, rows: list[tuple[bytes, bytes]], append: bool = False) -> None:
        for key, row in rows:
            if append and key <= self._highest:
                raise InvariantViolation(f"row {key.hex()} was to be appended after {self._highest.hex()}")
            self.put(key, row)

    def scan(self, start: bytes, end: bytes | None = None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        if not self._changes:
            yield from self._base.scan(start, end, reverse)
            return
        merged: dict[bytes, bytes | None] = dict(self._base.scan(start, end))
        merged.update((key, row) for key, row in self._changes.items() if key >= start and (end is None or key < end))
        for key in sorted(merged, reverse=reverse):
            row = merged[key]
            if row is not None:
                yield key, row


def _log_tables() -> LogTables:
    entries, meta, peers = (MemoryTable() for _ in LOG_TABLES)
    return LogTables(entries, meta, peers)


@dataclass(slots=True)
class MemoryDisk:
    """The durable bytes of one node: what a crash leaves."""

    log: LogTables = field(default_factory=_log_tables)
    state: dict[str, MemoryTable] = field(default_factory=lambda: {name: MemoryTable() for name in STATE_TABLES})
    boot: int = 0
    """How often the node crashed: what was opened before is dead."""

    def crash(self) -> None:
        """The node's process ends: logs and states opened before can do nothing any more."""
        self.boot += 1


class _OfOneBoot:
    """Something of a running node, which a crash or a failure ends."""

    def __init__(self, disk: MemoryDisk) -> None:
        self._disk = disk
        self._boot = disk.boot
        self._ended = False

    def _check(self) -> None:
        if self._ended or self._boot != self._disk.boot:
            raise StorageError("the simulated disk was closed, failed before, or its node crashed")


class MemoryLog(_OfOneBoot):
    """`LogStorage` on a `MemoryDisk`: a job is on the disk, whole, when `write` returns.

    A simulator that wants a slow disk calls `write` later; what it has not called when the node crashes is lost.
    """

    def __init__(self, disk: MemoryDisk, last_index: int) -> None:
        super().__init__(disk)
        self._last_index = last_index

    def write(self, job: LogJob) -> None:
        """Make ``job`` durable; raises InvariantViolation for a gap, StorageError after `close` or a crash."""
        self._check()
        self._last_index = write_job(self._disk.log, job, self._last_index)

    def close(self) -> None:
        """Refuse all further writes."""
        self._ended = True


class MemoryState(_OfOneBoot):
    """`StateStorage` on a `MemoryDisk`: what is applied and not committed is lost in a crash."""

    def __init__(self, disk: MemoryDisk, *, sessions_max: int = SESSIONS_MAX, idle_us: int = SESSION_IDLE_US) -> None:
        super().__init__(disk)
        self._overlays: dict[str, OverlayTable] = {name: OverlayTable(table) for name, table in disk.state.items()}
        tables = as_tables(self._overlays)
        sessions = Sessions(tables.sessions, sessions_max=sessions_max, idle_us=idle_us)
        self.machine = StateMachine(tables, sessions=sessions)
        self._durable_index = self.machine.applied_index

    def apply(self, job: StateJob) -> StateResult:
        """Apply and read; raises CorruptionError, InvariantViolation, and StorageError after any failure."""
        self._check()
        # A job that fails leaves half a batch behind, which must never reach the disk.
        self._ended = True
        result = run_job(self.machine, job)
        self._ended = False
        return result

    def commit(self) -> int:
        """Move what was applied to the disk; the index that is now durable."""
        self._check()
        if self.machine.applied_index != self._durable_index:
            self.machine.save()
            for overlay in self._overlays.values():
                overlay.settle()
            self._durable_index = self.machine.applied_index
        return self._durable_index

    def crash(self) -> None:
        """Lose what was not committed. The object is of no further use."""
        self._ended = True

    def close(self) -> None:
        """Commit what is open; harmless to repeat, and after a crash or failure."""
        if not self._ended and self._boot == self._disk.boot:
            self.commit()
        self._ended = True


class OpenedMemory(NamedTuple):
    """What was on a simulated node's disk, and the disk itself, ready for use."""

    loaded: Loaded
    log: MemoryLog
    state: MemoryState


def open_memory_node(
    disk: MemoryDisk,
    cluster: ClusterConfig,
    node: str,
    incarnation: str | None = None,
    *,
    sessions_max: int = SESSIONS_MAX,
    idle_us: int = SESSION_IDLE_US,
) -> OpenedMemory:
    """Open ``disk`` for ``node``, writing the first content if there is none.

    ``sessions_max`` and ``idle_us`` (log time) bound the sessions that its state keeps. A new disk gets
    ``incarnation`` (None: one made of the names, the same in every run); later the stored one counts.
    Raises ConfigurationError, IdentityError, CorruptionError.
    """
    cluster.address(node)
    identity = read_identity(disk.log)
    if identity is None:
        identity = Identity(cluster.cluster_id, node, incarnation or f"{cluster.cluster_id}-{node}")
        create_log(disk.log, identity, first_entry(cluster.nodes))
    check_identity(identity, cluster.cluster_id, node, "the simulated disk")
    contents = read_log(disk.log)
    state = MemoryState(disk, sessions_max=sessions_max, idle_us=idle_us)
    loaded = make_loaded(identity, contents, state.machine)
    return OpenedMemory(loaded, MemoryLog(disk, contents.last_index), state)


def all_tables(disk: MemoryDisk) -> dict[str, Table]:
    """Every table of the disk by its place, such as ``log.entries``: for tests that damage or compare them."""
    tables: dict[str, Table] = {
        "log.entries": disk.log.entries,
        "log.meta": disk.log.meta,
        "log.peers": disk.log.peers,
    }
    tables.update((f"state.{name}", table) for name, table in disk.state.items())
    return tables
