"""A disk that takes its time and forgets, in a crash, what it had not finished.

A job's write happens at the end of its delay, in one piece: before that a crash loses it, after that it is kept, even
if the crash comes before the node hears that it is done.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from raftzmq.config import ClusterConfig
from raftzmq.node.work import Loaded, LogJob, StateJob, StateResult, Timed
from raftzmq.simulation.conditions import Conditions
from raftzmq.simulation.schedule import Schedule
from raftzmq.storage.memory import MemoryDisk, MemoryLog, MemoryState, open_memory_node

SLOW = 60
"""How much longer a slow disk takes."""
STUCK_US = 2_000_000
"""The longest that it takes: several elections."""
REPORT_US = (200, 200, 200, 200, 200, 200, 200, 200, 200, 40_000)
"""The longest from the end of a write to the node's hearing of it, one of these: a crash may come between."""


class SimulatedDisk:
    """The disk of one node: real records in memory, written with delays of virtual time.

    What a job raises goes to ``broke``: in a real node it ends the process.
    """

    def __init__(
        self,
        schedule: Schedule,
        rng: Random,
        conditions: Conditions,
        config: ClusterConfig,
        node: str,
        broke: Callable[[Exception], None],
    ) -> None:
        self._schedule = schedule
        self._rng = rng
        self._conditions = conditions
        self._config = config
        self._node = node
        self._broke = broke
        self._disk = MemoryDisk()
        self._log: MemoryLog | None = None
        self._state: MemoryState | None = None
        self._life = 0
        self._writing = False
        self._uncommitted = False
        self.slow = False

    def open(self) -> Loaded:
        """Read everything back; raises StorageError, CorruptionError."""
        loaded, self._log, self._state = open_memory_node(self._disk, self._config, self._node)
        return loaded

    def crash(self) -> bool:
        """Forget what was not synced; whether that was anything."""
        self._life += 1
        lost = self._writing or self._uncommitted
        self._writing = self._uncommitted = False
        self._log = self._state = None
        self._disk.crash()
        return lost

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
        try:
            self._log.write(job)
        except Exception as error:  # noqa: BLE001 - it ends the node's process, not the run
            self._broke(error)
            return
        self._writing = False
        written(job)
        self._schedule.after(self._until_report(), self._if_alive, life, report, job, Timed(delay, delay))

    def run_state(
        self,
        job: StateJob,
        applied: Callable[[StateJob, StateResult], None],
        report: Callable[[StateJob, StateResult, Timed], None],
        durable: Callable[[int, Timed], None],
    ) -> None:
        """Run ``job`` after a while: ``applied`` at once, ``report`` later, and after a commit ``durable``."""
        delay = self._rng.randint(20, 20 + self._conditions.disk_us // 4)
        self._schedule.after(delay, self._apply, self._life, job, delay, applied, report, durable)

    def _apply(
        self,
        life: int,
        job: StateJob,
        delay: int,
        applied: Callable[[StateJob, StateResult], None],
        report: Callable[[StateJob, StateResult, Timed], None],
        durable: Callable[[int, Timed], None],
    ) -> None:
        if life != self._life or self._state is None:
            return
        try:
            result = self._state.apply(job)
        except Exception as error:  # noqa: BLE001 - it ends the node's process, not the run
            self._broke(error)
            return
        self._uncommitted = self._uncommitted or bool(job.entries)
        applied(job, result)
        after = self._until_report()
        self._schedule.after(after, self._if_alive, life, report, job, result, Timed(delay, 0))
        if job.commit:
            self._schedule.after(after + self._delay(), self._commit, life, durable)

    def _commit(self, life: int, durable: Callable[[int, Timed], None]) -> None:
        if life != self._life or self._state is None:
            return
        try:
            index = self._state.commit()
        except Exception as error:  # noqa: BLE001 - it ends the node's process, not the run
            self._broke(error)
            return
        self._uncommitted = False
        self._schedule.after(self._until_report(), self._if_alive, life, durable, index, Timed())

    def _if_alive(self, life: int, report: Callable[..., None], *arguments: object) -> None:
        if life == self._life:
            report(*arguments)
