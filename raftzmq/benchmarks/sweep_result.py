"""What a sweep found, in tables, charts and words."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from functools import partial

from raftzmq.benchmarks.factor import Factor
from raftzmq.benchmarks.figures import Figures, median, number
from raftzmq.benchmarks.point import Point
from raftzmq.benchmarks.result import Chart, Result, Series, Table
from raftzmq.benchmarks.sweep import Samples, Sweep, median_rate, middle, rate_of
from raftzmq.benchmarks.sweep_words import findings

_QUESTION = "How many puts and gets per second does the cluster do, and what does each factor change?"


def sweep_result(sweep: Sweep, samples: Samples) -> Result:
    """Tables and charts of each factor, and the findings."""
    base = sweep.base_point()
    every = [figures for runs in samples.values() for figures in runs]
    best = max(samples, key=lambda point: median_rate(samples[point]))
    figures: Figures = {
        "base_operations_per_second": median_rate(samples[base]),
        "base_latency_p50_ms": middle(samples[base], "latency_p50_ms"),
        "base_latency_p99_ms": middle(samples[base], "latency_p99_ms"),
        "peak_operations_per_second": median_rate(samples[best]),
        "peak_in_flight": best.in_flight,
        "peak_read_share": best.read_share,
        "runs": len(every),
        "calls_failed": sum(int(number(f, "failed")) for f in every),
        "gets_checked": sum(int(number(f, "gets_checked")) for f in every),
        "puts_acknowledged": sum(int(number(f, "acknowledged")) for f in every),
        "elections": sum(int(number(f, "elections")) for f in every),
        "machine_stalls": sum(int(number(f, "machine_stalls")) for f in every),
        "machine_stall_max_ms": max(number(f, "machine_stall_max_ms") for f in every),
    }
    result = Result("throughput", _QUESTION, settings(sweep), figures)
    for factor in sweep.factors:
        result.tables.append(table(factor, base, samples))
        result.charts += charts(factor, base, samples)
    result.findings = findings(sweep, samples)
    return result


def settings(sweep: Sweep) -> Figures:
    """The base point, and what all points share."""
    base = sweep.base_point()
    return {
        "nodes": base.nodes,
        "in_flight": base.in_flight,
        "value_size_bytes": base.value_size,
        "keys": base.keys,
        "read_share": base.read_share,
        "client": base.client,
        "clients": base.clients,
        "runtime": base.runtime,
        "seconds_per_run": sweep.seconds,
        "runs_per_point": sweep.repeats,
        "cpus": os.cpu_count() or 1,
        "python": platform.python_version(),
    }


_COLUMNS: dict[str, Callable[[list[Figures]], float]] = {
    "operations_per_second": median_rate,
    "least": lambda runs: min(map(rate_of, runs)),
    "most": lambda runs: max(map(rate_of, runs)),
    "megabytes_per_second": lambda runs: middle(runs, "megabytes_per_second"),
    "latency_p50_ms": lambda runs: middle(runs, "latency_p50_ms"),
    "latency_p99_ms": lambda runs: middle(runs, "latency_p99_ms"),
    "latency_p999_ms": lambda runs: middle(runs, "latency_p999_ms"),
    "elections": lambda runs: sum(number(figures, "elections") for figures in runs),
    "machine_stalls": lambda runs: sum(number(figures, "machine_stalls") for figures in runs),
}


def table(factor: Factor, base: Point, samples: Samples) -> Table:
    """A row for each level: medians of its runs, the least and the most of them."""
    levels = zip(factor.levels, factor.points(base), strict=True)
    rows = [[level, *(round(make(samples[point]), 3) for make in _COLUMNS.values())] for level, point in levels]
    return Table(f"Throughput and latency over {factor.title}", [factor.name, *_COLUMNS], rows)


def charts(factor: Factor, base: Point, samples: Samples) -> list[Chart]:
    """Throughput, latency, and over the size of values also bytes per second."""
    runs = [samples[point] for point in factor.points(base)]
    spread = "Error bars: least and most of the runs. " if len(runs[0]) > 1 else ""
    found = [
        _chart(
            factor, "throughput", "Throughput", "calls answered per second", [_series("calls", factor, runs, rate_of)]
        )
    ]
    if factor.field == "value_size":
        found.append(
            _chart(
                factor,
                "megabytes",
                "Bytes of values",
                "MB/s",
                [_series("values", factor, runs, lambda figures: number(figures, "megabytes_per_second"))],
            )
        )
    latencies = [_series(name, factor, runs, partial(number, name=f"latency_{name}_ms")) for name in ("p50", "p99")]
    found.append(_chart(factor, "latency", "Latency", "latency, ms", latencies))
    note = spread + _note(factor, base)
    return [Chart(c.name, c.title, c.x_label, c.y_label, c.series, c.kind, c.log_x, c.log_y, note=note) for c in found]


def _series(label: str, factor: Factor, runs: list[list[Figures]], of: Callable[[Figures], float]) -> Series:
    values = [sorted(of(figures) for figures in samples) for samples in runs]
    xs = [str(level) for level in factor.levels] if factor.is_named else [float(level) for level in factor.levels]
    several = len(values[0]) > 1
    return Series(
        label,
        xs,
        [median(each) for each in values],
        [each[0] for each in values] if several else None,
        [each[-1] for each in values] if several else None,
    )


def _chart(factor: Factor, name: str, what: str, y_label: str, series: list[Series]) -> Chart:
    wide = not factor.is_named and factor.log
    return Chart(
        f"{name}_over_{factor.name}",
        f"{what} over {factor.title}",
        factor.axis,
        y_label,
        series,
        "bars" if factor.is_named else "lines",
        log_x=wide,
        log_y=wide,
    )


def _note(factor: Factor, base: Point) -> str:
    """What stays as it is."""
    parts = {
        "nodes": f"{base.nodes} nodes",
        "in_flight": f"{base.in_flight} calls in flight",
        "value_size": f"values of {base.value_size} bytes",
        "read_share": "puts only" if base.read_share == 0 else f"{base.read_share:.0%} gets",
        "client": f"{base.client} client, {base.clients} process" + ("es" if base.clients > 1 else ""),
    }
    return "Everything else as in the base point: " + ", ".join(v for k, v in parts.items() if k != factor.field) + "."
