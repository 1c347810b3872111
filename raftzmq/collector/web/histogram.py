"""Durations in buckets, as Prometheus wants them."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

BUCKETS_US = (
    *(100, 250, 500),
    *(1_000, 2_500, 5_000),
    *(10_000, 25_000, 50_000),
    *(100_000, 250_000, 500_000),
    *(1_000_000, 2_500_000, 10_000_000),
)
"""Upper bounds in microseconds: from a sync of a fast disk to one that hangs."""
LABELS = (*(str(bound / 1_000_000) for bound in BUCKETS_US), "+Inf")


class Histogram:
    """Counts durations by bucket. Whole microseconds in, seconds out."""

    __slots__ = ("_counts", "_sum_us")

    def __init__(self) -> None:
        self._counts = [0] * len(LABELS)
        self._sum_us = 0

    def add(self, duration_us: int) -> None:
        """Count one."""
        self._counts[bisect_left(BUCKETS_US, duration_us)] += 1
        self._sum_us += duration_us

    def buckets(self) -> list[tuple[str, float]]:
        """By upper bound in seconds: how many took no longer."""
        return list(zip(LABELS, map(float, accumulate(self._counts)), strict=True))

    @property
    def sum_seconds(self) -> float:
        """All durations together."""
        return self._sum_us / 1_000_000
