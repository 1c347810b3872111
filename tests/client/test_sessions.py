"""Exactly once: sessions, sequences, and what a parcel keeps through its retries (thesis 6.3)."""

from __future__ import annotations

from itertools import pairwise

from raftzmq.client.batches import RETRY_US
from raftzmq.client.parcels import Parcels
from raftzmq.client.results import PutResult
from raftzmq.config import SESSION_WINDOW
from raftzmq.errors import InvalidRequest, NoLeader, OutcomeUnknown, TooLarge
from raftzmq.kv.commands import OpenSession, Put
from tests.client.script import MS, SECOND, A, B, C, Script, Sent, executes

IN_FLIGHT = Parcels.IN_FLIGHT_MAX


def only(sents: list[Sent]) -> Sent:
    (sent,) = sents
    return sent


def test_a_session_is_opened_with_the_first_write_and_travels_alone() -> None:
    world = Script(A)
    tickets = [world.put(f"k{n}") for n in range(3)]
    world.step()
    world.welcome(A, "a")
    opening = only(world.step())
    assert (opening.parcel.session, opening.parcel.lowest, opening.parcel.first) == (0, 0, 0)
    assert opening.parcel.commands == [OpenSession(b"client")]
    world.answer(opening, [42])
    sent = only(world.step())
    assert (sent.parcel.session, sent.parcel.lowest, sent.parcel.first) == (42, 1, 1)
    assert sent.parcel.commands == [Put(b"k0", b"v"), Put(b"k1", b"v"), Put(b"k2", b"v")]
    world.answer(sent, [10, 11, 12])
    world.step()
    assert [ticket.result for ticket in tickets] == [PutResult(10), PutResult(11), PutResult(12)]


def test_reads_open_no_session() -> None:
    world = Script(A)
    world.get()
    world.step()
    world.welcome(A, "a")
    assert executes(world.step()) == []


def test_a_session_is_opened_again_if_nobody_answers() -> None:
    world = Script(A)
    world.put()
    world.step()
    world.welcome(A, "a")
    first = only(executes(world.step()))
    world.advance(RETRY_US)
    world.welcome(A, "a")
    second = only(executes(world.step()))
    assert second.parcel == first.parcel
    world.answer(first, [5])
    assert only(executes(world.step())).parcel.session == 5
    world.answer(second, [6])
    assert world.step() == [], "the second session isn't needed"


def test_no_session_is_opened_once_nobody_wants_to_write() -> None:
    world = Script(A)
    ticket = world.put(timeout_us=SECOND)
    world.step()
    world.welcome(A, "a")
    assert len(executes(world.step())) == 1
    world.kill(A)
    world.advance(SECOND)
    assert ticket.done()
    world.start(A)
    world.step()
    world.welcome(A, "a")
    assert executes(world.advance(SECOND)) == []
    world.put()
    assert len(executes(world.step())) == 1


def test_if_a_session_cannot_be_had_nothing_can_be_written() -> None:
    world = Script(A)
    tickets = [world.put("k1"), world.put("k2")]
    world.step()
    world.welcome(A, "a")
    world.fail(only(world.step()), "invalid", message="no sessions here")
    assert world.step() == []
    assert all(ticket.failed(InvalidRequest, definite=True) for ticket in tickets)
    again = world.put()
    opening = only(world.step())
    world.answer(opening, [{"error": "too_large", "message": "no"}])
    world.step()
    assert again.failed(TooLarge, definite=True)


def test_a_retry_keeps_session_sequence_and_commands() -> None:
    world = Script()
    world.lead(A)
    ticket = world.put()
    sent = only(world.step())
    world.advance(RETRY_US)
    world.welcome(B, "b")
    again = only(executes(world.step()))
    assert again.to == B
    assert again.parcel == sent.parcel
    world.answer(again, [2])
    world.step()
    assert ticket.result == PutResult(2)


def test_an_answer_to_the_first_sending_counts_while_the_second_is_under_way() -> None:
    world = Script()
    world.lead(A)
    ticket = world.put()
    sent = only(world.step())
    world.advance(RETRY_US)
    world.welcome(B, "b")
    again = only(executes(world.step()))
    world.answer(sent, [2])
    world.step()
    assert ticket.result == PutResult(2)
    world.answer(again, [2])
    world.step()
    assert world.protocol.late == 1


