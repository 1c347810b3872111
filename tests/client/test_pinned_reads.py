"""Reads of a client that only reads leave a node that cannot serve them, however short their timeout is."""

from __future__ import annotations

import pytest

from raftzmq.client.links import ASK_AGAIN_US
from raftzmq.codec.clients import Hello, Read
from raftzmq.errors import NoLeader
from tests.client.script import MS, NAMES, SECOND, A, B, C, Script, Sent, Ticket, hellos, reads


def reader(leader: str = "", *endpoints: str) -> Script:
    """A client that is connected to A, which names ``leader``, and to nobody else."""
    world = Script(*endpoints)
    ticket = world.get()
    world.step()
    world.welcome(A, leader)
    (read,) = reads(world.step())
    assert read.to == A
    world.answer(read, [None])
    world.step()
    assert ticket.done()
    return world


def refused(world: Script, code: str, timeout_us: int = SECOND) -> tuple[Ticket, Sent, list[Sent]]:
    """A read that is refused at once: it, its message, and what follows."""
    ticket = world.get(timeout_us=timeout_us)
    (read,) = reads(world.step())
    world.fail(read, code)
    return ticket, read, world.step()


def test_a_read_that_a_node_without_a_leader_refused_goes_to_another() -> None:
    """The refusal leaves a tenth of the time. It comes before the silence that raises doubt."""
    world = reader()
    ticket = world.get(timeout_us=500 * MS)
    (read,) = reads(world.step())
    world.advance(450 * MS)
    world.fail(read, "no_leader")
    assert hellos(world.step()) == [B]
    world.welcome(B, "c")
    (again,) = reads(world.advance(20 * MS))
    assert again.to == B
    world.answer(again, [None])
    world.step()
    assert ticket.done()
    assert ticket.error is None
    world.get()
    assert [sent.to for sent in reads(world.step())] == [B]


def test_after_a_read_that_a_leader_did_not_confirm_the_next_goes_to_another() -> None:
    world = reader("c")
    ticket, read, sents = refused(world, "deadline_exceeded")
    assert ticket.failed(NoLeader, definite=True)
    assert read.to == A
    assert hellos(sents) == [B]
    world.welcome(B, "c")
    world.get()
    assert [sent.to for sent in reads(world.step())] == [B]


def test_after_a_read_without_an_answer_the_next_goes_to_another() -> None:
    """The node's refusal may always be too late for so short a timeout."""
    world = reader()
    ticket = world.get(timeout_us=60 * MS)
    assert [sent.to for sent in reads(world.step())] == [A]
    assert hellos(world.advance(80 * MS)) == [B]
    assert ticket.failed(NoLeader, definite=True)
    world.welcome(B, "c")
    world.get(timeout_us=60 * MS)
    assert [sent.to for sent in reads(world.step())] == [B]


def test_a_late_refusal_does_not_bring_reads_back() -> None:
    """It ends the doubt, since the node isn't silent. But it is the last to be chosen."""
    world = reader()
    world.get()
    (read,) = reads(world.step())
    assert hellos(world.advance(501 * MS)) == [B]
    world.welcome(B, "c")
    (again,) = reads(world.step())
    assert again.to == B
    world.answer(again, [None])
    world.step()
    world.fail(read, "no_leader")
    world.get()
    assert [sent.to for sent in reads(world.step())] == [B]


def test_where_every_node_lacks_a_leader_each_is_asked_in_turn() -> None:
    world = Script()
    world.get(timeout_us=20 * SECOND)
    asked = []
    for _ in range(5000):
        for sent in world.advance(MS):
            if isinstance(sent.header, Hello):
                world.welcome(sent.to)
            elif isinstance(sent.header, Read):
                asked.append(sent.to)
                world.fail(sent, "no_leader")
    assert len(asked) >= 9
    assert asked == ([A, B, C] * len(asked))[: len(asked)]


def test_the_only_node_is_asked_again_although_it_refused() -> None:
    """The others are down. Nothing that is sent to them may hold up the read."""
    world = Script(up=(A,))
    ticket = world.get()
    world.step()
    world.welcome(A)
    (read,) = reads(world.step())
    world.fail(read, "no_leader")
    (again,) = reads(world.advance(20 * MS))
    assert again.to == A
    world.answer(again, [None])
    world.step()
    assert ticket.done()


def test_a_leader_that_confirmed_nothing_in_time_is_asked_whether_it_leads() -> None:
    world = reader("a")
    _, _, sents = refused(world, "deadline_exceeded")
    assert hellos(sents) == [A]
    world.welcome(A, "a")
    _, read, sents = refused(world, "deadline_exceeded")
    assert read.to == A
    assert hellos(sents) == [A]
    # It was deposed: from now on it is a node like any other.
    world.welcome(A, "c")
    _, read, sents = refused(world, "deadline_exceeded")
    assert read.to == A
    assert hellos(sents) == [B]
    world.welcome(B, "c")
    world.get()
    assert [sent.to for sent in reads(world.step())] == [B]


@pytest.mark.parametrize("timeout_us", [50 * MS, 400 * MS])
def test_a_leader_that_says_nothing_at_all_is_left(timeout_us: int) -> None:
    """It is stopped, and its connection stands: no read waits long enough to doubt it."""
    world = reader("a")
    end_us = world.now_us + ASK_AGAIN_US + 3 * timeout_us
    asked: list[str] = []
    while world.now_us < end_us:
        world.get(timeout_us=timeout_us)
        for sent in [sent for _ in range(timeout_us // MS + 10) for sent in world.advance(MS)]:
            if isinstance(sent.header, Read):
                asked.append(NAMES[sent.to])
            elif sent.to != A:
                world.welcome(sent.to, "b")
    assert asked[-1] == "b"
