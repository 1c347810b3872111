"""What the metrics count in the merged stream beyond what the cluster's state says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from raftzmq.collector.envelope import COLLECTOR_NODE
from raftzmq.collector.merged import Merged
from raftzmq.collector.web.histogram import Histogram

Event = dict[str, Any]
NODES_MAX = 1000
"""Nodes, rules and processes that are counted apart: a forged stream must not fill the memory."""


class NodeTally:
    """The counts of one node since this collector started."""

    __slots__ = ("apply", "elections", "late", "log_sync", "lost", "passed_at", "received", "state_commit", "ts")

    def __init__(self) -> None:
        self.received = 0
        self.lost = 0
        self.late = 0
        self.elections = 0
        self.log_sync = Histogram()
        self.state_commit = Histogram()
        self.apply = Histogram()
        self.ts = 0.0
        self.passed_at = 0.0

    @property
    def lag_seconds(self) -> float:
        """The age of its newest event when it was passed on, by the wall clocks of both."""
        return max(0.0, self.passed_at - self.ts)


class Tally:
    """Counts every event once, as cheaply as can be: tens of thousands a second pass here."""

    def __init__(self) -> None:
        self.nodes: dict[str, NodeTally] = {}
        self.violations: dict[str, int] = {}
        self.unknown: set[str] = set()
        self.processes: dict[str, bool] = {}
        self.events = 0
        self.odd = 0
        """Events whose fields were not those of the catalogue."""

    def add(self, merged: Iterable[Merged], passed_at: float) -> bool:
        """Count events that the collector passed on at ``passed_at``, in seconds since 1970. Was any of a node?"""
        heard = False
        nodes, actions = self.nodes, _ACTIONS
        for one in merged:
            event = one.event
            self.events += 1
            try:
                name = event["node"]
                node = nodes.get(name)
                if node is None:
                    if name == COLLECTOR_NODE:
                        self._add_own(event)
                        continue
                    if len(nodes) >= NODES_MAX:
                        raise ValueError
                    node = nodes[name] = NodeTally()
                heard = True
                node.received += 1
                node.ts = event["ts"]
                node.passed_at = passed_at
                action = actions.get(event["type"])
                if action is not None:
                    action(node, event)
            except (KeyError, TypeError, ValueError):
                self.odd += 1
        return heard

    def _add_own(self, event: Event) -> None:
        """An event of the collector itself."""
        kind = event["type"]
        if kind == "gap":
            self._node(event["source"]).lost += int(event["missing"])
        elif kind == "late":
            self._node(event["source"]).late += 1
        elif kind == "violation":
            self._room(self.violations, event["rule"])
            self.violations[event["rule"]] = self.violations.get(event["rule"], 0) + 1
        elif kind == "verdict" and event["known"]:
            self.unknown.discard(event["source"])
        elif kind == "verdict":
            self._room(self.unknown, event["source"])
            self.unknown.add(event["source"])
        elif kind == "process":
            self._room(self.processes, event["name"])
            self.processes[event["name"]] = event["state"] in ("RUNNING", "RESUMED")

    def _node(self, name: str) -> NodeTally:
        self._room(self.nodes, name)
        return self.nodes.setdefault(name, NodeTally())

    @staticmethod
    def _room(known: dict[str, Any] | set[str], name: Any) -> None:
        if not isinstance(name, str) or (name not in known and len(known) >= NODES_MAX):
            raise ValueError(name)


def _storage(node: NodeTally, event: Event) -> None:
    duration: int = event["commit_us"]
    if event["what"] == "log":
        node.log_sync.add(duration)
    elif duration:  # most of the state's jobs commit nothing: their writes wait for a later commit
        node.state_commit.add(duration)


def _apply(node: NodeTally, event: Event) -> None:
    node.apply.add(event["elapsed_us"])


def _election(node: NodeTally, event: Event) -> None:
    if not event["pre_vote"]:
        node.elections += 1


_ACTIONS: dict[str, Callable[[NodeTally, Event], None]] = {
    "storage": _storage,
    "apply": _apply,
    "election": _election,
}
