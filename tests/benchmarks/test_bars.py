"""Each bar says by how far it was missed, and elections excuse nobody unless the whole machine stood still."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from raftzmq.benchmarks.bars import Bar
from raftzmq.benchmarks.bars_program import bars, bars_result, chosen_targets, verdict
from raftzmq.benchmarks.full_load import full_load
from raftzmq.benchmarks.point import Point
from raftzmq.benchmarks.result import Table
from raftzmq.benchmarks.targets import TARGETS, Outcome, Setting, innocent_elections
from tests.benchmarks.test_programs import bench

HERE = Path(__file__)


@pytest.mark.parametrize(
    ("bar", "said"),
    [
        (Bar("ratio", 0.65, 0.65, "", at_least=True), "held"),
        (Bar("ratio", 0.52, 0.65, "", at_least=True), "missed by 20.0%"),
        (Bar("p99", 40.0, 40.0, "ms"), "held"),
        (Bar("p99", 50.0, 40.0, "ms"), "missed by 25.0%"),
        (Bar("elections", 0, 0, "elections"), "held"),
        (Bar("elections", 2, 0, "elections"), "missed by 2"),
    ],
)
def test_a_bar_is_held_or_missed_by_so_much(bar: Bar, said: str) -> None:
    assert verdict(bar) == said


def test_elections_count_in_runs_without_a_stall() -> None:
    assert innocent_elections([0, 1, 2, 3], [0, 0, 1, 0]) == 4


def test_every_bar_has_a_line_and_every_sample_is_there() -> None:
    outcome = Outcome(
        [Bar("a", 1.0, 2.0, "", at_least=True), Bar("b", 1.0, 2.0, "ms")], Table("runs", ["x"], [[1], [2]])
    )
    result = bars_result(Setting(), [(TARGETS[0], outcome)], ["puts-1 (needs --against)"])
    assert [row["verdict"] for row in result.tables[0].records()] == ["missed by 50.0%", "held"]
    assert result.tables[1].rows == [[1], [2]]
    assert result.figures == {"bars": 2, "bars_held": 1, "bars_missed": 1}
    (chart,) = result.charts
    assert [(series.x, series.y) for series in chart.series] == [(["puts-1000"], [1.0]), (["puts-1000"], [2.0])]
    assert result.findings[-1] == "Not measured: puts-1 (needs --against)."


def test_without_the_other_program_comparisons_are_left_out_by_name() -> None:
    targets, left_out = chosen_targets((), long=False, against=None)
    assert {target.name for target in targets} == {"sync", "five-nodes", "large-values"}
    assert len(left_out) == len(TARGETS) - 3
    assert "puts-1000 (needs --against)" in left_out
    assert "millions (needs --long)" in left_out


def test_long_ones_run_if_they_are_asked_for() -> None:
    assert len(chosen_targets((), long=True, against=HERE)[0]) == len(TARGETS)
    assert [target.name for target in chosen_targets(("millions",), long=False, against=None)[0]] == ["millions"]


def test_a_comparison_needs_the_other_program() -> None:
    with pytest.raises(click.UsageError, match="--against"):
        chosen_targets(("puts-1",), long=False, against=None)


def test_the_help_names_every_measurement() -> None:
    done = CliRunner().invoke(bars, ["--help"])
    assert done.exit_code == 0
    assert all(target.name in done.output for target in TARGETS)


@pytest.mark.live
def test_bars_are_measured_and_a_missed_one_fails_the_program(tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("print('{\"operations_per_second\": 1e9}')\n")
    done = bench(
        "bars", "--against", str(other), "--only", "puts-64", "--quick", "--json", "--directory", str(tmp_path)
    )
    assert done.returncode == 1, done.stderr
    assert "missed: puts at 64 in flight, of the relay floor" in done.stderr
    found = json.loads(done.stdout)
    rows = found["tables"]["Bars"]
    assert rows[0]["verdict"] == "missed by 100.0%"
    assert len(rows) == 3
    (samples,) = (rows for title, rows in found["tables"].items() if title != "Bars")
    assert len(samples) == 1
    assert samples[0]["yardstick_operations_per_second"] == 1e9


@pytest.mark.live
def test_full_load_ends_after_its_time_and_is_held_to_its_answers(tmp_path: Path) -> None:
    told: list[float] = []
    found = full_load(Point(in_flight=8, clients=2, keys=20, directory=tmp_path), 1.0, told.append)
    assert found.seconds >= 1.0
    assert found.acknowledged > 2
    assert told == sorted(told)
    assert not list(tmp_path.iterdir())
