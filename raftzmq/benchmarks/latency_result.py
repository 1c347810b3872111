"""What a study of latency found, in tables, charts and words."""

from __future__ import annotations

import os
import platform

from raftzmq.benchmarks.figures import Figures, number
from raftzmq.benchmarks.latency_histogram import QUANTILES, LatencyHistogram
from raftzmq.benchmarks.latency_study import OpenLoop, Study
from raftzmq.benchmarks.latency_words import findings
from raftzmq.benchmarks.result import Cell, Chart, Mark, Result, Series, Table

_QUESTION = "How long does a call take, at which load, and what would a closed loop not have noticed?"
_AXIS = "1 / (1 − quantile): 10 is the 90th percentile, 100 the 99th, 1000 the 99.9th"
_NAMES = [*(f"{name}_ms" for name in QUANTILES), "max_ms"]


def latency_result(study: Study) -> Result:
    """The question's answer."""
    result = Result("latency", _QUESTION, _settings(study), _figures(study))
    result.tables = [_closed_table(study), _open_table(study)]
    result.charts = [_hockey_stick(study), _open_curves(study), *_omission(study), _closed_curves(study)]
    result.findings = findings(study)
    return result


def _settings(study: Study) -> Figures:
    base = study.options.base
    return {
        "nodes": base.nodes,
        "in_flight_max": base.in_flight,
        "value_size_bytes": base.value_size,
        "keys": base.keys,
        "read_share": base.read_share,
        "client": base.client,
        "clients": base.clients,
        "runtime": base.runtime,
        "seconds_per_run": study.options.seconds,
        "cpus": os.cpu_count() or 1,
        "python": platform.python_version(),
    }


def _figures(study: Study) -> Figures:
    figures: Figures = {"peak_operations_per_second": study.peak.rate, "peak_in_flight": study.peak.in_flight}
    for loop in study.closed:
        figures |= {
            f"closed_{loop.in_flight}_{name}_ms": loop.latency.percentile_ms(QUANTILES[name]) for name in ("p50", "p99")
        }
    for each in study.opened:
        for name in ("p50", "p99", "p999"):
            figures[f"open_{each.share * 100:g}_percent_{name}_ms"] = each.true.percentile_ms(QUANTILES[name])
            figures[f"open_{each.share * 100:g}_percent_{name}_from_call_ms"] = each.told.percentile_ms(QUANTILES[name])
    every = study.figures
    for name in ("failed", "elections", "machine_stalls"):
        figures[name] = sum(int(number(each, name)) for each in every)
    figures["machine_stall_max_ms"] = max(number(each, "machine_stall_max_ms") for each in every)
    return figures


def _cells(histogram: LatencyHistogram) -> list[Cell]:
    return [*(histogram.percentile_ms(percent) for percent in QUANTILES.values()), histogram.max_ms]


def _closed_table(study: Study) -> Table:
    columns = ["in_flight", "operations_per_second", *_NAMES, "elections", "machine_stalls"]
    rows = [
        [
            *(loop.in_flight, loop.rate, *_cells(loop.latency)),
            *(number(loop.figures, name) for name in ("elections", "machine_stalls")),
        ]
        for loop in study.closed
    ]
    return Table("Closed loop: each caller waits for its answer", columns, rows)


def _open_table(study: Study) -> Table:
    columns = ["share_of_peak", "offered_per_second", "answered_per_second", "counted_from", *_NAMES]
    columns += ["failed", "elections", "machine_stalls"]
    rows: list[list[Cell]] = []
    for loop in study.opened:
        rest = [number(loop.figures, name) for name in columns[-3:]]
        for counted, histogram in (("when due", loop.true), ("the call", loop.told)):
            rows.append([loop.share, round(loop.offered), round(loop.answered), counted, *_cells(histogram), *rest])
    return Table("Open loop: calls come by a Poisson process, whoever still waits", columns, rows)


def _hockey_stick(study: Study) -> Chart:
    offered = [round(loop.offered) for loop in study.opened]

    def series(label: str, name: str, *, true: bool) -> Series:
        histograms = [loop.true if true else loop.told for loop in study.opened]
        return Series(label, offered, [each.percentile_ms(QUANTILES[name]) for each in histograms])

    return Chart(
        "latency_over_rate",
        "Latency over the offered rate",
        "calls offered per second",
        "latency, ms",
        [
            series("p50", "p50", true=True),
            series("p99", "p99", true=True),
            series("p99.9", "p999", true=True),
            series("p99 counted from the call", "p99", true=False),
        ],
        log_y=True,
        note="Open loop: latency counts from when a call was due. Counted from when it was made, as closed loops "
        "count, the time is missing that it stood in line before.",
        marks=[Mark("highest rate of the closed loop", study.peak.rate)],
    )


def _curve(label: str, histogram: LatencyHistogram) -> Series:
    xs, ys = histogram.curve()
    return Series(label, xs, ys)


def _percentile_chart(name: str, title: str, series: list[Series], note: str) -> Chart:
    return Chart(name, title, _AXIS, "latency, ms", series, log_x=True, log_y=True, note=note)


def _open_curves(study: Study) -> Chart:
    chosen = _spread(study.opened)
    series = [_curve(f"{loop.share:.0%} of the peak", loop.true) for loop in chosen]
    note = "Open loop, counted from when each call was due. A curve ends where one call is left above it."
    return _percentile_chart("latency_percentiles_open", "Latency by percentile at rising load", series, note)


def _spread(loops: list[OpenLoop]) -> list[OpenLoop]:
    """Four of them, if there are more: the first, the last, and two between."""
    if len(loops) <= 4:
        return loops
    last = len(loops) - 1
    return [loops[round(last * part / 3)] for part in range(4)]


def _omission(study: Study) -> list[Chart]:
    """The highest load, as both count."""
    if not study.opened:
        return []
    loop = study.opened[-1]
    series = [_curve("counted from when it was due", loop.true), _curve("counted from the call", loop.told)]
    note = (
        "The same calls, counted twice. A closed loop makes no call while it waits for answers, and so counts a slow "
        "moment once per caller instead of once per user who would have come (coordinated omission)."
    )
    title = f"What a closed loop does not notice, at {loop.share:.0%} of the peak"
    return [_percentile_chart("latency_coordinated_omission", title, series, note)]


def _closed_curves(study: Study) -> Chart:
    series = [_curve(f"{loop.in_flight} in flight", loop.latency) for loop in study.closed]
    note = "Closed loop: so many callers, each of whom waits for an answer before the next call."
    return _percentile_chart("latency_percentiles_closed", "Latency by percentile, closed loop", series, note)
