"""Folds events, or status rows, into the figures that `raftzmq top` shows. Pure: clocks come in as arguments."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from raftzmq.cli.top_frame import Frame, NodeRow
from raftzmq.cli.top_node import PERCENTILE_S, NodeFigures
from raftzmq.cli.top_seconds import MINUTE, Seconds
from raftzmq.cli.top_trouble import APART_S, Signs, find_trouble
from raftzmq.collector.cluster_state import ClusterState

SILENT_S = 3.0
"""A node that isn't heard for so long is silent: sixty heartbeat intervals."""
PROMPT_S = 1.0
"""What a node said longer ago than this says nothing about whether it keeps up."""
IMPORTANT = frozenset(
    {"boot", "role", "truncate", "snapshot", "room", "corrupt", "gap", "process", "violation", "verdict"}
)
"""Types of events worth telling. Refused disturbers and late events are not: one node in trouble makes many."""
IMPORTANT_MAX = 40

Event = dict[str, Any]
Row = Mapping[str, Any]


class Figures:
    """The cluster as it is heard. ``names`` are nodes that are expected; others join when they are heard.

    All times ``now`` are seconds of one monotonic clock, which never goes back.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._state = ClusterState()
        self._expected = tuple(names)
        self._nodes: dict[str, NodeFigures] = {name: NodeFigures() for name in self._expected}
        self._events = Seconds()
        self._lost = Seconds()
        self._leader: tuple[int, str] = (0, "")
        self._leaderless: float | None = None
        self._begun: float | None = None
        self._heard: float | None = None
        self._rows: dict[str, Row] | None = None
        self._important: deque[Event] = deque(maxlen=IMPORTANT_MAX)
        self._seeded = False

    @property
    def settled(self) -> bool:
        """Has every node that is expected told where it stands, and what it counts?"""
        return bool(self._nodes) and all(figures.complete for figures in self._nodes.values())

    def measured(self, now: float) -> bool:
        """Is there a rate?"""
        return any(figures.puts_per_s(now) is not None for figures in self._nodes.values())

    def undecided(self, now: float) -> bool:
        """Has a node lost its leader only now, so that it may be an election or may be trouble?"""
        since = [figures.leaderless for figures in self._nodes.values() if figures.leaderless is not None]
        return any(now - begun <= APART_S for begun in since)

    def fold(self, event: Event, now: float) -> None:
        """Take in the next event of the stream."""
        self._rows = None
        self._hear(now)
        self._state.fold(event)
        self._events.add(now, 1)
        self._note(event)
        node = event["node"]
        if node == "collector":
            if event["type"] == "gap" and isinstance(event.get("missing"), int):
                self._lost.add(now, event["missing"])
            return
        try:
            self._nodes.setdefault(node, NodeFigures()).fold(event, now)
            self._watch_leader(event)
        except (KeyError, TypeError):
            return  # an odd event: the state counts those

    def _note(self, event: Event) -> None:
        """Keep what is important; of what was before, the first checkpoint tells."""
        if event["type"] in IMPORTANT:
            self._important.append({**event, "ms": int(event["ts"] * 1000)})
        elif event["type"] == "checkpoint" and not self._seeded:
            self._seeded = True
            first = self._important[0]["ms"] if self._important else float("inf")
            before = [e for e in self._state.to_json()["notable"] if e.get("type") in IMPORTANT and e["ms"] < first]
            self._important.extendleft(reversed(before))

    def _watch_leader(self, event: Event) -> None:
        if event["type"] in ("role", "standing") and event["role"] == "leader" and event["term"] >= self._leader[0]:
            self._leader = event["term"], event["node"]

    def poll(self, rows: Sequence[Row], now: float) -> None:
        """Take in what every node said of itself (rows of ``status --json``), where there is no stream."""
        self._hear(now)
        self._rows = {}
        for row in rows:
            name = row.get("node") or row.get("endpoint") or "?"
            self._rows[name] = row
            figures = self._nodes.setdefault(name, NodeFigures())
            if row.get("reachable"):
                figures.poll(row.get("revision") or 0, now)
                if row.get("role") == "leader" and (row.get("term") or 0) >= self._leader[0]:
                    self._leader = row.get("term") or 0, name

    def listen(self, now: float) -> None:
        """From now on a cluster that lives would be heard."""
        if self._begun is None:
            self._begun = now

    def _hear(self, now: float) -> None:
        self._heard = now
        self.listen(now)

    def frame(self, now: float, ts: float) -> Frame:
        """The cluster at this moment; ``ts`` is the wall clock that the frame is to carry. Call it in order of time."""
        state = self._state.to_json() if self._rows is None else {}
        facts = _facts_of_state(state) if self._rows is None else _facts_of_rows(self._rows)
        names = self._names_of(facts) if self._rows is None else list(facts)
        commit = max((fact["commit_index"] or 0 for fact in facts.values()), default=0)
        leader = state.get("leader") if self._rows is None else _leader_of(facts)
        trips = facts[leader]["round_trip_us"] if leader in facts else {}
        rows = tuple(self._row(name, facts.get(name), commit, trips.get(name), now) for name in names)
        if any(row.node == leader and row.condition != "up" for row in rows):
            leader = None
        # Every node applies what was committed, the leader first: what the cluster does is what the last leader does.
        leads = self._nodes.get(self._leader[1], NodeFigures())
        terms = [row.term for row in rows if row.term is not None]
        return Frame(
            source="events" if self._rows is None else "status",
            ts=ts,
            leader=leader,
            term=max(terms, default=None),
            leader_changes=self._leader_changes(state),
            puts_per_s=leads.puts_per_s(now),
            events_per_s=self._events.last(now) if self._rows is None else None,
            lost=state.get("missing", 0),
            nodes=rows,
            trouble=tuple(find_trouble(rows, self._signs(rows, facts, state, leader, now))),
            puts_history=tuple(leads.puts_history(now)),
            sync_history=_highest([figures.syncs.history(now, 0.99) for figures in self._nodes.values()]),
            notable=tuple(self._important) if self._rows is None else (),
        )

    def _leader_changes(self, state: Mapping[str, Any]) -> int | None:
        """How often another term's leader followed the first, as far as recorded; None before the record is heard.

        The collector counts terms that got a leader, and says so every few seconds. What is counted from here on alone
        would begin with the leader that is there, and leap when the collector is heard.
        """
        if self._rows is not None or self._state.collector is None:
            return None
        return max(0, int(state["leader_changes"]) - 1)

    def _names_of(self, facts: Iterable[str]) -> list[str]:
        """Those that are expected in their order, then the others in theirs."""
        others = {*self._nodes, *facts} - set(self._expected)
        return [*self._expected, *sorted(others, key=natural_order)]

    def _row(self, name: str, fact: Row | None, commit: int, trip: int | None, now: float) -> NodeRow:
        figures = self._nodes.get(name)
        heard = None if figures is None or figures.heard is None else now - figures.heard
        if fact is None:
            waited = self._begun is not None and now - self._begun > SILENT_S
            return NodeRow(name, heard_s=heard, condition="silent" if waited else "unknown")
        if heard is None and fact["heard_s"] is not None and self._heard is not None:
            heard = fact["heard_s"] + now - self._heard
        applied = fact["last_applied"]
        lag = None if applied is None else max(0, commit - applied)
        condition = fact["condition"]
        if condition == "up" and heard is not None and heard > SILENT_S:
            condition = "silent"
        if figures is None:
            figures = NodeFigures()
        if lag is not None and condition == "up" and (heard is None or heard < PROMPT_S):
            figures.note_lag(lag, now)
        up = condition == "up"
        return NodeRow(
            node=name,
            role=fact["role"],
            term=fact["term"],
            leader=fact["leader"],
            commit_index=fact["commit_index"],
            last_applied=applied,
            lag=lag,
            log_bytes=fact["log_bytes"],
            puts_per_s=figures.puts_per_s(now) if up else None,
            sync_p50_us=figures.syncs.percentile(now, 0.5, PERCENTILE_S) if up else None,
            sync_p99_us=figures.syncs.percentile(now, 0.99, PERCENTILE_S) if up else None,
            round_trip_us=trip if up else None,
            queue=fact["queue"] if up else None,
            rss_bytes=fact["rss_bytes"] if up else None,
            heard_s=heard,
            condition=condition,
        )

    def _signs(
        self,
        rows: Sequence[NodeRow],
        facts: Mapping[str, Row],
        state: Mapping[str, Any],
        leader: str | None,
        now: float,
    ) -> Signs:
        if leader is not None:
            self._leaderless = None
        elif self._leaderless is None:
            self._leaderless = now
        voters = max((len(fact["voters"]) for fact in facts.values()), default=0) or len(rows)
        clocks = {name: figures.standing_clock(now) for name, figures in self._nodes.items()}
        return Signs(
            leader=leader,
            leaderless_s=0.0 if self._leaderless is None else now - self._leaderless,
            quorum=voters // 2 + 1,
            state=state,
            growing=[name for name, figures in self._nodes.items() if figures.lag_grows(now)],
            clocks={name: words for name, words in clocks.items() if words},
            apart={
                name: now - figures.leaderless
                for name, figures in self._nodes.items()
                if figures.leaderless is not None
            },
            full=[name for name, fact in facts.items() if fact["has_room"] is False],
            lost_lately=int(self._lost.total(now, MINUTE)),
            deaf_s=0.0 if self._begun is None else now - (self._heard or self._begun),
        )


def natural_order(name: str) -> tuple[str, int, str]:
    """A sort key: n2 before n10."""
    head = name.rstrip("0123456789")
    digits = name[len(head) :]
    return head, int(digits) if digits.isascii() and 0 < len(digits) < 20 else -1, name


def _facts_of_state(state: Mapping[str, Any]) -> dict[str, Row]:
    return {
        name: {
            **{key: node[key] for key in ("role", "term", "leader", "commit_index", "has_room", "voters", "condition")},
            "last_applied": node["applied_index"],
            "log_bytes": _count(node["metrics"].get("log_bytes")),
            "queue": _count(node["metrics"].get("proposals_pending")),
            "rss_bytes": _count(node["metrics"].get("rss_bytes")),
            "round_trip_us": _counts(node["metrics"].get("round_trip_us")),
            "heard_s": (state["time_ms"] - node["heard_ms"]) / 1000,
        }
        for name, node in state.get("nodes", {}).items()
    }


def _count(value: Any) -> int | None:
    """A count, of what a stranger may have said."""
    return value if type(value) is int else None


def _counts(value: Any) -> dict[str, int]:
    return value if isinstance(value, dict) else {}  # the state takes whole numbers only


def _facts_of_rows(rows: Mapping[str, Row]) -> dict[str, Row]:
    return {
        name: {
            **{key: row.get(key) for key in ("role", "term", "leader", "commit_index", "has_room", "last_applied")},
            "voters": row.get("voters") or [],
            "condition": "up" if row.get("reachable") else "silent",
            "log_bytes": row.get("log_bytes"),
            "queue": _queue(row),
            "rss_bytes": row.get("rss_bytes"),
            "round_trip_us": {},
            "heard_s": None,
        }
        for name, row in rows.items()
    }


def _queue(row: Row) -> int | None:
    parts = [row.get("waiting_requests"), row.get("uncommitted_batches")]
    return None if None in parts else sum(part or 0 for part in parts)


def _leader_of(facts: Mapping[str, Row]) -> str | None:
    """Who says that it leads, in the highest term if there are two."""
    leaders = [(fact["term"] or 0, name) for name, fact in facts.items() if fact["role"] == "leader"]
    return max(leaders)[1] if leaders else None


def _highest(histories: Sequence[Sequence[float | None]]) -> tuple[float | None, ...]:
    """The highest value at each place."""
    if not histories:
        return ()
    return tuple(
        max((value for value in values if value is not None), default=None) for values in zip(*histories, strict=True)
    )
