"""The fits give back what was planted, their intervals are right about as often as they claim, and errors are clear."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from math import inf, sqrt

import pytest

from raftzmq.benchmarks.scaling_laws import (
    ScalingFailed,
    fit_amdahl,
    fit_universal,
    points_of,
    predict,
    speed_ups,
)

WORKERS = (1, 2, 4, 8, 16)
TRIALS = 150


def amdahl(fraction: float, rate: float = 200.0) -> Callable[[int], float]:
    """Amdahl's law as a rate."""
    return lambda n: rate / (1 - fraction + fraction / n)


def universal(contention: float, coherency: float, rate: float = 200.0) -> Callable[[int], float]:
    """The universal scalability law."""
    return lambda n: rate * n / (1 + contention * (n - 1) + coherency * n * (n - 1))


def noisy(
    law: Callable[[int], float],
    seed: object,
    *,
    spread: float = 0.02,
    repeats: int = 6,
    workers: Sequence[int] = WORKERS,
) -> dict[int, list[float]]:
    """Samples of a law, each off by a relative error of its own."""
    rng = random.Random(f"noise {seed}")
    return {n: [law(n) * (1 + rng.gauss(0, spread)) for _ in range(repeats)] for n in workers}


def exact(law: Callable[[int], float], workers: Sequence[int] = WORKERS) -> dict[int, list[float]]:
    """Samples without any error."""
    return {n: [law(n)] * 3 for n in workers}


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.8, 0.95, 1.0])
def test_amdahl_gives_back_what_was_planted(fraction: float) -> None:
    fitted = fit_amdahl(noisy(amdahl(fraction), ("planted", fraction)))
    assert fitted.parallel_fraction.value == pytest.approx(fraction, abs=0.05)
    assert fitted.parallel_fraction.holds(fraction)
    assert fitted.lone_time.value == pytest.approx(1 / 200, rel=0.05)
    assert fitted.rate(8) == pytest.approx(amdahl(fraction)(8), rel=0.05)
    assert fitted.quality.misfit < 2.5


@pytest.mark.parametrize(("contention", "coherency"), [(0.05, 0.0), (0.1, 0.01), (0.5, 0.05), (1.0, 0.0), (1.3, 0.02)])
def test_the_universal_law_gives_back_what_was_planted(contention: float, coherency: float) -> None:
    fitted = fit_universal(noisy(universal(contention, coherency), (contention, coherency), spread=0.005))
    assert fitted.lone_rate.holds(200)
    assert fitted.contention.value == pytest.approx(contention, abs=0.06)
    assert fitted.coherency.value == pytest.approx(coherency, abs=0.006)
    assert fitted.contention.holds(contention)
    assert fitted.coherency.holds(coherency)


def test_without_noise_nothing_is_left_over() -> None:
    one, other = fit_amdahl(exact(amdahl(0.9))), fit_universal(exact(universal(0.1, 0.01)))
    assert one.parallel_fraction.value == pytest.approx(0.9, abs=1e-6)
    assert one.limit == pytest.approx(10, rel=1e-4)
    assert one.speed_up(16) == pytest.approx(1 / (0.1 + 0.9 / 16), rel=1e-5)
    assert other.coherency.value == pytest.approx(0.01, abs=1e-6)
    assert other.best == pytest.approx(sqrt(0.9 / 0.01), rel=1e-3)
    for quality in (one.quality, other.quality):
        assert quality.r_squared == pytest.approx(1)
        assert all(abs(missed) < 1e-3 for missed in quality.residuals.values())


def test_amdahls_law_is_the_universal_one_without_coherency() -> None:
    fitted = fit_universal(exact(amdahl(0.8)))
    assert fitted.contention.value == pytest.approx(0.2, abs=1e-6)
    assert fitted.coherency.value == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("fraction", [0.0, 0.8, 1.0])
def test_intervals_hold_the_truth_about_as_often_as_they_claim(fraction: float) -> None:
    fits = [fit_amdahl(noisy(amdahl(fraction), (fraction, trial))).parallel_fraction for trial in range(TRIALS)]
    assert 0.90 <= sum(fit.holds(fraction) for fit in fits) / TRIALS <= 1.0
    # Neither too wide: one standard error must be missed now and then, about one time in three.
    assert 0.50 <= sum(abs(fit.value - fraction) <= fit.error for fit in fits) / TRIALS <= 0.85


def test_intervals_of_the_universal_law_hold_the_truth_too() -> None:
    fits = [fit_universal(noisy(universal(0.1, 0.01), trial)) for trial in range(TRIALS)]
    for held in ([fit.contention.holds(0.1) for fit in fits], [fit.coherency.holds(0.01) for fit in fits]):
        assert 0.90 <= sum(held) / TRIALS <= 1.0


