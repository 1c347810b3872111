"""What n workers gain over one: Amdahl's law and the universal scalability law, fitted to measured rates.

Amdahl (AFIPS 1967): of the time that one worker needs, the part p can be shared, the rest can't::

    T(n) = T(1) · ((1 − p) + p / n)          S(n) = T(1) / T(n) = 1 / ((1 − p) + p / n)  ≤  1 / (1 − p)

Gunther (Guerrilla Capacity Planning, 2007; the law is older): workers also wait for one another, σ, and have to agree
with one another, κ, which grows with the pairs of them, so that more workers can do less than fewer::

    X(n) = λ · n / (1 + σ (n − 1) + κ n (n − 1))

With κ = 0 that is Amdahl's law, with σ = 1 − p.

**How they are fitted.** By weighted least squares, without bounds: T(n) is linear in 1/n, so p and its standard error
are those of a straight line, and a p of zero is nothing special: it may come out a little below, as half of all
measurements of a zero do. (A bound at zero would hide that, and the covariance at a bound means nothing.) Amdahl's law
is fitted to times and the other to rates, each where its law has the simplest form. T(1) and λ are fitted like the
rest: a measurement with one worker is as uncertain as any.

**What the intervals hold.** Each number of workers was measured several times; the weights come from the spread of
these repeats. If the curve misses the points by more than their spread explains, all standard errors are multiplied by
the square root of the reduced χ², as particle physicists do it: an interval never says that a law is known better than
it fits. 95 % of Student's distribution with as many degrees of freedom as there are measurements beyond parameters.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, pi, sqrt
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, TypeAlias

from raftzmq.benchmarks.extra import need
from raftzmq.benchmarks.figures import median
from raftzmq.errors import RaftzmqError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Samples: TypeAlias = Mapping[int, Sequence[float]]
"""Workers, and what was measured with so many, once per repeat: rates, in work per second."""
CONFIDENCE = 0.95
_SPREAD_MIN = 1e-4
"""Of the value: no machine measures better, and repeats that are equal to the last digit would weigh infinitely."""


class ScalingFailed(RaftzmqError):
    """The measurements don't determine a law."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A parameter: its value, its standard error, and half of its 95 % interval."""

    value: float
    error: float
    half: float

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the 95 % interval."""
        return self.value - self.half, self.value + self.half

    def holds(self, value: float) -> bool:
        """Is ``value`` inside the 95 % interval?"""
        return abs(self.value - value) <= self.half


@dataclass(frozen=True, slots=True)
class Point:
    """The median of what was measured with so many workers, and the median's standard error."""

    workers: int
    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a curve goes through its points.

    ``residuals`` are measured minus fitted rates, in percent of the fitted, by workers. ``r_squared`` is the share of
    the rates' variation that the curve explains: near zero, and without meaning, where the rates don't vary.
    ``misfit`` is the square root of the reduced χ²: above 1, the curve misses by more than the repeats' spread.
    """

    residuals: Mapping[int, float]
    r_squared: float
    misfit: float


@dataclass(frozen=True, slots=True)
class Amdahl:
    """A fit of Amdahl's law. ``lone_time`` is T(1), in seconds per unit of work."""

    lone_time: Estimate
    parallel_fraction: Estimate
    quality: Quality

    def rate(self, workers: float) -> float:
        """Work per second."""
        return 1 / float(_amdahl(workers, self.lone_time.value, self.parallel_fraction.value))

    def speed_up(self, workers: float) -> float:
        """S(n), above the fitted lone worker."""
        return self.rate(workers) * self.lone_time.value

    @property
    def limit(self) -> float:
        """S with infinitely many workers; infinite for a p of 1 or a little more."""
        serial = 1 - self.parallel_fraction.value
        return 1 / serial if serial > 0 else inf


@dataclass(frozen=True, slots=True)
class Universal:
    """A fit of the universal scalability law: λ in work per second, σ and κ without a unit."""

    lone_rate: Estimate
    contention: Estimate
    coherency: Estimate
    quality: Quality

    def rate(self, workers: float) -> float:
        """Work per second."""
        return float(_universal(workers, self.lone_rate.value, self.contention.value, self.coherency.value))

    @property
    def best(self) -> float:
        """The number of workers with the highest rate; infinite if more are always better, at least 1."""
        sigma, kappa = self.contention.value, self.coherency.value
        if sigma >= 1:
            return 1.0
        return max(1.0, sqrt((1 - sigma) / kappa)) if kappa > 0 else inf


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a law says of a number of workers that it was not fitted on, and what was measured: work per second."""

    workers: int
    fitted_on: tuple[int, ...]
    predicted: float
    measured: float

    @property
    def error_percent(self) -> float:
        """Predicted above measured, in percent of the measured."""
        return 100 * (self.predicted / self.measured - 1)


def points_of(samples: Samples) -> list[Point]:
    """Medians with standard errors, by workers, ascending.

    Medians, because a machine that does something else for a moment makes one repeat slow, and none fast. A few repeats
    tell the spread badly, so each number of workers gets the mean of two variances: its own, and that of all, both
    relative. The median of normal samples has sqrt(π / 2) times the standard error of their mean. Raises ScalingFailed
    with fewer than two repeats of any, or for what is not positive.
    """
    for workers, values in samples.items():
        if workers < 1 or len(values) < 2:
            raise ScalingFailed(
                f"{workers} workers were measured {len(values)} times: without at least two repeats the spread, and so "
                "the uncertainty, is unknown; ask for more repeats"
            )
        if not all(0 < value < inf for value in values):
            raise ScalingFailed(f"with {workers} workers a rate is not a positive number: {list(values)}")
    own = {workers: (stdev(values) / fmean(values)) ** 2 for workers, values in samples.items()}
    freedom = sum(len(values) - 1 for values in samples.values())
    common = sum(own[workers] * (len(values) - 1) for workers, values in samples.items()) / freedom if freedom else 0.0
    found = []
    for workers in sorted(samples):
        middle = median(samples[workers])
        spread = max(sqrt((own[workers] + common) / 2), _SPREAD_MIN)
        found.append(Point(workers, middle, middle * spread * sqrt(pi / 2 / len(samples[workers]))))
    return found


def fit_amdahl(samples: Samples) -> Amdahl:
    """Fit Amdahl's law to rates; raises ScalingFailed for fewer than two numbers of workers, ExtraMissing."""
    times = {workers: [1 / value if value else 0.0 for value in values] for workers, values in samples.items()}
    points = points_of(times)
    start = (points[0].value, 0.5) if points else ()
    (lone_time, fraction), misfit = _fit(_amdahl, points, start, _count(samples))
    quality = _quality(samples, lambda n: 1 / float(_amdahl(n, lone_time.value, fraction.value)), misfit)
    return Amdahl(lone_time, fraction, quality)


