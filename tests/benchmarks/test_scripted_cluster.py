"""The events of a cluster that isn't there are such as a real one would tell."""

from __future__ import annotations

import json
from typing import Any

from raftzmq.benchmarks.scripted_cluster import ScriptedCluster
from raftzmq.events import ENVELOPE, EVENT_TYPES


def told(rounds: int) -> list[dict[str, Any]]:
    """Everything that three nodes say, node by node."""
    script = ScriptedCluster(["n1", "n2", "n3"])
    for maker in script.makers:
        maker.subscribe(b"")
    script.begin()
    for _ in range(rounds):
        script.round()
    return [json.loads(payload) for maker in script.makers for _, payload in maker.take()]


def test_every_event_has_exactly_the_fields_of_its_type() -> None:
    for event in told(2):
        assert set(event) == set(ENVELOPE) | set(EVENT_TYPES[event["type"]].fields), event["type"]


def test_a_round_has_as_many_events_as_it_says() -> None:
    assert len(told(3)) - len(told(2)) == ScriptedCluster(["n1", "n2", "n3"]).events_per_round


def test_an_entry_reaches_followers_after_its_leader_and_is_committed_after_they_have_it() -> None:
    times = {(e["node"], e["type"], e.get("what"), e.get("last")): e["lamport"] for e in told(2)}
    for follower in ("n2", "n3"):
        assert times["n1", "append", None, 2] < times[follower, "append", None, 2]
        assert times[follower, "storage", "log", 2] < times["n1", "apply", None, 2] < times[follower, "apply", None, 2]


def test_all_nodes_have_the_same_chain_and_digest_at_an_index() -> None:
    events = told(3)
    assert len({(e["last"], e["chain"], e["digest"]) for e in events if e["type"] == "apply"}) == 3
    assert len({(e["index"], e["chain"]) for e in events if e["type"] == "commit"}) == 3
