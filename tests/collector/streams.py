"""Events as nodes and the collector make them, and whole streams of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from raftzmq.collector.merged import Merged
from raftzmq.events import topic_of
from raftzmq.events.maker import encode_event

Event = dict[str, Any]
BEGIN = 1_700_000_000.0
"""Seconds since 1970, and short in binary: a fraction of a second added to it keeps its milliseconds."""


def event(kind: str, node: str = "n1", *, term: int = 1, boot: str = "b1", ms: int = 0, **fields: Any) -> Event:
    """An event ``ms`` after the beginning."""
    envelope = {"v": 1, "node": node, "boot": boot, "seq": 1, "order": 1, "ts": BEGIN + ms / 1000, "mono_ns": 1}
    return {**envelope, "lamport": 1, "term": term, "type": kind, **fields}


def boot(node: str, *, boot: str = "b1", term: int = 1, voters: list[str] | None = None) -> Event:
    """A node that starts with a log of ten entries, nine of them applied, and a vote for n2."""
    return event(
        "boot",
        node,
        term=term,
        boot=boot,
        cluster="c",
        incarnation=f"i-{node}",
        voted_for="n2",
        mark_index=3,
        mark_chain=1,
        first_index=4,
        last_index=10,
        last_term=1,
        last_chain=5,
        applied_index=9,
        digest=17,
        revision=4,
        voters=["n1", "n2", "n3"] if voters is None else voters,
    )


def standing(node: str, *, term: int = 1, role: str = "follower", leader: str | None = None, ms: int = 0) -> Event:
    """Where a node stands, whole."""
    leads = role == "leader"
    return event(
        "standing",
        node,
        term=term,
        ms=ms,
        role=role,
        leader=leader,
        voted_for=leader,
        voters=["n1", "n2", "n3"],
        mark_index=3,
        mark_chain=1,
        last_index=20,
        last_term=term,
        last_chain=6,
        stable_index=20,
        commit_index=19,
        commit_chain=7,
        applied_index=19,
        durable_index=15,
        digest=18,
        revision=12,
        next_index={"n2": 21, "n3": 21} if leads else {},
        match_index={"n2": 19, "n3": 20} if leads else {},
        election_due_us=None if leads else 150_000,
        has_room=True,
        pid=4711,
        lab=False,
    )


def fault(node: str = "n1", peer: str | None = "n2", what: str = "set", **more: Any) -> Event:
    """What somebody did to a link; without more, it was cut until somebody heals it."""
    usual = {"cut": True, "drop": 0.0, "duplicate": 0.0, "delay_us": 0, "jitter_us": 0, "for_us": None}
    return event("fault", node, **{**usual, **more}, what=what, peer=peer)


def collectors(kind: str, *, boot: str = "c1", ms: int = 0, **fields: Any) -> Event:
    """An event of the collector itself."""
    return event(kind, "collector", boot=boot, ms=ms, **fields)


def merged(position: int, one: Event) -> Merged:
    """An event in its place."""
    return Merged(position, topic_of(one["node"], one["type"]), encode_event(one), one)


_NODES = st.sampled_from(["n1", "n2", "n3"])
_TERMS = st.integers(0, 5)
_INDEX = st.integers(0, 30)
_MS = st.integers(0, 8000)
_KINDS = st.one_of(
    st.builds(boot, _NODES, boot=st.sampled_from(["b1", "b2"]), term=_TERMS),
    st.builds(standing, _NODES, term=_TERMS, role=st.sampled_from(["leader", "follower"]), leader=_NODES, ms=_MS),
    st.builds(
        event,
        st.just("role"),
        _NODES,
        term=_TERMS,
        ms=_MS,
        role=st.sampled_from(["leader", "follower", "candidate", "pre-candidate"]),
        previous=st.just("follower"),
        reason=st.text(max_size=5),
    ),
    st.builds(event, st.just("election"), _NODES, term=_TERMS, ms=_MS, pre_vote=st.booleans(), last_log_index=_INDEX),
    st.builds(event, st.just("leader"), _NODES, term=_TERMS, ms=_MS, leader=st.none() | _NODES),
    st.builds(event, st.just("commit"), _NODES, term=_TERMS, ms=_MS, index=_INDEX, previous=_INDEX),
    st.builds(event, st.just("truncate"), _NODES, term=_TERMS, ms=_MS, first=_INDEX, last=_INDEX, leader=_NODES),
    st.builds(event, st.just("metrics"), _NODES, term=_TERMS, proposals_pending=_INDEX, dropped=st.just({"peer": 2})),
    st.builds(event, st.just("commit"), _NODES, index=st.just("odd")),
    st.builds(
        fault,
        _NODES,
        st.none() | _NODES,
        st.sampled_from(["set", "changed", "ended", "healed", "elect", "odd"]),
        ms=_MS,
        drop=st.floats(0, 1),
        for_us=st.none() | _INDEX,
    ),
    st.builds(collectors, st.just("gap"), ms=_MS, source=_NODES, missing=_INDEX),
    st.builds(
        collectors,
        st.just("process"),
        name=st.sampled_from(["node:n1", "collector"]),
        state=st.sampled_from(["RUNNING", "EXITED", "PAUSED", "RESUMED", "GONE"]),
        previous=st.none(),
        pid=_INDEX | st.just(4711),
        exit_status=st.just(0),
    ),
    st.builds(
        collectors,
        st.just("violation"),
        rule=st.just("r"),
        nodes=st.just(["n1"]),
        text=st.just("t"),
        recording=st.none(),
    ),
    st.builds(collectors, st.just("verdict"), known=st.booleans(), source=_NODES, reason=st.just("gap")),
)


def streams(longest: int = 40) -> st.SearchStrategy[list[Event]]:
    """Streams of events that change the state, in any order, some of them odd."""
    return st.lists(_KINDS, max_size=longest)
