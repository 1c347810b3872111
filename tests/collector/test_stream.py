"""The merged stream: true histories of several nodes, with loss, duplicates, restarts, late answers, as they come."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector.histories import World, name_of

SEEDS = st.integers(0, 2**32)


def check(world: World) -> None:
    """What holds for whatever came out."""
    names = Counter(map(name_of, world.events))
    assert not [name for name, count in names.items() if count > 1], "nothing twice"
    made = [name_of(event) for event in world.made]
    assert names.keys() <= set(made)
    lost = world.in_gaps()
    assert len(set(lost)) == len(lost)
    assert not names.keys() & set(lost), "what is said to be lost didn't come"
    assert [one.position for one in world.out] == list(range(1, len(world.out) + 1))
    for node in world.hosts:
        mine = [name_of(event) for event in world.made if event["node"] == node]
        places = {name: place for place, name in enumerate(mine)}
        came = [places[name_of(event)] for event in world.events if event["node"] == node]
        assert came == sorted(came), f"{node}'s own order"


@settings(max_examples=40)
@given(SEEDS)
def test_all_that_rings_hold_comes_out_once_in_causal_order(seed: int) -> None:
    world = World(Random(seed))
    world.play(300, loss=0.2)
    world.settle()
    check(world)
    assert {name_of(event) for event in world.events} == {name_of(event) for event in world.made}
    assert world.lost
    assert world.stream.totals()["filled"]
    assert not world.said("gap")
    assert not world.said("late")
    assert world.receipts_too_early() == []


@settings(max_examples=40)
@given(SEEDS)
def test_what_small_rings_have_lost_is_in_a_gap_and_nothing_else(seed: int) -> None:
    world = World(Random(seed), ring_bytes=6_000)
    world.play(300, loss=0.3)
    world.settle()
    check(world)
    came = {name_of(event) for event in world.events}
    assert came | set(world.in_gaps()) == {name_of(event) for event in world.made}
    assert sum(gap["missing"] for gap in world.said("gap")) == world.stream.totals()["missing"]
    assert {gap["reason"] for gap in world.said("gap")} <= {"gone"}
    assert world.receipts_too_early() == []


@settings(max_examples=40)
@given(SEEDS)
def test_nodes_that_restart_keep_their_order_and_lose_only_what_died_with_them(seed: int) -> None:
    world = World(Random(seed))
    world.play(300, loss=0.1, restarts=0.02)
    world.settle()
    check(world)
    came = {name_of(event) for event in world.events}
    said = came | set(world.in_gaps())
    for missing in {name_of(event) for event in world.made} - said:
        topic, boot, seq = missing
        later = [name for name in said if name[:2] == (topic, boot) and name[2] > seq]
        assert not later, f"{missing} was lost unsaid, though more of its stream was heard"
    newest = {f"{node}-{host.boots}" for node, host in world.hosts.items()}
    assert not [name for name in {name_of(event) for event in world.made} - came if name[1] in newest]
    assert not world.said("late")
    assert world.receipts_too_early() == []


@settings(max_examples=40)
@given(SEEDS)
def test_a_receipt_that_comes_before_its_sending_is_told_as_late(seed: int) -> None:
    """Nodes whose events are held up longer than anybody waits for."""
    rng = Random(seed)
    world = World(rng)
    for _ in range(6):
        slow = rng.choice(list(world.hosts.values()))
        for _ in range(60):
            world.act(0.05)
            world.now_us += 10_000
            for host in world.hosts.values():
                if host is not slow:
                    world.hear(host, 5)
            world.ask()
            world.answer()
            world.release()
    world.settle()
    check(world)
    behind: set[str] = set()
    passed = 0
    for before, one in pairwise(world.out):
        said = before.event["type"] == "late"
        if one.event["node"] == "collector":
            continue
        node, lamport = one.event["node"], one.event["lamport"]
        if lamport < passed:
            assert said == (node not in behind or "mid" in one.event), "once is enough, but for messages"
            behind.add(node)
        else:
            assert not said
            behind.discard(node)
            passed = lamport
    late = {(event["topic"], event["source_seq"]) for event in world.said("late")}
    for mid in world.receipts_too_early():
        [sent] = [event for event in world.events if event["type"] == "sent" and event.get("mid") == mid]
        assert (f"raftzmq.{sent['node']}.sent", sent["seq"]) in late
    for before, after in pairwise(world.out):
        if before.event["type"] == "late":
            assert after.topic.decode() == before.event["topic"]
            assert after.event["seq"] == before.event["source_seq"]
            assert after.event["lamport"] < before.event["lamport_passed"]


@settings(max_examples=40)
@given(SEEDS)
def test_a_node_that_never_answers_costs_gaps_and_not_the_stream(seed: int) -> None:
    world = World(Random(seed))
    world.answering = False
    world.play(200, loss=0.2)
    world.settle()
    check(world)
    last = {name_of(e)[:2]: e["seq"] for e in world.events}
    came = {name_of(event) for event in world.events} | set(world.in_gaps())
    for event in world.made:
        topic, boot, seq = name_of(event)
        assert (topic, boot, seq) in came or seq > last.get((topic, boot), 0)
    assert {gap["reason"] for gap in world.said("gap")} <= {"silent"}


@settings(max_examples=40)
@given(SEEDS)
def test_a_collector_that_restarts_goes_on_where_its_recording_ends(seed: int) -> None:
    rng = Random(seed)
    world = World(rng)
    for _ in range(4):
        world.play(80, loss=0.1)
        # What the dead one had recorded: what it had given out. What it had in hand is gone, and what comes while
        # nobody listens as well.
        world.asked.clear()
        for host in world.hosts.values():
            for _ in range(rng.randrange(10)):
                if host.wire:
                    host.wire.popleft()
        world.stream = world.new_stream(progress=world.stream.progress, position=world.stream.position)
    world.settle()
    check(world)
    assert {name_of(event) for event in world.events} == {name_of(event) for event in world.made}
    assert world.receipts_too_early() == []


@pytest.mark.parametrize("ring_bytes", [3_000, 1 << 20])
def test_a_collector_that_comes_late_says_what_it_missed(ring_bytes: int) -> None:
    world = World(Random(1), ring_bytes=ring_bytes)
    for _ in range(200):
        world.act(0.0)
    for host in world.hosts.values():
        host.wire.clear()
    world.settle()
    check(world)
    came = {name_of(event) for event in world.events}
    assert came | set(world.in_gaps()) == {name_of(event) for event in world.made}
    assert bool(world.said("gap")) == (ring_bytes == 3_000)
    assert world.receipts_too_early() == []


def test_events_that_were_on_their_way_when_their_subscription_ended_are_no_mistake() -> None:
    world = World(Random(1), 1)
    host = world.hosts["n1"]
    host.maker.subscribe(b"raftzmq.n1.heartbeat_sent")
    world.stream.subscribe("n1", ["heartbeat_sent"])
    world.emit(host, "heartbeat_sent", 0.0)
    world.settle()
    world.emit(host, "heartbeat_sent", 0.0)
    world.stream.subscribe("n1", [])
    world.settle()
    assert [event["seq"] for event in world.events if event["type"] == "heartbeat_sent"] == [1]
    assert world.stream.totals()["malformed"] == 0