def fit_universal(samples: Samples) -> Universal:
    """Fit the universal scalability law; raises ScalingFailed for fewer than three numbers of workers, ExtraMissing."""
    points = points_of(samples)
    start = (points[0].value / points[0].workers, 0.1, 0.0) if points else ()
    (rate, contention, coherency), misfit = _fit(_universal, points, start, _count(samples))
    values = rate.value, contention.value, coherency.value
    quality = _quality(samples, lambda n: float(_universal(n, *values)), misfit)
    return Universal(rate, contention, coherency, quality)


def predict(samples: Samples, workers: int) -> Prediction:
    """Fit Amdahl's law without the measurements of ``workers`` workers, and hold it against them.

    Raises ScalingFailed if there are none of these, or too few others.
    """
    if workers not in samples:
        raise ScalingFailed(f"{workers} workers were not measured, so no prediction can be held against them")
    others = {number: values for number, values in samples.items() if number != workers}
    predicted = fit_amdahl(others).rate(workers)
    return Prediction(workers, tuple(sorted(others)), predicted, median(samples[workers]))


def speed_ups(samples: Samples) -> list[Point]:
    """Rates above that of the fewest workers; the errors are those of the quotients, except that of 1, which has none.

    Raises ScalingFailed as `points_of`.
    """
    points = points_of(samples)
    base = points[0]
    found = [Point(base.workers, 1.0, 0.0)]
    for point in points[1:]:
        quotient = point.value / base.value
        relative = sqrt((point.error / point.value) ** 2 + (base.error / base.value) ** 2)
        found.append(Point(point.workers, quotient, quotient * relative))
    return found


def _amdahl(workers: Any, lone_time: Any, fraction: Any) -> Any:
    """T(n); of numbers or arrays of them, as the fitting needs it."""
    return lone_time * ((1 - fraction) + fraction / workers)


def _universal(workers: Any, rate: Any, contention: Any, coherency: Any) -> Any:
    """X(n); of numbers or arrays of them."""
    return rate * workers / (1 + contention * (workers - 1) + coherency * workers * (workers - 1))


def _count(samples: Samples) -> int:
    return sum(map(len, samples.values()))


def _fit(
    law: Callable[..., Any], points: Sequence[Point], start: tuple[float, ...], count: int
) -> tuple[list[Estimate], float]:
    """Weighted least squares; the parameters, the first of which is in the unit of the points, and the misfit."""
    needed = law.__code__.co_argcount - 1
    if len(points) < needed:
        raise ScalingFailed(
            f"{needed} parameters can't be told from {len(points)} numbers of workers: measure {needed} or more"
        )
    need("numpy", "scipy", purpose="fit scaling laws")
    import numpy as np
    from scipy.optimize import OptimizeWarning, curve_fit  # type: ignore[import-untyped]
    from scipy.stats import t as student  # type: ignore[import-untyped]

    # In units of the first point, so that all parameters are of the order of 1.
    unit = points[0].value
    workers: NDArray[np.float64] = np.array([point.workers for point in points], dtype=float)
    values = np.array([point.value for point in points]) / unit
    errors = np.array([point.error for point in points]) / unit
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", OptimizeWarning)
            # The covariance of "trf" is that of a pseudo-inverse: also where a curve goes exactly through its points.
            best, covariance = curve_fit(
                law, workers, values, (start[0] / unit, *start[1:]), errors, absolute_sigma=True, method="trf"
            )
    except (RuntimeError, OptimizeWarning) as error:
        raise ScalingFailed(f"the law doesn't fit the measurements at all: {error}") from None
    chi_squared = float((((values - law(workers, *best)) / errors) ** 2).sum())
    misfit = sqrt(chi_squared / (len(points) - needed)) if len(points) > needed else 0.0
    widths = np.sqrt(np.diag(covariance)) * max(1.0, misfit)
    quantile = float(student.ppf((1 + CONFIDENCE) / 2, count - needed))
    scales = (unit, *([1.0] * (needed - 1)))
    found = [
        Estimate(float(value) * scale, float(width) * scale, float(width) * scale * quantile)
        for value, width, scale in zip(best, widths, scales, strict=True)
    ]
    return found, misfit


def _quality(samples: Samples, rate: Callable[[int], float], misfit: float) -> Quality:
    residuals = {n: 100 * (median(values) / rate(n) - 1) for n, values in sorted(samples.items())}
    middles = {n: median(values) for n, values in samples.items()}
    centre = fmean(middles.values())
    total = sum((middle - centre) ** 2 for middle in middles.values())
    missed = sum((middle - rate(n)) ** 2 for n, middle in middles.items())
    return Quality(residuals, 1 - missed / total if total else 0.0, misfit)
