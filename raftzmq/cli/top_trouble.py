"""What is wrong with a cluster, in sentences: the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from raftzmq.cli.top_frame import NodeRow, Trouble

APART_S = 1.0
"""After an election every node knows the new leader within a heartbeat interval."""
DEAF_S = 2.0
"""A cluster that lives says something every heartbeat interval."""


@dataclass(slots=True)
class Signs:
    """What trouble shows itself by, beside the rows of the nodes.

    ``state`` is that of `raftzmq.collector.cluster_state` as JSON, empty where there is no event stream. ``growing``
    are nodes whose lag grows, ``clocks`` says which clock of a node stands.
    """

    leader: str | None
    leaderless_s: float
    quorum: int
    state: Mapping[str, Any] = field(default_factory=dict)
    growing: Sequence[str] = ()
    clocks: Mapping[str, str] = field(default_factory=dict)
    apart: Mapping[str, float] = field(default_factory=dict)
    """For how many seconds nodes have had no leader."""
    full: Sequence[str] = ()
    """Nodes whose disk has no room."""
    lost_lately: int = 0
    deaf_s: float = 0.0
    """How long nothing at all has been heard."""


def find_trouble(rows: Sequence[NodeRow], signs: Signs) -> list[Trouble]:
    """All that is wrong."""
    found = [*_invariants(signs.state), *_of_the_whole(rows, signs)]
    for row in rows:
        found += _of_a_node(row, signs)
    if signs.lost_lately:
        some = "event was" if signs.lost_lately == 1 else "events were"
        found.append(Trouble("events_lost", None, f"{signs.lost_lately:,} {some} lost within the last minute"))
    for node, reason in sorted(signs.state.get("unknown", {}).items()):
        found.append(Trouble("unknown", node, f"the auditor cannot vouch for {node}: {reason}"))
    return found


def _invariants(state: Mapping[str, Any]) -> Iterator[Trouble]:
    count = state.get("violations", 0)
    if count:
        last = state["last_violations"][-1] if state["last_violations"] else {"rule": "?", "text": "?"}
        more = f" (and {count - 1:,} more)" if count > 1 else ""
        yield Trouble("violation", None, f"Raft is broken: {last['rule']} does not hold: {last['text']}{more}")


def _of_the_whole(rows: Sequence[NodeRow], signs: Signs) -> Iterator[Trouble]:
    if signs.deaf_s > DEAF_S:
        text = f"nothing is heard for {signs.deaf_s:.0f} s: what stands here is old"
        yield Trouble("deaf", None, text)
        return
    if all(row.condition == "unknown" for row in rows):
        return  # nobody can have been heard yet
    up = sum(row.condition == "up" for row in rows)
    if up < signs.quorum:
        text = f"{up} of {len(rows)} nodes are heard, a majority is {signs.quorum}: nothing can be committed"
        yield Trouble("no_majority", None, text)
    elif signs.leader is None and any(row.role is not None for row in rows):
        since = f" for {signs.leaderless_s:.0f} s" if signs.leaderless_s >= 1 else ""
        why = "an election is under way, or a majority cannot reach one another"
        yield Trouble("no_leader", None, f"no leader{since}: {why}")


def _of_a_node(row: NodeRow, signs: Signs) -> Iterator[Trouble]:
    node = row.node
    if row.condition == "down":
        yield Trouble("down", node, f"{node} is down: {_process(node, signs.state) or 'its process has ended'}")
    elif row.condition == "silent" and signs.deaf_s <= DEAF_S:
        since = f" for {row.heard_s:.0f} s" if row.heard_s is not None else ""
        process = _process(node, signs.state)
        yield Trouble("silent", node, f"{node} is not heard{since}" + (f": {process}" if process else ""))
    if row.condition != "up":
        return
    if node in signs.full:
        yield Trouble("no_room", node, f"{node} has no room on its disk: it takes no entries")
    if signs.leader not in (None, node) and signs.apart.get(node, 0.0) > APART_S:
        text = f"{node} has had no leader for {signs.apart[node]:.0f} s: it does not hear {signs.leader}"
        yield Trouble("apart", node, text)
    if node in signs.growing and row.lag:
        yield Trouble("lag", node, f"{node} falls further behind: {row.lag:,} entries by now")
    if node in signs.clocks:
        yield Trouble("clock", node, f"{node}'s {signs.clocks[node]}")


def _process(node: str, state: Mapping[str, Any]) -> str:
    """What supervisord says of a node's process, if it says anything."""
    for name, process in state.get("processes", {}).items():
        if name.rpartition(":")[2] == node and process["state"] != "RUNNING":
            status = f" with status {process['exit_status']}" if process["state"] == "EXITED" else ""
            return f"supervisord says {process['state']}{status}"
    return ""
