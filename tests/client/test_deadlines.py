"""How calls end that get no answer, and whether the error's `definite` is the truth."""

from __future__ import annotations

import itertools

import pytest

from raftzmq.client.batches import GRAIN_US, RETRY_US
from raftzmq.client.results import PutResult, StateDigest, state_digest
from raftzmq.codec.clients import Execute, Hello
from raftzmq.errors import (
    ClientClosed,
    Corrupted,
    InvalidRequest,
    NoLeader,
    OutcomeUnknown,
    Overloaded,
    RequestError,
    Unreachable,
)
from raftzmq.kv.commands import StateHash
from tests.client.script import MS, SECOND, A, B, C, Script, executes, hellos, of_kind, reads


def test_if_no_node_answers_writes_and_reads_are_unreachable() -> None:
    world = Script()
    write, read = world.put(), world.get()
    begun_us = world.now_us
    world.advance(5 * SECOND)
    assert write.failed(Unreachable, definite=True)
    assert read.failed(Unreachable, definite=True)
    assert write.ended_us == begun_us + 5 * SECOND
    assert A in str(write.error)


def test_if_nodes_answer_but_none_leads_there_is_no_leader() -> None:
    world = Script()
    ticket = world.put(timeout_us=SECOND)
    sents = world.step()
    for _ in range(1000):
        for sent in sents:
            assert isinstance(sent.header, Hello), "nothing is written without a leader"
            world.welcome(sent.to, "")
        sents = world.advance(MS)
    assert ticket.failed(NoLeader, definite=True)
    assert ticket.error is not None
    assert ticket.error.exit_code == 7


def test_a_write_that_was_sent_and_not_answered_may_be_applied() -> None:
    world = Script(A)
    world.lead(A)
    begun_us = world.now_us
    ticket = world.put()
    world.advance(6 * SECOND)
    assert ticket.failed(OutcomeUnknown, definite=False)
    assert ticket.ended_us - begun_us == 5 * SECOND
    assert ticket.error is not None
    assert ticket.error.exit_code == 8


def test_a_session_that_could_not_be_opened_is_no_outcome_unknown() -> None:
    world = Script(A)
    ticket = world.put(timeout_us=SECOND)
    world.step()
    world.welcome(A, "a")
    assert len(executes(world.step())) == 1
    world.advance(SECOND)
    assert ticket.failed(NoLeader, definite=True)


def test_a_leader_that_steps_down_leaves_the_write_to_be_tried_again() -> None:
    world = Script()
    world.lead(A)
    ticket = world.put()
    (sent,) = world.step()
    world.fail(sent, "outcome_unknown", definite=False)
    assert not ticket.done()
    (asked,) = hellos(world.advance(50 * MS))
    world.welcome(asked, {A: "a", B: "b", C: "c"}[asked])
    (again,) = executes(world.step())
    assert again.parcel == sent.parcel
    world.answer(again, [2])
    world.step()
    assert ticket.result == PutResult(2)


def test_an_unknown_outcome_stays_unknown_after_definite_refusals() -> None:
    world = Script()
    world.lead(A)
    ticket = world.put(timeout_us=SECOND)
    (sent,) = world.step()
    world.fail(sent, "outcome_unknown", definite=False)
    (asked,) = hellos(world.advance(50 * MS))
    world.welcome(asked, {A: "a", B: "b", C: "c"}[asked])
    (again,) = executes(world.step())
    world.fail(again, "not_leader")
    world.advance(SECOND)
    assert ticket.failed(OutcomeUnknown, definite=False)


def test_definite_refusals_until_the_deadline_are_no_leader() -> None:
    world = Script()
    world.lead(A)
    ticket = world.put(timeout_us=SECOND)
    for _ in range(1200):
        for sent in world.advance(MS):
            if isinstance(sent.header, Hello):
                world.welcome(sent.to, {A: "a", B: "b", C: "c"}[sent.to])
            elif isinstance(sent.header, Execute):
                world.fail(sent, "not_leader")
    assert ticket.failed(NoLeader, definite=True)


def test_a_nodes_own_deadline_is_a_definite_end() -> None:
    world = Script(A)
    world.lead(A)
    ticket = world.put()
    (sent,) = world.step()
    world.fail(sent, "deadline_exceeded", message="could not propose it in time")
    assert world.step() == []
    assert ticket.failed(NoLeader, definite=True)
    assert "could not propose" in str(ticket.error)


def test_a_nodes_own_deadline_after_an_unanswered_sending_is_not() -> None:
    world = Script()
    world.lead(A)
    ticket = world.put()
    world.step()
    world.advance(RETRY_US)
    world.welcome(B, "b")
    (again,) = executes(world.step())
    world.fail(again, "deadline_exceeded")
    world.step()
    assert ticket.failed(OutcomeUnknown, definite=False)


def test_nodes_are_told_a_little_less_time_so_that_their_refusal_can_arrive() -> None:
    world = Script(A)
    world.lead(A)
    world.put(timeout_us=SECOND)
    world.put(timeout_us=2 * SECOND)
    (sent,) = world.step()
    assert isinstance(sent.header, Execute)
    assert SECOND < sent.header.timeout_us < 2 * SECOND


def test_an_overloaded_node_is_given_time_and_asked_again() -> None:
    world = Script(A)
    world.lead(A)
    ticket = world.put()
    (sent,) = world.step()
    world.fail(sent, "overloaded")
    assert world.step() == []
    (again,) = world.advance(300 * MS)
    assert again.parcel.commands == sent.parcel.commands
    world.answer(again, [2])
    world.step()
    assert ticket.result == PutResult(2)


