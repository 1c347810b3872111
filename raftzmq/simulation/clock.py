"""The clocks of one machine: neither of them agrees with anybody else's.

A monotonic clock begins anywhere, runs a little fast or slow, and jumps ahead where a virtual machine was put to
sleep or moved; it never goes back while the machine runs. The wall clock is set by people and daemons, to and fro.
"""

from __future__ import annotations

from random import Random

from raftzmq.config import MICROSECONDS
from raftzmq.simulation.schedule import Schedule

UPTIME_MAX_US = 1_000_000 * MICROSECONDS
WALL_US = 1_700_000_000 * MICROSECONDS
"""Some day: what matters is that it is far from any monotonic clock."""


class Clock:
    """``now_us`` is the monotonic clock of this machine, in whole microseconds: the same in every run of a seed.

    ``rate_ppm``: how much faster than virtual time it runs, in millionths (below zero: slower).
    """

    __slots__ = ("_rate", "_schedule", "_shown_us", "_since_us", "_wall_us")

    def __init__(self, schedule: Schedule, rng: Random, rate_ppm: int) -> None:
        self._schedule = schedule
        self._rate = MICROSECONDS + rate_ppm
        self._since_us = schedule.now_us
        self._shown_us = rng.randint(0, UPTIME_MAX_US)
        self._wall_us = WALL_US + rng.randint(-MICROSECONDS, MICROSECONDS)

    @property
    def now_us(self) -> int:
        """What the monotonic clock shows."""
        return self._shown_us + (self._schedule.now_us - self._since_us) * self._rate // MICROSECONDS

    def when_us(self, shown_us: int) -> int:
        """The virtual time at which the clock will show ``shown_us``, if it doesn't jump before."""
        return self._since_us - (self._shown_us - shown_us) * MICROSECONDS // self._rate

    def wall_ns(self) -> int:
        """What the wall clock shows, in nanoseconds."""
        return (self._wall_us + self._schedule.now_us) * 1000

    def jump(self, ahead_us: int) -> None:
        """The monotonic clock leaps ahead by ``ahead_us``."""
        assert ahead_us >= 0, "a monotonic clock never goes back"
        self._shown_us = self.now_us + ahead_us
        self._since_us = self._schedule.now_us

    def restart(self) -> None:
        """The machine boots: its monotonic clock begins at zero."""
        self._shown_us = 0
        self._since_us = self._schedule.now_us

    def set_wall(self, by_us: int) -> None:
        """Somebody sets the wall clock, by ``by_us`` forward or (below zero) back."""
        self._wall_us += by_us
