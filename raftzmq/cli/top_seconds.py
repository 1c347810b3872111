"""What was counted and measured in each of the last seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil

MINUTE = 60
SAMPLES_MAX = 2000
"""Samples kept of a second: the percentiles of the first so many are close enough to those of all."""


class Seconds:
    """A sum for each of the last seconds, by the caller's clock. Times must not go back by more than they are kept."""

    def __init__(self, keep: int = MINUTE + 1) -> None:
        self._sums: dict[int, float] = {}
        self._keep = keep
        self._begun: int | None = None

    def add(self, now: float, amount: float) -> None:
        """Count ``amount`` into the second of ``now``; 0 says that counting has begun."""
        second = int(now)
        if self._begun is None:
            self._begun = second
        self._sums[second] = self._sums.get(second, 0.0) + amount
        if len(self._sums) > 2 * self._keep:
            for old in sorted(self._sums)[: -self._keep]:
                del self._sums[old]

    def last(self, now: float) -> float | None:
        """The sum of the last whole second; None if none has passed since counting began."""
        return self.history(now, 1)[0]

    def total(self, now: float, count: int) -> float:
        """The sum of the last seconds, this one and so many before it."""
        return sum(amount for second, amount in self._sums.items() if second >= int(now) - count)

    def history(self, now: float, count: int = MINUTE) -> list[float | None]:
        """The sums of the last whole seconds, oldest first; None for those before counting began.

        The second in which counting began isn't whole.
        """
        end = int(now)
        begun = self._begun if self._begun is not None else end
        return [self._sums.get(s, 0.0) if s > begun else None for s in range(end - count, end)]


class Samples:
    """Measured values of the last seconds, and percentiles of them."""

    def __init__(self, keep: int = MINUTE + 1) -> None:
        self._seconds: deque[tuple[int, list[int]]] = deque(maxlen=keep)

    def add(self, now: float, value: int) -> None:
        """Note a value."""
        second = int(now)
        if not self._seconds or self._seconds[-1][0] < second:
            self._seconds.append((second, []))
        values = self._seconds[-1][1]
        if len(values) < SAMPLES_MAX:
            values.append(value)

    def percentile(self, now: float, part: float, seconds: int) -> int | None:
        """That below which ``part`` (0 to 1) of the values of so many last seconds lie, this one's included."""
        first = int(now) - seconds
        return percentile([value for second, values in self._seconds if second >= first for value in values], part)

    def history(self, now: float, part: float, count: int = MINUTE) -> list[float | None]:
        """That percentile of each of the last whole seconds, oldest first; None for those without a value."""
        by_second = dict(self._seconds)
        return [percentile(by_second.get(second, ()), part) for second in range(int(now) - count, int(now))]


def percentile(values: Sequence[int], part: float) -> int | None:
    """The smallest of the values that at least ``part`` of them don't exceed (nearest rank); None of none."""
    return sorted(values)[max(0, ceil(part * len(values)) - 1)] if values else None
