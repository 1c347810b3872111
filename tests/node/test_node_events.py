"""What a node tells the world: only while somebody listens, each kind with the fields that its catalogue promises."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from raftzmq.config import STATE_COMMIT_US
from raftzmq.core.messages import AppendEntries, RequestVote
from raftzmq.events import EVENT_TYPES
from raftzmq.kv.commands import Get, Parcel, Put
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
    rig.advance(SECOND // 10)
    rig.depose("n3")
    rig.settle()


def test_nobody_listens_and_no_event_is_made() -> None:
    rig = Rig()
    busy(rig)
    assert rig.events == []


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
    other.settle()
    seen = set()
    for event in events(rig) + events(other):
        fields = EVENT_TYPES[event["type"]].fields
        envelope = ("v", "node", "boot", "seq", "ts", "mono_ns", "term", "type")
        assert set(event) == {*envelope, *fields}, event["type"]
        seen.add(event["type"])
    # Gaps are the collector's to tell; the last three have tests where they arise.
    assert set(EVENT_TYPES) - seen == {"gap", "compact", "snapshot", "room"}


def test_only_what_is_wanted_is_made() -> None:
    rig = Rig()
    rig.node.on_subscription(b"raftzmq.n1.commit", True, rig.now)
    rig.node.on_subscription(b"raftzmq.n2.", True, rig.now)
    busy(rig)
    assert {event["type"] for event in events(rig)} == {"commit"}
    rig.node.on_subscription(b"raftzmq.n1.commit", False, rig.now)
    rig.lead()
    assert events(rig) == []


def test_the_first_listener_hears_of_the_boot_however_late() -> None:
    rig = Rig()
    rig.advance(SECOND)
    rig.node.on_subscription(b"raftzmq.n1.role", True, rig.now)
    rig.settle()
    assert events(rig, "boot") == []
    rig.node.on_subscription(b"raftzmq.n1.boot", True, rig.now)
    rig.settle()
    [boot] = events(rig, "boot")
    assert (boot["cluster"], boot["incarnation"], boot["voters"]) == ("local", "local-n1", ["n1", "n2", "n3"])
    rig.node.on_subscription(b"raftzmq.n1.boot", True, rig.now)
    rig.settle()
    assert events(rig, "boot") == [], "it happened once"


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


def test_storage_times_come_from_the_driver() -> None:
    rig = Rig(voters=1).lead()
    session = rig.open_session()
    rig.advance(2 * STATE_COMMIT_US)
    rig.node.on_subscription(b"raftzmq.n1.storage", True, rig.now)
    rig.execute(2, puts(session, 0, "a"))
    rig.advance(2 * STATE_COMMIT_US)
    found = [(event["what"], event["elapsed_us"], event["commit_us"], event["entries"]) for event in events(rig)]
    assert found == [("log", 120, 100, 1), ("state", 120, 100, 1), ("state", 120, 100, 0)]


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
