"""What stands on a chart's paper, in terms of matplotlib. Imported by `raftzmq.benchmarks.charts` when it draws."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import pairwise
from math import floor, log10
from typing import Any

from matplotlib.axes import Axes
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation

from raftzmq.benchmarks.charts import GRID, INK
from raftzmq.benchmarks.result import Chart, Mark, Series

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", INK)
MARKERS = "osD^vPX"
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)), "-")
HATCHES = ("", "///", "...", "\\\\\\", "xxx", "+++", "ooo")
MARK_COLOUR = "#8a8a8a"
WIDTH, HEIGHT = 7.6, 4.4
LINE = 0.19
LEGEND_LINE = 0.2
"""Inches of a line of the note, and of the legend."""
NOTE_COLUMNS = 120
ASIDE = 3.5
"""Points (1/72 inch) between series whose error bars would hide one another."""
POINTS_AS_VECTORS = 2000
"""More samples than this in one series become an image inside the SVG: a browser need not move each."""
TICKS_OF_SAMPLES_MAX = 9
STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": 10.0,
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 6.0,
    "errorbar.capsize": 3.0,
    "figure.dpi": 100.0,
}


def figure_of(chart: Chart, *, framed: bool = True) -> Figure:
    """The whole picture; ``framed``: with its title and note."""
    note = textwrap.wrap(chart.note, NOTE_COLUMNS) if framed else []
    below = LINE * len(note) + (0.08 if note else 0.0)
    height = HEIGHT + below
    layout = ConstrainedLayoutEngine(rect=(0, below / height, 1, 1 - below / height), w_pad=0.08, h_pad=0.08)
    figure = Figure(figsize=(WIDTH, height), layout=layout)
    axes = figure.add_subplot()
    draw_series(axes, chart)
    draw_axes(axes, chart)
    draw_marks(axes, chart.marks)
    if len(chart.series) + len(chart.marks) > 1:
        labels = [*(series.label for series in chart.series), *(mark.label for mark in chart.marks)]
        # A long legend makes the picture higher, not its axes lower.
        height += LEGEND_LINE * max(0, draw_legend(figure, axes, labels) - 1)
        figure.set_figheight(height)
        layout.set(rect=(0, below / height, 1, 1 - below / height))
    if framed:
        figure.suptitle(chart.title, x=0.012, ha="left", fontsize=12, fontweight="bold")
        figure.text(0.012, 0.06 / height, "\n".join(note), va="bottom", fontsize=8.5, linespacing=1.35)
    return figure


def draw_series(axes: Axes, chart: Chart) -> None:
    """All lines, points and bars."""
    groups = [series for series in chart.series if (series.kind or chart.kind) == "bars"]
    samples = [series for series in chart.series if (series.kind or chart.kind) == "points" and series.low is not None]
    names = list(dict.fromkeys(str(x) for series in groups for x in series.x))
    for number, series in enumerate(chart.series):
        look = number_of_look(chart, number) % len(COLOURS)
        kind = series.kind or chart.kind
        if kind == "bars":
            draw_bars(axes, series, look, names, groups.index(series), len(groups))
        elif kind == "points":
            aside = samples.index(series) - (len(samples) - 1) / 2 if series in samples else 0.0
            draw_points(axes, series, look, aside * ASIDE)
        else:
            draw_line(axes, series, look, steps=kind == "steps", dots=series.kind in (None, chart.kind))
    if names:
        axes.set_xticks(range(len(names)), [textwrap.fill(name, max(9, 72 // len(names))) for name in names])


def number_of_look(chart: Chart, number: int) -> int:
    """Which colour, marker and dash a series has: the next, or those of the points that its curve goes through."""
    followed = [points_of(chart, series) for series in chart.series]
    other = followed[number]
    return sum(each is None for each in followed[: number if other is None else other])


def points_of(chart: Chart, curve: Series) -> int | None:
    """The number of the series that a fitted curve goes with, by its label; None if it is no such curve."""
    if curve.kind in (None, chart.kind):
        return None
    fitting = (number for number, points in enumerate(chart.series) if points is not curve)
    return next((number for number in fitting if curve.label.startswith(chart.series[number].label)), None)


def draw_bars(axes: Axes, series: Series, look: int, names: Sequence[str], place: int, of: int) -> BarContainer:
    """One bar in each group that the series has; bars of one group stand side by side."""
    width = 0.8 / of
    at = [names.index(str(x)) - 0.4 + width * (place + 0.5) for x in series.x]
    return axes.bar(
        at,
        heights(series),
        width * 0.94,
        label=series.label,
        color=COLOURS[look],
        hatch=HATCHES[look],
        edgecolor="white",
        linewidth=0,
        yerr=errors(series),
        error_kw={"ecolor": INK, "elinewidth": 1.0},
    )


def draw_points(axes: Axes, series: Series, look: int, aside: float) -> None:
    """Samples, ``aside`` points to the right of their xs; where there are many, small and translucent ones."""
    many = len(series.x) > 60
    shift = ScaledTranslation(aside / 72, 0, axes.figure.dpi_scale_trans)
    ys = heights(series)
    # matplotlib scales its axes by what it draws in their own coordinates, which these no longer are.
    for line in (ys, series.low or ys, series.high or ys):
        axes.update_datalim([(x, y) for x, y in zip(abscissas(series), line, strict=True) if y == y])
    axes.errorbar(
        abscissas(series),
        ys,
        yerr=errors(series),
        label=series.label,
        color=COLOURS[look],
        marker=MARKERS[look],
        markersize=3.0 if many else 6.5,
        alpha=0.55 if many else 1.0,
        markeredgewidth=0,
        linestyle="none",
        transform=axes.transData + shift,
        rasterized=len(series.x) > POINTS_AS_VECTORS,
    )


def draw_line(axes: Axes, series: Series, look: int, *, steps: bool, dots: bool) -> None:
    """A line through its samples, with a marker at each as long as they can be told apart."""
    few = dots and not steps and len(series.x) <= 40
    axes.errorbar(
        abscissas(series),
        heights(series),
        yerr=errors(series),
        label=series.label,
        color=COLOURS[look],
        marker=MARKERS[look] if few else "",
        linestyle=DASHES[look],
        drawstyle="steps-post" if steps else "default",
        elinewidth=1.0,
    )


def abscissas(series: Series) -> list[float]:
    """The xs, which are numbers wherever they are no names of groups."""
    return [float(x) for x in series.x]


def heights(series: Series) -> list[float]:
    """The ys, with NaN for what was not measured."""
    return [float("nan") if y is None else float(y) for y in series.y]


def errors(series: Series) -> list[list[float]] | None:
    """How far the error bars reach down and up; None if no bar has a length, as after a single run."""
    if series.low is None or series.high is None:
        return None
    ys = heights(series)
    down = [max(0.0, y - low) if y == y else 0.0 for y, low in zip(ys, series.low, strict=True)]
    up = [max(0.0, high - y) if y == y else 0.0 for y, high in zip(ys, series.high, strict=True)]
    return [down, up] if any(down) or any(up) else None


def draw_axes(axes: Axes, chart: Chart) -> None:
    """Labels, scales, ticks that can be read off, and a light grid."""
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    named = any((series.kind or chart.kind) == "bars" for series in chart.series)
    axes.grid(visible=True, axis="y" if named else "both")
    ys = [y for series in chart.series for y in heights(series) if y == y]
    if chart.log_y:
        axes.set_yscale("log")
        decades(axes, "y", ys)
        if named and min(ys, default=0) > 0:
            # A bar on a logarithmic axis has no natural foot: a power of ten that leaves the smallest some height.
            axes.set_ylim(bottom=10 ** floor(log10(min(ys) * 0.6)))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(7, steps=(1, 2, 2.5, 5, 10)))
        axes.yaxis.set_major_formatter(FuncFormatter(plain))
        if ys and min(ys) >= 0:
            # With its own margins, which belong to the spread of the values, the highest one would touch the edge.
            highest = max([*ys, *(high for series in chart.series for high in series.high or () if high == high)])
            axes.set_ylim(0, highest * 1.06 or 1.0)
    if named:
        axes.tick_params(axis="x", length=0)
        return
    xs = [x for series in chart.series for x in abscissas(series)]
    if chart.log_x:
        axes.set_xscale("log")
    if not ticks_at_samples(axes, chart, xs):
        if chart.log_x:
            decades(axes, "x", xs)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(8, steps=(1, 2, 2.5, 5, 10)))
    axes.xaxis.set_major_formatter(FuncFormatter(plain))


def ticks_at_samples(axes: Axes, chart: Chart, xs: Sequence[float]) -> bool:
    """Where the factor took a few values, the ticks are those: 1, 64, 1,000 rather than powers of ten."""
    measured = sorted({x for s in chart.series if s.kind in (None, chart.kind) for x in abscissas(s)})
    if chart.kind == "steps" or not 2 <= len(measured) <= TICKS_OF_SAMPLES_MAX or not is_spread(measured, chart.log_x):
        return False
    axes.xaxis.set_major_locator(FixedLocator(measured))
    axes.xaxis.set_minor_locator(NullLocator())
    return True


def is_spread(ordered: Sequence[float], logarithmic: bool) -> bool:
    """Do the values lie far enough from one another for a label to each?"""
    if logarithmic:
        return ordered[0] > 0 and all(b / a > (ordered[-1] / ordered[0]) ** 0.06 for a, b in pairwise(ordered))
    return all(b - a > (ordered[-1] - ordered[0]) * 0.05 for a, b in pairwise(ordered))


def decades(axes: Axes, which: str, values: Sequence[float]) -> None:
    """A logarithmic axis with plain numbers; with 2 and 5 between the powers of ten where there are few of those."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    positive = [value for value in values if value > 0]
    narrow = bool(positive) and max(positive) / min(positive) < 400
    axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0) if narrow else (1.0,), numticks=12))
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_formatter(NullFormatter())


