"""Charts as they are really drawn: every label in the SVG, the same bytes twice, nothing from the outside."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from raftzmq.benchmarks.charts import ChartNotWritten, draw_all, render
from raftzmq.benchmarks.plot import COLOURS, figure_of, number_of_look, plain
from raftzmq.benchmarks.result import Chart, ChartKind, Mark, Series

IN_FLIGHT = [1.0, 4.0, 16.0, 64.0, 256.0, 1000.0, 4096.0]
CURVE = Chart(
    "curve",
    "Puts over requests in flight",
    "requests in flight",
    "puts per second",
    [
        Series("threads", IN_FLIGHT, [700.0 * x**0.7 for x in IN_FLIGHT], low=[1.0] * 7, high=[1e6] * 7),
        Series("coroutines", IN_FLIGHT, [600.0 * x**0.7 for x in IN_FLIGHT]),
    ],
    log_x=True,
    log_y=True,
    note="Higher is better, " * 12,
    marks=[Mark("cores", 2.0), Mark("no leader", 5.0, 9.0), Mark("bar", 5000.0, axis="y")],
)
BARS = Chart(
    "bars",
    "CPU per put",
    "runtime",
    "µs per put",
    [Series("normal disk", ["threads", "coroutines"], [10.0, 12.0]), Series("slow disk", ["coroutines"], [30.0])],
    kind="bars",
)


def texts(svg: bytes) -> list[str]:
    """All text in a picture."""
    root = ET.fromstring(svg)
    return [text for element in root.iter() if element.tag.endswith("}text") for text in element.itertext()]


def test_a_chart_says_all_that_its_reader_needs() -> None:
    found = texts(render(CURVE, "svg"))
    for text in (CURVE.title, CURVE.x_label, CURVE.y_label, "threads", "coroutines", "cores", "no leader", "bar"):
        assert text in found
    assert "Higher is better," in " ".join(found)


def test_an_axis_of_powers_has_plain_numbers_at_what_was_measured() -> None:
    found = texts(render(CURVE, "svg"))
    assert {"1", "4", "16", "64", "256", "1,000", "4,096", "10,000", "100,000"} <= set(found)
    assert not [text for text in found if "10^" in text or "mathdefault" in text]


@pytest.mark.parametrize("chart", [CURVE, BARS])
@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_same_figures_draw_the_same_bytes(chart: Chart, kind: str) -> None:
    first = render(chart, kind)
    assert render(chart, kind) == first
    assert render(replace(chart, title="Another"), kind) != first


def test_the_groups_of_bars_are_named_and_one_may_be_missing() -> None:
    assert {"threads", "coroutines", "normal disk", "slow disk"} <= set(texts(render(BARS, "svg")))


def test_series_differ_in_more_than_colour() -> None:
    chart = replace(CURVE, series=[replace(CURVE.series[0], label=f"s{number}") for number in range(6)], marks=())
    svg = render(chart, "svg").decode()
    assert len(set(re.findall(r"stroke-dasharray: ([\d.,]+)", svg))) >= 5
    assert {colour for colour in COLOURS[:6] if colour in svg} == set(COLOURS[:6])


def test_a_fitted_curve_has_the_colour_of_its_points_and_takes_none_from_the_others() -> None:
    labels: dict[str, ChartKind | None] = {
        "threads": None,
        "threads, fitted": "lines",
        "coroutines": None,
        "coroutines, fitted": "lines",
        "bound": "lines",
    }
    series = [replace(CURVE.series[0], label=label, kind=kind) for label, kind in labels.items()]
    chart = replace(CURVE, kind="points", series=series)
    assert [number_of_look(chart, number) for number in range(5)] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("kind", ["lines", "points", "steps"])
def test_what_was_not_measured_is_a_gap(kind: ChartKind) -> None:
    series = Series("s", [1.0, 2.0, 3.0], [1.0, None, float("nan")], low=[0.5, 0.0, 0.0], high=[2.0, 0.0, 0.0])
    assert texts(render(Chart("c", "t", "x", "y", [series], kind=kind), "svg"))


def test_a_linear_axis_begins_at_nothing_unless_there_is_less() -> None:
    def ends(ys: list[float], high: list[float] | None = None) -> tuple[float, float]:
        series = Series("s", [1.0, 2.0], ys, low=None if high is None else ys, high=high)
        bottom, top = figure_of(Chart("c", "t", "x", "y", [series])).axes[0].get_ylim()
        return float(bottom), float(top)

    assert ends([90.0, 100.0])[0] == 0
    assert ends([90.0, 100.0])[1] > 102
    assert ends([90.0, 100.0], [100.0, 150.0])[1] > 152
    assert ends([0.0, 0.0])[1] > 0
    assert ends([-5.0, 100.0])[0] < -5


def test_everything_that_is_drawn_is_inside_the_axes() -> None:
    points = Series("points", [1.0, 50.0], [5.0, 80.0], low=[4.0, 70.0], high=[6.0, 100.0])
    others = replace(points, label="others")
    chart = Chart(
        "c", "t", "x", "y", [points, others], kind="points", marks=[Mark("bar", 120.0, axis="y"), Mark("at", 3.0)]
    )
    axes = figure_of(chart).axes[0]
    assert axes.get_xlim()[0] < 1
    assert axes.get_xlim()[1] > 50
    assert axes.get_ylim()[1] > 120
    assert figure_of(replace(chart, marks=())).axes[0].get_ylim()[1] > 100


def test_a_long_legend_takes_nothing_from_the_axes() -> None:
    def height(count: int) -> float:
        series = [replace(CURVE.series[0], label=f"a label of some length, number {number}") for number in range(count)]
        figure = figure_of(replace(CURVE, series=series, marks=()))
        figure.canvas.draw()
        return float(figure.axes[0].get_window_extent().height)

    assert height(8) > 0.9 * height(2)


def test_text_that_looks_like_a_formula_or_a_tag_stays_text() -> None:
    chart = replace(CURVE, title="a $b$ <i>c</i> & d")
    assert chart.title in texts(render(chart, "svg"))


def test_many_samples_become_an_image_inside_the_picture() -> None:
    series = Series("puts", [float(x) for x in range(3000)], [1.0 + x % 7 for x in range(3000)])
    svg = render(Chart("c", "t", "x", "y", [series], kind="points"), "svg")
    assert b"data:image/png;base64" in svg
    assert len(svg) < 300_000


def test_files_are_named_after_the_chart_and_their_directory_is_made(tmp_path: Path) -> None:
    paths = draw_all([CURVE, BARS], tmp_path / "new" / "charts")
    assert [path.name for path in paths] == ["curve.png", "curve.svg", "bars.png", "bars.svg"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert ET.fromstring(paths[1].read_bytes()).tag.endswith("svg")


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ChartNotWritten, match="choose another directory"):
        draw_all([BARS], tmp_path / "file")


@pytest.mark.parametrize(
    ("value", "text"),
    [(10_000.0, "10,000"), (0.5, "0.5"), (-2.0, "−2"), (1.0, "1"), (4096.0, "4,096"), (1e16, "1e+16")],
)
def test_ticks_are_plain_numbers(value: float, text: str) -> None:
    assert plain(value) == text
