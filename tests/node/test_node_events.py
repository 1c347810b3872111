"""What a node tells the world: only while somebody listens, each kind with the fields that its catalogue promises."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from raftzmq.config import EVENTS_LINGER_US, STATE_COMMIT_US
from raftzmq.core.messages import AppendEntries, RequestVote
from raftzmq.core.types import EntryKind, make_entry
from raftzmq.events import ENVELOPE, EVENT_TYPES, NODE_TYPES, Level
from raftzmq.kv.commands import Get, Parcel, Put
from raftzmq.node.reporting import GATHER_MAX, PATIENCE
from tests.core.support import entries_of
from tests.node.support import SECOND, Rig, puts


def events(rig: Rig, kind: str | None = None) -> list[dict[str, Any]]:
    """The events made since the last look."""
    found = [json.loads(payload) for _, payload in rig.events]
    rig.events.clear()
    return [event for event in found if kind in (None, event["type"])]


def busy(rig: Rig) -> None:
    """Elections, writes, reads, refusals: something of everything."""
    rig.lead()
    session = rig.open_session()
    rig.execute(2, puts(session, 0, "a", "b"))
    rig.settle()
    rig.read(3, Get(b"a"), Get(b"b"))
    rig.settle()
    rig.node.on_client(b"nobody", [b"nonsense"], rig.now)
    rig.node.on_peer(b"stranger", [b"nonsense"], rig.now)
    rig.peer(RequestVote("n2", "n1", 99, 0, 0, False))
    rig.node.on_dropped("peer", 3, rig.now)
    rig.advance(SECOND)
    rig.depose("n3")
    rig.settle()


def test_nobody_listens_and_nothing_leaves_but_what_is_rare_is_kept() -> None:
    rig = Rig()
    busy(rig)
    assert rig.events == []
    kept = {kind for _, kind, _, _ in rig.node.report.ring.find([(kind, 1, 2**62) for kind in EVENT_TYPES])}
    assert {"boot", "role", "term", "election", "leader"} <= kept
    assert {EVENT_TYPES[kind].level for kind in kept} == {Level.RARE}


def test_every_event_has_the_fields_that_the_catalogue_promises() -> None:
    rig = Rig()
    rig.node.on_subscription(b"", True, rig.now)
    busy(rig)
    # A vote, a conflict and a damaged entry at another node: what this leader has not seen.
    other = Rig("n2")
    other.node.on_subscription(b"", True, other.now)
    first = other.raft.log.entry(1)
    other.peer(RequestVote("n3", "n2", 1, 1, 0, False))
    ours, theirs = entries_of([1, 1], after=first), entries_of([2], after=first)
    other.peer(AppendEntries("n3", "n2", 1, 1, 0, 0, 0, ours))
    other.peer(AppendEntries("n1", "n2", 2, 1, 0, 0, 0, (replace(theirs[0], data=b"damaged"),)))
    other.peer(AppendEntries("n1", "n2", 2, 1, 0, 0, 0, theirs))
    other.peer(AppendEntries("n1", "n2", 2, 2, 2, 0, 0), beat=True)
    other.settle()
    seen = set()
    for event in events(rig) + events(other):
        fields = EVENT_TYPES[event["type"]].fields
        assert set(event) == {*ENVELOPE, *fields}, event["type"]
        seen.add(event["type"])
    # These have tests where they arise, and a boot is over before anybody can subscribe.
    assert {event.kind for event in NODE_TYPES} - seen == {"boot", "compact", "snapshot", "room", "fault"}


def test_only_what_is_wanted_is_made() -> None:
    rig = Rig()
    rig.node.on_subscription(b"raftzmq.n1.commit", True, rig.now)
    rig.node.on_subscription(b"raftzmq.n2.", True, rig.now)
    busy(rig)
    assert {event["type"] for event in events(rig)} == {"commit"}
    rig.node.on_subscription(b"raftzmq.n1.commit", False, rig.now)
    rig.lead()
    assert events(rig) == []


def test_a_boot_is_kept_for_whoever_asks_for_it() -> None:
    disk = Rig(voters=1).lead().disk
    rig = Rig(voters=1, disk=disk)
    [(_, _, seq, payload)] = rig.node.report.ring.find([("boot", 1, 9)])
    boot, log, machine = json.loads(payload), rig.raft.log, rig.state.machine
    assert (seq, boot["cluster"], boot["incarnation"], boot["voters"]) == (1, "local", "local-n1", ["n1"])
    assert (boot["mark_index"], boot["mark_chain"], boot["first_index"]) == (0, 0, 1)
    assert (boot["last_index"], boot["last_term"], boot["last_chain"]) == (2, 1, log.entry(2).chain)
    assert (boot["voted_for"], boot["term"]) == ("n1", 1)
    assert (boot["applied_index"], boot["digest"], boot["revision"]) == (
        machine.applied_index,
        machine.digest,
        machine.revision,
    )


def test_commits_and_applies_tell_what_they_cover() -> None:
    rig = Rig(voters=1).lead()
    session = rig.open_session()
    rig.node.on_subscription(b"", True, rig.now)
    rig.execute(2, Parcel(session, 0, 0, [Put(b"a", b"1"), Put(b"b", b"2"), Put(b"c", b"3")]))
    rig.settle()
    found = events(rig)
    [append] = [event for event in found if event["type"] == "append"]
    [commit] = [event for event in found if event["type"] == "commit"]
    [apply] = [event for event in found if event["type"] == "apply"]
    [request] = [event for event in found if event["type"] == "request"]
    last = rig.raft.log.last_index
    assert (append["first"], append["last"], append["batch"], append["role"]) == (last, last, 1, "leader")
    assert (commit["previous"], commit["index"]) == (last - 1, last)
    assert (apply["first"], apply["last"], apply["commands"], apply["revision"]) == (last, last, 3, 3)
    assert apply["digest"] == rig.state.machine.digest
    assert (request["kind"], request["commands"]) == ("execute", 3)
    assert apply["elapsed_us"] == 120
    chain = rig.raft.log.entry(last).chain
    assert (append["terms"], append["chains"]) == ([rig.raft.current_term], [chain])
    assert (commit["entry_term"], commit["chain"], apply["chain"]) == (rig.raft.current_term, chain, chain)
    [reply] = [event for event in found if event["type"] == "reply"]
    assert (reply["first"], reply["last"], reply["commit_index"], reply["requests"]) == (last, last, last, 1)


def test_storage_times_come_from_the_driver() -> None:
    rig = Rig(voters=1).lead()
    session = rig.open_session()
    rig.advance(2 * STATE_COMMIT_US)
    rig.node.on_subscription(b"raftzmq.n1.storage", True, rig.now)
    rig.execute(2, puts(session, 0, "a"))
    rig.advance(2 * STATE_COMMIT_US)
    rig.execute(3, puts(session, 1, "b"))
    rig.advance(2 * STATE_COMMIT_US)
    last, made = rig.raft.log.last_index, events(rig)
    found = [(e["what"], e["elapsed_us"], e["commit_us"], e["entries"], e["last"]) for e in made]
    assert found == [
        ("log", 120, 100, 1, last - 1),
        ("state", 120, 100, 1, last - 1),
        ("log", 120, 100, 1, last),
        ("state", 120, 100, 1, last),
    ]
    assert [event["bytes"] for event in made] == [
        len(rig.raft.log.entry(i).data) for i in (last - 1,) * 2 + (last,) * 2
    ]


def test_what_was_dropped_is_counted_and_told_once_a_second() -> None:
    rig = Rig()
    rig.node.on_subscription(b"", True, rig.now)
    rig.settle()
    events(rig)
    for kind, count in (("peer", 3), ("client", 1), ("peer", 2)):
        rig.node.on_dropped(kind, count, rig.now)
    rig.settle()
    assert [(event["what"], event["count"]) for event in events(rig, "dropped")] == [("peer", 3), ("client", 1)]
    rig.node.on_dropped("peer", 1, rig.now + SECOND)
    rig.settle()
    assert [(event["what"], event["count"]) for event in events(rig, "dropped")] == [("peer", 3)]
    assert rig.node.status()["counts"] == {"dropped_client": 1, "dropped_peer": 6}


def test_facts_go_to_the_nodes_own_log_whoever_listens() -> None:
    rig = Rig()
    rig.lead()
    kinds = [fact.kind for work in rig.works for fact in work.facts]
    assert kinds[0] == "boot"
    assert {"role", "term", "election", "leader"} <= {*kinds}


def test_only_who_waits_for_results_is_replied_to() -> None:
    rig = Rig().lead()
    session = rig.open_session()
    rig.node.on_subscription(b"raftzmq.n1.reply", True, rig.now)
    rig.held.add("state")
    rig.execute(2, puts(session, 0, "a"))
    rig.execute(3, puts(session, 1, "b"))
    rig.settle()
    rig.execute(4, puts(session, 2, "c"))
    rig.settle()
    rig.held.clear()
    rig.settle()
    last = rig.raft.log.last_index
    told = [(e["first"], e["last"], e["requests"]) for e in events(rig)]
    assert told == [(last - 1, last - 1, 2), (last, last, 1)]
    follower = Rig("n2")
    follower.node.on_subscription(b"raftzmq.n2.", True, follower.now)
    noop = make_entry(follower.raft.log.last_chain, 2, 1, EntryKind.NOOP, b"")
    follower.follow("n1", entries=(noop,), commit=2)
    follower.advance(SECOND // 10)
    kinds = {event["type"] for event in events(follower)}
    assert "apply" in kinds
    assert "reply" not in kinds


def test_the_log_says_what_is_on_disk_now() -> None:
    rig = Rig("n2")
    rig.node.on_subscription(b"raftzmq.n2.storage", True, rig.now)
    rig.held.add("log")
    first, second = entries_of([1, 1], after=rig.raft.log.entry(1))
    rig.follow("n1", entries=(first,))
    rig.follow("n1", entries=(second,))
    rig.finish("log")
    rig.settle()
    rig.finish("log")
    rig.settle()
    told = [(e["what"], e["last"], e["chain"], e["vote_term"], e["voted_for"]) for e in events(rig)]
    assert told == [("log", 2, first.chain, 1, None), ("log", 3, second.chain, 1, None)]


def test_an_append_says_how_long_it_was_held_back_by_the_one_before() -> None:
    rig = Rig("n2")
    rig.node.on_subscription(b"raftzmq.n2.append", True, rig.now)
    rig.held.add("log")
    first, second, third = entries_of([1, 1, 1], after=rig.raft.log.entry(1))
    rig.follow("n1", entries=(first,))
    rig.now += 100
    rig.follow("n1", entries=(second,))
    rig.now += 200
    rig.follow("n1", entries=(third,))
    rig.now += 300
    rig.finish("log")
    rig.settle()
    rig.finish("log")
    [fourth] = entries_of([1], after=third)
    rig.follow("n1", entries=(fourth,))
    told = [(e["first"], e["last"], e["waited_us"]) for e in events(rig)]
    assert told == [(2, 2, 0), (3, 4, 500), (5, 5, 0)]


def test_what_was_held_back_for_somebody_who_left_is_forgotten() -> None:
    """Appends that nobody asked for are not followed, so a time that began with one must not go on for ever."""
    rig = Rig("n2")
    rig.node.on_subscription(b"raftzmq.n2.append", True, rig.now)
    rig.held.add("log")
    first, second, third = entries_of([1, 1, 1], after=rig.raft.log.entry(1))
    rig.follow("n1", entries=(first,))
    rig.follow("n1", entries=(second,))
    rig.node.on_subscription(b"raftzmq.n2.append", False, rig.now)
    rig.now += 2 * EVENTS_LINGER_US
    rig.node.report.emit("dropped", rig.now, what="peer", count=1)  # with the next event the subscription has ended
    rig.finish("log")
    rig.settle()
    rig.finish("log")
    rig.now += 1000
    rig.node.on_subscription(b"raftzmq.n2.append", True, rig.now)
    rig.follow("n1", entries=(third,))
    assert [(e["first"], e["waited_us"]) for e in events(rig) if e["type"] == "append"][-1] == (4, 0)


def test_a_vote_is_told_once_it_is_on_disk() -> None:
    rig = Rig("n2")
    rig.node.on_subscription(b"raftzmq.n2.storage", True, rig.now)
    rig.held.add("log")
    rig.peer(RequestVote("n3", "n2", 1, 1, 0, False))
    rig.settle()
    assert events(rig) == []
    rig.finish("log")
    rig.settle()
    [event] = events(rig)
    assert (event["voted_for"], event["vote_term"], event["entries"], event["last"]) == ("n3", 1, 0, 1)
    assert event["restarted_after"] is None


def test_events_gather_for_as_long_as_the_driver_says() -> None:
    rig = Rig().lead()
    session = rig.open_session()
    calm = rig.node.deadline_us
    rig.node.report.gather_us = 500
    rig.node.on_subscription(b"raftzmq.n1.commit", True, rig.now)
    rig.execute(2, puts(session, 0, "a"))
    rig.settle()
    begun = rig.now
    assert rig.events == []
    assert rig.node.deadline_us == begun + PATIENCE * 500 < calm
    rig.now += 400
    rig.execute(3, puts(session, 1, "b"))
    rig.settle()
    assert rig.events == []
    assert rig.node.deadline_us == begun + PATIENCE * 500, "since the first of them"
    rig.now += 100
    rig.settle()
    assert len(events(rig)) == 2, "something happens, so they leave with it"
    rig.execute(4, puts(session, 2, "c"))
    rig.settle()
    rig.now = rig.node.deadline_us
    rig.node.on_tick(rig.now)
    rig.settle()
    assert len(events(rig)) == 1, "nothing else happens, so time alone lets it go"
    assert rig.node.deadline_us > rig.now + PATIENCE * 500


def test_many_events_gather_no_longer() -> None:
    rig = Rig()
    rig.node.report.gather_us = SECOND
    rig.node.on_subscription(b"raftzmq.n1.client_refused", True, rig.now)
    for count in range(GATHER_MAX):
        rig.settle()
        assert rig.events == [], count
        rig.node.on_client(b"nobody", [b"nonsense"], rig.now)
    rig.settle()
    assert len(events(rig)) == GATHER_MAX


@pytest.mark.parametrize("prefix", [b"raftzmq.n1", b"", b"raftzmq.n1.role"])
def test_sequences_have_no_gaps_for_who_listens(prefix: bytes) -> None:
    rig = Rig()
    rig.node.on_subscription(prefix, True, rig.now)
    busy(rig)
    rig.lead()
    found = events(rig)
    for kind in {event["type"] for event in found}:
        numbers = [event["seq"] for event in found if event["type"] == kind]
        assert numbers == list(range(1, len(numbers) + 1))
