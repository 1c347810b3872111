"""Where the time of a request went: milestones of tagged requests, and of the slowest one of each second."""

from __future__ import annotations

import json
from typing import Any

from raftzmq.codec.clients import Execute, Read
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, ReadIndex, ReadIndexResponse
from raftzmq.kv.commands import Get, encode_parcel, encode_queries
from raftzmq.node.tracing import OPEN_MAX
from raftzmq.node.work import Timed
from tests.node.support import CLIENT, SECOND, Rig, puts


def traces(rig: Rig) -> list[dict[str, Any]]:
    """The traces made since the last look."""
    found = [json.loads(payload) for _, payload in rig.events]
    rig.events.clear()
    return [event for event in found if event["type"] == "trace"]


def traced(voters: int = 3) -> tuple[Rig, int]:
    """A leader whose traces somebody wants, and a session."""
    rig = Rig(voters=voters).lead()
    session = rig.open_session()
    rig.node.on_subscription(b"raftzmq.n1.trace", True, rig.now)
    rig.settle()
    rig.events.clear()
    return rig, session


def tagged(rig: Rig, request: int, session: int, sequence: int, *keys: str, tag: str = "mine") -> None:
    rig.client(Execute(request, SECOND, tag), encode_parcel(puts(session, sequence, *keys)))


def acknowledge(rig: Rig, peer: str, index: int) -> None:
    """``peer`` says that its disk has entries up to ``index``."""
    rig.peer(AppendEntriesResponse(peer, "n1", rig.raft.current_term, True, index, 0, index))


def later(rig: Rig, microseconds: int) -> None:
    """Time passes in which nothing happens."""
    rig.now += microseconds


def test_a_tagged_write_has_every_milestone() -> None:
    rig, session = traced()
    rig.held |= {"log", "state"}
    rig.followers.clear()
    door = rig.now
    tagged(rig, 7, session, 0, "a", "b")
    later(rig, 100)
    rig.settle()
    index = rig.raft.log.last_index
    later(rig, 200)
    acknowledge(rig, "n3", index - 1)  # an answer to something before it
    acknowledge(rig, "n2", index)
    rig.settle()
    later(rig, 300)
    rig.finish("log")
    rig.settle()
    later(rig, 400)
    assert traces(rig) == []
    rig.finish("state")
    rig.settle()
    [trace] = traces(rig)
    assert {k: trace[k] for k in ("tag", "kind", "request", "commands", "index", "door_ns")} == {
        "tag": "mine",
        "kind": "execute",
        "request": 7,
        "commands": 2,
        "index": index,
        "door_ns": door * 1000,
    }
    assert trace["proposed_us"] == 100
    assert trace["sent_us"] == {"n2": 100, "n3": 100}
    assert trace["acknowledged_us"] == {"n2": 300}
    assert (trace["logged_us"], trace["committed_us"]) == (600, 600), "n2 and its own disk are the majority"
    assert (trace["applied_us"], trace["replied_us"]) == (1000, 1000)


def test_jobs_end_when_their_thread_says() -> None:
    rig, session = traced(voters=1)
    rig.held |= {"log", "state"}
    tagged(rig, 7, session, 0, "a")
    rig.settle()
    job, rig.log_job = rig.log_job, None
    assert job is not None
    rig.log.write(job)
    rig.node.on_logged(job, Timed(60, 60, rig.now + 60), rig.now + 100)
    later(rig, 100)
    rig.settle()
    todo, rig.state_job = rig.state_job, None
    assert todo is not None
    rig.node.on_applied(todo, rig.state.apply(todo), Timed(20, 0, rig.now + 20), rig.now + 50)
    rig.settle()
    [trace] = traces(rig)
    assert (trace["logged_us"], trace["committed_us"]) == (60, 100)
    assert (trace["applied_us"], trace["replied_us"]) == (120, 150)


