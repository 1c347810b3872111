"""What the events of a whole cluster add up to: a pure fold of the merged stream.

The same events in the same order give the same state, in any process and on any machine: nothing here looks at a
clock, and the state is plain JSON (whole numbers below 2⁵³, no fractions), so that a reader in another language can
do the same sums and compare the hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from raftzmq.collector.envelope import COLLECTOR_NODE
from raftzmq.collector.link_state import Links, fold_fault
from raftzmq.collector.node_state import (
    INTEGER_MAX,
    TEXT_MAX,
    Count,
    Event,
    NodeState,
    Scalar,
    Whole,
    count,
    flag,
    names,
    ppm,
    scalar,
    text,
    text_or_none,
    whole,
)

STATE_SCHEMA = 1
"""The version of the state's JSON."""
NODES_MAX = 1000
"""Nodes, and processes, that are kept: a recording from a stranger must not fill the memory."""
NOTABLE_MAX = 40
"""The last events worth telling: a screen of them."""
VIOLATIONS_MAX = 10
SILENT_MS = 3000
"""A node that isn't heard for so long, while others are, counts as silent: sixty heartbeat intervals."""
NOTABLE = frozenset(
    {"boot", "role", "truncate", "snapshot", "room", "corrupt", "disrupt_refused", "fault"}
    | {"gap", "late", "process", "violation", "verdict"}
)
"""Types of events that people want to have seen."""
GONE = frozenset({"EXITED", "FATAL", "STOPPED", "BACKOFF"})
"""supervisord's states of a process that isn't there."""

KERNEL = frozenset({"PAUSED", "RESUMED", "GONE"})
"""What the kernel says of one."""


class Process(msgspec.Struct, frozen=True):
    """A process as supervisord sees it; ``ms`` is the time of the merged stream when it said so."""

    state: str
    previous: str | None
    pid: Count
    exit_status: Whole
    ms: Count


class _State(msgspec.Struct):
    """All that is known. ``collector`` is the boot of the collector that merged the events."""

    schema: Count = STATE_SCHEMA
    collector: str | None = None
    time_ms: Count = 0
    lamport: Count = 0
    term: Count = 0
    last_leader: str | None = None
    leader_term: Count = 0
    leads: bool = False
    leader_changes: Count = 0
    elections: Count = 0
    pre_votes: Count = 0
    gaps: Count = 0
    missing: Count = 0
    late: Count = 0
    odd: Count = 0
    violations: Count = 0
    last_violations: list[dict[str, Scalar | list[str]]] = []
    unknown: dict[str, str] = {}
    processes: dict[str, Process] = {}
    nodes: dict[str, NodeState] = {}
    links: Links = {}
    notable: list[dict[str, Scalar]] = []