def test_each_retry_waits_twice_as_long_for_an_answer() -> None:
    world = Script(A)
    world.lead(A)
    world.put(timeout_us=60 * SECOND)
    sent_us = []
    for _ in range(30_000):
        for sent in world.advance(MS):
            if sent in executes([sent]):
                sent_us.append(world.now_us)
            else:
                world.welcome(A, "a")
    pauses = [round((after - before) / RETRY_US) for before, after in pairwise(sent_us)]
    assert pauses[:5] == [1, 2, 4, 8, 8]


def test_the_verdict_on_an_old_sending_waits_for_the_later_one() -> None:
    world = Script()
    world.lead(A)
    ticket = world.put()
    old = only(world.step())
    world.advance(RETRY_US)
    world.welcome(B, "b")
    new = only(executes(world.step()))
    world.fail(old, "deadline_exceeded")
    world.step()
    assert not ticket.done()
    world.answer(new, [2])
    world.step()
    assert ticket.result == PutResult(2)


def test_what_is_under_way_to_an_old_leader_goes_to_the_new_one_at_once() -> None:
    world = Script()
    world.lead(A)
    world.put("k1")
    first = only(world.step())
    world.put("k2")
    second = only(world.step())
    world.fail(second, "not_leader", leader="b", endpoint=B)
    world.step()
    world.welcome(B, "b")
    parcels = {sent.parcel.commands[0].key: sent.parcel for sent in executes(world.step())}  # type: ignore[union-attr]
    assert parcels[b"k1"] == first.parcel, "unanswered: the same sequence"
    assert parcels[b"k2"].first > second.parcel.first, "surely not applied: a new sequence"


def test_lowest_never_passes_a_parcel_without_an_answer() -> None:
    world = Script()
    world.lead(A)
    world.put("k2")
    slow = only(world.step())
    world.put("k3")
    quick = only(world.step())
    assert (slow.parcel.lowest, slow.parcel.first) == (2, 2)
    assert (quick.parcel.lowest, quick.parcel.first) == (2, 3)
    world.answer(quick, [3])
    world.put("k4")
    third = only(world.step())
    assert (third.parcel.lowest, third.parcel.first) == (2, 4)
    world.answer(slow, [2])
    world.put("k5")
    assert (only(world.step()).parcel.lowest) == 4


def test_lowest_waits_for_all_parts_of_an_answer() -> None:
    world = Script()
    world.lead(A)
    world.put("k2")
    world.put("k3")
    sent = only(world.step())
    world.answer(sent, [2], done=False)
    world.put("k4")
    assert only(world.step()).parcel.lowest == sent.parcel.first


def test_lowest_passes_what_was_given_up() -> None:
    world = Script(A)
    world.lead(A)
    ticket = world.put(timeout_us=100 * MS)
    world.step()
    world.advance(100 * MS)
    assert ticket.failed(OutcomeUnknown, definite=False)
    world.put()
    parcel = only(executes(world.step())).parcel
    assert (parcel.lowest, parcel.first) == (3, 3)


def test_no_sequence_is_a_window_above_the_lowest() -> None:
    world = Script(A)
    world.lead(A)
    count = SESSION_WINDOW + 500
    tickets = [world.put(f"k{n}") for n in range(count)]
    sents = world.step()
    parcels = [sent.parcel for sent in sents]
    last = max(parcel.first + len(parcel.commands) for parcel in parcels)
    assert last == 2 + SESSION_WINDOW, "the window is used up, and not passed"
    assert all(parcel.lowest == 2 for parcel in parcels)
    while sents:
        sent = sents.pop(0)
        world.answer(sent, [1] * len(sent.parcel.commands))
        sents += world.step()
    assert all(ticket.result == PutResult(1) for ticket in tickets)


def test_the_window_counts_from_the_oldest_parcel_without_an_answer() -> None:
    world = Script(A)
    world.lead(A)
    world.put("slow")
    slow = only(world.step())
    for n in range(SESSION_WINDOW):
        world.put(f"k{n}")
    quick = only(world.step())
    assert quick.parcel.first + len(quick.parcel.commands) == slow.parcel.first + SESSION_WINDOW
    world.answer(quick, [1] * len(quick.parcel.commands))
    assert world.step() == []
    world.answer(slow, [1])
    assert len(only(world.step()).parcel.commands) == 1


