"""The comparison of runtimes as tables and charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from raftzmq.benchmarks.concurrency_point import Disk, Point
from raftzmq.benchmarks.concurrency_points import Points
from raftzmq.benchmarks.figures import median, milliseconds
from raftzmq.benchmarks.meter import ROLES, Role, Spent
from raftzmq.benchmarks.process_costs import KINDS
from raftzmq.benchmarks.result import Cell, Chart, Series, Table

_STEPS = 200
"""Points of a cumulative curve."""
_POINT_COLUMNS = (
    *("runtime", "disk", "in_flight", "round", "puts_per_second", "latency_p50_ms", "latency_p99_ms"),
    *("latency_p999_ms", "loop_lag_p50_ms", "loop_lag_p99_ms", "loop_lag_max_ms", "elections", "puts_without_answer"),
    "machine_stall_max_ms",
)
_COST_COLUMNS = (
    *("runtime", "in_flight", "process", "threads", "cpu_us_per_put", "voluntary_switches_per_put"),
    *("involuntary_switches_per_put", "busy_percent"),
)


def tables_of(points: Points) -> list[Table]:
    """Every sample, and what each put costs, by process and kind of threads."""
    rows: list[list[Cell]] = [_point_row(point) for point in points.all]
    costs: list[list[Cell]] = [
        [runtime, in_flight, role, kind, *_cost_cells([spent[role, kind] for spent in seen])]
        for in_flight in points.counts("normal")
        for runtime in points.runtimes("normal")
        for role in ROLES
        for kind in KINDS
        if (seen := [p.spent for p in points.at(runtime, "normal", in_flight) if (role, kind) in p.spent])
    ]
    return [
        Table("Runtimes, every run", _POINT_COLUMNS, rows),
        Table(
            "What a put costs on a normal disk (medians over rounds; one process of each kind)", _COST_COLUMNS, costs
        ),
    ]


def _point_row(point: Point) -> list[Cell]:
    return [
        *(point.runtime, point.disk, point.in_flight, point.round, round(point.puts_per_second, 1)),
        *(milliseconds(point.latency_s(percent)) for percent in (50, 99, 99.9)),
        *(milliseconds(point.lag_s(percent)) for percent in (50, 99, 100)),
        *(point.elections, point.unanswered, point.stall_ms),
    ]


def _cost_cells(seen: Sequence[Spent]) -> list[Cell]:
    return [
        round(median([s.cpu_us_per_put for s in seen]), 2),
        round(median([s.voluntary_per_put for s in seen]), 4),
        round(median([s.involuntary_per_put for s in seen]), 4),
        round(100 * median([s.busy for s in seen]), 1),
    ]


def charts_of(points: Points) -> list[Chart]:
    """Throughput, latency, lag, costs; and latency and lag on the slow disk. Only what was measured is drawn."""
    charts = [*_lines(points), _lag(points, "normal"), *_costs(points)] if points.counts("normal") else []
    if points.counts("slow"):
        charts += [_slow_latency(points), _lag(points, "slow")]
    return charts


def _lines(points: Points) -> list[Chart]:
    return [
        Chart(
            "concurrency-throughput",
            "Throughput of the runtimes",
            "puts in flight",
            "puts per second",
            _over_counts(points, lambda p: p.puts_per_second),
            log_x=True,
            log_y=True,
            note="Medians over rounds, error bars from the slowest to the fastest. Up is better.",
        ),
        Chart(
            "concurrency-latency",
            "Latency of the runtimes: 99 of 100 puts are faster",
            "puts in flight",
            "p99 latency (ms)",
            _over_counts(points, lambda p: 1000 * p.latency_s(99)),
            log_x=True,
            log_y=True,
            note="Medians over rounds, error bars from the best to the worst. Down is better.",
        ),
    ]


def _over_counts(points: Points, of: Callable[[Point], float]) -> list[Series]:
    series = []
    for runtime in points.runtimes("normal"):
        counts = [n for n in points.counts("normal") if points.at(runtime, "normal", n)]
        samples = [[of(point) for point in points.at(runtime, "normal", n)] for n in counts]
        low, high = ([pick(values) for values in samples] for pick in (min, max))
        series.append(Series(runtime, counts, [median(values) for values in samples], low, high))
    return series


def _lag(points: Points, disk: Disk) -> Chart:
    counts = points.counts(disk)
    return Chart(
        f"concurrency-loop-lag-{disk}",
        f"How late a node's loop is on a {disk} disk",
        "puts in flight",
        "p99 of the time to a status answer (ms)",
        [
            Series(
                runtime,
                [str(n) for n in counts],
                [1000 * (points.median(runtime, disk, n, lambda p: p.lag_s(99)) or 0.0) for n in counts],
            )
            for runtime in points.runtimes(disk)
        ],
        kind="bars",
        log_y=True,
        note="A status needs no disk and no consensus: what it waits for is the loop. Followers campaign after 200 ms.",
    )


def _costs(points: Points) -> list[Chart]:
    most = max(points.counts("normal"))
    return [
        _cost(
            points,
            most,
            "concurrency-cpu",
            f"Processor time for each put, {most} in flight",
            "µs of processor time per put",
            lambda spent: spent.cpu_us_per_put,
        ),
        _cost(
            points,
            most,
            "concurrency-switches",
            f"Context switches for each put, {most} in flight",
            "context switches per put",
            lambda spent: spent.voluntary_per_put + spent.involuntary_per_put,
        ),
    ]


def _cost(points: Points, in_flight: int, name: str, title: str, label: str, of: Callable[[Spent], float]) -> Chart:
    def value(runtime: str, role: Role) -> float:
        return points.median(runtime, "normal", in_flight, lambda p: p.cost(role, of)) or 0.0

    return Chart(
        name,
        title,
        "process",
        label,
        [Series(name, list(ROLES), [value(name, role) for role in ROLES]) for name in points.runtimes("normal")],
        kind="bars",
        note="All threads of one process together, medians over rounds. Each follower writes every put as well.",
    )


def _slow_latency(points: Points) -> Chart:
    pooled = [point for runtime in points.runtimes("slow") if (point := points.modest(runtime)) is not None]
    return Chart(
        "concurrency-slow-disk",
        f"Latency on a slow disk, {points.modest_in_flight} in flight",
        "latency (ms)",
        "share of puts that are at least as fast",
        [Series(point.runtime, *_cumulative(point.latencies_s)) for point in pooled],
        kind="steps",
        log_x=True,
        note="All rounds together; a put without an answer counts with its timeout. Left is better.",
    )


def _cumulative(ordered: Sequence[float]) -> tuple[list[float], list[float]]:
    """Milliseconds and the share of ``ordered`` seconds up to there, at so many places that a curve shows them."""
    last = len(ordered) - 1
    places = sorted({round(step * last / _STEPS) for step in range(_STEPS + 1)})
    return [1000 * ordered[place] for place in places], [(place + 1) / len(ordered) for place in places]