def test_a_fraction_of_zero_comes_out_on_either_side_of_it() -> None:
    values = [fit_amdahl(noisy(amdahl(0.0), trial)).parallel_fraction.value for trial in range(60)]
    assert 15 <= sum(value < 0 for value in values) <= 45


def test_the_fraction_is_that_of_the_straight_line_in_one_over_n() -> None:
    samples = noisy(amdahl(0.7), "line", spread=0.03)
    times = points_of({n: [1 / rate for rate in rates] for n, rates in samples.items()})
    weights = [1 / time.error**2 for time in times]
    xs, ys = [1 / time.workers for time in times], [time.value for time in times]
    total = sum(weights)
    x_mean = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
    y_mean = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
    slope = sum(w * (x - x_mean) * (y - y_mean) for w, x, y in zip(weights, xs, ys, strict=True))
    slope /= sum(w * (x - x_mean) ** 2 for w, x in zip(weights, xs, strict=True))
    ground = y_mean - slope * x_mean
    assert fit_amdahl(samples).parallel_fraction.value == pytest.approx(slope / (slope + ground), abs=1e-5)


def test_a_law_that_does_not_fit_has_wider_intervals() -> None:
    peaked = noisy(universal(0.1, 0.05), "peak", spread=0.002)
    fitted = fit_amdahl(peaked)
    assert fitted.quality.misfit > 5
    assert fitted.parallel_fraction.error > 0.02
    assert fit_amdahl(noisy(amdahl(0.5), "flat", spread=0.002)).parallel_fraction.error < 0.02


def test_noisier_repeats_make_wider_intervals() -> None:
    calm = fit_amdahl(noisy(amdahl(0.8), 3, spread=0.01)).parallel_fraction
    wild = fit_amdahl(noisy(amdahl(0.8), 3, spread=0.1)).parallel_fraction
    assert wild.half > 3 * calm.half


def test_a_repeat_that_the_machine_disturbed_widens_the_interval_and_moves_nothing() -> None:
    samples = noisy(amdahl(0.8), "calm", repeats=7)
    disturbed = {**samples, 1: [*samples[1][:-1], samples[1][-1] / 5]}
    assert points_of(disturbed)[0].value == pytest.approx(points_of(samples)[0].value, rel=0.02)
    before, after = fit_amdahl(samples).parallel_fraction, fit_amdahl(disturbed).parallel_fraction
    assert after.value == pytest.approx(before.value, abs=0.03)
    assert after.half > before.half


def test_a_prediction_is_made_without_what_it_predicts() -> None:
    samples = exact(amdahl(0.9))
    told = predict(samples, 8)
    assert told.fitted_on == (1, 2, 4, 16)
    assert told.error_percent == pytest.approx(0, abs=0.01)
    samples[8] = [2 * rate for rate in samples[8]]
    assert predict(samples, 8).error_percent == pytest.approx(-50, abs=0.01)


def test_speed_ups_have_the_errors_of_quotients() -> None:
    base, other = speed_ups({1: [99.0, 101.0, 100.0], 2: [198.0, 202.0, 200.0]})
    assert (base.value, base.error) == (1.0, 0.0)
    point = points_of({1: [99.0, 101.0, 100.0], 2: [198.0, 202.0, 200.0]})[0]
    assert other.value == pytest.approx(2.0)
    assert other.error == pytest.approx(2 * sqrt(2) * point.error / point.value)


def test_where_more_workers_do_best() -> None:
    assert fit_universal(exact(universal(0.1, 0.0))).best > 1e3
    assert fit_universal(exact(universal(1.5, 0.01))).best == 1.0
    assert fit_amdahl(exact(amdahl(1.2, 1.0), (1, 2, 3))).limit == inf


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ({1: [1.0], 2: [2.0, 2.0]}, "more repeats"),
        ({1: [1.0, 1.0]}, "measure 2 or more"),
        ({}, "measure 2 or more"),
        ({1: [1.0, 1.0], 2: [2.0, 0.0]}, "not a positive number"),
        ({1: [1.0, 1.0], 2: [2.0, inf]}, "not a positive number"),
        ({0: [1.0, 1.0], 2: [2.0, 2.0]}, "0 workers"),
    ],
)
def test_what_determines_no_law_is_refused(samples: Mapping[int, Sequence[float]], words: str) -> None:
    with pytest.raises(ScalingFailed, match=words):
        fit_amdahl(samples)


def test_too_few_points_for_the_universal_law_are_refused() -> None:
    with pytest.raises(ScalingFailed, match="measure 3 or more"):
        fit_universal({1: [1.0, 1.1], 2: [2.0, 2.1]})


def test_nothing_measured_is_no_prediction() -> None:
    with pytest.raises(ScalingFailed, match="8 workers were not measured"):
        predict({1: [1.0, 1.0], 2: [2.0, 2.0]}, 8)
