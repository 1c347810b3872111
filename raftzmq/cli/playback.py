"""Recorded events once more, at the pace at which they happened, or another."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from raftzmq.cli.event_choice import Choice
from raftzmq.cli.event_printer import Show

if TYPE_CHECKING:
    from raftzmq.collector.merged import Merged

SILENCE_S = 10.0
"""Nothing is played for no longer than this, whatever the clocks say: nobody waits for a night without a cluster."""
STEP_S = 0.02
"""Events closer together than this are shown together: fifty pictures a second are as many as anybody sees."""
TOGETHER_MAX = 1000


def play(events: Iterable[Merged], speed: float, show: Show, choice: Choice | None = None) -> None:
    """Show events, each as long after the first as it was, divided by ``speed``; 0 is without waiting.

    Only those are shown that are chosen, if there is a choice; the time of the others passes all the same.
    """
    pace = _Pace(speed)
    together: list[tuple[bytes, dict[str, Any]]] = []
    for merged in events:
        wait = pace.until(merged.event["ts"])
        if together and (wait > STEP_S or len(together) >= TOGETHER_MAX):
            show(together)
            together = []
        if wait > STEP_S:
            time.sleep(wait)
        if choice is None or choice(merged.event):
            together.append((merged.payload, merged.event))
    show(together)


class _Pace:
    """When an event is due. Wall clocks of several machines: time only ever goes on, by `SILENCE_S` at most."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._latest: float | None = None
        self._due = time.monotonic()

    def until(self, ts: float) -> float:
        """Seconds until an event of this time is due, below zero if it was before now."""
        if self._speed == 0:
            return 0.0
        now = time.monotonic()
        if self._latest is not None and ts > self._latest:
            self._due += min((ts - self._latest) / self._speed, SILENCE_S)
        self._latest = ts if self._latest is None else max(self._latest, ts)
        return self._due - now
