"""The machine in the report: what the system says of it, and its floors, really measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from raftzmq.benchmarks.figures import number
from raftzmq.benchmarks.floors import FloorFailed, measure_floors, timed
from raftzmq.benchmarks.machine import cpu_model, describe_machine, memory, system_name

CPUINFO = "processor\t: 0\nmodel name\t: Some CPU   @ 2.00GHz\nflags\t\t: fpu hypervisor\n\nprocessor\t: 1\n"
MEMINFO = "MemTotal:       16384000 kB\nMemFree:         1000000 kB\n"


def test_the_machine_is_described_by_facts_and_releases(tmp_path: Path) -> None:
    machine = describe_machine(tmp_path)
    assert {"processor", "cores", "memory", "data on", "system", "kernel"} <= set(machine.facts)
    assert all(machine.facts.values())
    assert machine.versions["Python"].startswith("CPython 3.")
    assert {"libzmq", "LMDB", "pyzmq", "lmdb", "msgspec"} <= set(machine.versions)
    assert machine.floors == {}


def test_what_the_kernel_says_is_read() -> None:
    assert cpu_model(CPUINFO) == "Some CPU @ 2.00GHz"
    assert memory(MEMINFO) == "15.6 GiB"
    assert system_name('NAME="x"\nPRETTY_NAME="Some Linux 12"\n') == "Some Linux 12"


def test_what_the_kernel_does_not_say_is_unknown() -> None:
    assert cpu_model("")
    assert memory("") == "unknown"
    assert system_name("") == "unknown"


def test_a_disk_without_room_is_no_floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raftzmq.benchmarks.floors.free_bytes", lambda path: 5 << 20)
    with pytest.raises(FloorFailed, match=r"has 5 MiB left, .* up to 1,024 MiB: choose another --directory"):
        measure_floors(tmp_path, seconds=0.05)
    assert not list(tmp_path.iterdir())


def test_floors_are_measured_on_the_disk_that_was_named_and_leave_nothing_there(tmp_path: Path) -> None:
    floors = measure_floors(tmp_path, seconds=0.05)
    assert all(number(floors, name) > 0 for name in floors)
    for what in ("sync_of_4_kib", "lmdb_commit_of_1_entry", "lmdb_commit_of_512_entries", "zeromq_round_trip"):
        assert number(floors, f"{what}_p50_ms") <= number(floors, f"{what}_p99_ms")
    assert number(floors, "zeromq_round_trips_per_second_with_64_in_flight") > 0
    assert list(tmp_path.iterdir()) == []


def test_a_measurement_takes_at_least_one_sample_and_numbers_them() -> None:
    seen: list[int] = []
    assert len(timed(seen.append, 0.0)) == 1
    assert seen == [0]
