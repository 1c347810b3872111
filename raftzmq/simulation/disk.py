"""A disk that takes its time, forgets in a crash what it had not finished, and fails.

A job's write happens at the end of its delay, in one piece: before that a crash loses it, after that it is kept, even
if the crash comes before the node hears that it is done. A sync that fails leaves either; which, is seen by reading
the disk at the next start alone, since whatever else the kernel says of it is worth nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from raftzmq.config import ClusterConfig
from raftzmq.core.types import Mark
from raftzmq.errors import CorruptionError, StorageError
from raftzmq.kv.rows import decode_history_row, decode_key_row
from raftzmq.node.transfers import SnapshotOutcome, run_snapshot_job
from raftzmq.node.work import Loaded, LogJob, SnapshotFile, SnapshotJob, StateJob, StateResult, Timed
from raftzmq.simulation.conditions import Conditions
from raftzmq.simulation.coverage import Coverage
from raftzmq.simulation.schedule import Schedule
from raftzmq.storage.log import LogFull
from raftzmq.storage.memory import MemoryDisk, MemoryLog, MemoryState, all_tables, open_memory_node
from raftzmq.storage.memory_snapshots import MemorySnapshots
from raftzmq.storage.memory_table import MemoryTable

SLOW = 60
"""How much longer a slow disk takes."""
STUCK_US = 2_000_000
"""The longest that it takes: several elections."""
REPORT_US = (200, 200, 200, 200, 200, 200, 200, 200, 200, 40_000)
"""The longest from the end of a write to the node's hearing of it, one of these: a crash may come between."""
READ_LATER = {"state.keys": decode_key_row, "state.history": decode_history_row}
"""Tables whose rows are checked, by these, when they are needed; all others are read whole at a start."""


