"""What a benchmark found, saved and read back whole."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy
import pytest

from raftzmq.benchmarks.result import Chart, Mark, Result, ResultUnreadable, Series, Table, to_json_bytes

RESULT = Result(
    "throughput",
    "How fast?",
    {"nodes": 3, "in_flight": [1.0, 64.0]},
    {"puts_per_second": 61_234, "latency_p99_ms": 23.4, "who": "threads"},
    [Table("Runs", ["runtime", "puts_per_second"], [["threads", 1.5], ["coroutines", None]])],
    [
        Chart(
            "curve",
            "Puts",
            "in flight",
            "puts per second",
            [Series("threads", [1.0, 64.0], [700.0, None], low=[600.0, 1.0], high=[800.0, 2.0], kind="points")],
            log_x=True,
            note="Higher is better.",
            marks=[Mark("kill", 3.0, 4.0)],
        ),
        Chart(
            "bars",
            "CPU",
            "runtime",
            "µs",
            [Series("cpu", ["threads", "coroutines"], [1.0, 2.0])],
            kind="bars",
            marks=[],
        ),
    ],
    ["It is fast."],
)


def test_a_result_comes_back_as_it_was_saved() -> None:
    assert Result.from_json(RESULT.to_saved()) == RESULT


def test_the_terminal_s_json_has_figures_and_tables_but_no_charts() -> None:
    document = json.loads(to_json_bytes(RESULT.to_json()))
    assert document["puts_per_second"] == 61_234
    assert document["tables"] == {
        "Runs": [
            {"runtime": "threads", "puts_per_second": 1.5},
            {"runtime": "coroutines", "puts_per_second": None},
        ]
    }
    assert "charts" not in document


def test_what_is_not_a_number_is_null_in_json_and_gone_from_the_figures_that_are_read_back() -> None:
    result = Result("b", "?", {}, {"ratio": math.nan, "other": 1.0})
    result.charts = [Chart("c", "t", "x", "y", [Series("s", [1.0], [math.nan])])]
    assert b"NaN" not in result.to_saved()
    again = Result.from_json(result.to_saved())
    assert again.figures == {"other": 1.0}
    assert again.charts[0].series[0].y == [None]


def test_numbers_of_numpy_are_numbers() -> None:
    figures: dict[str, Any] = {"count": numpy.int64(3), "ratio": numpy.float64(0.5), "all": numpy.arange(2.0)}
    result = Result("b", "?", {}, figures)
    assert Result.from_json(result.to_saved()).figures == {"count": 3, "ratio": 0.5, "all": [0.0, 1.0]}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a saved result"),
        (b"[1]", "not a saved result"),
        (b"{}", "schema 1"),
        (RESULT.to_saved().replace(b'"schema":1', b'"schema":2'), "schema 1"),
        (b'{"schema":1}', "not a saved result"),
        (b'{"schema":1,"settings":[],"figures":{}}', "not a saved result"),
        (RESULT.to_saved().replace(b'"lines"', b'"pie"'), "not a saved result"),
    ],
)
def test_what_is_no_result_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(ResultUnreadable, match=why):
        Result.from_json(data)
