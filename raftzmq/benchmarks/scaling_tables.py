"""Sweeps and their laws as tables: every number that a finding or a chart rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from raftzmq.benchmarks.result import Cell, Table
from raftzmq.benchmarks.scaling_study import Study

_MILLION = 1e6


@dataclass(slots=True)
class _Rows:
    """A table that grows."""

    title: str
    columns: tuple[str, ...]
    rows: list[list[Cell]] = field(default_factory=list)

    def table(self) -> list[Table]:
        """The table, unless there is nothing in it."""
        return [Table(self.title, self.columns, self.rows)] if self.rows else []


def tables_of(studies: Sequence[Study]) -> list[Table]:
    """Speed-ups, the parameters of both laws, the predictions, the residuals, and every sample."""
    return [
        *_speed_up_table(studies),
        *_amdahl_table(studies),
        *_universal_table(studies),
        *_prediction_table(studies),
        *_residual_table(studies),
        *_sample_table(studies),
    ]


def _speed_up_table(studies: Sequence[Study]) -> list[Table]:
    columns = ("sweep", "workers", "rate_per_s", "speed_up", "speed_up_error", "amdahl_speed_up", "universal_speed_up")
    found = _Rows("speed-up", columns)
    for each in studies:
        lone = each.points[0].value
        for rate, gain in zip(each.points, each.speed_ups, strict=True):
            universal = None if each.universal is None else round(each.universal.rate(rate.workers) / lone, 3)
            fitted = round(each.amdahl.rate(rate.workers) / lone, 3)
            row: list[Cell] = [
                each.label,
                rate.workers,
                _rounded(rate.value),
                round(gain.value, 3),
                round(gain.error, 3),
            ]
            found.rows.append([*row, fitted, universal])
    return found.table()


def _amdahl_table(studies: Sequence[Study]) -> list[Table]:
    columns = ("sweep", "p", "standard_error", "p_low_95", "p_high_95", "limit", "seen_alone", "r_squared", "misfit")
    found = _Rows("Amdahl's law: S = 1 / ((1 - p) + p / n)", columns)
    for each in studies:
        fraction, quality = each.parallel_fraction, each.amdahl.quality
        low, high = fraction.interval
        limit = None if fraction.holds(1.0) or fraction.value > 1 else round(each.amdahl.limit, 2)
        seen = None if each.seen is None else round(each.seen, 4)
        row: list[Cell] = [each.label, *(round(x, 4) for x in (fraction.value, fraction.error, low, high)), limit, seen]
        found.rows.append([*row, round(quality.r_squared, 4), round(quality.misfit, 2)])
    return found.table()


def _universal_table(studies: Sequence[Study]) -> list[Table]:
    parameters = ("sigma", "sigma_low_95", "sigma_high_95", "kappa", "kappa_low_95", "kappa_high_95")
    columns = ("sweep", "rate_alone_per_s", *parameters, "best_workers", "r_squared", "misfit")
    found = _Rows("universal scalability law: X = rate n / (1 + sigma (n - 1) + kappa n (n - 1))", columns)
    for each in studies:
        law = each.universal
        if law is None:
            continue
        # A kappa that may be zero has no best number of workers.
        best = None if law.coherency.holds(0.0) or law.coherency.value < 0 else round(law.best, 1)
        row: list[Cell] = [each.label, _rounded(law.lone_rate.value)]
        row += [round(x, 4) for x in (law.contention.value, *law.contention.interval)]
        row += [round(x, 5) for x in (law.coherency.value, *law.coherency.interval)]
        found.rows.append([*row, best, round(law.quality.r_squared, 4), round(law.quality.misfit, 2)])
    return found.table()


def _prediction_table(studies: Sequence[Study]) -> list[Table]:
    columns = ("sweep", "workers", "fitted_on", "predicted_speed_up", "measured_speed_up", "error_percent")
    found = _Rows("Amdahl's law, fitted without one number of workers and held against it", columns)
    for each in studies:
        if each.prediction is None:
            continue
        told, lone = each.prediction, each.points[0].value
        on = ", ".join(map(str, told.fitted_on))
        row: list[Cell] = [
            each.label,
            told.workers,
            on,
            round(told.predicted / lone, 3),
            round(told.measured / lone, 3),
        ]
        found.rows.append([*row, round(told.error_percent, 2)])
    return found.table()


def _residual_table(studies: Sequence[Study]) -> list[Table]:
    found = _Rows("residuals: measured above fitted", ("sweep", "workers", "amdahl_percent", "universal_percent"))
    for each in studies:
        for workers, missed in each.amdahl.quality.residuals.items():
            universal = None if each.universal is None else round(each.universal.quality.residuals[workers], 2)
            found.rows.append([each.label, workers, round(missed, 2), universal])
    return found.table()


def _sample_table(studies: Sequence[Study]) -> list[Table]:
    found = _Rows("samples", ("sweep", "workers", "unit", "rates_per_s"))
    for each in studies:
        for workers, values in sorted(each.samples.items()):
            found.rows.append([each.label, workers, each.unit, " ".join(f"{_rounded(value):g}" for value in values)])
    return found.table()


def _rounded(rate: float) -> float:
    """Five digits that mean something."""
    return float(f"{rate:.5g}") if rate < _MILLION else float(f"{rate:.4g}")
