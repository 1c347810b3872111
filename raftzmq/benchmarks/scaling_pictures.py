"""Sweeps and their laws as charts: measured points with their uncertainty, and the fitted curves through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from raftzmq.benchmarks.result import Chart, Mark, Series
from raftzmq.benchmarks.scaling_laws import Amdahl, Universal
from raftzmq.benchmarks.scaling_study import Study
from raftzmq.benchmarks.scaling_tasks import KINDS, Kind

WORDS: Mapping[Kind, str] = {"asyncio": "coroutines", "threads": "threads"}
"""What the workers of each kind are called."""
_ERRORS = 2.0
"""An error bar reaches so many standard errors to each side."""
_STEPS = 60
_BARS = "Error bars: two standard errors of the median of the repeats."


def charts_of(studies: Sequence[Study], lost: Mapping[Kind, Mapping[int, float]]) -> list[Chart]:
    """All that can be drawn of what was measured; ``lost`` in percent of the updates, without the lock."""
    charts = []
    tasks = [each for each in studies if each.part == "tasks"]
    for kind in KINDS:
        of_kind = [each for each in tasks if each.name.endswith(f"_{kind}")]
        if of_kind:
            charts.append(_task_chart(kind, of_kind))
    if tasks:
        charts += [_residual_chart(tasks), _universal_residual_chart(tasks), _lost_chart(lost)]
    cores = [each for each in studies if each.part == "cores"]
    if cores:
        charts.append(_core_chart(cores))
    for each in studies:
        if each.part in ("clients", "nodes"):
            charts.append(_cluster_chart(each))
    return charts


def _task_chart(kind: Kind, studies: Sequence[Study]) -> Chart:
    most = max(each.workers_max for each in studies)
    series = []
    for each in studies:
        fraction = each.parallel_fraction
        name = each.label.partition(",")[0]
        series.append(_speed_up_points(each, name))
        lone = each.points[0].value
        xs = _between(1, most)
        curve = [each.amdahl.rate(x) / lone for x in xs]
        series.append(Series(f"{name}, p = {fraction.value:.3f} ± {fraction.half:.3f}", xs, curve, kind="lines"))
    series.append(Series("ideal: n times by n", [1.0, most], [1.0, most], kind="lines"))
    return Chart(
        f"amdahl-{WORDS[kind]}",
        f"Speed-up of waiting tasks by {WORDS[kind]}, and Amdahl's law",
        f"workers ({WORDS[kind]})",
        "speed-up, times one worker",
        series,
        kind="points",
        note=f"{_BARS} Curves: S = 1 / ((1 − p) + p / n), fitted to all points; p with its 95 % interval. "
        "A fifth of the partly serial task is under a lock.",
    )


def _residual_chart(studies: Sequence[Study]) -> Chart:
    return Chart(
        "amdahl-residuals",
        "What Amdahl's law leaves unexplained",
        "workers",
        "measured above fitted rate, percent",
        [_residuals(each, each.amdahl) for each in studies],
        kind="bars",
        marks=[Mark("the law", 0.0, axis="y")],
        note="Bars on either side of zero without a pattern: the law fits, and what is left is noise.",
    )


def _universal_residual_chart(studies: Sequence[Study]) -> Chart:
    return Chart(
        "amdahl-residuals-universal",
        "What the universal scalability law leaves unexplained",
        "workers",
        "measured above fitted rate, percent",
        [_residuals(each, each.universal) for each in studies if each.universal is not None],
        kind="bars",
        marks=[Mark("the law", 0.0, axis="y")],
        note="With one parameter more than Amdahl's law it always comes nearer; the question is whether by much.",
    )


def _residuals(study: Study, law: Amdahl | Universal) -> Series:
    missed = law.quality.residuals
    errors = {point.workers: _ERRORS * 100 * point.error / point.value for point in study.points}
    return Series(
        study.label,
        [str(workers) for workers in missed],
        list(missed.values()),
        [value - errors[workers] for workers, value in missed.items()],
        [value + errors[workers] for workers, value in missed.items()],
    )


def _lost_chart(lost: Mapping[Kind, Mapping[int, float]]) -> Chart:
    return Chart(
        "amdahl-lost-updates",
        "A shared counter without its lock",
        "workers",
        "lost updates, percent of all",
        [
            Series(WORDS[kind], [str(workers) for workers in shares], list(shares.values()))
            for kind, shares in lost.items()
        ],
        kind="bars",
        note="Each worker reads the counter, lets others go on, and writes what it read plus one. With its lock it "
        "loses none.",
    )


def _core_chart(studies: Sequence[Study]) -> Chart:
    most = max(each.workers_max for each in studies)
    series = []
    for each in studies:
        series.append(_speed_up_points(each, each.label))
        lone, xs = each.points[0].value, _between(1, each.workers_max)
        words = f"{each.label}, p = {each.parallel_fraction.value:.2f} ± {each.parallel_fraction.half:.2f}"
        series.append(Series(words, xs, [each.amdahl.rate(x) / lone for x in xs], kind="lines"))
    series.append(Series("ideal: n times by n", [1.0, most], [1.0, most], kind="lines"))
    return Chart(
        "amdahl-cores",
        "Speed-up of a loop that computes, up to the number of cores",
        "workers",
        "speed-up, times one worker",
        series,
        kind="points",
        note=f"{_BARS} Threads of one interpreter share its lock (GIL); processes share only the cores.",
    )


def _cluster_chart(study: Study) -> Chart:
    low, high = min(study.samples), study.workers_max
    xs = _between(low, high)
    label = "measured"
    points = study.points
    series = [
        Series(
            label,
            [float(point.workers) for point in points],
            [point.value for point in points],
            [point.value - _ERRORS * point.error for point in points],
            [point.value + _ERRORS * point.error for point in points],
        ),
        Series(
            f"Amdahl, p = {study.parallel_fraction.value:.2f}", xs, [study.amdahl.rate(x) for x in xs], kind="lines"
        ),
    ]
    law = study.universal
    if law is not None:
        words = f"universal, σ = {law.contention.value:.2f}, κ = {law.coherency.value:.3f}"
        series.append(Series(words, xs, [law.rate(x) for x in xs], kind="lines"))
    what = {"clients": "client processes", "nodes": "nodes"}.get(study.part, study.part)
    return Chart(
        f"amdahl-{study.part}",
        f"Puts per second over the number of {what}",
        what,
        "puts per second",
        series,
        kind="points",
        note=_BARS,
    )


def _speed_up_points(study: Study, label: str) -> Series:
    gains = study.speed_ups
    return Series(
        label,
        [float(gain.workers) for gain in gains],
        [gain.value for gain in gains],
        [gain.value - _ERRORS * gain.error for gain in gains],
        [gain.value + _ERRORS * gain.error for gain in gains],
    )


def _between(low: float, high: float) -> list[float]:
    return [low + (high - low) * step / _STEPS for step in range(_STEPS + 1)]
