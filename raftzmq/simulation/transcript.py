"""What a replayed seed shows: a line per thing that happened, in virtual milliseconds."""

from __future__ import annotations

from collections.abc import Callable

from raftzmq.simulation.schedule import Schedule


class Transcript:
    """Writes lines to ``sink``; with none it is off, and callers ask ``on`` before they make a text."""

    __slots__ = ("_schedule", "_sink", "on")

    def __init__(self, schedule: Schedule, sink: Callable[[str], None] | None) -> None:
        self._schedule = schedule
        self._sink = sink
        self.on = sink is not None

    def line(self, who: str, text: str) -> None:
        """``who`` (a node, a client, ``*`` for the world) did what ``text`` says."""
        if self._sink is not None:
            now = self._schedule.now_us
            self._sink(f"{now // 1000:>7}.{now % 1000:03d} ms  {who:<4} {text}")