class SimulatedDisk:
    """The disk of one node: real records in memory, written with delays of virtual time.

    What a job raises goes to ``broke``: in a real node it ends the process. ``fault`` is the error that the disk itself
    gave last, ``full`` and ``sync_fails`` what it will do to the next write.
    """

    def __init__(
        self,
        schedule: Schedule,
        rng: Random,
        conditions: Conditions,
        coverage: Coverage,
        config: ClusterConfig,
        node: str,
        broke: Callable[[Exception], None],
    ) -> None:
        self._schedule = schedule
        self._rng = rng
        self._conditions = conditions
        self._coverage = coverage
        self._config = config
        self._node = node
        self._broke = broke
        self._disk = MemoryDisk()
        self._log: MemoryLog | None = None
        self._state: MemoryState | None = None
        self._snapshots: MemorySnapshots | None = None
        self._snapshot_free_us = 0
        self._life = 0
        self._writing = False
        self._uncommitted = False
        self.slow = False
        self.full = False
        self.sync_fails = False
        self.fault: StorageError | None = None

    def open(self) -> Loaded:
        """Read everything back; raises StorageError, CorruptionError."""
        conditions = self._conditions
        loaded, self._log, self._state, self._snapshots = open_memory_node(
            self._disk,
            self._config,
            self._node,
            sessions_max=conditions.sessions_max,
            idle_us=conditions.idle_us,
            revisions_max=conditions.revisions_max,
        )
        return loaded

    def crash(self) -> bool:
        """Forget what was not synced; whether that was anything."""
        self._life += 1
        lost = self._writing or self._uncommitted
        self._writing = self._uncommitted = False
        self._log = self._state = self._snapshots = None
        self._disk.crash()
        return lost

    def flip_bit(self, rng: Random) -> str:
        """Turn one bit of a record over, while nobody uses the disk: the name of its table."""
        tables = {name: table for name, table in all_tables(self._disk).items() if next(table.scan(b""), None)}
        place = rng.choice(list(tables))
        table = tables[place]
        assert isinstance(table, MemoryTable)
        key, row = rng.choice(list(table.scan(b"")))
        bit = rng.randrange(8 * len(row))
        changed = bytearray(row)
        changed[bit // 8] ^= 1 << bit % 8
        table.rows[key] = bytes(changed)
        return place

    def damaged_row(self) -> str | None:
        """What is wrong with a row of the state that a start would not look at; None if nothing is."""
        tables = all_tables(self._disk)
        for place, check in READ_LATER.items():
            for key, row in tables[place].scan(b""):
                try:
                    check(key, row)
                except CorruptionError as error:
                    return str(error)
        return None

    # ---- the log

    def _delay(self) -> int:
        rng, usual = self._rng, self._conditions.disk_us
        delay = rng.randint(usual // 4, usual)
        if rng.random() < 0.03:
            delay *= 20
        return min(delay * SLOW, STUCK_US) if self.slow else delay

    def _until_report(self) -> int:
        return self._rng.randint(0, self._rng.choice(REPORT_US))

    def write_log(
        self, job: LogJob, written: Callable[[LogJob], None], report: Callable[[LogJob, Timed], None]
    ) -> None:
        """Make ``job`` durable after a while, then call ``written``, and after another while ``report``."""
        self._writing = True
        delay = self._delay()
        self._schedule.after(delay, self._write_log, self._life, job, delay, written, report)

    def _write_log(
        self,
        life: int,
        job: LogJob,
        delay: int,
        written: Callable[[LogJob], None],
        report: Callable[[LogJob, Timed], None],
    ) -> None:
        if life != self._life or self._log is None:
            return
        if self.full:
            self._fails(LogFull("the simulated log has no room"))
            return
        failed, kept = self._sync()
        if kept:
            try:
                self._log.write(job)
            except Exception as error:  # noqa: BLE001 - it ends the node's process, not the run
                self._broke(error)
                return
            self._writing = False
            written(job)
        if failed:
            self._log_sync_failed(job, report)
        else:
            self._schedule.after(self._until_report(), self._if_alive, life, report, job, Timed(delay, delay))

    def _sync(self) -> tuple[bool, bool]:
        """Whether a sync fails, and whether what it was to make durable is."""
        if not self.sync_fails:
            return False, True
        self.sync_fails = False
        self._coverage.add("failed_syncs")
        kept = self._rng.random() < 0.5
        self._coverage.add("failed_syncs_kept", int(kept))
        return True, kept

    def _log_sync_failed(self, job: LogJob, report: Callable[[LogJob, Timed], None]) -> None:
        """The write of ``job`` failed: the process ends, for another try would be told that all is well."""
        self._fails(StorageError("the simulated log could not be synced"))

    def _fails(self, error: StorageError) -> None:
        self.fault = error
        self._broke(error)

    # ---- the state

    def run_state(
        self,
        job: StateJob,
        applied: Callable[[StateJob, StateResult], None],
        report: Callable[[StateJob, StateResult, Timed], None],
        durable: Callable[[Mark, Timed], None],
    ) -> None:
        """Run ``job`` after a while: ``applied`` at once, ``report`` later, and after a commit ``durable``."""
        delay = self._rng.randint(20, 20 + self._conditions.disk_us // 4) if job.install is None else self._delay()
        self._schedule.after(delay, self._apply, self._life, job, delay, applied, report, durable)

    def _apply(
        self,
        life: int,
        job: StateJob,
        delay: int,
        applied: Callable[[StateJob, StateResult], None],
        report: Callable[[StateJob, StateResult, Timed], None],
        durable: Callable[[Mark, Timed], None],
    ) -> None:
        if life != self._life or self._state is None:
            return
        try:
            result = self._state.apply(job) if job.install is None else self._state.install(job.install)
        except Exception as error:  # noqa: BLE001 - it ends the node's process, not the run
            self._broke(error)
            return
        self._uncommitted = self._uncommitted or bool(job.entries)
        applied(job, result)
        after = self._until_report()
        self._schedule.after(after, self._if_alive, life, report, job, result, Timed(delay, 0))
        if job.commit:
            self._schedule.after(after + self._delay(), self._commit, life, durable)

    def _commit(self, life: int, durable: Callable[[Mark, Timed], None]) -> None:
        if life != self._life or self._state is None:
            return
        if self.full:
            self._fails(StorageError("the simulated state has no room"))
            return
        failed, kept = self._sync()
        mark = Mark()
        if kept:
            try:
                mark = self._state.commit()
            except Exception as error:  # noqa: BLE001 - it ends the node's process, not the run
                self._broke(error)
                return
            self._uncommitted = False
        if failed:
            self._fails(StorageError("the simulated state could not be synced"))
        else:
            self._schedule.after(self._until_report(), self._if_alive, life, durable, mark, Timed())

    # ---- snapshots

    def run_snapshot(self, job: SnapshotJob, report: Callable[[SnapshotJob, SnapshotOutcome], None]) -> None:
        """Do ``job`` after a while, behind those that came before it."""
        now = self._schedule.now_us
        self._snapshot_free_us = max(self._snapshot_free_us, now) + self._delay()
        self._schedule.after(self._snapshot_free_us - now, self._snapshot, self._life, job, report)

    def _snapshot(self, life: int, job: SnapshotJob, report: Callable[[SnapshotJob, SnapshotOutcome], None]) -> None:
        if life != self._life or self._snapshots is None:
            return
        try:
            outcome = run_snapshot_job(self._snapshots, job)
        except Exception as error:  # noqa: BLE001 - it ends the node's process, not the run
            self._broke(error)
            return
        self._coverage.add("snapshots_made", int(isinstance(outcome, SnapshotFile)))
        report(job, outcome)

    def _if_alive(self, life: int, report: Callable[..., None], *arguments: object) -> None:
        if life == self._life:
            report(*arguments)
