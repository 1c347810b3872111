"""Made-up events of a cluster, second by second, for the tests of what is shown of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raftzmq.cli.top_figures import Figures
from raftzmq.cli.top_frame import Frame
from tests.cli.event_samples import METRICS, STANDING

WALL = 1_700_000_000.0
"""The wall clock when the story's monotonic clock was 0."""


class Story:
    """A cluster that is told about: every event goes into ``figures``, and to ``tell`` if there is such a one."""

    def __init__(self, *names: str, tell: Callable[[dict[str, Any]], None] | None = None) -> None:
        self.names = names
        self.figures = Figures(names)
        self.tell = tell
        self.now = 0.0
        self.lamport = 0
        self.index = 1_000_000
        self.leader = names[0]
        self.stops: set[str] = set()
        """Nodes whose Lamport time stands."""

    def event(self, node: str, kind: str, **fields: Any) -> None:
        """An event now."""
        self.lamport += node not in self.stops
        envelope = {"v": 1, "node": node, "boot": f"{node}-1", "seq": 1, "order": 1, "term": 7, "type": kind}
        times = {"ts": WALL + self.now, "mono_ns": int(self.now * 1e9), "lamport": self.lamport}
        event = {**envelope, **times, **fields}
        self.figures.fold(event, self.now)
        if self.tell is not None:
            self.tell(event)

    def second(self, *, commands: int = 1200, sync_us: int = 1230, silent: frozenset[str] = frozenset()) -> None:
        """A second of a busy cluster: what every node says in it, without those in ``silent``."""
        for tenth in range(10):
            self.now += 0.1
            self.index += 10
            for node in self.names:
                if node in silent:
                    continue
                self.event(node, "clock", interval_us=50_000)
                self.event(node, "storage", **storage(sync_us + tenth, self.index))
                self.event(node, "apply", **apply(self.index, commands // 10))
        for node in self.names:
            if node not in silent:
                self.stand(node)

    def stand(self, node: str, **fields: Any) -> None:
        """What a node says once a second."""
        role = "leader" if node == self.leader else "follower"
        where = {"last_index": self.index, "stable_index": self.index, "commit_index": self.index}
        standing = {**STANDING, **where, "applied_index": self.index, "role": role, "leader": self.leader}
        self.event(node, "standing", **{**standing, "voters": list(self.names), **fields})
        trips = {peer: 480 for peer in self.names if peer != node} if role == "leader" else {}
        self.event(node, "metrics", **{**METRICS, "round_trip_us": trips})

    def frame(self) -> Frame:
        """The frame now."""
        return self.figures.frame(self.now, WALL + self.now)


def storage(sync_us: int, last: int) -> dict[str, Any]:
    """The fields of a log job that took so long."""
    times = {"what": "log", "elapsed_us": sync_us + 100, "commit_us": sync_us, "entries": 10, "bytes": 2560}
    return {**times, "last": last, "chain": 1, "voted_for": None, "vote_term": 7, "restarted_after": None}


def apply(last: int, commands: int) -> dict[str, Any]:
    """The fields of so many commands applied in ten entries."""
    entries = {"first": last - 9, "last": last, "chain": 1, "commands": commands}
    return {**entries, "revision": last * 10, "digest": 1, "elapsed_us": 900}
