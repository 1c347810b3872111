"""Findings, tables and charts say what the figures say, whatever these are."""

from __future__ import annotations

from pathlib import Path

import pytest

from raftzmq.benchmarks.charts import draw_all
from raftzmq.benchmarks.scaling_pictures import charts_of
from raftzmq.benchmarks.scaling_study import Study, figures_of, study
from raftzmq.benchmarks.scaling_tables import tables_of
from raftzmq.benchmarks.scaling_tasks import Kind
from raftzmq.benchmarks.scaling_words import findings_of
from tests.benchmarks.test_scaling_laws import amdahl, exact, noisy, universal

LOST: dict[Kind, dict[int, float]] = {"asyncio": {1: 0.0, 2: 50.0}, "threads": {1: 0.0, 2: 49.5}}


def counter(fraction: float, blind: float = 0.0) -> Study:
    """A locked counter with a parallel fraction of its own."""
    samples = noisy(amdahl(fraction), f"counter {fraction}", spread=0.01)
    return study("tasks", "locked_counter_threads", "locked counter, threads", "units", samples, blind=blind, seen=0.01)


def everything() -> list[Study]:
    """One of each."""
    computing = noisy(amdahl(0.02), "gil", workers=(1, 2))
    return [
        study("tasks", "parallel_asyncio", "parallel, coroutines", "units", noisy(amdahl(1.0), 1), seen=1.0),
        study("tasks", "partly_serial_threads", "partly serial, threads", "units", noisy(amdahl(0.8), 2), seen=0.79),
        counter(0.0),
        study("cores", "compute_threads", "threads", "steps", computing),
        study("cores", "compute_processes", "processes", "steps", noisy(amdahl(0.98), 3, workers=(1, 2))),
        study("clients", "cluster_clients", "client processes", "puts", noisy(universal(0.2, 0.05), 4, spread=0.005)),
        study("nodes", "cluster_nodes", "nodes", "puts", noisy(universal(1.2, 0.01), 5, workers=(1, 3, 5, 7))),
    ]


def test_a_counter_that_gains_nothing_is_called_so() -> None:
    (sentence,) = findings_of([counter(0.0)], {}, 2)[:1]
    assert "is zero within its uncertainty" in sentence


def test_a_counter_that_gains_is_not_called_zero() -> None:
    (sentence,) = findings_of([counter(0.2)], {}, 2)[:1]
    assert "not zero within its uncertainty" in sentence


def test_what_the_law_cannot_see_widens_the_interval_by_just_that() -> None:
    narrow, wide = counter(0.0).parallel_fraction, counter(0.0, blind=0.02).parallel_fraction
    assert wide.value == narrow.value
    assert wide.half == pytest.approx(narrow.half + 0.02)


def test_figures_have_the_prediction_of_each_task_and_the_worst() -> None:
    figures = figures_of(everything())
    errors = [value for name, value in figures.items() if name.endswith("_prediction_error_8_percent")]
    assert len(errors) == 4  # nodes and cores were not measured with 8
    worst = figures["prediction_error_8_percent_worst"]
    assert isinstance(worst, float)
    assert worst == pytest.approx(max(abs(error) for error in errors if isinstance(error, float)))
    interval = figures["locked_counter_threads_parallel_fraction_ci95"]
    assert isinstance(interval, list)
    assert interval[0] <= 0 <= interval[1]
    assert figures["cluster_clients_coherency"] == pytest.approx(0.05, abs=0.01)


def test_findings_follow_the_figures() -> None:
    text = "\n".join(findings_of(everything(), LOST, 2))
    assert "1 / (1 - p) = 5." in text or "1 / (1 - p) = 4.9" in text
    assert "Without the lock 2 coroutines lose 50.0 %" in text
    assert "past about 4 clients more of them would get less" in text
    assert "Nodes are no workers" in text
    assert "above 1 it takes away" in text
    assert "misses the points" in text  # a peak is nothing for Amdahl's law


@pytest.mark.parametrize(("fraction", "words"), [(0.0, "one of them at a time (GIL)"), (0.9, "more than a GIL allows")])
def test_threads_that_compute_together_are_not_explained_by_the_gil(fraction: float, words: str) -> None:
    samples = noisy(amdahl(fraction), "threads", workers=(1, 2))
    threads, processes = (
        study("cores", f"compute_{name}", name, "steps", samples) for name in ("threads", "processes")
    )
    (sentence,) = findings_of([threads, processes], {}, 2)
    assert words in sentence


def test_losing_nothing_by_chance_is_not_called_safe() -> None:
    (sentence,) = findings_of([], {"threads": {1: 0.0, 2: 0.0}}, 2)
    assert "chance, not safety" in sentence


@pytest.mark.parametrize(("fraction", "words"), [(0.99, "almost for free"), (0.5, "but not for free")])
def test_waiting_that_is_hardly_shared_is_not_called_free(fraction: float, words: str) -> None:
    each = study("tasks", "parallel_threads", "parallel, threads", "units", noisy(amdahl(fraction), "waits"), seen=1.0)
    assert any(words in sentence for sentence in findings_of([each], {}, 2))


def test_a_cluster_that_loses_nothing_by_its_nodes_is_not_called_slower() -> None:
    same = study("nodes", "cluster_nodes", "nodes", "puts", exact(lambda n: 1000.0, (1, 3, 5)))
    assert any("cost nothing that can be seen" in sentence for sentence in findings_of([same], {}, 2))


def test_tables_hold_every_sample_and_every_residual() -> None:
    studies = everything()
    tables = {table.title: table.records() for table in tables_of(studies)}
    samples = sum(len(str(row["rates_per_s"]).split()) for row in tables["samples"])
    assert samples == sum(len(values) for each in studies for values in each.samples.values())
    assert len(tables["residuals: measured above fitted"]) == sum(len(each.samples) for each in studies)
    assert len(tables["Amdahl's law: S = 1 / ((1 - p) + p / n)"]) == len(studies)


def test_points_that_no_universal_law_fits_keep_amdahls() -> None:
    two = study("cores", "compute_threads", "threads", "steps", noisy(amdahl(0.5), 6, workers=(1, 2)))
    assert two.universal is None
    assert tables_of([two])


def test_every_chart_can_be_drawn(tmp_path: Path) -> None:
    charts = charts_of(everything(), LOST)
    drawn = {path.stem for path in draw_all(charts, tmp_path)}
    assert drawn == {
        *("amdahl-coroutines", "amdahl-threads", "amdahl-residuals", "amdahl-residuals-universal"),
        *("amdahl-lost-updates", "amdahl-cores", "amdahl-clients", "amdahl-nodes"),
    }
