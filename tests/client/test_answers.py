"""What nodes say: whole answers, parts, errors in the place of results, and nonsense."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.client.arguments import cas_command
from raftzmq.client.results import (
    CasResult,
    DeleteResult,
    KeyValue,
    PutResult,
    RangeResult,
    StateDigest,
    cas_result,
    delete_result,
    range_result,
    state_digest,
)
from raftzmq.codec.clients import Answer, Failure, StatusAnswer, Welcome, encode_header, encode_results
from raftzmq.errors import Compacted, InvalidRequest, RequestError
from raftzmq.kv.commands import Delete, Get, Range, StateHash
from tests.client.script import MS, SECOND, A, Script, Sent, executes


def leading() -> Script:
    world = Script(A)
    world.lead(A)
    return world


def sent_by(world: Script) -> Sent:
    (sent,) = world.step()
    return sent


def test_each_kind_of_write_gets_its_own_result() -> None:
    world = leading()
    put = world.put()
    delete = world.write(Delete(b"k"), delete_result)
    swap = world.write(cas_command("k", None, "v", None), cas_result)
    world.answer(sent_by(world), [5, [True, 6], [False, 3]])
    world.step()
    assert put.result == PutResult(5)
    assert delete.result == DeleteResult(True, 6)
    assert swap.result == CasResult(False, 3)


def test_each_kind_of_read_gets_its_own_result() -> None:
    world = leading()
    queue = world.protocol.reads.queue
    row = (b"k", b"v", 1, 2, 3, 0)
    get, found, digest = world.get(), world.ticket(), world.ticket()
    queue.add(Range(b""), 10, found, range_result, SECOND)
    queue.add(StateHash(), 10, digest, state_digest, SECOND)
    world.answer(sent_by(world), [row, [9, True, b"l", [row]], [4, 9, "abc"]])
    world.step()
    item = KeyValue(b"k", b"v", 1, 2, 3, 0)
    assert get.result == item
    assert found.result == RangeResult([item], True, b"l", 9)
    assert digest.result == StateDigest(4, 9, "abc")


def test_reads_of_single_keys_alone() -> None:
    world = leading()
    there, missing = world.get("a"), world.get("b")
    sent = sent_by(world)
    assert sent.queries == [Get(b"a"), Get(b"b")]
    world.answer(sent, [(b"a", b"1", 2, 2, 1, 7), None])
    world.step()
    assert there.result == KeyValue(b"a", b"1", 2, 2, 1, 7)
    assert missing.result is None
    assert missing.done()


def test_an_error_in_the_place_of_a_result_is_that_calls_alone() -> None:
    world = leading()
    good, bad = world.put("a"), world.put("b")
    world.answer(sent_by(world), [5, {"error": "invalid", "message": "no such lease"}])
    world.step()
    assert good.result == PutResult(5)
    assert bad.failed(InvalidRequest, definite=True)
    assert str(bad.error) == "no such lease"


def test_a_compacted_revision_is_an_error_of_its_own() -> None:
    world = leading()
    ticket = world.get()
    world.answer(sent_by(world), [{"error": "compacted", "message": "revision 1 is compacted"}])
    world.step()
    assert ticket.failed(Compacted, definite=True)


def test_an_answer_may_come_in_parts() -> None:
    world = leading()
    tickets = [world.put(f"k{n}") for n in range(5)]
    sent = sent_by(world)
    world.answer(sent, [1, 2], done=False)
    world.step()
    assert [ticket.done() for ticket in tickets] == [True, True, False, False, False]
    world.answer(sent, [3], first=2, done=False)
    world.answer(sent, [4, 5], first=3)
    world.step()
    assert [ticket.result for ticket in tickets] == [PutResult(n) for n in range(1, 6)]
    assert world.protocol.requests.open == {}


def test_the_rest_of_an_answer_that_broke_off_is_asked_for_again() -> None:
    world = leading()
    tickets = [world.put(f"k{n}") for n in range(3)]
    sent = sent_by(world)
    world.answer(sent, [1, 2], done=False)
    world.kill(A)
    world.step()
    world.start(A)
    world.step()
    world.welcome(A, "a")
    again = sent_by(world)
    assert again.parcel == sent.parcel
    world.answer(again, [1, 2, 3])
    world.step()
    assert [ticket.result for ticket in tickets] == [PutResult(1), PutResult(2), PutResult(3)]


def test_what_was_answered_is_not_sent_again_with_the_rest() -> None:
    """A node that answers a part and then denies the whole lies, but what it confirmed stays confirmed."""
    world = leading()
    tickets = [world.put(f"k{n}") for n in range(3)]
    sent = sent_by(world)
    world.answer(sent, [1, 2], done=False)
    world.fail(sent, "not_leader", leader="a", endpoint=A)
    assert executes(world.advance(SECOND // 10)) == []
    world.welcome(A, "a")
    again = executes(world.step())
    assert [parcel.parcel.commands for parcel in again] == [sent.parcel.commands[2:]]
    world.answer(again[0], [3])
    world.step()
    assert [ticket.result for ticket in tickets] == [PutResult(1), PutResult(2), PutResult(3)]


@pytest.mark.parametrize(
    ("results", "first", "done"),
    [
        ([1], 0, True),  # too few
        ([1, 2, 3], 0, True),  # too many
        ([1, 2, 3], 0, False),
        ([2], 1, True),  # a part is missing before it
        ([1, 2], 7, True),
        (["x", "y"], 0, True),  # of another type
        ([1, None], 0, True),
        ([1, [True, 2]], 0, True),  # a delete's result for a put
    ],
)
def test_an_answer_that_does_not_fit_is_ignored(results: list[object], first: int, done: bool) -> None:
    world = leading()
    tickets = [world.put("a"), world.put("b")]
    sent = sent_by(world)
    world.answer(sent, results, first, done=done)
    world.step()
    assert world.protocol.garbage == 1
    assert not any(ticket.done() for ticket in tickets)
    world.answer(sent, [1, 2])
    world.step()
    assert [ticket.result for ticket in tickets] == [PutResult(1), PutResult(2)]


def test_a_result_of_another_kind_fails_its_call_and_no_other() -> None:
    world = leading()
    put, delete = world.put(), world.write(Delete(b"k"), delete_result)
    world.answer(sent_by(world), [5, 6])
    world.step()
    assert put.result == PutResult(5)
    assert delete.failed(RequestError, definite=False)


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b""],
        [b"\xc1"],
        [b"\x00" * 100],
        [msgspec.msgpack.encode([99, 1])],
        [encode_header(Answer(1, 0, True))],
        [encode_header(Answer(1, 0, True)), b"x", b"y"],
        [encode_header(StatusAnswer(1))],
        [encode_header(Failure(0, "invalid", "?", True))],
    ],
)
def test_nonsense_is_counted_and_ignored(frames: list[bytes]) -> None:
    world = leading()
    before = world.protocol.garbage
    world.protocol.receive(A, frames, world.now_us)
    assert world.step() == []
    assert world.protocol.garbage == before + 1


def test_answers_to_requests_that_were_never_made_are_ignored() -> None:
    world = leading()
    ticket = world.put()
    sent = sent_by(world)
    world.say(A, Answer(sent.request + 1000, 0, True), encode_results([1]))
    world.say(A, Failure(sent.request + 1000, "invalid", "?", True))
    world.protocol.receive("tcp://127.0.0.1:999", [encode_header(Answer(1, 0, True)), b""], world.now_us)
    world.step()
    assert not ticket.done()
    assert world.protocol.late == 3


def test_a_status_in_the_place_of_a_result_is_nonsense() -> None:
    world = leading()
    ticket = world.put(timeout_us=SECOND)
    sent = sent_by(world)
    world.say(A, StatusAnswer(sent.request), b"{}")
    world.advance(2 * SECOND)
    assert ticket.error is not None
    assert world.protocol.garbage == 1


HEADERS = st.one_of(
    st.builds(Answer, st.integers(0, 12), st.integers(0, 5), st.booleans()),
    st.builds(
        Failure,
        st.integers(0, 12),
        st.sampled_from(
            ["not_leader", "handshake", "outcome_unknown", "session_expired", "overloaded", "x", "refused"]
        ),
        st.text(max_size=5),
        st.booleans(),
        st.sampled_from(["", "a", "b"]),
        st.sampled_from(["", A, "nonsense", "tcp://127.0.0.1:2"]),
    ),
    st.builds(StatusAnswer, st.integers(0, 12)),
    st.builds(
        Welcome,
        st.integers(0, 3),
        st.sampled_from(["test", "other", ""]),
        st.sampled_from(["a", "b", ""]),
        st.text(max_size=3),
        st.sampled_from(["a", "b", ""]),
        st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from([A, "", "x"])), max_size=3),
    ),
)
PAYLOADS = st.one_of(
    st.binary(max_size=20),
    st.lists(st.one_of(st.integers(0, 9), st.none(), st.lists(st.integers(0, 3), max_size=4)), max_size=4).map(
        encode_results
    ),
)


@given(
    st.lists(st.one_of(st.tuples(HEADERS.map(encode_header), PAYLOADS), st.tuples(st.binary(max_size=30)))), st.data()
)
def test_whatever_a_node_says_nothing_breaks_and_every_call_ends(
    messages: list[tuple[bytes, ...]], data: st.DataObject
) -> None:
    world = leading()
    tickets = []
    for message in messages:
        if data.draw(st.booleans()):
            tickets.append(world.put() if data.draw(st.booleans()) else world.get())
        world.protocol.receive(A, list(message), world.now_us)
        world.advance(data.draw(st.sampled_from([0, MS, 300 * MS])))
    world.advance(6 * SECOND)
    assert all(ticket.done() for ticket in tickets)
    assert world.protocol.requests.open == {} or executes_nothing(world)


def executes_nothing(world: Script) -> bool:
    """At most the opening of a session may still be under way."""
    return not executes(world.advance(SECOND)) and len(world.protocol.parcels.batches) <= 1


def test_random_bytes_for_a_while() -> None:
    world = leading()
    rng = random.Random(1)
    for _ in range(2000):
        frames = [rng.randbytes(rng.randrange(40)) for _ in range(rng.randrange(4))]
        world.protocol.receive(A, frames, world.now_us)
    ticket = world.put()
    world.answer(sent_by(world), [2])
    world.step()
    assert ticket.result == PutResult(2)
