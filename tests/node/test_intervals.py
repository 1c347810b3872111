"""What comes by itself while somebody wants it: Lamport time, where the node stands, what it counts."""

from __future__ import annotations

import json
from typing import Any

from raftzmq.codec.clients import Execute
from raftzmq.config import EVENTS_LINGER_US
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse
from raftzmq.kv.commands import Get
from raftzmq.node.intervals import NEVER
from raftzmq.node.round_trips import LOST_US, RoundTrips
from tests.node.support import CLIENT, SECOND, TIMING, Rig, puts


def events(rig: Rig, kind: str) -> list[dict[str, Any]]:
    """The events of one type made since the last look."""
    found = [json.loads(payload) for _, payload in rig.events]
    rig.events.clear()
    return [event for event in found if event["type"] == kind]


def subscribed(rig: Rig, kind: str) -> Rig:
    rig.node.on_subscription(f"raftzmq.{rig.node.name}.{kind}".encode(), True, rig.now)
    rig.settle()
    return rig


# --- when ---


def test_nobody_listens_and_nothing_is_due() -> None:
    rig = Rig().lead()
    assert rig.node.intervals.deadline_us == NEVER
    subscribed(rig, "role")
    assert rig.node.intervals.deadline_us == NEVER


def test_the_clock_tells_every_heartbeat_interval() -> None:
    rig = subscribed(Rig("n2"), "clock")
    rig.follow("n1")
    begun = rig.now
    for _ in range(20):
        rig.follow("n1")
        rig.advance(TIMING.heartbeat_us)
    told = events(rig, "clock")
    assert 19 <= len(told) <= 21
    assert all(event["interval_us"] == TIMING.heartbeat_us for event in told)
    assert told[0]["mono_ns"] <= (begun + TIMING.heartbeat_us) * 1000


def test_a_node_wakes_for_it_even_if_nothing_else_happens() -> None:
    rig = Rig("n2")
    rig.follow("n1")
    calm = rig.node.deadline_us
    subscribed(rig, "clock")
    assert rig.node.deadline_us < calm


def test_once_a_second_and_to_who_subscribes() -> None:
    rig = Rig().lead()
    subscribed(rig, "standing")
    assert len(events(rig, "standing")) == 1
    rig.node.on_subscription(b"raftzmq.n1.", True, rig.now)
    rig.settle()
    assert len(events(rig, "standing")) == 1, "a wider subscription includes it"
    rig.node.on_subscription(b"raftzmq.n1.role", True, rig.now)
    rig.settle()
    assert events(rig, "standing") == []
    rig.advance(10 * SECOND)
    assert 9 <= len(events(rig, "standing")) <= 11


