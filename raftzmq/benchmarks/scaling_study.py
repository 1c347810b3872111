"""One sweep with what the laws make of it: parameters with their uncertainty, residuals, and a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from raftzmq.benchmarks.figures import Figures
from raftzmq.benchmarks.scaling_laws import (
    Amdahl,
    Estimate,
    Point,
    Prediction,
    Samples,
    ScalingFailed,
    Universal,
    fit_amdahl,
    fit_universal,
    points_of,
    predict,
    speed_ups,
)

Part: TypeAlias = Literal["tasks", "cores", "clients", "nodes"]
PREDICTED = 8
"""The number of workers that is left out of a fit, and predicted."""
_UNIVERSAL_LEVELS_MIN = 3


@dataclass(frozen=True, slots=True)
class Study:
    """``samples`` are rates in ``unit`` per second.

    ``blind`` is what the law cannot see, as a fraction of the time: of the locked counter, that in which nobody held
    the lock although everybody wanted it. It costs something to pass a lock on, but only if there is somebody else, so
    it looks like a parallel fraction a little below or above zero. ``seen`` is the share of a lone worker's time
    outside the lock: p without any fit.
    """

    part: Part
    name: str
    label: str
    unit: str
    samples: Samples
    amdahl: Amdahl
    universal: Universal | None = None
    prediction: Prediction | None = None
    blind: float = 0.0
    seen: float | None = None

    @property
    def parallel_fraction(self) -> Estimate:
        """Amdahl's p; its 95 % interval is that of the fit, made wider by what the law cannot see."""
        fitted = self.amdahl.parallel_fraction
        return Estimate(fitted.value, fitted.error, fitted.half + self.blind)

    @property
    def points(self) -> list[Point]:
        """The rates."""
        return points_of(self.samples)

    @property
    def speed_ups(self) -> list[Point]:
        """The rates above that of one worker."""
        return speed_ups(self.samples)

    def speed_up(self, workers: int) -> float:
        """The measured speed-up."""
        return next(point.value for point in self.speed_ups if point.workers == workers)

    @property
    def workers_max(self) -> int:
        """Of those measured."""
        return max(self.samples)


def study(
    part: Part, name: str, label: str, unit: str, samples: Samples, *, blind: float = 0.0, seen: float | None = None
) -> Study:
    """Fit what can be fitted: the universal law from three numbers of workers on, a prediction if there are 8 and more.

    Raises ScalingFailed if not even Amdahl's law can be, ExtraMissing.
    """
    return Study(
        part,
        name,
        label,
        unit,
        samples,
        fit_amdahl(samples),
        _universal(samples),
        predict(samples, PREDICTED) if PREDICTED in samples and max(samples) > PREDICTED else None,
        blind,
        seen,
    )


def _universal(samples: Samples) -> Universal | None:
    """None if there are too few points, or too wild ones: that is no reason to throw away what was measured."""
    if len(samples) < _UNIVERSAL_LEVELS_MIN:
        return None
    try:
        return fit_universal(samples)
    except ScalingFailed:
        return None


def figures_of(studies: Sequence[Study]) -> Figures:
    """The answers of all studies: what tasks can share, and what clusters lose."""
    figures: Figures = {}
    for each in studies:
        fraction = each.parallel_fraction
        if each.part in ("tasks", "cores"):
            figures[f"{each.name}_parallel_fraction"] = round(fraction.value, 5)
            figures[f"{each.name}_parallel_fraction_error"] = round(fraction.error, 5)
            figures[f"{each.name}_parallel_fraction_ci95"] = [round(end, 5) for end in fraction.interval]
        elif each.universal is not None:
            figures[f"{each.name}_contention"] = round(each.universal.contention.value, 5)
            figures[f"{each.name}_contention_ci95"] = [round(end, 5) for end in each.universal.contention.interval]
            figures[f"{each.name}_coherency"] = round(each.universal.coherency.value, 6)
            figures[f"{each.name}_coherency_ci95"] = [round(end, 6) for end in each.universal.coherency.interval]
        figures[f"{each.name}_speed_up_{each.workers_max}"] = round(each.speed_up(each.workers_max), 3)
        if each.prediction is not None:
            figures[f"{each.name}_prediction_error_{PREDICTED}_percent"] = round(each.prediction.error_percent, 2)
    errors = [abs(each.prediction.error_percent) for each in studies if each.prediction is not None]
    if errors:
        figures[f"prediction_error_{PREDICTED}_percent_worst"] = round(max(errors), 2)
    return figures
