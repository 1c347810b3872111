"""Log time, by which sessions and leases expire: it follows the leaders' monotonic clocks and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from raftzmq.verify.violation import Violations


class LogTime:
    """Follows the times of committed batches. ``limit_us()`` is the highest that the clocks allow by now."""

    def __init__(self, violations: Violations, limit_us: Callable[[], int]) -> None:
        self._report = violations.report
        self._limit_us = limit_us
        self._last_us = 0

    def committed(self, index: int, time_us: int) -> None:
        """Entry ``index``, the next that has one, carries log time ``time_us``."""
        if time_us < self._last_us:
            self._report("log_time", (), f"entry {index} carries log time {time_us} µs after {self._last_us} µs")
        elif time_us > self._limit_us():
            text = f"entry {index} carries log time {time_us} µs; no clocks could have run past {self._limit_us()} µs"
            self._report("log_time", (), text)
        self._last_us = max(self._last_us, time_us)
