"""Virtual time: what is to happen, in order of time and, at the same time, in the order in which it was asked for."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any


class Schedule:
    """A heap of actions. ``now_us`` is the time of the action under way; nothing else moves it."""

    __slots__ = ("_asked", "_heap", "now_us")

    def __init__(self) -> None:
        self.now_us = 0
        self._asked = 0
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []

    def at(self, when_us: int, action: Callable[..., None], *arguments: Any) -> None:
        """Do ``action(*arguments)`` at ``when_us``, or now if that has passed."""
        self._asked += 1
        heapq.heappush(self._heap, (max(when_us, self.now_us), self._asked, action, arguments))

    def after(self, delay_us: int, action: Callable[..., None], *arguments: Any) -> None:
        """Do ``action(*arguments)`` in ``delay_us``."""
        self.at(self.now_us + delay_us, action, *arguments)

    def step(self) -> bool:
        """Do the next action; False if there is none."""
        if not self._heap:
            return False
        self.now_us, _, action, arguments = heapq.heappop(self._heap)
        action(*arguments)
        return True
