"""Throughput and latency over one factor at a time, around a base point that all of them share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from raftzmq.benchmarks.display import Advance
from raftzmq.benchmarks.factor import Factor, factors
from raftzmq.benchmarks.figures import Figures, median, number
from raftzmq.benchmarks.point import Point, measure_point

OPERATIONS_PER_SECOND_MAX = 250_000
"""More than any machine does; a run ends by its time."""

Samples = dict[Point, list[Figures]]
"""The figures of every run of each point."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is measured: each point ``repeats`` times for ``seconds``, all points once before any is measured again."""

    factors: tuple[Factor, ...]
    seconds: float
    repeats: int
    base: Point = field(default_factory=Point)
    directory: Path | None = None

    def base_point(self) -> Point:
        """What does not vary, where nothing does."""
        most = int(self.seconds * OPERATIONS_PER_SECOND_MAX)
        directory = self.directory or self.base.directory
        return replace(self.base, operations=most, seconds=self.seconds, directory=directory)

    def points(self) -> list[Point]:
        """All of them, each once, the base among them."""
        base = self.base_point()
        return list(dict.fromkeys([base, *(point for factor in self.factors for point in factor.points(base))]))

    @property
    def runs(self) -> int:
        """How many clusters are started, in all."""
        return len(self.points()) * self.repeats

    def run(self, advance: Advance) -> Samples:
        """Measure; tells how many runs are done. Raises as `measure_point` does.

        A machine that becomes slower meanwhile (they do) makes every point's spread wider, and favours none.
        """
        points = self.points()
        samples: Samples = {point: [] for point in points}
        for repeat in range(self.repeats):
            for place, point in enumerate(points):
                samples[point].append(measure_point(point, lambda done: None).figures())
                advance(repeat * len(points) + place + 1)
        return samples


def rate_of(figures: Figures) -> float:
    """Calls answered per second, puts and gets."""
    return number(figures, "operations_per_second" if "operations_per_second" in figures else "puts_per_second")


def median_rate(runs: list[Figures]) -> float:
    """Calls answered per second, in the middle of the runs."""
    return median([rate_of(figures) for figures in runs])


def middle(samples: list[Figures], name: str) -> float:
    """The median of a figure."""
    return median([number(figures, name) for figures in samples])


QUICK = Sweep(
    factors((1, 64, 1024), (16, 256, 65_536), (1, 3, 5), (0.0, 1.0), ("asyncio", "sync")),
    seconds=1.0,
    repeats=1,
    base=Point(keys=20_000),
)
FULL = Sweep(
    factors(
        (1, 4, 16, 64, 256, 1024, 4096),
        (16, 64, 256, 1024, 4096, 16_384, 65_536),
        (1, 3, 5, 7),
        (0.0, 0.5, 0.9, 1.0),
        ("asyncio", "sync"),
    ),
    seconds=3.0,
    repeats=3,
)