def test_it_ends_some_time_after_the_last_one_left() -> None:
    rig = Rig().lead()
    for kind in ("clock", "metrics", "standing"):
        subscribed(rig, kind)
    for kind in ("clock", "metrics", "standing"):
        rig.node.on_subscription(f"raftzmq.n1.{kind}".encode(), False, rig.now)
    rig.advance(EVENTS_LINGER_US // 2)
    assert rig.node.intervals.deadline_us < NEVER, "a collector that restarts is to find it in the ring"
    rig.advance(EVENTS_LINGER_US)
    assert rig.node.intervals.deadline_us == NEVER


# --- standing ---


def test_a_leader_says_where_it_stands() -> None:
    rig = Rig().lead("n2")
    rig.execute(2, puts(rig.open_session(), 0, "a"))
    rig.settle()
    subscribed(rig, "standing")
    [standing] = events(rig, "standing")
    log, last, machine = rig.raft.log, rig.raft.log.last_index, rig.state.machine
    expected = {
        "role": "leader",
        "leader": "n1",
        "voted_for": "n1",
        "voters": ["n1", "n2", "n3"],
        "mark_index": 0,
        "mark_chain": 0,
        "last_index": last,
        "last_term": rig.raft.current_term,
        "last_chain": log.last_chain,
        "stable_index": last,
        "commit_index": last,
        "commit_chain": log.last_chain,
        "applied_index": last,
        "durable_index": rig.node.applying.durable_index,
        "digest": machine.digest,
        "revision": machine.revision,
        "next_index": {"n2": last + 1, "n3": 2},
        "match_index": {"n2": last, "n3": 0},
        "election_due_us": None,
        "has_room": True,
        "pid": 4711,
    }
    assert {key: standing[key] for key in expected} == expected


def test_a_follower_says_when_its_patience_ends() -> None:
    rig = Rig("n2")
    rig.follow("n1")
    rig.now += 1000
    due = rig.node.deadline_us - rig.now
    subscribed(rig, "standing")
    [standing] = events(rig, "standing")
    assert (standing["role"], standing["leader"], standing["next_index"]) == ("follower", "n1", {})
    assert standing["election_due_us"] == due
    rig.now += 10 * SECOND
    rig.node.on_subscription(b"raftzmq.n2.standing", True, rig.now)
    rig.settle()
    assert events(rig, "standing")[0]["election_due_us"] == 0, "overdue, not before now"


# --- metrics ---


def test_what_was_done_is_counted_whoever_listens() -> None:
    rig = Rig().lead()
    session = rig.open_session()
    rig.execute(2, puts(session, 0, "a", "b", "c"))
    rig.settle()
    rig.read(3, Get(b"a"), Get(b"b"))
    rig.settle()
    rig.client(Execute(4, SECOND), b"nonsense")
    rig.node.on_dropped("peer", 3, rig.now)
    rig.node.resident_bytes = lambda: 12_345
    rig.held.add("state")
    rig.execute(5, puts(session, 3, "d"))
    rig.read(6, Get(b"a"))
    rig.settle()
    subscribed(rig, "metrics")
    rig.node.on_tick(rig.now)
    rig.settle()
    [metrics] = events(rig, "metrics")
    done = {
        "proposals_pending": 1,
        "proposals_committed": 3,  # the session, what is applied and what isn't yet; the first entry is the core's
        "proposals_applied": 4,
        "commands_applied": 4,
        "proposals_refused": 1,
        "reads_pending": 1,
        "reads_answered": 1,
        "waiting_bytes": 0,
        "log_bytes": rig.raft.log.bytes,
        "lag_bytes": len(rig.raft.log.entry(rig.raft.log.last_index).data),
        "clients": 1,
        "dropped": {"peer": 3},
        "rss_bytes": 12_345,
        "events_ring_bytes": rig.node.report.ring.bytes,
    }
    found = {key: metrics[key] for key in done}
    assert found.pop("events_ring_bytes") <= done.pop("events_ring_bytes")
    assert found == done


def test_what_is_turned_away_for_too_much_work_is_refused_too() -> None:
    rig = Rig().lead()
    session = rig.open_session()
    rig.followers.clear()
    rig.node.proposals.waiting_bytes = 2**40
    rig.execute(2, puts(session, 0, "a"))
    subscribed(rig, "metrics")
    rig.node.on_tick(rig.now)
    rig.settle()
    assert [code for _, code, _ in rig.failures()] == ["overloaded"]
    assert events(rig, "metrics")[0]["proposals_refused"] == 1


def test_nobody_knows_the_memory_of_a_node_without_a_body() -> None:
    rig = subscribed(Rig(), "metrics")
    rig.node.on_tick(rig.now)
    rig.settle()
    metrics = events(rig, "metrics")[0]
    assert (metrics["rss_bytes"], metrics["round_trip_us"]) == (None, {})


# --- round trips ---


def test_a_leader_measures_how_long_its_followers_take() -> None:
    rig = subscribed(Rig().lead(), "metrics")
    session = rig.open_session()
    rig.followers.clear()
    rig.execute(2, puts(session, 0, "a"))
    rig.settle()
    index = rig.raft.log.last_index
    rig.now += 250
    rig.peer(AppendEntriesResponse("n2", "n1", rig.raft.current_term, True, index, 0, index))
    rig.advance(SECOND)
    assert events(rig, "metrics")[-1]["round_trip_us"] == {"n2": 250, "n3": 0}
    rig.depose("n3")
    rig.advance(SECOND)
    assert events(rig, "metrics")[-1]["round_trip_us"] == {}
    assert rig.node.round_trips.last_us == {}, "should it lead again, nothing of this term counts"


def message(prev: int, entries: int = 0, to: str = "n2") -> AppendEntries:
    return AppendEntries("n1", to, 1, prev, 1, 0, 0, (None,) * entries)  # type: ignore[arg-type]


def answer(match: int, agreed: int, *, success: bool = True, sender: str = "n2") -> AppendEntriesResponse:
    return AppendEntriesResponse(sender, "n1", 1, success, match, 0, agreed)


def test_entries_are_answered_by_who_has_them_on_disk() -> None:
    trips = RoundTrips()
    trips.sent(message(10, entries=2), 10, 0)
    trips.heard(answer(10, 12), 100)  # a heartbeat's answer, from before the entries were on disk
    trips.heard(answer(11, 12), 150)
    assert trips.last_us == {}
    trips.heard(answer(12, 12), 300)
    assert trips.last_us == {"n2": 300}


def test_a_heartbeat_counts_only_while_nothing_else_is_unanswered() -> None:
    trips = RoundTrips()
    trips.sent(message(10), 9, 0)
    trips.heard(answer(10, 10), 50)
    assert trips.last_us == {}, "that may have been the answer to entry 10"
    trips.sent(message(10), 10, 100)
    trips.heard(answer(9, 9, success=False), 120)
    trips.heard(answer(10, 10, sender="n3"), 130)
    trips.heard(answer(10, 10), 170)
    assert trips.last_us == {"n2": 70}


def test_a_message_that_was_lost_is_given_up() -> None:
    trips = RoundTrips()
    trips.sent(message(10), 10, 0)
    trips.sent(message(10), 10, LOST_US - 1)
    trips.sent(message(10), 10, LOST_US)
    trips.heard(answer(10, 10), LOST_US + 5)
    assert trips.last_us == {"n2": 5}


def test_a_client_that_waits_is_one_of_the_pending() -> None:
    rig = Rig().lead()
    session = rig.open_session()
    rig.followers.clear()
    for request in range(2, 6):
        rig.execute(request, puts(session, request, "a"), routing=CLIENT)
        rig.settle()
    assert rig.node.proposals.pending == 4
    rig.depose("n3")
    rig.settle()
    assert rig.node.proposals.pending == 0
