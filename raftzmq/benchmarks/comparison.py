"""A point measured in turn with another program that carries the same load: what part of it is reached."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from raftzmq.benchmarks.display import Advance
from raftzmq.benchmarks.figures import Figures, median, number
from raftzmq.benchmarks.point import Point, measure_point
from raftzmq.benchmarks.yardstick import Mode, run_yardstick

_SETTINGS = (
    *("nodes", "clients", "client", "runtime", "in_flight", "read_share", "operations", "value_size_bytes", "keys"),
    *("cpus", "python"),
)
_SAMPLED = ("latency_p50_ms", "latency_p99_ms", "elections", "machine_stalls", "machine_stall_max_ms")


def mode_of(point: Point) -> Mode:
    """What the other program is asked for: puts are relayed to followers and synced, gets are echoed."""
    return "echo" if point.read_share >= 1 else "relay"


def compare(point: Point, program: Path, pairs: int, advance: Advance) -> Figures:
    """Alternate with another program; the ratio of medians, and every sample.

    Who goes first alternates too, so that a machine that becomes slower meanwhile favours nobody.
    """
    ours: list[Figures] = []
    theirs: list[float] = []
    for turn in range(2 * pairs):
        if turn % 4 in (1, 2):
            ours.append(measure_point(point, lambda done: None).figures())
        else:
            theirs.append(
                run_yardstick(
                    program,
                    in_flight=point.in_flight,
                    operations=point.operations,
                    clients=point.clients,
                    value_size=point.value_size,
                    directory=point.directory,
                    mode=mode_of(point),
                )
            )
        advance(turn + 1)
    return ratio_figures("gets" if point.read_share >= 1 else "puts", ours, theirs)


def compare_points(first: Point, second: Point, pairs: int, advance: Advance) -> tuple[list[Figures], list[Figures]]:
    """Alternate two points of ours; the figures of every run of each. Who goes first alternates too."""
    found: dict[Point, list[Figures]] = {first: [], second: []}
    for turn in range(2 * pairs):
        point = second if turn % 4 in (1, 2) else first
        found[point].append(measure_point(point, lambda done: None).figures())
        advance(turn + 1)
    return found[first], found[second]


def ratio_figures(what: str, ours: Sequence[Figures], theirs: Sequence[float]) -> Figures:
    """The figures of such a comparison of ``puts`` or ``gets``, from the samples of both in their order."""
    samples = [number(figures, f"{what}_per_second") for figures in ours]
    return {
        "ratio_of_medians": round(median(samples) / median(theirs), 3),
        f"{what}_per_second_median": median(samples),
        "yardstick_operations_per_second_median": median(theirs),
        f"{what}_per_second": samples,
        "yardstick_operations_per_second": list(theirs),
        "ratio_of_pairs": [round(mine / its, 3) for mine, its in zip(samples, theirs, strict=True)],
        **{name: [number(figures, name) for figures in ours] for name in _SAMPLED},
        **{name: ours[-1][name] for name in _SETTINGS},
    }