def plain(value: float, _: object = None) -> str:
    """A tick's label: 10,000 rather than 10⁴ or 1e4."""
    return (f"{value:,.10g}" if abs(value) < 1e15 else f"{value:g}").replace("-", "−")


def draw_marks(axes: Axes, marks: Sequence[Mark]) -> None:
    """Events and bounds, behind the series; bounds above these have room above."""
    highest = max((mark.until or mark.at for mark in marks if mark.axis == "y"), default=0.0)
    top = highest * (1.5 if axes.get_yscale() == "log" else 1.06)
    if axes.get_ylim()[1] < top:
        axes.set_ylim(top=top)
    for number, mark in enumerate(marks):
        line, band = (axes.axvline, axes.axvspan) if mark.axis == "x" else (axes.axhline, axes.axhspan)
        look, hatch = (0, (1 + 3 * (number % 3), 2)), ("", "////", "....")[number % 3]
        if mark.until is None:
            line(mark.at, label=mark.label, color=MARK_COLOUR, linewidth=1.3, linestyle=look, zorder=1.5)
        else:
            fill: dict[str, Any] = (
                {"edgecolor": MARK_COLOUR, "facecolor": "none", "hatch": hatch} if hatch else {"facecolor": MARK_COLOUR}
            )
            band(mark.at, mark.until, label=mark.label, alpha=0.22, zorder=0.5, linewidth=0, **fill)


