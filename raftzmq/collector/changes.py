"""What one thread saw and another one fetches: changes of processes, the oldest first, bounded."""

from __future__ import annotations

from collections import deque
from typing import Any

State = dict[str, Any]
"""The fields of a ``process`` event."""


class Changes:
    """At most ``maximum`` that nobody has taken yet; beyond that the oldest go, counted in ``lost``.

    One thread adds and one takes.
    """

    def __init__(self, maximum: int) -> None:
        self.lost = 0
        self._maximum = maximum
        self._waiting: deque[State] = deque()

    def add(self, change: State) -> None:
        """The next change."""
        if len(self._waiting) >= self._maximum:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(change)

    def take(self) -> list[State]:
        """The changes since the last call, oldest first."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken
