"""Finding a node that listens and the one that leads."""

from __future__ import annotations

import itertools

import pytest

from raftzmq.client.links import ASK_AGAIN_US, BACKOFF_MAX_US, BACKOFF_MIN_US, HANDSHAKE_US, HOPS_MAX
from raftzmq.client.results import PutResult
from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import Execute, Failure, Hello
from raftzmq.errors import Refused
from tests.client.script import MS, NAMES, SECOND, A, B, C, Script, executes, hellos, reads


def test_nothing_is_opened_before_the_first_call() -> None:
    world = Script()
    assert world.advance(SECOND) == []
    assert world.open == []


def test_the_first_call_greets_the_first_endpoint_once_its_connection_stands() -> None:
    world = Script(up=())
    world.put()
    assert world.step() == []
    assert world.open == [A]
    world.start(A)
    (sent,) = world.step()
    assert sent.to == A
    assert sent.header == Hello(PROTOCOL_MIN, PROTOCOL_MAX, "", b"client")


def test_without_an_answer_to_the_handshake_the_next_endpoint_is_asked_after_100_ms() -> None:
    world = Script()
    world.put()
    assert hellos(world.step()) == [A]
    assert world.advance(HANDSHAKE_US - 1) == []
    assert hellos(world.advance(1)) == [B]
    assert hellos(world.advance(HANDSHAKE_US)) == [C]


def test_an_endpoint_without_a_listener_is_passed_over_in_the_same_time() -> None:
    world = Script(up=(C,))
    world.put()
    assert hellos(world.advance(2 * HANDSHAKE_US - 1)) == []
    assert hellos(world.advance(1)) == [C]


def test_a_late_answer_to_a_handshake_still_counts() -> None:
    world = Script()
    world.put()
    world.advance(HANDSHAKE_US)
    world.welcome(A, "a")
    assert [sent.to for sent in executes(world.step())] == [A]


def test_a_node_that_owes_an_answer_is_not_flooded_with_handshakes() -> None:
    world = Script(A)
    world.put()
    assert hellos(world.advance(ASK_AGAIN_US - 1)) == [A]
    assert hellos(world.advance(HANDSHAKE_US)) == [A]


def test_the_leader_that_a_node_names_is_connected_and_gets_the_write() -> None:
    world = Script(A)
    world.put()
    world.step()
    world.welcome(A, "c")
    assert hellos(world.step()) == [C]
    world.welcome(C, "c")
    assert [sent.to for sent in executes(world.step())] == [C]


def test_while_no_leader_is_known_nodes_are_asked_in_turn_with_a_growing_pause() -> None:
    world = Script()
    world.put()
    asked_us = []
    pending = hellos(world.step())
    for _ in range(8):
        assert len(pending) == 1
        asked_us.append(world.now_us)
        world.welcome(pending[0], "")
        pending = []
        while not pending:
            pending = hellos(world.advance(MS))
    pauses = [after - before for before, after in itertools.pairwise(asked_us)]
    assert pauses == sorted(pauses)
    assert pauses[0] == BACKOFF_MIN_US
    assert pauses[-1] == BACKOFF_MAX_US
    world.welcome(pending[0], {A: "a", B: "b", C: "c"}[pending[0]])
    assert [sent.to for sent in executes(world.step())] == pending


def test_nobody_is_asked_any_more_once_nothing_waits() -> None:
    world = Script()
    ticket = world.put(timeout_us=300 * MS)
    world.advance(400 * MS)
    assert ticket.done()
    assert world.advance(10 * SECOND) == []


def test_a_write_at_the_wrong_node_follows_the_redirect_at_once() -> None:
    world = Script()
    world.lead(A)
    world.put()
    (sent,) = world.step()
    assert sent.to == A
    world.fail(sent, "not_leader", leader="b", endpoint=B)
    assert hellos(world.step()) == [B]
    world.welcome(B, "b")
    (again,) = world.step()
    assert (again.to, again.parcel.commands) == (B, sent.parcel.commands)


def test_redirects_that_go_in_circles_are_followed_at_a_walk() -> None:
    world = Script(A, B)
    world.lead(A)
    world.put()
    sents = world.step()
    begun_us, hops = world.now_us, 0
    while world.now_us < begun_us + SECOND:
        for sent in sents:
            other = B if sent.to == A else A
            if isinstance(sent.header, Hello):
                world.welcome(sent.to, "a" if sent.to == A else "b")
            elif isinstance(sent.header, Execute):
                hops += 1
                world.fail(sent, "not_leader", leader="a" if other == A else "b", endpoint=other)
        sents = world.step() or world.advance(MS)
    assert HOPS_MAX < hops < HOPS_MAX + SECOND / BACKOFF_MAX_US + 10


def test_after_a_write_was_answered_redirects_are_followed_at_once_again() -> None:
    world = Script(A, B)
    world.lead(A)
    leader = A
    for _ in range(3 * HOPS_MAX):
        ticket = world.put()
        (sent,) = executes(world.step())
        assert sent.to == leader
        leader = B if leader == A else A
        world.fail(sent, "not_leader", leader=NAMES[leader], endpoint=leader)
        begun_us = world.now_us
        sents = world.step()
        if hellos(sents):
            world.welcome(leader, NAMES[leader])
            sents = world.step()
        (again,) = executes(sents)
        world.answer(again, [1])
        world.step()
        assert ticket.result == PutResult(1)
        assert world.now_us == begun_us


def test_a_redirect_to_nobody_asks_around() -> None:
    world = Script()
    world.lead(A)
    ticket = world.put()
    (sent,) = world.step()
    world.fail(sent, "not_leader")
    assert executes(world.step()) == []
    (asked,) = hellos(world.advance(BACKOFF_MAX_US))
    world.welcome(asked, {A: "a", B: "b", C: "c"}[asked])
    (again,) = executes(world.step())
    assert again.to == asked
    world.answer(again, [2])
    world.step()
    assert ticket.result == PutResult(2)


def test_when_the_leaders_connection_breaks_the_others_are_asked_at_once() -> None:
    world = Script()
    world.lead(A)
    world.put()
    world.step()
    world.kill(A)
    assert hellos(world.step()) == [B]


def test_the_word_of_a_node_that_still_believes_in_the_dead_leader_is_no_end() -> None:
    world = Script()
    world.lead(A)
    world.put()
    world.step()
    world.kill(A)
    world.step()
    for asked in (B, C):
        world.welcome(asked, "a")
        pending: list[str] = []
        begun_us = world.now_us
        while not pending:
            pending = hellos(world.advance(MS))
        assert world.now_us - begun_us <= BACKOFF_MAX_US, "a dead node that was named is not waited for"
    assert A in world.open, "the leader that was named is tried, too"
    (asked,) = pending
    world.welcome(asked, {B: "b", C: "c"}[asked])
    assert [sent.to for sent in executes(world.step())] == [asked]


