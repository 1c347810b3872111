"""How much a collector takes, as figures, bars, a table, a chart and sentences, all made from the runs."""

from __future__ import annotations

from collections.abc import Sequence

from raftzmq.benchmarks.bars import Bar
from raftzmq.benchmarks.collector_rate import CollectorRun
from raftzmq.benchmarks.figures import Figures
from raftzmq.benchmarks.footprint import megabytes
from raftzmq.benchmarks.result import Chart, Mark, Series, Table

RATE_BOUND = 20_000
"""Events per second that one collector takes on one core without losing any."""


def lossless(run: CollectorRun) -> bool:
    """Did everything come out, once, in each node's order, and into the recording?"""
    return not (run.missing or run.gaps or run.out_of_order or run.unrecorded)


def collector_bars(runs: Sequence[CollectorRun]) -> list[Bar]:
    """The highest rate without a loss, if one that decides it was tried."""
    if not any(run.rate >= RATE_BOUND for run in runs):
        return []
    highest = max((run.made / run.seconds for run in runs if lossless(run)), default=0.0)
    # A publisher's last burst may be due after its time.
    bound = 0.99 * RATE_BOUND
    return [Bar("events through one collector on one core without a loss", highest, bound, "per second", at_least=True)]


def collector_figures(runs: Sequence[CollectorRun]) -> Figures:
    """Losses and costs at each rate."""
    figures: Figures = {}
    for run in runs:
        name = f"collector_at_{run.rate}"
        figures[f"{name}_lost"] = run.missing
        figures[f"{name}_unrecorded"] = run.unrecorded
        figures[f"{name}_cpu_us_per_event"] = round(run.cpu_us_per_event, 1)
        figures[f"{name}_busy_percent"] = round(100 * run.busy, 1)
    return figures


def collector_tables(runs: Sequence[CollectorRun]) -> list[Table]:
    """Every run; nothing without one."""
    if not runs:
        return []
    columns = (
        *("events_per_second_asked", "seconds", "made", "lost", "gaps", "out_of_order", "unrecorded"),
        *("cpu_us_per_event", "busy_percent", "publishers_late_ms", "collector_rss_anon_mb", "unheard"),
    )
    rows = [
        [
            *(run.rate, run.seconds, run.made, run.missing, run.gaps, run.out_of_order, run.unrecorded),
            *(round(run.cpu_us_per_event, 1), round(100 * run.busy, 1), round(run.late_ms, 1)),
            *(megabytes(run.anonymous_bytes), run.unheard),
        ]
        for run in runs
    ]
    return [Table("A collector on one core", columns, rows)]


def collector_charts(runs: Sequence[CollectorRun]) -> list[Chart]:
    """How busy its core is at each rate."""
    if len(runs) < 2:
        return []
    ordered = sorted(runs, key=lambda run: run.rate)
    line = Series("collector", [run.rate for run in ordered], [100 * run.busy for run in ordered])
    marks = [Mark("asked for", float(RATE_BOUND))]
    title = "How busy a collector is"
    return [Chart("events_collector", title, "events per second", "of one core (%)", [line], marks=marks)]


def collector_findings(runs: Sequence[CollectorRun]) -> list[str]:
    """A sentence for each rate."""
    findings = []
    for run in runs:
        lost = "none was lost" if lossless(run) else _losses(run)
        findings.append(
            f"Of {run.made:,} events at {run.rate:,} per second {lost}; the collector took "
            f"{run.cpu_us_per_event:.0f} µs of processor time for each, {100 * run.busy:.0f}% of one core."
        )
    return findings


def _losses(run: CollectorRun) -> str:
    said = [
        f"{count:,} {words}"
        for count, words in (
            (run.missing, "never came out"),
            (run.out_of_order, "came out before an earlier one of their node"),
            (run.unrecorded, "were not recorded"),
        )
        if count
    ]
    return ", ".join(said) or f"all came, but {run.gaps:,} gaps were told"
