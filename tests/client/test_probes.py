"""Status of every node and reads of particular ones, in virtual time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from raftzmq.client.probes import CONNECT_US, STATUS_US, AimedRead, StatusCall
from raftzmq.client.results import StateDigest, state_digest
from raftzmq.codec.clients import Hello, Read, StatusAnswer, StatusRequest
from raftzmq.errors import ClientClosed, Corrupted, NoLeader, Refused, Unreachable
from raftzmq.kv.commands import StateHash
from tests.client.script import MS, NAMES, SECOND, A, B, C, Script, Sent, Ticket, of_kind


def status(world: Script, timeout_us: int = STATUS_US) -> Ticket:
    ticket = world.ticket()
    world.protocol.probes.add(StatusCall(ticket, timeout_us))
    return ticket


def aimed(world: Script, endpoint: str, timeout_us: int = 5 * SECOND) -> Ticket:
    ticket = world.ticket()
    world.protocol.probes.add(AimedRead(endpoint, StateHash(), state_digest, ticket, timeout_us))
    return ticket


def play(world: Script, sents: list[Sent], answering: tuple[str, ...]) -> None:
    """Nodes that answer handshakes and status."""
    while sents:
        for sent in sents:
            if sent.to not in answering:
                continue
            if isinstance(sent.header, Hello):
                world.welcome(sent.to, "a")
            elif isinstance(sent.header, StatusRequest):
                row = json.dumps({"node": NAMES[sent.to], "role": "follower"}).encode()
                world.say(sent.to, StatusAnswer(sent.request), row)
        sents = world.step()


def reachable(rows: list[dict[str, Any]]) -> dict[str, bool]:
    return {row["node"]: row["reachable"] for row in rows}


def test_status_ends_with_the_last_answer() -> None:
    world = Script(A)
    ticket = status(world)
    begun_us = world.now_us
    play(world, world.step(), (A, B, C))
    assert reachable(ticket.result) == {"a": True, "b": True, "c": True}
    assert ticket.ended_us == begun_us
    assert all(link.pins == 0 for link in (world.protocol.links.at(e) for e in (A, B, C)))
    assert world.protocol.requests.open == {}


def test_a_node_without_a_connection_is_waited_for_half_as_long() -> None:
    world = Script(A, up=(A, B))
    ticket = status(world)
    begun_us = world.now_us
    play(world, world.step(), (A, B))
    assert not ticket.done()
    world.advance(SECOND)
    assert ticket.ended_us - begun_us == CONNECT_US
    assert reachable(ticket.result) == {"a": True, "b": True, "c": False}


def test_a_node_that_is_connected_and_silent_is_waited_for_as_long_as_was_asked() -> None:
    for timeout_us in (STATUS_US, 3 * SECOND, 100 * MS):
        world = Script(A)
        ticket = status(world, timeout_us)
        begun_us = world.now_us
        play(world, world.step(), (A, B))
        world.advance(5 * SECOND)
        assert ticket.ended_us - begun_us == timeout_us
        assert reachable(ticket.result) == {"a": True, "b": True, "c": False}


def test_a_search_for_the_leader_does_not_hang_up_on_those_who_are_asked() -> None:
    world = Script(A, B, up=(A,))
    world.put()
    ticket = status(world)
    play(world, world.step(), (A,))
    assert B in world.open, "its status is still awaited, although the leader is found"
    world.up.add(B)
    world.protocol.connected(B, world.now_us)
    play(world, world.step(), (A, B))
    world.advance(SECOND)
    assert reachable(ticket.result) == {"a": True, "b": True, "c": False}


def test_a_node_known_by_two_endpoints_has_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NAMES, "tcp://localhost:1", "a")
    world = Script("tcp://localhost:1", A, up=("tcp://localhost:1", A))
    ticket = status(world)
    play(world, world.step(), ("tcp://localhost:1", A))
    world.advance(SECOND)
    assert [(row["node"], row["endpoint"]) for row in ticket.result if row["reachable"]] == [("a", A)]


def test_a_node_that_forgot_the_handshake_or_broke_off_is_asked_again() -> None:
    world = Script(A)
    world.lead(A)
    ticket = status(world)
    (request,) = of_kind(world.step(), StatusRequest)
    world.fail(request, "handshake")
    world.step()
    world.welcome(A, "a", members=(A,))
    (again,) = of_kind(world.step(), StatusRequest)
    world.protocol.disconnected(A, world.now_us)
    world.step()
    world.protocol.connected(A, world.now_us)
    world.step()
    world.welcome(A, "a", members=(A,))
    (third,) = of_kind(world.step(), StatusRequest)
    assert len({request.request, again.request, third.request}) == 3
    world.say(A, StatusAnswer(again.request), b'{"node": "old"}')
    world.say(A, StatusAnswer(third.request), b'{"node": "a"}')
    world.advance(SECOND)
    assert reachable(ticket.result)["a"]


def test_a_row_that_is_no_json_is_no_row() -> None:
    world = Script(A)
    world.lead(A)
    ticket = status(world)
    (request,) = of_kind(world.step(), StatusRequest)
    world.say(A, StatusAnswer(request.request), b"{]")
    world.advance(2 * SECOND)
    assert world.protocol.garbage == 1
    assert not reachable(ticket.result)["a"]


# --- reads of one node ---


def test_an_aimed_read_goes_to_its_node_and_nowhere_else() -> None:
    world = Script(A)
    world.lead(A)
    ticket = aimed(world, B)
    world.step()
    world.welcome(B, "a")
    (sent,) = of_kind(world.advance(3 * SECOND), Read)
    assert sent.to == B, "asked once, however long it takes"
    world.answer(sent, [[4, 9, "abc"]])
    world.step()
    assert ticket.result == StateDigest(4, 9, "abc")
    assert world.protocol.links.at(B).pins == 0


def test_an_aimed_read_is_asked_again_after_its_connection_broke() -> None:
    world = Script(A)
    ticket = aimed(world, A)
    world.step()
    world.welcome(A)
    assert len(world.step()) == 1
    world.protocol.disconnected(A, world.now_us)
    world.step()
    world.protocol.connected(A, world.now_us)
    world.step()
    world.welcome(A)
    (again,) = of_kind(world.step(), Read)
    world.answer(again, [[4, 9, "abc"]])
    world.step()
    assert ticket.result == StateDigest(4, 9, "abc")


def test_how_aimed_reads_fail() -> None:
    world = Script(A)
    world.lead(A)
    silent, late, damaged = aimed(world, C), aimed(world, A), aimed(world, A)
    first, second = of_kind(world.step(), Read)
    world.fail(first, "deadline_exceeded")
    world.answer(second, [{"error": "corrupted", "message": "crc"}])
    world.advance(6 * SECOND)
    assert silent.failed(Unreachable, definite=True)
    assert late.failed(NoLeader, definite=True)
    assert damaged.failed(Corrupted, definite=True)
    assert world.protocol.requests.open == {}


def test_an_aimed_read_at_a_node_of_another_cluster() -> None:
    world = Script(A, cluster="mine")
    ticket = aimed(world, A)
    world.step()
    world.welcome(A, cluster="other")
    world.step()
    assert ticket.failed(Refused, definite=True)


def test_closing_ends_questions_too() -> None:
    world = Script(A)
    tickets = [status(world), aimed(world, A)]
    world.step()
    tickets.append(status(world))
    world.protocol.close()
    world.step()
    assert all(ticket.failed(ClientClosed, definite=True) for ticket in tickets)
