"""A sweep varies one thing at a time, and says what its own figures say."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from click.testing import CliRunner

from raftzmq.benchmarks.comparison import mode_of, ratio_figures
from raftzmq.benchmarks.factor import factors
from raftzmq.benchmarks.figures import Figures
from raftzmq.benchmarks.latency import latency
from raftzmq.benchmarks.point import Point
from raftzmq.benchmarks.result import Result
from raftzmq.benchmarks.sweep import FULL, QUICK, Samples, Sweep
from raftzmq.benchmarks.sweep_result import sweep_result
from raftzmq.benchmarks.throughput import around, throughput

SWEEP = Sweep(
    factors((1, 64, 256, 1024), (16, 256, 65_536), (1, 3, 5), (0.0, 1.0), ("asyncio", "sync")), seconds=1.0, repeats=3
)


def figures(rate: float, **others: Any) -> Figures:
    """Of a run that did ``rate`` puts a second."""
    made: Figures = {
        **dict.fromkeys(("gets_checked", "failed", "elections", "machine_stalls"), 0),
        "machine_stall_max_ms": 4.0,
        "puts_per_second": rate,
        "megabytes_per_second": rate * 256 / 1e6,
        "acknowledged": int(rate),
        **{f"latency_{name}_ms": 10 * place for place, name in enumerate(("p50", "p99", "p999"), 1)},
    }
    return made | others


def samples_of(sweep: Sweep, rates: dict[Any, float] | None = None) -> Samples:
    """Three runs of each point: a little slower, as given, a little faster."""
    found: Samples = {}
    for point in sweep.points():
        rate = (rates or {}).get(point.in_flight, 100.0 * point.in_flight)
        rate *= 2 if point.read_share else 1
        rate *= 0.5 if point.client == "sync" else 1
        found[point] = [figures(round(rate * part)) for part in (1.0, 0.9, 1.2)]
    return found


@pytest.mark.parametrize("sweep", [QUICK, FULL, SWEEP], ids=["quick", "full", "own"])
def test_points_differ_from_the_base_in_one_thing(sweep: Sweep) -> None:
    base = sweep.base_point()
    points = sweep.points()
    assert points[0] == base
    assert len(set(points)) == len(points)
    for point in points[1:]:
        differing = {each.name for each in fields(Point) if getattr(point, each.name) != getattr(base, each.name)}
        assert len(differing) == 1, differing


def test_no_client_process_is_left_without_a_call() -> None:
    sweep = replace(SWEEP, base=Point(clients=2))
    assert {(p.clients, p.in_flight) for p in sweep.points() if p.in_flight < 64} == {(1, 1)}
    assert all(plan.in_flight for point in sweep.points() for plan in point.plans(["tcp://127.0.0.1:1"]))


def test_the_table_has_medians_and_extremes() -> None:
    result = sweep_result(SWEEP, samples_of(SWEEP))
    rows = {row["in_flight"]: row for row in result.tables[0].records()}
    assert rows[64]["operations_per_second"] == 6400
    assert (rows[64]["least"], rows[64]["most"]) == (5760, 7680)
    assert rows[64]["latency_p99_ms"] == 20


def test_charts_have_every_level_with_its_spread() -> None:
    charts = {chart.name: chart for chart in sweep_result(SWEEP, samples_of(SWEEP)).charts}
    (series,) = charts["throughput_over_in_flight"].series
    assert list(series.x) == [1, 64, 256, 1024]
    assert list(series.y) == [100, 6400, 25_600, 102_400]
    assert series.low is not None
    assert series.low[1] == 5760
    assert charts["throughput_over_client"].kind == "bars"
    assert [each.label for each in charts["latency_over_nodes"].series] == ["p50", "p99"]
    assert "megabytes_over_value_size_bytes" in charts
    assert len(charts) == 11


def words(rates: dict[Any, float]) -> list[str]:
    """What is said of these rates."""
    return sweep_result(SWEEP, samples_of(SWEEP, rates)).findings


def test_words_follow_the_figures() -> None:
    said = words({1: 100, 64: 10_000, 256: 30_000, 1024: 30_100})
    assert any("With 1024 calls in flight instead of 1 the cluster does 301.0 times as much" in each for each in said)
    assert any("From 256 calls in flight on" in each and "34.0 ms" in each for each in said)
    assert any("2.00 times as many calls" in each for each in said)
    assert any("does 50% of what the asyncio client does: " in each for each in said)
    assert said[-1] == f"No leader was lost in {3 * len(SWEEP.points())} runs; the machine never stalled."


def test_nothing_is_said_of_a_flat_end_that_there_is_not() -> None:
    assert not any(each.startswith("From") for each in words({1: 100, 64: 10_000, 256: 30_000, 1024: 60_000}))


def test_elections_are_told_with_the_stalls_that_excuse_them() -> None:
    samples = samples_of(SWEEP)
    samples[SWEEP.base_point()][0] |= {"elections": 1, "machine_stalls": 1}
    samples[SWEEP.base_point()][1] |= {"elections": 2}
    result = sweep_result(SWEEP, samples)
    assert result.figures["elections"] == 3
    assert result.findings[-1].startswith("There were 3 elections")
    assert "1 of these runs without a stall" in result.findings[-1]


def test_a_result_survives_being_saved() -> None:
    result = sweep_result(SWEEP, samples_of(SWEEP))
    assert Result.from_json(result.to_saved()).findings == result.findings
    json.dumps(result.to_json())


def test_options_move_the_base_and_nothing_else() -> None:
    point = Point(in_flight=256, client="sync", operations=7, seconds=0.5)
    moved = around(QUICK, point, ("in_flight", "client", "seconds"))
    assert moved.base == replace(QUICK.base, in_flight=256, client="sync", seconds=0.5)
    assert moved.seconds == 0.5
    assert around(QUICK, Point(), ()) == QUICK


def test_what_is_chosen_counts_though_it_is_what_one_point_has_anyway() -> None:
    assert QUICK.base.keys != Point().keys
    assert around(QUICK, Point(), ("keys",)).base.keys == Point().keys


def test_gets_alone_are_compared_with_echoes_and_everything_else_with_relays() -> None:
    assert [mode_of(Point(read_share=share)) for share in (0.0, 0.5, 1.0)] == ["relay", "relay", "echo"]


def test_a_comparison_is_the_ratio_of_medians_with_every_sample() -> None:
    names = (
        *("latency_p50_ms", "latency_p99_ms"),
        *("nodes", "clients", "client", "runtime", "in_flight", "read_share"),
    )
    rest = dict.fromkeys((*names, "operations", "value_size_bytes", "keys", "cpus", "python"), 1)
    ours = [figures(rate, **rest) for rate in (50, 70, 60)]
    found = ratio_figures("puts", ours, [100.0, 80.0, 120.0])
    assert found["ratio_of_medians"] == 0.6
    assert found["puts_per_second"] == [50, 70, 60]
    assert found["ratio_of_pairs"] == [0.5, 0.875, 0.5]


@pytest.mark.parametrize("options", [["--sweep"], ["--quick"], ["--read-share", "0.5"]])
def test_only_a_point_of_one_kind_of_calls_is_compared(options: list[str]) -> None:
    done = CliRunner().invoke(throughput, [*options, "--against", __file__])
    assert done.exit_code == 2
    assert "--against" in done.output


@pytest.mark.parametrize("options", [["--uvloop"], ["--clients", "3", "--in-flight", "2"]])
def test_what_cannot_be_measured_is_refused(options: list[str]) -> None:
    for command in (throughput, latency):
        done = CliRunner().invoke(command, options)
        assert done.exit_code == 2
        assert options[0] in done.output or "--in-flight" in done.output
