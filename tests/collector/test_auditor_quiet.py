"""The auditor is never wrong: whatever is missing, late or was never told of a sound run, it sees nothing broken."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from raftzmq.collector.auditor import Auditor
from raftzmq.collector.auditor.rules import NEEDED, UNDOING
from raftzmq.verify import ON_LOGS
from tests.collector.audited_runs import Event, audited, recorded, renumbered

SEEDS = (1, 8, 10)
"""Runs with crashes, snapshots and truncations, of 4 and 5 nodes."""
DETAILS = ("sent", "received", "heartbeat_sent", "heartbeat_received")

Change = Callable[[list[Event], Random], list[Event]]


def whole(events: list[Event], random: Random) -> list[Event]:
    """Nothing is missing."""
    return events


def usual(events: list[Event], random: Random) -> list[Event]:
    """What the collector subscribes to."""
    return [event for event in events if event["type"] not in DETAILS]


def from_the_middle(events: list[Event], random: Random) -> list[Event]:
    """Nobody listened before."""
    return usual(events, random)[random.randrange(len(events) // 4) :]


def late(events: list[Event], random: Random) -> list[Event]:
    """One node's events come later than those that followed from them."""
    node, by = random.choice(events)["node"], random.randint(1, 300)
    places = [(number + by * (event["node"] == node), number) for number, event in enumerate(events)]
    return [events[number] for _, number in sorted(places)]


def boots_late(events: list[Event], random: Random) -> list[Event]:
    """What nodes began with is fetched after what they said next: nobody listened yet when they started."""
    by = random.randint(1, 100)
    places = [(number + by * (event["type"] == "boot"), number) for number, event in enumerate(events)]
    return [events[number] for _, number in sorted(places)]


def without_ends(events: list[Event], random: Random) -> list[Event]:
    """What a node said last before a crash never left it."""
    lost = random.randint(1, 30)
    left: list[Event] = []
    lasts = {(event["node"], event["boot"]): event["order"] for event in events}
    final = {event["node"]: event["boot"] for event in events}
    for event in events:
        key = (event["node"], event["boot"])
        if final[event["node"]] == event["boot"] or event["order"] <= lasts[key] - lost:
            left.append(event)
    return left


def silently_lost(events: list[Event], random: Random) -> list[Event]:
    """Events are missing here and there, and nobody says so."""
    lost = {random.randrange(len(events)) for _ in range(random.randint(1, 20))}
    return [event for place, event in enumerate(events) if place not in lost]


def two_nodes_alone(events: list[Event], random: Random) -> list[Event]:
    """Of the others nothing comes."""
    heard = random.sample(sorted({event["node"] for event in events}), 2)
    return [event for event in events if event["node"] in heard]


def some_types(events: list[Event], random: Random) -> list[Event]:
    """A subscription to some types alone."""
    types = sorted(NEEDED | {"boot", "standing", "clock", "sent", "vote"})
    chosen = random.sample(types, random.randint(1, len(types)))
    return [event for event in events if event["type"] in chosen]


def without_installs(events: list[Event], random: Random) -> list[Event]:
    """A subscription to all that is usual but snapshots: they replace logs."""
    return [event for event in usual(events, random) if event["type"] != "snapshot"]


def nobody_listened(events: list[Event], random: Random) -> list[Event]:
    """For a while only what is rare was made by one node, so nothing counts as lost; then it is asked again."""
    node = random.choice(events)["node"]
    rare = ("boot", "role", "election", "term", "vote", "leader", "truncate", "snapshot", "room", "disrupt_refused")
    first = random.randrange(len(events))
    standings = [n for n, e in enumerate(events) if n > first + 40 and (e["node"], e["type"]) == (node, "standing")]
    end = standings[0] if standings else len(events)
    kept = [
        event
        for number, event in enumerate(events)
        if not (first <= number < end and event["node"] == node and event["type"] not in rare)
    ]
    return renumbered(kept)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("change", "times"),
    [
        (whole, 1),
        (usual, 1),
        (from_the_middle, 5),
        (late, 8),
        (boots_late, 8),
        (without_ends, 5),
        (silently_lost, 10),
        (two_nodes_alone, 3),
        (some_types, 20),
        (without_installs, 1),
        (nobody_listened, 8),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_nothing_is_seen_broken(seed: int, change: Change, times: int) -> None:
    for number in range(times):
        verdict = audited(change(recorded(seed), Random(f"{seed}/{number}")))
        assert verdict["violations"] == []
        assert verdict["events"] > 0


def test_where_an_install_may_be_missing_a_log_cannot_be_judged() -> None:
    """Who has subscribed to installs, and has heard of none, knows that there was none: then it is a violation."""
    events = without_installs(recorded(176), Random(0))  # a run in which a log without the entry was replaced
    verdict = audited(events)
    assert verdict["verdict"] == "unknown"
    unknown = [interval for interval in verdict["unknown"] if "snapshot" in interval["reason"]]
    assert [(interval["source"], interval["rules"]) for interval in unknown] == [("n3", sorted(ON_LOGS))]
    states = {row["rule"]: row["state"] for row in verdict["rules"]}
    assert {states[rule] for rule in ON_LOGS} == {"unknown"}
    assert states["election_safety"] == "holds"
    sure = Auditor(certain=UNDOING)
    for event in events:
        sure.accept(event)
    assert {violation["rule"] for violation in sure.verdict["violations"]} == {"state_machine_safety"}