def test_of_untagged_requests_the_slowest_of_each_second_is_told() -> None:
    rig, session = traced(voters=1)
    rig.held.add("state")
    for sequence, microseconds in enumerate((200, 900, 400)):
        rig.execute(10 + sequence, puts(session, sequence, "a"))
        rig.settle()
        later(rig, microseconds)
        rig.finish("state")
        rig.settle()
    assert traces(rig) == []
    rig.held.clear()
    rig.advance(SECOND)
    [trace] = traces(rig)
    assert (trace["tag"], trace["request"], trace["replied_us"]) == ("", 11, 900)
    rig.advance(SECOND)
    assert traces(rig) == [], "nothing was asked in this second"


def test_opening_a_session_is_no_request_of_the_user() -> None:
    rig, _ = traced()
    rig.greet(b"client-2")
    rig.open_session(b"client-2", name=b"another")
    rig.advance(SECOND)
    assert traces(rig) == []


def test_a_tagged_read_has_its_milestones() -> None:
    rig, _ = traced()
    rig.followers.clear()
    rig.held.add("state")
    rig.of(AppendEntries)
    rig.client(Read(9, SECOND, "mine"), encode_queries([Get(b"a"), Get(b"b")]))
    later(rig, 10)
    rig.settle()
    later(rig, 90)
    [question] = rig.of(AppendEntries)
    last = question.prev_log_index
    rig.peer(AppendEntriesResponse(question.to, "n1", rig.raft.current_term, True, last, question.round, last))
    rig.settle()
    later(rig, 50)
    rig.finish("state")
    rig.settle()
    [trace] = traces(rig)
    assert {k: trace[k] for k in ("tag", "kind", "request", "commands", "index")} == {
        "tag": "mine",
        "kind": "read",
        "request": 9,
        "commands": 2,
        "index": rig.raft.commit_index,
    }
    assert (trace["proposed_us"], trace["committed_us"], trace["applied_us"], trace["replied_us"]) == (
        10,
        100,
        150,
        150,
    )
    assert (trace["logged_us"], trace["sent_us"], trace["acknowledged_us"]) == (None, {}, {})


def test_a_follower_traces_the_reads_that_it_serves() -> None:
    rig = Rig("n2")
    rig.node.on_subscription(b"raftzmq.n2.trace", True, rig.now)
    rig.follow("n1")
    rig.greet()
    rig.client(Read(9, SECOND, "mine"), encode_queries([Get(b"a")]))
    rig.settle()
    later(rig, 70)
    [question] = rig.of(ReadIndex)
    rig.peer(ReadIndexResponse("n1", "n2", 1, question.context, 1))
    rig.settle()
    [trace] = traces(rig)
    assert (trace["node"], trace["index"], trace["committed_us"]) == ("n2", 1, 70)


def test_a_read_that_is_given_up_is_forgotten() -> None:
    rig, _ = traced()
    rig.followers.clear()
    rig.client(Read(9, 1000, "mine"), encode_queries([Get(b"a")]))
    rig.settle()
    rig.advance(SECOND // 10)
    assert [code for _, code, _ in rig.failures()] == ["deadline_exceeded"]
    assert rig.node.tracing.open == 0


def test_an_entry_of_another_leader_in_the_same_place_is_not_taken_for_it() -> None:
    rig, session = traced()
    rig.followers.clear()
    tagged(rig, 7, session, 0, "a")
    rig.settle()
    assert rig.node.tracing.open == 1
    rig.depose("n3")
    rig.settle()
    assert rig.node.tracing.open == 0
    assert traces(rig) == []


def test_nobody_asks_and_nothing_is_noted() -> None:
    rig = Rig().lead()
    session = rig.open_session()
    rig.followers.clear()
    tagged(rig, 7, session, 0, "a")
    rig.client(Read(9, SECOND, "mine"), encode_queries([Get(b"a")]))
    rig.settle()
    assert rig.node.tracing.open == 0


def test_what_is_noted_is_bounded() -> None:
    rig, _ = traced()
    rig.followers.clear()
    for number in range(OPEN_MAX + 9):
        rig.client(Read(10 + number, SECOND, "mine"), encode_queries([Get(b"a")]), routing=CLIENT)
    rig.settle()
    assert rig.node.tracing.open == OPEN_MAX
