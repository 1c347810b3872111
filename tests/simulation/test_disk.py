"""The simulated disk does what it says: syncs that fail leave either outcome, a full disk none, a bit turns over."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from raftzmq.config import local_cluster
from raftzmq.core.ready import Append
from raftzmq.core.types import HardState
from raftzmq.errors import CorruptionError, StorageError
from raftzmq.node.work import LogJob, StateJob
from raftzmq.simulation.conditions import draw
from raftzmq.simulation.coverage import Coverage
from raftzmq.simulation.disk import READ_LATER, SimulatedDisk
from raftzmq.simulation.schedule import Schedule
from raftzmq.storage.log import LogFull

JOB = LogJob(Append(HardState(7, "n2")))


class Machine:
    """A disk, and what came of the writes that it was given."""

    def __init__(self, seed: int = 1) -> None:
        self.schedule = Schedule()
        self.coverage = Coverage()
        self.errors: list[Exception] = []
        self.written = 0
        self.reported = 0
        conditions = replace(draw(Random(1)), disk_us=100)
        config = local_cluster(3, "simulated")
        self.disk = SimulatedDisk(
            self.schedule, Random(seed), conditions, self.coverage, config, "n1", self.errors.append
        )
        self.disk.open()

    def write(self) -> None:
        """Give the disk a job and let it happen."""
        self.disk.write_log(JOB, self._count_written, lambda job, timed: self._count_reported())
        self.run()

    def run(self) -> None:
        """Let everything happen."""
        while self.schedule.step():
            pass

    def _count_written(self, job: LogJob) -> None:
        self.written += 1

    def _count_reported(self) -> None:
        self.reported += 1

    def term_after_a_crash(self) -> int:
        """What is there when the node starts again."""
        self.disk.crash()
        return self.disk.open().current_term


def test_a_write_is_kept() -> None:
    machine = Machine()
    machine.write()
    assert (machine.written, machine.reported, machine.errors) == (1, 1, [])
    assert machine.term_after_a_crash() == 7


def test_a_failed_sync_ends_the_process_and_leaves_either_outcome() -> None:
    kept = set()
    for seed in range(20):
        machine = Machine(seed)
        machine.disk.sync_fails = True
        machine.write()
        assert machine.reported == 0, "nobody is told that it is durable"
        assert [type(error) for error in machine.errors] == [StorageError]
        assert machine.errors == [machine.disk.fault]
        assert machine.term_after_a_crash() == (7 if machine.written else 0)
        kept.add(machine.written)
        machine.write()
        assert machine.reported == 1, "it fails once"
    assert kept == {0, 1}


def test_a_full_disk_takes_nothing_until_there_is_room() -> None:
    machine = Machine()
    machine.disk.full = True
    machine.write()
    assert (machine.written, machine.reported) == (0, 0)
    assert isinstance(machine.disk.fault, LogFull)
    assert machine.term_after_a_crash() == 0
    machine.disk.full = False
    machine.write()
    assert machine.term_after_a_crash() == 7


def test_a_crash_loses_what_was_on_its_way() -> None:
    machine = Machine()
    machine.disk.write_log(JOB, machine._count_written, lambda job, timed: machine._count_reported())
    assert machine.disk.crash()
    machine.run()
    assert (machine.written, machine.disk.open().current_term) == (0, 0)


@pytest.mark.parametrize("seed", range(30))
def test_a_bit_that_turned_over_is_found_at_the_start_or_where_it_is_read(seed: int) -> None:
    machine = Machine()
    machine.write()
    entries = machine.disk.open().entries
    job = StateJob(entries, commit=True)
    machine.disk.run_state(job, lambda *_: None, lambda *_: None, lambda *_: None)
    machine.run()
    machine.disk.crash()
    place = machine.disk.flip_bit(Random(seed))
    if place in READ_LATER:
        machine.disk.open()
        assert machine.disk.damaged_row() is not None
    else:
        with pytest.raises(CorruptionError):
            machine.disk.open()
