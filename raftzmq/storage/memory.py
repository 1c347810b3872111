"""The simulator's disk: the same records and the same state machine over tables in memory.

`MemoryDisk` holds what is durable. A `MemoryLog` changes it one whole job at a time, as a committed LMDB transaction
does. A `MemoryState` works on overlays that `commit` moves to the disk and that a crash loses. Everything on the
disk is bytes and is decoded and checked on the way back, so a flipped bit is found here by the code that finds it in
LMDB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from raftzmq.config import HISTORY_REVISIONS_MAX, SESSION_IDLE_US, SESSIONS_MAX, ClusterConfig
from raftzmq.core.types import Mark, first_entry
from raftzmq.errors import StorageError
from raftzmq.kv.machine import StateMachine
from raftzmq.kv.sessions import Sessions
from raftzmq.kv.tables import Table
from raftzmq.node.work import Loaded, LogJob, StateJob, StateResult
from raftzmq.storage.identity import Identity, check_identity
from raftzmq.storage.loading import interrupted_install, make_loaded
from raftzmq.storage.log import LOG_TABLES, LogTables, Span, create_log, read_identity, read_log, write_job
from raftzmq.storage.memory_snapshots import MemorySnapshots
from raftzmq.storage.memory_table import MemoryTable, OverlayTable
from raftzmq.storage.state import run_job
from raftzmq.storage.tables import STATE_TABLES, as_tables


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
    installed: int = 0
    """The index of the last snapshot installed, as the state's pointer has it."""
    ready: dict[str, MemoryTable] | None = None
    """A snapshot that arrived whole and waits to be installed."""

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

    def __init__(self, disk: MemoryDisk, span: Span) -> None:
        super().__init__(disk)
        self._span = span

    def write(self, job: LogJob) -> None:
        """Make ``job`` durable; raises InvariantViolation for a gap, StorageError after `close` or a crash."""
        self._check()
        self._span = write_job(self._disk.log, job, self._span)

    def close(self) -> None:
        """Refuse all further writes."""
        self._ended = True


class MemoryState(_OfOneBoot):
    """`StateStorage` on a `MemoryDisk`: what is applied and not committed is lost in a crash."""

    def __init__(
        self,
        disk: MemoryDisk,
        *,
        sessions_max: int = SESSIONS_MAX,
        idle_us: int = SESSION_IDLE_US,
        revisions_max: int = HISTORY_REVISIONS_MAX,
    ) -> None:
        super().__init__(disk)
        self._revisions_max = revisions_max
        self._sessions_max = sessions_max
        self._idle_us = idle_us
        self._load()

    def _load(self) -> None:
        self._overlays = {name: OverlayTable(table) for name, table in self._disk.state.items()}
        tables = as_tables(self._overlays)
        sessions = Sessions(tables.sessions, sessions_max=self._sessions_max, idle_us=self._idle_us)
        self.machine = StateMachine(tables, sessions=sessions, revisions_max=self._revisions_max)
        self._durable = self.machine.mark

    def apply(self, job: StateJob) -> StateResult:
        """Apply and read; raises CorruptionError, InvariantViolation, and StorageError after any failure."""
        self._check()
        # A job that fails leaves half a batch behind, which must never reach the disk.
        self._ended = True
        result = run_job(self.machine, job)
        self._ended = False
        return result

    def commit(self) -> Mark:
        """Move what was applied to the disk; where it ends now, durably."""
        self._check()
        if self.machine.applied_index != self._durable.index:
            self.machine.save()
            for overlay in self._overlays.values():
                overlay.settle()
            self._durable = self.machine.mark
        return self._durable

    def install(self, mark: Mark) -> StateResult:
        """Put the snapshot that ends at ``mark``, ready on the disk, in the state's place; raises StorageError."""
        self._check()
        if self._disk.ready is None:
            raise StorageError(f"no snapshot is ready to be installed at {mark.index}")
        self._disk.state, self._disk.ready = self._disk.ready, None
        self._disk.installed = mark.index
        self._load()
        return run_job(self.machine, StateJob())

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
    snapshots: MemorySnapshots


def open_memory_node(
    disk: MemoryDisk,
    cluster: ClusterConfig,
    node: str,
    incarnation: str | None = None,
    *,
    sessions_max: int = SESSIONS_MAX,
    idle_us: int = SESSION_IDLE_US,
    revisions_max: int = HISTORY_REVISIONS_MAX,
) -> OpenedMemory:
    """Open ``disk`` for ``node``, writing the first content if there is none.

    ``sessions_max`` and ``idle_us`` (log time) bound the sessions that its state keeps, ``revisions_max`` its history.
    A new disk gets ``incarnation`` (None: one made of the names, the same in every run); later the stored one counts.
    Raises ConfigurationError, IdentityError, CorruptionError.
    """
    cluster.address(node)
    identity = read_identity(disk.log)
    if identity is None:
        identity = Identity(cluster.cluster_id, node, incarnation or f"{cluster.cluster_id}-{node}")
        create_log(disk.log, identity, first_entry(cluster.nodes))
    check_identity(identity, cluster.cluster_id, node, "the simulated disk")
    contents = read_log(disk.log)
    state = MemoryState(disk, sessions_max=sessions_max, idle_us=idle_us, revisions_max=revisions_max)
    log = MemoryLog(disk, contents.span)
    follow = interrupted_install(contents, state.machine, disk.installed)
    if follow is not None:
        log.write(LogJob(follow))
        contents = read_log(disk.log)
    return OpenedMemory(make_loaded(identity, contents, state.machine), log, state, MemorySnapshots(disk))


def all_tables(disk: MemoryDisk) -> dict[str, Table]:
    """Every table of the disk by its place, such as ``log.entries``: for tests that damage or compare them."""
    tables: dict[str, Table] = {
        "log.entries": disk.log.entries,
        "log.meta": disk.log.meta,
        "log.peers": disk.log.peers,
    }
    tables.update((f"state.{name}", table) for name, table in disk.state.items())
    return tables
