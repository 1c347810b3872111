"""Latency at rising load, measured twice: by callers that wait for one another, and by calls that don't.

The closed loop says how long a call takes if so many are always under way. The open loop says what users wait who
come when they like: at parts of the highest rate that the closed loop reached.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path

from raftzmq.benchmarks.display import Advance
from raftzmq.benchmarks.figures import Figures, number
from raftzmq.benchmarks.latency_histogram import LatencyHistogram
from raftzmq.benchmarks.point import Measured, Point, measure_point
from raftzmq.benchmarks.sweep import OPERATIONS_PER_SECOND_MAX

KEPT_UP = 0.95
"""Answered, of the calls that came: with less, a line grew as long as the run lasted."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured, each for ``seconds``, on a fresh cluster.

    ``closed``: calls in flight in closed loops; the fastest of them is the peak. ``shares``: of the peak are the rates
    of the open loops. ``base`` is everything else; its ``in_flight`` bounds the calls under way in open loops.
    """

    closed: tuple[int, ...]
    shares: tuple[float, ...]
    seconds: float
    base: Point = field(default_factory=lambda: Point(in_flight=1000))
    directory: Path | None = None

    @property
    def runs(self) -> int:
        """How many clusters are started."""
        return len(self.closed) + len(self.shares)

    def closed_point(self, in_flight: int) -> Point:
        """A closed loop."""
        return replace(
            self._base(),
            in_flight=in_flight,
            clients=min(self.base.clients, in_flight),
            operations=ceil(self.seconds * OPERATIONS_PER_SECOND_MAX),
            seconds=self.seconds,
        )

    def open_point(self, rate: float) -> Point:
        """An open loop."""
        return replace(self._base(), rate=rate, operations=max(ceil(rate * self.seconds), self.base.clients))

    def _base(self) -> Point:
        return replace(self.base, directory=self.directory or self.base.directory)


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """Callers who wait for their answer before they call again."""

    in_flight: int
    rate: float
    latency: LatencyHistogram
    figures: Figures


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Calls at a rate of their own. ``told`` counts from when each was made, ``true`` from when it was due."""

    share: float
    offered: float
    answered: float
    told: LatencyHistogram
    true: LatencyHistogram
    figures: Figures

    @property
    def kept_up(self) -> bool:
        """Were calls answered as fast as they came? The run ends a latency after its last call was due."""
        whole = number(self.figures, "elapsed_s")
        return self.answered * whole >= KEPT_UP * self.offered * (whole - self.true.percentile_ms(50) / 1000)


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that was measured."""

    options: Options
    closed: list[ClosedLoop]
    opened: list[OpenLoop]

    @property
    def peak(self) -> ClosedLoop:
        """The fastest closed loop."""
        return fastest(self.closed)

    @property
    def figures(self) -> list[Figures]:
        """Of every run."""
        return [*(loop.figures for loop in self.closed), *(loop.figures for loop in self.opened)]

    def histograms(self) -> dict[str, LatencyHistogram]:
        """All of them, by name."""
        found = {f"closed-{loop.in_flight}": loop.latency for loop in self.closed}
        for loop in self.opened:
            name = f"open-{loop.share * 100:g}-percent"
            found |= {f"{name}-from-due": loop.true, f"{name}-from-call": loop.told}
        return found


def run_study(options: Options, advance: Advance) -> Study:
    """Closed loops first, then open ones; tells how many are done. Raises as `measure_point` does."""
    closed = []
    for in_flight in options.closed:
        closed.append(closed_loop(measure_point(options.closed_point(in_flight), lambda done: None)))
        advance(len(closed))
    peak = fastest(closed).rate
    opened: list[OpenLoop] = []
    for share in options.shares:
        opened.append(open_loop(share, measure_point(options.open_point(share * peak), lambda done: None)))
        advance(len(closed) + len(opened))
    return Study(options, closed, opened)


def fastest(loops: list[ClosedLoop]) -> ClosedLoop:
    """That with the highest rate."""
    return max(loops, key=lambda loop: loop.rate)


def closed_loop(measured: Measured) -> ClosedLoop:
    """What a closed loop measured."""
    return ClosedLoop(measured.point.in_flight, _rate(measured), _told(measured), measured.figures())


def open_loop(share: float, measured: Measured) -> OpenLoop:
    """What an open loop measured. A call that failed has kept its user waiting too."""
    true = LatencyHistogram.merged(record.response_times for record in measured.records)
    return OpenLoop(share, measured.point.rate, _rate(measured), _told(measured), true, measured.figures())


def _told(measured: Measured) -> LatencyHistogram:
    records = measured.records
    return LatencyHistogram.merged([*(r.latencies for r in records), *(r.get_latencies for r in records)])


def _rate(measured: Measured) -> float:
    answered = sum(record.answered for record in measured.records)
    return round(answered / measured.elapsed_s, 1)


QUICK = Options(closed=(1, 64, 1000), shares=(0.2, 0.5, 0.8, 0.95), seconds=1.0)
FULL = Options(closed=(1, 64, 1000), shares=(0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95), seconds=15.0)
