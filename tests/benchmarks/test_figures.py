"""Percentiles are ones that were measured, and figures carry their unit."""

from __future__ import annotations

import pytest

from raftzmq.benchmarks.figures import latencies_ms, median, number, percentile


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7.0], 50.0, 7.0),
        ([7.0], 99.9, 7.0),
        ([1.0, 2.0], 50.0, 1.0),
        ([1.0, 2.0, 3.0], 50.0, 2.0),
        (list(range(1, 101)), 99.0, 99),
        (list(range(1, 101)), 99.9, 100),
        (list(range(1, 1001)), 99.9, 999),
        (list(range(1, 1002)), 99.9, 1000),
        (list(range(1, 10_001)), 50.0, 5000),
    ],
)
def test_a_percentile_is_the_smallest_that_so_many_do_not_exceed(
    values: list[float], percent: float, expected: float
) -> None:
    assert percentile(values, percent) == expected
    assert sum(value <= expected for value in values) * 100 >= percent * len(values) - 1e-6


def test_nothing_has_no_percentile_and_no_median() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50.0)
    with pytest.raises(ValueError, match="nothing"):
        median([])


@pytest.mark.parametrize(("values", "expected"), [([3.0, 1.0, 2.0], 2.0), ([4.0, 1.0, 2.0, 3.0], 2.5), ([5.0], 5.0)])
def test_the_median_needs_no_order(values: list[float], expected: float) -> None:
    assert median(values) == expected


def test_latencies_are_given_in_milliseconds() -> None:
    figures = latencies_ms([0.004, 0.001, 0.002, 0.003])
    assert figures == {
        "latency_p50_ms": 2.0,
        "latency_p99_ms": 4.0,
        "latency_p999_ms": 4.0,
        "latency_max_ms": 4.0,
    }
    assert number(figures, "latency_max_ms") == 4.0
