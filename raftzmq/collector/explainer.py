"""The slowest requests in a stream of events, each explained once the disks of its followers had time to tell."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from heapq import heappush, heappushpop
from typing import Any

from raftzmq.collector.disk_times import DiskTimes
from raftzmq.collector.explaining import Explanation, explain

RIPE_EVENTS = 2_000
"""Events after a trace before it is explained: a follower that lags tells of its disk later."""


class Explainer:
    """Keeps the ``count`` slowest. Memory is bounded, however long the stream is."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._disks = DiskTimes()
        self._voters: tuple[str, ...] = ()
        self._events = 0
        self._unripe: deque[tuple[int, Mapping[str, Any]]] = deque()
        self._slowest: list[tuple[int, int, Explanation]] = []
        self._traces = 0

    @property
    def disks(self) -> DiskTimes:
        """What the disks have told so far."""
        return self._disks

    @property
    def voters(self) -> tuple[str, ...]:
        """The members of the cluster, as its nodes said last."""
        return self._voters

    def take(self, event: Mapping[str, Any]) -> None:
        """The next event of the stream."""
        self._events += 1
        while self._unripe and self._unripe[0][0] <= self._events:
            self._explain(self._unripe.popleft()[1])
        kind = event["type"]
        if kind in ("append", "storage"):
            self._disks.take(event)
        elif kind in ("standing", "boot"):
            self._voters = tuple(event["voters"])
        elif kind == "trace":
            self._unripe.append((self._events + RIPE_EVENTS, event))

    def _explain(self, trace: Mapping[str, Any]) -> None:
        if len(self._slowest) == self._count and trace["replied_us"] <= self._slowest[0][0]:
            return
        explanation = explain(trace, self._disks, voters=self._voters)
        self._traces += 1
        item = (explanation.latency_us, -self._traces, explanation)
        if len(self._slowest) < self._count:
            heappush(self._slowest, item)
        else:
            heappushpop(self._slowest, item)

    def slowest(self) -> list[Explanation]:
        """The slowest requests, the slowest first, at the end of the stream."""
        while self._unripe:
            self._explain(self._unripe.popleft()[1])
        return [explanation for *_, explanation in sorted(self._slowest, key=lambda item: (-item[0], -item[1]))]
