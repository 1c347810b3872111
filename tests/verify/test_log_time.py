"""`LogTime`: forward, and no faster than clocks can have run."""

from __future__ import annotations

import pytest

from raftzmq.verify import LogTime, Violations


@pytest.mark.parametrize(("times", "broken"), [((0, 5, 5, 9), 0), ((5, 4), 1), ((5, 11), 1), ((5, 4, 5), 1)], ids=str)
def test_log_time(times: tuple[int, ...], broken: int) -> None:
    violations = Violations()
    log_time = LogTime(violations, lambda: 10)
    for index, time_us in enumerate(times, 2):
        log_time.committed(index, time_us)
    assert [violation.name for violation in violations.found] == ["log_time"] * broken