def draw_legend(figure: Figure, axes: Axes, order: Sequence[str]) -> int:
    """Above the axes, where it hides nothing, in as many columns as there is room for; in this order. Its rows."""
    handles, labels = axes.get_legend_handles_labels()
    places = {label: place for place, label in enumerate(order)}
    shown = sorted(zip(labels, handles, strict=True), key=lambda entry: places[entry[0]])
    names: list[str] = [textwrap.fill(label, 60) for label, _ in shown]
    # Of points with error bars only the point.
    handles = [handle[0] if isinstance(handle, ErrorbarContainer) else handle for _, handle in shown]
    room = (WIDTH - 1.4) * figure.dpi
    rows = len(names)
    for columns in range(min(len(names), 4), 0, -1):
        legend = axes.legend(
            handles,
            names,
            loc="lower left",
            bbox_to_anchor=(0, 1.01),
            ncols=columns,
            borderaxespad=0.2,
            columnspacing=1.3,
            handlelength=2.5,
        )
        if columns == 1 or legend.get_window_extent().width <= room:
            rows = -(-len(names) // columns)
            break
    for line in legend.get_lines():
        line.set_markersize(6.5)  # of many samples too, which are drawn small and translucent
        line.set_alpha(1.0)
    return rows + sum(name.count("\n") for name in names)
