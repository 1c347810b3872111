"""The comparison of runtimes: its arithmetic on made-up points, the costs of real threads, and a small real run."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from raftzmq.benchmarks.concurrency import FULL, QUICK, available, measure
from raftzmq.benchmarks.concurrency_pictures import charts_of, tables_of
from raftzmq.benchmarks.concurrency_point import Disk, Point
from raftzmq.benchmarks.concurrency_points import Busiest, Points
from raftzmq.benchmarks.concurrency_words import figures_of, findings_of
from raftzmq.benchmarks.contenders import BLOCKING, COROUTINES, THREADS, UVLOOP
from raftzmq.benchmarks.extra import ExtraMissing
from raftzmq.benchmarks.meter import Role, Spent
from raftzmq.benchmarks.process_costs import Cost, ThreadKind, spent, take_costs
from raftzmq.benchmarks.spy import ProfileFailed, rows_of
from tests.benchmarks.test_programs import bench
from tests.live.harness import eventually

SPENT: dict[tuple[Role, ThreadKind], Spent] = {
    ("leader", "loop"): Spent(8.0, 0.01, 0.02, 0.7),
    ("leader", "workers"): Spent(4.0, 0.03, 0.0, 0.3),
    ("follower", "loop"): Spent(5.0, 0.01, 0.0, 0.5),
    ("client", "loop"): Spent(9.0, 0.0, 0.0, 0.9),
}


def point(
    runtime: str,
    speed: float,
    *,
    disk: Disk = "normal",
    in_flight: int = 1000,
    latencies: list[float] | None = None,
    elections: int = 0,
) -> Point:
    """One run that took no measuring."""
    seconds = [0.001, 0.002, 0.003] if latencies is None else latencies
    return Point(runtime, disk, in_flight, 1, speed, seconds, 0, elections, [0.001, 0.004], 0.0, SPENT)


def test_without_uvloop_the_others_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    assert available(FULL) == (FULL, [])
    monkeypatch.setattr("raftzmq.benchmarks.extra.find_spec", lambda module: None)
    options, (said,) = available(FULL)
    assert UVLOOP not in options.runtimes
    assert len(options.runtimes) == len(FULL.runtimes) - 1
    assert said.startswith(f"{UVLOOP} was left out: uvloop is not installed")
    with pytest.raises(ExtraMissing):
        available(replace(FULL, runtimes=(UVLOOP, THREADS)))


def test_a_profile_without_its_program_fails_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("raftzmq.benchmarks.spy.sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(ProfileFailed, match="py-spy is not installed"):
        measure(replace(QUICK, profile=True, directory=tmp_path), lambda done: pytest.fail("it measured"))


NORMAL = [point(THREADS, speed) for speed in (100.0, 120.0, 90.0)] + [
    point(COROUTINES, speed) for speed in (95.0, 80.0, 91.0)
]
SLOW = [
    point(COROUTINES, 10.0, disk="slow", in_flight=4, latencies=[0.3, 0.5]),
    point(COROUTINES, 10.0, disk="slow", in_flight=4, latencies=[0.3, 0.4]),
    point(BLOCKING, 2.0, disk="slow", in_flight=4, latencies=[0.3, 1.0]),
    point(BLOCKING, 2.0, disk="slow", in_flight=4, latencies=[0.3, 5.0], elections=3),
]


def test_throughput_is_compared_by_medians() -> None:
    figures = figures_of(Points(NORMAL, 4, 2))
    assert figures["coroutines_to_threads_at_1000"] == 0.91
    assert figures["threads_puts_per_second_at_1000"] == [100.0, 120.0, 90.0]
    assert "threads_to_threads_at_1000" not in figures
    assert any("at least the 85%" in sentence for sentence in findings_of(Points(NORMAL, 4, 2), 300))


def test_slower_coroutines_are_explained_by_what_a_put_costs() -> None:
    dearer = {**SPENT, ("follower", "loop"): Spent(8.5, 0.01, 0.0, 0.5)}
    points = Points([point(THREADS, 100.0), replace(point(COROUTINES, 60.0), spent=dearer)], 4, 2)
    assert points.whole_cost_us(THREADS, 1000) == 12.0 + 2 * 5.0 + 9.0
    (sentence,) = [s for s in findings_of(points, 300) if "less than the 85%" in s]
    assert "together take 38.0 µs of processor time for each put instead of 31.0" in sentence
    assert "that alone makes 82%" in sentence
    assert "The most of it is a follower's loop thread: 8.5 µs instead of 5.0." in sentence


def test_the_slow_disk_is_judged_on_all_rounds_together() -> None:
    points = Points(SLOW, 4, 2)
    figures = figures_of(points)
    assert figures["slow_disk_coroutines_p99_ms"] == 500.0
    assert figures["slow_disk_coroutines_blocking_p99_ms"] == 5000.0
    assert figures["slow_disk_blocking_to_coroutines_p99_ratio"] == 10.0
    assert figures["slow_disk_coroutines_blocking_elections"] == 3
    assert any("10.0 times the p99" in s and "3 elections" in s for s in findings_of(points, 300))


def test_what_is_not_as_expected_is_said() -> None:
    calm = Points([SLOW[0], SLOW[2]], 4, 2)
    (sentence,) = [s for s in findings_of(calm, 300) if s.startswith("Expected")]
    assert "2.0 times" in sentence
    assert "no elections there" in sentence


def test_the_busiest_threads_are_named() -> None:
    assert Points(NORMAL, 4, 2).busiest(THREADS, 1000) == Busiest("client", "loop", 0.9)
    assert Points(NORMAL, 4, 2).busiest(BLOCKING, 1000) is None


def test_every_run_is_in_the_tables_and_only_what_was_measured_in_the_charts() -> None:
    runs, costs = tables_of(Points(NORMAL + SLOW, 4, 2))
    assert len(runs.rows) == len(NORMAL + SLOW)
    assert {record["process"] for record in costs.records()} == {"leader", "follower", "client"}
    assert not any("slow" in chart.name for chart in charts_of(Points(NORMAL, 4, 2)))
    names = [chart.name for chart in charts_of(Points(NORMAL + SLOW, 4, 2))]
    assert len(set(names)) == len(names) == 7
    (slow,) = charts_of(Points(SLOW[:2], 4, 2))[:1]
    (series,) = slow.series
    assert (series.x[-1], series.y[-1]) == (500.0, 1.0)


def test_cpu_and_switches_of_threads_are_counted_by_kind() -> None:
    before = take_costs([os.getpid()])
    ended, working = threading.Event(), threading.Event()

    def work() -> None:
        while not ended.is_set():
            working.set()
            ended.wait(0.0001)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        working.wait()

        def busy() -> dict[ThreadKind, Cost] | None:
            costs = spent(before, take_costs([os.getpid()]), [os.getpid()])
            return costs if costs["workers"].voluntary > 20 and costs["workers"].cpu_ns > 0 else None

        costs = eventually(busy, "a thread that waits often switches often")
    finally:
        ended.set()
        worker.join()
    assert costs["loop"].cpu_ns > 0
    assert spent(before, take_costs([os.getpid()]), [])["loop"] == Cost()
    assert take_costs([2**22 + 1]) == {}


def test_stacks_become_shares_of_functions() -> None:
    raw = "main (a.py:1);take (b.py:7) 3\nmain (a.py:1);take (b.py:9) 1\nmain (a.py:2) 1\n"
    assert rows_of("threads", raw, 10) == [
        ["threads", "all of them", 50.0, 50.0],
        ["threads", "take b.py", 40.0, 40.0],
        ["threads", "main a.py", 10.0, 50.0],
    ]


def test_quick_and_full_have_the_same_runtimes() -> None:
    assert QUICK.contenders == FULL.contenders
    assert QUICK.total < FULL.total


@pytest.mark.live
def test_the_command_compares_runtimes_on_both_disks(tmp_path: Path) -> None:
    done = bench(
        "concurrency", "--quick", "--runtime", "threads", "--runtime", "coroutines", "--in-flight", "8", "--seconds",
        "0.6", "--modest", "2", "--slow-seconds", "1", "--sync-delay-ms", "20", "--json", "--directory", str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    runs = told["tables"]["Runtimes, every run"]
    assert [(run["runtime"], run["disk"]) for run in runs] == [
        ("threads", "normal"),
        ("coroutines", "normal"),
        ("threads", "slow"),
        ("coroutines", "slow"),
    ]
    for run in runs:
        assert run["puts_per_second"] > 0
        assert 0 < run["latency_p50_ms"] <= run["latency_p99_ms"] <= run["latency_p999_ms"]
        assert 0 < run["loop_lag_p50_ms"] <= run["loop_lag_max_ms"]
    assert all(run["latency_p50_ms"] >= 20 for run in runs if run["disk"] == "slow")
    costs = told["tables"]["What a put costs on a normal disk (medians over rounds; one process of each kind)"]
    assert {cost["process"] for cost in costs} == {"leader", "follower", "client"}
    assert told["coroutines_to_threads_at_8"] > 0
    assert not list(tmp_path.iterdir())


def test_more_clients_than_puts_are_refused() -> None:
    done = bench("concurrency", "--clients", "3", "--in-flight", "2")
    assert done.returncode == 2
    assert "--in-flight" in done.stderr
