"""Events are in causal order, clocks are not: the time of an event leads to a place at which it has happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.collector.recordings import record
from tests.collector.streams import boot, event
from tests.collector.web.test_recordings import shelved

TIMES = (100, 140, 110, 360, 130, 900, 120)
"""By the clock, in causal order. Nothing is held back for so long that it could be as late as the last one."""


@pytest.mark.parametrize(("ms", "happened"), [(100, 1), (110, 3), (130, 5), (140, 5), (359, 5), (360, 5), (900, 7)])
def test_what_comes_late_by_the_clock_has_happened_too(tmp_path: Path, ms: int, happened: int) -> None:
    booted = boot("n1")
    events = [booted, *(event("commit", "n1", ms=at, index=n, previous=n - 1) for n, at in enumerate(TIMES, 10))]
    begin = int(booted["ts"] * 1000)
    collected = record(tmp_path / "events", events)
    first = next(merged.position for merged in collected.merged if merged.event["type"] == "commit")
    with shelved(tmp_path / "events") as (one, at):
        position = one.get(f"{at}/state?ms={begin + ms}").json["position"]
    assert position == first + happened - 1
