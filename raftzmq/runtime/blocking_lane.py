"""No lane at all: the job runs where it is handed over, on the loop, and everything else waits for it.

This is the mistake that ``--runtime coroutines-blocking`` exists to show: while a commit waits for the disk, the loop
hears no heartbeat, sends none and answers nobody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from raftzmq.runtime.jobs import Completion


class BlockingLane:
    """What a `raftzmq.runtime.lane.Lane` offers, without a thread. What was done is told in the loop's next round."""

    def __init__(self, completions: deque[Completion | BaseException]) -> None:
        self.awaited = True
        self._completions = completions

    def put(self, run: Callable[..., object], *arguments: Any) -> None:
        """Call ``run`` now; what it raises is left for the loop."""
        try:
            run(*arguments)
        except BaseException as error:  # noqa: BLE001 - as on a thread: the loop raises it
            self._completions.append(error)

    def end(self) -> None:
        """Nothing is under way here."""

    def join(self, seconds: float) -> bool:
        """Nothing is under way here."""
        return True

    def done(self, completion: Completion) -> None:
        """For jobs: tell the loop, which looks before it waits."""
        self._completions.append(completion)