def test_a_session_that_expired_before_the_first_sending_is_replaced_in_silence() -> None:
    world = Script(A)
    world.lead(A, session=7)
    ticket = world.put()
    sent = only(world.step())
    world.fail(sent, "session_expired")
    opening = only(world.step())
    assert isinstance(opening.parcel.commands[0], OpenSession)
    world.answer(opening, [99])
    again = only(world.step())
    assert (again.parcel.session, again.parcel.first, again.parcel.lowest) == (99, 1, 1)
    world.answer(again, [2])
    world.step()
    assert ticket.result == PutResult(2)


def test_a_session_that_expired_after_a_definite_refusal_is_replaced_in_silence_too() -> None:
    world = Script()
    world.lead(A)
    ticket = world.put()
    world.fail(only(world.step()), "not_leader", leader="b", endpoint=B)
    world.step()
    world.welcome(B, "b")
    world.fail(only(executes(world.step())), "session_expired")
    world.answer(only(world.step()), [99])
    world.answer(only(world.step()), [2])
    world.step()
    assert ticket.result == PutResult(2)


def test_a_session_that_expired_between_two_sendings_leaves_the_outcome_unknown() -> None:
    world = Script()
    world.lead(A)
    ticket = world.put()
    world.step()
    world.advance(RETRY_US)
    world.welcome(B, "b")
    world.fail(only(executes(world.step())), "session_expired")
    assert executes(world.step()) == [], "nothing else waits, so no session is needed"
    assert ticket.failed(OutcomeUnknown, definite=False)


def test_parcels_of_an_expired_session_each_end_as_their_own_sendings_did() -> None:
    world = Script(A)
    world.lead(A, session=7)
    first, second = world.put("k1"), None
    one = only(world.step())
    second = world.put("k2")
    two = only(world.step())
    world.fail(one, "session_expired")
    world.answer(only(world.step()), [99])
    again = only(world.step())
    assert again.parcel.session == 99
    world.fail(two, "session_expired")
    third = only(world.step())
    assert third.parcel.session == 99, "the new session is not given up for the old one's sake"
    world.answer(again, [1])
    world.answer(third, [2])
    world.step()
    assert (first.result, second.result) == (PutResult(1), PutResult(2))


def test_the_end_of_an_old_sending_makes_a_write_definite_again() -> None:
    world = Script()
    world.lead(A)
    ticket = world.put(timeout_us=2 * SECOND)
    sent = only(world.step())
    world.advance(RETRY_US)
    world.fail(sent, "not_leader")
    world.advance(2 * SECOND)
    assert ticket.failed(NoLeader, definite=True)


def test_a_call_given_up_as_surely_not_applied_is_never_sent_again() -> None:
    """Its parcel had other calls with more patience: they travel on, without it."""
    world = Script(A)
    world.lead(A)
    hasty, patient = world.put("hasty", timeout_us=100 * MS), world.put("patient")
    world.fail(only(world.step()), "overloaded")
    world.protocol.links.leader = None
    assert world.protocol.parcels.queue.runs, "both wait again"
    world.up.clear()
    world.kill(A)
    world.advance(100 * MS)
    assert hasty.error is not None
    assert hasty.error.definite
    world.start(A)
    world.step()
    world.welcome(A, "a")
    again = only(executes(world.step()))
    assert again.parcel.commands == [Put(b"patient", b"v")]
    world.answer(again, [2])
    world.step()
    assert patient.result == PutResult(2)


def test_a_call_given_up_while_unsettled_travels_on_with_its_parcel() -> None:
    """It may have been applied already, and the parcel's sequences must mean the same in every sending."""
    world = Script()
    world.lead(A)
    hasty, patient = world.put("hasty", timeout_us=100 * MS), world.put("patient")
    sent = only(world.step())
    world.advance(RETRY_US)
    assert hasty.failed(OutcomeUnknown, definite=False)
    world.welcome(B, "b")
    again = only(executes(world.step()))
    assert again.parcel == sent.parcel
    world.answer(again, [1, 2])
    world.step()
    assert patient.result == PutResult(2)


def test_a_stranger_cannot_answer_for_the_node_that_was_asked() -> None:
    world = Script(A, C)
    world.lead(A)
    ticket = world.put()
    sent = only(world.step())
    world.protocol.links.greet(world.protocol.links.at(C), world.now_us)
    world.step()
    world.welcome(C, "a")
    sent.to = C
    world.answer(sent, [2])
    world.step()
    assert not ticket.done()
