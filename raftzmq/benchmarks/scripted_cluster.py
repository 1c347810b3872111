"""What the nodes of a healthy cluster say while it is written to, without the nodes: true events, at any rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from raftzmq.events import EventMaker
from raftzmq.events.lamport import LamportClock

_TERM = 1
_ENTRY_BYTES = 300
_MODULUS = 2**32


def _chain(index: int) -> int:
    """Stands for the checksum of a log up to ``index``: the same on every node."""
    return index * 2_654_435_761 % _MODULUS


class ScriptedCluster:
    """The first node leads; each `round` is one entry, from the request to the answer, on all nodes.

    What a node says comes from a maker of its own with a Lamport clock of its own, as in a node: ``makers`` and
    ``clocks`` are in the order of the nodes. ``wall_ns`` gives the time that an event says it was made at.
    """

    def __init__(self, nodes: Sequence[str], wall_ns: Callable[[], int] = time.time_ns) -> None:
        self.nodes = list(nodes)
        self.clocks = [LamportClock() for _ in nodes]
        self.makers = [
            EventMaker(node, f"scripted-{node}", wall_ns, clock) for node, clock in zip(nodes, self.clocks, strict=True)
        ]
        self.index = 0

    @property
    def events_per_round(self) -> int:
        """How many events a round makes, on all nodes together."""
        return 7 + 5 * (len(self.nodes) - 1)

    def begin(self) -> None:
        """Every node has started, and the first was elected: what is said however few listen."""
        for place, node in enumerate(self.nodes):
            log = {"mark_index": 0, "mark_chain": 0, "first_index": 1, "last_index": 0, "last_term": 0, "last_chain": 0}
            state = {"applied_index": 0, "digest": 0, "revision": 0, "voters": self.nodes}
            who = {"cluster": "scripted", "incarnation": f"of {node}", "voted_for": None}
            self._say(place, "boot", {**who, **log, **state})
        self._say(0, "election", {"pre_vote": False, "last_log_index": 0})
        asked = self.clocks[0].tick()
        for place in range(len(self.nodes)):
            if place:
                self.clocks[place].merge(asked)
            vote = {"candidate": self.nodes[0], "granted": True, "pre_vote": False, "reason": "first to ask"}
            self._say(place, "vote", vote)
            self.clocks[0].merge(self.clocks[place].tick())
        self._say(0, "role", {"role": "leader", "previous": "candidate", "reason": "elected by a majority"})
        for place in range(len(self.nodes)):
            self._say(place, "leader", {"leader": self.nodes[0]})

    def round(self) -> None:
        """One entry more."""
        self.index = index = self.index + 1
        self._say(0, "request", {"kind": "execute", "commands": 1, "bytes": _ENTRY_BYTES})
        self._append(0)
        sent = self.clocks[0].tick()
        answers = []
        for place in range(1, len(self.nodes)):
            self.clocks[place].merge(sent)
            self._append(place)
            self._stored(place)
            answers.append(self.clocks[place].tick())
        self._stored(0)
        for answer in answers:
            self.clocks[0].merge(answer)
        self._applied(0)
        reply = {"first": index, "last": index, "commit_index": index, "requests": 1}
        self._say(0, "reply", reply)
        told = self.clocks[0].tick()
        for place in range(1, len(self.nodes)):
            self.clocks[place].merge(told)
            self._applied(place)

    def _append(self, place: int) -> None:
        index, role = self.index, "follower" if place else "leader"
        entry = {"first": index, "last": index, "terms": [_TERM], "chains": [_chain(index)], "waited_us": 0}
        self._say(place, "append", {**entry, "bytes": _ENTRY_BYTES, "batch": 1, "role": role})

    def _stored(self, place: int) -> None:
        times = {"elapsed_us": 900, "commit_us": 800, "entries": 1, "bytes": _ENTRY_BYTES}
        votes = {"voted_for": self.nodes[0], "vote_term": _TERM, "restarted_after": None}
        self._say(place, "storage", {"what": "log", **times, "last": self.index, "chain": _chain(self.index), **votes})

    def _applied(self, place: int) -> None:
        index = self.index
        commit = {"index": index, "previous": index - 1, "entry_term": _TERM, "chain": _chain(index)}
        self._say(place, "commit", commit)
        state = {"commands": 1, "revision": index, "digest": _chain(index + 1), "elapsed_us": 40}
        self._say(place, "apply", {"first": index, "last": index, "chain": _chain(index), **state})
        lasting = {"last": index, "chain": None, "voted_for": None, "vote_term": None, "restarted_after": None}
        work = {"what": "state", "elapsed_us": 60, "commit_us": 0, "entries": 1, "bytes": _ENTRY_BYTES}
        self._say(place, "storage", {**work, **lasting})

    def _say(self, place: int, kind: str, fields: Mapping[str, Any]) -> None:
        self.makers[place].emit(kind, _TERM, time.monotonic_ns() // 1000, fields)