def test_pauses_between_overloaded_answers_grow_and_end_with_the_first_answer() -> None:
    world = Script(A)
    world.lead(A)
    world.put(timeout_us=60 * SECOND)
    times: list[int] = []
    while len(times) < 8:
        for sent in world.advance(MS):
            times.append(world.now_us)
            world.fail(sent, "overloaded")
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > 10 * pauses[0]


def test_overloaded_until_the_deadline_is_overloaded_and_definite() -> None:
    world = Script(A)
    world.lead(A)
    ticket = world.put(timeout_us=SECOND)
    for _ in range(1100):
        for sent in world.advance(MS):
            if isinstance(sent.header, Execute):
                world.fail(sent, "overloaded", message="too much waiting")
    assert ticket.failed(Overloaded, definite=True)
    assert "too much waiting" in str(ticket.error)


def test_what_waits_behind_unanswered_parcels_was_never_sent() -> None:
    world = Script(A)
    world.lead(A)
    for n in range(world.protocol.parcels.IN_FLIGHT_MAX):
        world.put(f"k{n}", timeout_us=100 * MS)
        world.step()
    ticket = world.put("behind", timeout_us=50 * MS)
    world.advance(50 * MS)
    assert ticket.failed(Overloaded, definite=True)


def test_an_error_of_the_whole_parcel_reaches_all_its_calls() -> None:
    world = Script(A)
    world.lead(A)
    tickets = [world.put(), world.put()]
    (sent,) = world.step()
    world.fail(sent, "invalid", message="never heard of such a thing")
    world.step()
    assert all(ticket.failed(InvalidRequest, definite=True) for ticket in tickets)


def test_an_error_that_a_newer_node_invented_is_passed_on() -> None:
    world = Script(A)
    world.lead(A)
    ticket = world.put()
    (sent,) = world.step()
    world.fail(sent, "quantum_flux")
    world.step()
    assert ticket.failed(RequestError, definite=True)


def test_each_call_ends_by_its_own_timeout() -> None:
    world = Script(A)
    world.lead(A)
    begun_us = world.now_us
    tickets = {us: world.put(timeout_us=us) for us in (300 * MS, 100 * MS, 700 * MS, 100 * MS, 2 * SECOND)}
    world.advance(3 * SECOND)
    for us, ticket in tickets.items():
        assert us <= ticket.ended_us - begun_us <= us + GRAIN_US


def test_calls_made_close_together_share_a_deadline_not_earlier_than_theirs() -> None:
    world = Script()
    tickets = []
    for _ in range(100):
        tickets.append((world.now_us, world.put(timeout_us=SECOND)))
        world.advance(MS)
    assert len(world.protocol.parcels.queue.runs) < 30
    world.advance(2 * SECOND)
    for asked_us, ticket in tickets:
        assert SECOND <= ticket.ended_us - asked_us <= SECOND + GRAIN_US


# --- reads ---


def test_a_read_that_stays_unanswered_goes_to_another_node() -> None:
    world = Script()
    world.lead(A)
    ticket = world.get()
    (sent,) = world.step()
    assert sent.to == A
    world.advance(RETRY_US)
    world.welcome(B, "a")
    (again,) = reads(world.step())
    assert again.to == B
    world.answer(sent, [None])
    world.step()
    assert ticket.done(), "whichever answers first"
    assert ticket.result is None


def test_a_hash_of_all_that_is_stored_is_asked_for_once() -> None:
    world = Script()
    world.lead(A)
    ticket = world.ticket()
    world.protocol.reads.queue.add(StateHash(), 10, ticket, state_digest, 60 * SECOND)
    (sent,) = world.step()
    assert world.advance(30 * SECOND) == []
    world.answer(sent, [[4, 9, "abc"]])
    world.step()
    assert ticket.result == StateDigest(4, 9, "abc")


def test_a_read_without_any_answer_is_definite() -> None:
    world = Script(A)
    world.lead(A)
    world.advance(SECOND)
    ticket = world.get()
    world.advance(6 * SECOND)
    assert ticket.failed(Unreachable, definite=True)
    assert ticket.error is not None
    assert ticket.error.exit_code == 7


@pytest.mark.parametrize("code", ["no_leader", "deadline_exceeded"])
def test_a_read_that_no_leader_confirmed_is_definite(code: str) -> None:
    world = Script(A)
    world.get(timeout_us=SECOND)
    world.step()
    world.welcome(A)
    ticket = world.get(timeout_us=SECOND)
    for _ in range(1100):
        for sent in reads(world.advance(MS)):
            world.fail(sent, code)
    assert ticket.failed(NoLeader, definite=True)


def test_a_read_refused_for_want_of_a_leader_is_tried_again_at_a_walk() -> None:
    world = Script(A)
    ticket = world.get(timeout_us=SECOND)
    world.step()
    world.welcome(A)
    count = 0
    for _ in range(900):
        for sent in reads(world.advance(MS)):
            count += 1
            world.fail(sent, "no_leader")
    assert 2 < count < 20
    sents = reads(world.advance(250 * MS))
    assert sents or ticket.done()


def test_a_damaged_row_is_reported_as_such() -> None:
    world = Script(A)
    world.lead(A)
    bad, good = world.get("bad"), world.get("good")
    (sent,) = world.step()
    world.answer(sent, [{"error": "corrupted", "message": "crc"}, None])
    world.step()
    assert bad.failed(Corrupted, definite=True)
    assert good.done()
    assert good.error is None


# --- closing ---


def test_closing_says_the_truth_about_what_was_sent() -> None:
    world = Script(A)
    world.lead(A)
    sent_write, sent_read = world.put(), world.get()
    assert len(of_kind(world.step(), Execute)) == 1
    unsent = world.put()
    world.protocol.close()
    world.step()
    assert sent_write.failed(ClientClosed, definite=False)
    assert sent_read.failed(ClientClosed, definite=True)
    assert unsent.failed(ClientClosed, definite=True)
