"""Events of single messages over whole runs: each receipt has its sending, and is later; each node's are in order."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from raftzmq.node import Node
from raftzmq.node.work import Work
from raftzmq.simulation import host
from raftzmq.simulation.cluster import Cluster
from raftzmq.simulation.conditions import FAULTS, Conditions

Event = dict[str, Any]

EVENTS = 4000
SENT, RECEIVED = ("sent", "heartbeat_sent"), ("received", "heartbeat_received")


class Harsh(Cluster):
    """Five nodes that crash often; their messages get lost, doubled and held up."""

    def _character(self) -> Conditions:
        weights = [10 if name.startswith("crash") else weight for name, weight in FAULTS.items()]
        drawn = replace(super()._character(), nodes=5, loss=0.3, duplication=0.3, straggling=0.1)
        return replace(drawn, weights=tuple(weights), fault_every_us=250_000)


@pytest.fixture(scope="module", params=[1, 2])
def told(request: pytest.FixtureRequest) -> list[Event]:
    """All that the nodes of a run say to a subscriber that wants everything and loses nothing, as it happens."""
    events: list[Event] = []

    class Watched(Node):
        def __init__(self, *arguments: Any, now_us: int, **named: Any) -> None:
            super().__init__(*arguments, now_us=now_us, **named)
            self.on_subscription(b"", True, now_us)

        def work(self, now_us: int) -> Work:
            work = super().work(now_us)
            events.extend(json.loads(payload) for _, payload in work.events)
            return work

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(host, "Node", Watched)
        outcome = Harsh(request.param, EVENTS).run()
    assert outcome.found == ()
    assert outcome.coverage["crashes"] > 5
    assert outcome.coverage["messages_dropped"] > 100
    return events


def of(events: list[Event], kinds: tuple[str, ...]) -> list[Event]:
    return [event for event in events if event["type"] in kinds]


def test_each_receipt_has_its_sending_and_is_later(told: list[Event]) -> None:
    sent = {event["mid"]: event for event in of(told, SENT)}
    assert len(sent) == len(of(told, SENT)), "no two messages have the same id, over all boots"
    received = of(told, RECEIVED)
    assert len(received) > 1000
    for receipt in received:
        sending = sent[receipt["mid"]]
        assert receipt["lamport"] > sending["lamport"]
        assert (sending["peer"], receipt["peer"]) == (receipt["node"], sending["node"])
        for same in ("message", "bytes", "body"):
            assert receipt[same] == sending[same]
        assert receipt["type"] == sending["type"].replace("sent", "received"), "both ends call it the same"
    assert len({receipt["mid"] for receipt in received}) < len(received), "some came twice"
    assert {event["type"] for event in told} >= {*SENT, *RECEIVED}


def test_a_nodes_events_are_numbered_and_their_lamport_time_never_falls(told: list[Event]) -> None:
    by_boot: dict[tuple[str, str], list[Event]] = {}
    for event in told:
        by_boot.setdefault((event["node"], event["boot"]), []).append(event)
    assert len(by_boot) > 10
    for events in by_boot.values():
        first = events[0]["order"]
        assert [event["order"] for event in events] == list(range(first, first + len(events)))
        assert all(a["lamport"] <= b["lamport"] for a, b in pairwise(events))
        stamps = [event["lamport"] for event in of(events, SENT)]
        assert all(a < b for a, b in pairwise(stamps))


def test_a_commit_is_later_than_the_writes_that_it_rests_on(told: list[Event]) -> None:
    """On three of five disks, the leader's among them (Raft §5.3)."""
    disks = of(told, ("storage",))
    starts = of(told, ("standing",))
    held = [(e["node"], e["lamport"], e["last"]) for e in disks if e["what"] == "log"]
    held += [(e["node"], e["lamport"], e["stable_index"]) for e in starts]
    commits = of(told, ("commit",))
    assert len(commits) > 100
    for commit in commits:
        index, lamport = commit["index"], commit["lamport"]
        assert len({node for node, when, last in held if last >= index and when <= lamport}) >= 3, commit
