"""Figures of a measurement: names end in their unit, so a number never travels without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TypeAlias

Figure: TypeAlias = int | float | str | list[float]
Figures: TypeAlias = dict[str, Figure]

PERCENTILES: Mapping[str, float] = {"p50": 50.0, "p99": 99.0, "p999": 99.9}


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest of the ascending ``ordered`` that ``percent`` of them don't exceed (nearest rank, no invention).

    Raises ValueError if there are none.
    """
    if not ordered:
        raise ValueError("no percentile of nothing")
    # In tenths of a percent, by whole numbers: 99.9 % of 1000 is 999, which floating point misses.
    rank = ceil(round(percent * 10) * len(ordered) / 1000)
    return ordered[max(rank, 1) - 1]


def median(values: Sequence[float]) -> float:
    """The median; the mean of the middle two for an even count. Raises ValueError if there are none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no median of nothing")
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def latencies_ms(seconds: Sequence[float]) -> Figures:
    """``latency_p50_ms`` and its like, and the largest."""
    ordered = sorted(seconds)
    figures: Figures = {f"latency_{name}_ms": milliseconds(percentile(ordered, p)) for name, p in PERCENTILES.items()}
    figures["latency_max_ms"] = milliseconds(ordered[-1])
    return figures


def milliseconds(seconds: float) -> float:
    """Seconds as milliseconds, to the microsecond."""
    return round(seconds * 1000, 3)


def number(figures: Figures, name: str) -> float:
    """A figure that is a number."""
    value = figures[name]
    assert isinstance(value, int | float)
    return value