class ClusterState:
    """The state of the cluster after the events folded so far.

    ``fold`` never raises: an event that isn't well made changes what it can and is counted in ``odd``.

    The state's JSON: ``time_ms`` (latest wall clock of the stream) and ``lamport``; ``term`` (highest seen), ``leader``
    (who leads it, null if nobody is known to), ``last_leader`` and ``leader_term`` (who led last), ``leader_changes``
    (terms that got a leader), ``elections`` and ``pre_votes`` (asked for); ``gaps``, ``missing`` (events lost in
    them), ``late``, ``odd``; ``violations`` and the ``last_violations``, ``unknown`` (whose events the auditor misses,
    and why); ``processes`` by name; ``nodes`` by name (`NodeState`, and ``condition``: ``up``, ``silent`` or ``down``);
    ``links``: the faults made on purpose, by who sends and who is sent to (`LinkState`); ``notable``: the last events
    worth telling, oldest first. ``links``, and a node's ``paused`` and ``lab``, are left out while they say nothing.
    """

    def __init__(self) -> None:
        self._state = _State()

    def fold(self, event: Event) -> None:
        """Take in the next event of the merged stream.

        A ``checkpoint`` changes nothing, except the first one of a collector's life: it *is* the state from then on,
        so that a replay goes through a collector's restart as the collector itself did.
        """
        try:
            if event["node"] == COLLECTOR_NODE:
                self._fold_own(event)
            else:
                self._fold_node(event)
        except (KeyError, TypeError, ValueError, OverflowError):
            self._state.odd += 1

    @property
    def collector(self) -> str | None:
        """The boot of the collector whose checkpoint came last, None before the first."""
        return self._state.collector

    def to_json(self) -> dict[str, Any]:
        """A copy as JSON-able dictionaries, lists, texts, whole numbers, flags and nulls."""
        document: dict[str, Any] = msgspec.to_builtins(self._state)
        for name, node in self._state.nodes.items():
            row = document["nodes"][name]
            row["condition"] = self._condition(node)
            # What older releases didn't know is left out while it says nothing: their hashes stay what they were.
            for known_lately in ("paused", "lab"):
                if not row[known_lately]:
                    del row[known_lately]
        if not self._state.links:
            del document["links"]
        document["leader"] = self._leader()
        return document

    @classmethod
    def from_json(cls, document: Any) -> ClusterState:
        """The state that `to_json` gave; raises ValueError for what is none."""
        found = cls()
        try:
            found._state = msgspec.convert(document, _State, strict=True)
        except msgspec.ValidationError as error:
            raise ValueError(f"this is no state of a cluster: {error}") from None
        if found._state.schema != STATE_SCHEMA:
            raise ValueError(f"the state has schema {found._state.schema}; this release knows {STATE_SCHEMA}")
        return found

    def processes(self) -> dict[str, tuple[int, bool]]:
        """The process that each node says it is, and whether it is paused; none that is gone."""
        nodes = self._state.nodes
        return {name: (one.pid, one.paused) for name, one in nodes.items() if one.pid is not None and not one.stopped}

    def hash(self) -> str:
        """SHA-256, in hexadecimal, of the state's JSON with sorted keys and no blanks, as UTF-8."""
        return hashlib.sha256(orjson.dumps(self.to_json(), option=orjson.OPT_SORT_KEYS)).hexdigest()

    def status_rows(self) -> list[dict[str, Any]]:
        """A row per node in the shape of ``status --json``; the ``condition`` of a voter never heard is ``unheard``."""
        state = self._state
        known = dict.fromkeys(state.nodes)
        for node in state.nodes.values():
            known |= dict.fromkeys(node.voters)
        return [self._status_row(name, state.nodes.get(name)) for name in sorted(known, key=_natural)]

    def _status_row(self, name: str, node: NodeState | None) -> dict[str, Any]:
        condition = "unheard" if node is None else self._condition(node)
        heard = condition == "up"
        row: dict[str, Any] = {"node": name, "endpoint": "", "reachable": heard, "condition": condition}
        shown = node if node is not None and heard else NodeState()
        return {
            **row,
            "role": shown.role,
            "term": shown.term if heard else None,
            "leader": shown.leader,
            "commit_index": shown.commit_index,
            "last_applied": shown.applied_index,
            "last_log_index": shown.last_index,
            "stable_index": shown.stable_index,
            "revision": shown.revision,
            "pid": shown.pid,
        }

    def _condition(self, node: NodeState) -> str:
        if node.stopped:
            return "down"
        if node.paused:
            return "silent"
        return "up" if self._state.time_ms - node.heard_ms <= SILENT_MS else "silent"

    def _leader(self) -> str | None:
        """Who leads, as far as known: not who has stepped down, died or fallen silent since."""
        state = self._state
        node = state.nodes.get(state.last_leader or "")
        if node is None or not state.leads or self._condition(node) != "up":
            return None
        return state.last_leader

    def _advance(self, event: Event) -> None:
        """Move the stream's own times on."""
        state = self._state
        ms = int(event["ts"] * 1000)
        if ms > state.time_ms:
            state.time_ms = count(ms)
        lamport = event.get("lamport", 0)  # in recordings of older releases there is none
        if lamport > state.lamport:
            state.lamport = count(lamport)

    def _fold_node(self, event: Event) -> None:
        state = self._state
        node = state.nodes.get(event["node"])
        if node is None:
            if len(state.nodes) >= NODES_MAX:
                raise ValueError
            node = state.nodes.setdefault(text(event["node"]), NodeState())
        self._advance(event)
        node.heard_ms = state.time_ms
        boot = node.boot
        node.fold(event)
        if node.term > state.term:
            state.term = node.term
        kind = event["type"]
        if boot != node.boot:
            state.links.pop(event["node"], None)  # they were the process's
            if event["node"] == state.last_leader:
                state.leads = False
        if kind in _LEADERSHIP:
            self._watch_leader(event["node"], node)
            if kind == "election":
                if flag(event["pre_vote"]):
                    state.pre_votes += 1
                else:
                    state.elections += 1
        elif kind == "fault":
            fold_fault(state.links, event)
        if kind in NOTABLE:
            self._remember(event)

    def _watch_leader(self, name: str, node: NodeState) -> None:
        state = self._state
        if node.role == "leader":
            if node.term > state.leader_term:
                state.last_leader, state.leader_term = name, node.term
                state.leader_changes += 1
            if node.term == state.leader_term and name == state.last_leader:
                state.leads = True
        elif name == state.last_leader:
            state.leads = False

    def _fold_own(self, event: Event) -> None:
        """An event of the collector itself."""
        state, kind, boot = self._state, event["type"], text(event["boot"])
        if kind == "checkpoint":
            if boot != state.collector:
                self._state = ClusterState.from_json(event["state"])._state
                self._state.collector = boot
            return
        self._advance(event)
        take = _OWN.get(kind)
        if take is not None:
            take(self, event)
        if kind in NOTABLE:
            self._remember(event)

    def _gap(self, e: Event) -> None:
        state, missing = self._state, count(e["missing"])
        state.gaps += 1
        state.missing = min(state.missing + missing, INTEGER_MAX)
        node = state.nodes.get(e["source"])
        if node is not None:
            node.missing = min(node.missing + missing, INTEGER_MAX)

    def _late(self, _: Event) -> None:
        self._state.late += 1

    def _process(self, e: Event) -> None:
        state, name = self._state, text(e["name"])
        if name not in state.processes and len(state.processes) >= NODES_MAX:
            raise ValueError
        found = Process(
            text(e["state"]), text_or_none(e["previous"]), count(e["pid"]), whole(e["exit_status"]), state.time_ms
        )
        state.processes[name] = found
        node = state.nodes.get(name.rpartition(":")[2])
        if node is not None and found.state in GONE:
            node.stopped = True
        elif node is not None and found.state == "RUNNING" and (node.pid is None or node.pid == found.pid):
            node.stopped = False  # it was never gone: a new life would have spoken by itself
        elif node is not None and node.pid == found.pid and found.state in KERNEL:
            node.stopped = node.stopped or found.state == "GONE"
            node.paused = found.state == "PAUSED"

    def _violation(self, e: Event) -> None:
        state = self._state
        state.violations += 1
        kept: dict[str, Scalar | list[str]] = {
            "ms": state.time_ms,
            "rule": text(e["rule"]),
            "nodes": names(e["nodes"]),
            "text": text(e["text"]),
            "recording": text_or_none(e["recording"]),
        }
        state.last_violations = [*state.last_violations, kept][-VIOLATIONS_MAX:]

    def _verdict(self, e: Event) -> None:
        state, source = self._state, text(e["source"])
        if flag(e["known"]):
            state.unknown.pop(source, None)
        elif source in state.unknown or len(state.unknown) < NODES_MAX:
            state.unknown[source] = text(e["reason"])

    def _remember(self, event: Event) -> None:
        """Keep what is short and plain of an event worth telling; ``ms`` is its own wall clock."""
        kept: dict[str, Scalar] = {"ms": count(int(event["ts"] * 1000))}
        if "drop" in event and "duplicate" in event:
            kept |= {"drop_ppm": ppm(event["drop"]), "duplicate_ppm": ppm(event["duplicate"])}
        for name, value in event.items():
            if name not in _UNTOLD and not isinstance(value, (dict, list, float)) and len(name) <= TEXT_MAX:
                kept[name] = scalar(value)
        self._state.notable = [*self._state.notable, kept][-NOTABLE_MAX:]


_UNTOLD = frozenset({"v", "boot", "seq", "order", "ts", "mono_ns", "incarnation", "cluster", "drop", "duplicate"})
_LEADERSHIP = frozenset({"boot", "role", "standing", "election"})
_OWN: dict[str, Callable[[ClusterState, Event], None]] = {
    "gap": ClusterState._gap,
    "late": ClusterState._late,
    "process": ClusterState._process,
    "violation": ClusterState._violation,
    "verdict": ClusterState._verdict,
}


def _natural(name: str) -> tuple[str, int, str]:
    """n2 before n10."""
    head = name.rstrip("0123456789")
    digits = name[len(head) :]
    return head, int(digits) if digits.isascii() and digits else -1, name