def test_a_silent_leader_is_not_used_on_the_word_of_others_until_it_is_heard() -> None:
    world = Script()
    world.lead(A)
    world.put()
    (sent,) = world.step()
    assert hellos(world.advance(SECOND // 2)) == [B]
    world.welcome(B, "a")
    assert executes(world.advance(HANDSHAKE_US)) == []
    world.welcome(A, "a")
    (again,) = executes(world.step())
    assert again.to == A
    assert again.parcel == sent.parcel


def test_a_node_that_has_forgotten_the_client_is_greeted_again() -> None:
    world = Script()
    world.lead(A)
    ticket = world.put()
    (sent,) = world.step()
    world.fail(sent, "handshake")
    assert hellos(world.step()) == [A]
    world.welcome(A, "a")
    (again,) = executes(world.advance(50 * MS))
    world.answer(again, [2])
    world.step()
    assert ticket.result == PutResult(2)


def test_a_node_that_always_asks_for_a_handshake_gets_few() -> None:
    world = Script(A)
    world.lead(A)
    world.put(timeout_us=SECOND)
    count = 0
    for _ in range(1500):
        for sent in world.advance(MS):
            if isinstance(sent.header, Hello):
                world.welcome(A, "a", members=(A,))
            else:
                count += 1
                world.fail(sent, "handshake")
    assert count < 20


def test_members_are_learned_and_tried() -> None:
    world = Script(A)
    world.lead(A)
    world.put()
    world.step()
    world.kill(A)
    assert set(hellos(world.advance(3 * HANDSHAKE_US))) == {B, C}


def test_a_restarted_node_is_sent_again_what_it_has_lost() -> None:
    world = Script(A)
    world.lead(A)
    world.put()
    (sent,) = world.step()
    world.welcome(A, "a", boot="another")
    (again,) = executes(world.step())
    assert again.parcel == sent.parcel
    assert again.request != sent.request


def test_if_every_node_refuses_the_handshake_calls_fail_at_once() -> None:
    world = Script(A)
    ticket, read = world.put(), world.get()
    world.step()
    world.say(A, Failure(0, "refused", "wrong cluster", True))
    world.step()
    assert ticket.failed(Refused, definite=True)
    assert read.failed(Refused, definite=True)
    assert "wrong cluster" in str(ticket.error)
    assert world.open == []


def test_if_one_node_refuses_another_may_do() -> None:
    world = Script(A, B)
    ticket = world.put()
    world.step()
    world.say(A, Failure(0, "refused", "wrong cluster", True))
    assert hellos(world.advance(HANDSHAKE_US)) == [B]
    world.welcome(B, "b", members=(B,))
    assert [sent.to for sent in executes(world.step())] == [B]
    assert not ticket.done()


@pytest.mark.parametrize(("cluster", "version"), [("other", PROTOCOL_MAX), ("mine", 99)])
def test_a_node_of_another_cluster_or_protocol_is_not_used(cluster: str, version: int) -> None:
    world = Script(A, cluster="mine")
    ticket = world.put()
    world.step()
    world.welcome(A, "a", cluster=cluster, version=version, members=(A,))
    assert executes(world.step()) == []
    assert ticket.failed(Refused, definite=True)


def test_two_clusters_are_never_mixed() -> None:
    world = Script(A, B)
    world.lead(A)
    world.put()
    world.step()
    world.kill(A)
    (hello,) = [sent for sent in world.step() if sent.to == B]
    assert isinstance(hello.header, Hello)
    assert hello.header.cluster == "test"
    world.welcome(B, "b", cluster="other")
    assert executes(world.advance(SECOND)) == []


def test_reads_go_to_any_node_and_need_no_leader() -> None:
    world = Script()
    world.get()
    world.step()
    world.welcome(A, "c")
    (read,) = world.step()
    assert read.to == A
    assert C not in world.open


def test_reads_prefer_the_leader_that_is_connected() -> None:
    world = Script()
    world.put()
    world.step()
    world.welcome(A, "b")
    world.step()
    world.welcome(B, "b")
    world.step()
    world.get()
    assert [sent.to for sent in reads(world.step())] == [B]


def test_sockets_to_nodes_that_never_answered_are_closed_when_a_leader_is_found() -> None:
    world = Script(up=(C,))
    world.put()
    world.advance(3 * HANDSHAKE_US)
    assert world.open == [A, B, C]
    world.welcome(C, "c")
    world.step()
    assert world.open == [C]


def test_an_endpoint_that_is_no_address_is_a_refusal() -> None:
    world = Script(A)
    ticket = world.put()
    world.step()
    world.protocol.unusable(A, "no address", world.now_us)
    world.step()
    assert ticket.failed(Refused, definite=True)
