"""What of a recording is worth a mark on the timeline, and who led from where to where.

What is worth a mark, the page decides in the same way for what comes live: `static/ticks.js`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from raftzmq.collector.cluster_state import GONE
from raftzmq.collector.envelope import COLLECTOR_NODE

TICK_TYPES = frozenset(
    {"boot", "role", "process", "fault", "violation", "truncate", "snapshot", "room", "corrupt", "gap"}
)
"""Types of events among which there are some worth a mark."""
WEIGHTS = {
    "violation": 7,
    "fault": 6,
    "crash": 6,
    "leader": 5,
    "candidate": 4,
    "start": 3,
    "trouble": 3,
    "truncate": 2,
    "snapshot": 1,
}
"""Kinds of marks; where there are too many, the heavier ones stay."""
_ENVELOPE = frozenset({"v", "boot", "seq", "order", "ts", "mono_ns", "incarnation", "cluster"})
_TEXT_MAX = 128
_GONE = GONE | {"GONE"}
"""Also as the kernel says it."""


class Tick(NamedTuple):
    """A mark: where, when (milliseconds since 1970), of which kind, and what the event says in short."""

    position: int
    ms: int
    kind: str
    event: dict[str, Any]


class Reign(NamedTuple):
    """Who led which term, from its election to the last position at which it was known to lead; ``last`` is None
    while it leads."""

    node: str
    term: int
    first: int
    last: int | None


def kind_of(event: dict[str, Any]) -> str | None:
    """The kind of mark for an event; None for one that isn't worth any."""
    kind = event.get("type")
    if kind == "role":
        role = event.get("role")
        return role if role in ("leader", "candidate") else None
    if kind == "process":
        return "fault" if event.get("state") == "PAUSED" else "crash" if event.get("state") in _GONE else None
    if kind == "boot":
        return "start"
    if kind == "snapshot":
        return "snapshot" if event.get("step") == "installed" else None
    if kind == "gap":
        return "trouble" if event.get("missing") else None
    if kind in ("room", "corrupt"):
        return "trouble"
    return kind if kind in ("fault", "violation", "truncate") else None


def tick_of(position: int, event: dict[str, Any]) -> Tick | None:
    """The mark of an event, if it is worth one."""
    kind = kind_of(event)
    if kind is None:
        return None
    told = {}
    for name, value in event.items():
        if name in _ENVELOPE or isinstance(value, (dict, list)):
            continue
        told[name[:_TEXT_MAX]] = value[:_TEXT_MAX] if isinstance(value, str) else value
    return Tick(position, int(event["ts"] * 1000) if 0 <= event["ts"] < 1e11 else 0, kind, told)


class Reigns:
    """Who leads, followed through the marks and checkpoints of a stream."""

    def __init__(self) -> None:
        self.past: list[Reign] = []
        self.now: Reign | None = None

    def copy(self) -> Reigns:
        """Another one that goes on by itself."""
        found = Reigns()
        found.past, found.now = list(self.past), self.now
        return found

    def all(self) -> list[Reign]:
        """Those that ended and the one that hasn't."""
        return self.past if self.now is None else [*self.past, self.now]

    def take(self, position: int, event: dict[str, Any]) -> None:
        """An event of one of `TICK_TYPES`, or a checkpoint."""
        kind, node = event.get("type"), event.get("node")
        if kind == "checkpoint" and node == COLLECTOR_NODE:
            self._agree(position, event.get("state"))
        elif kind == "role":
            self._change(position, str(node), event)
        elif kind == "boot":
            self._end(position, str(node))
        elif kind == "process" and event.get("state") in _GONE:
            self._end(position, str(event.get("name")).rpartition(":")[2])

    def _change(self, position: int, node: str, event: dict[str, Any]) -> None:
        now, term, role = self.now, event.get("term"), event.get("role")
        if not isinstance(term, int):
            return
        if role == "leader":
            if now is None or term > now.term:
                self._begin(position, node, term)
        elif now is not None and (node == now.node or (role == "candidate" and term > now.term)):
            # Who stands for election has asked a majority first (the pre-vote), and they hear no leader either.
            self._end(position, now.node)

    def _agree(self, position: int, state: Any) -> None:
        """What the collector knew: also of a leader before the recording begins, or that fell silent."""
        if not isinstance(state, dict):
            return
        leader, term, now = state.get("leader"), state.get("leader_term"), self.now
        if leader is None and now is not None:
            self._end(position, now.node)
        elif isinstance(leader, str) and isinstance(term, int) and (now is None or now[:2] != (leader, term)):
            self._begin(position, leader, term)

    def _begin(self, position: int, node: str, term: int) -> None:
        if self.now is not None:
            self._end(position, self.now.node)
        last = self.past[-1] if self.past else None
        if last is not None and last[:2] == (node, term):  # it was only silent for a while
            self.past.pop()
            self.now = last._replace(last=None)
        else:
            self.now = Reign(node, term, position, None)

    def _end(self, position: int, node: str) -> None:
        if self.now is not None and self.now.node == node:
            self.past.append(self.now._replace(last=position))
            self.now = None
