"""What the door refuses: shapes, sizes, sequences, and what would not fit into the queues behind it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.codec.clients import Execute, Failure, Hello, Read, StatusRequest, encode_header
from raftzmq.config import (
    BATCH_BYTES_MAX,
    BATCH_COMMANDS_MAX,
    CLIENT_BYTES_MAX,
    COMMAND_BYTES_MAX,
    KIB,
    MIB,
    SESSION_WINDOW,
    STATE_LAG_BYTES_MAX,
    VALUE_BYTES_MAX,
    WAITING_BYTES_MAX,
    WAITING_OVERHEAD_BYTES,
)
from raftzmq.kv.commands import (
    Command,
    CompareAndSwap,
    Delete,
    Get,
    OpenSession,
    Parcel,
    Put,
    encode_parcel,
    encode_queries,
)
from tests.codec.support import deep, hostile, mutated, pack
from tests.node.support import CLIENT, SECOND, Rig, puts

EXECUTE = encode_header(Execute(5, SECOND))
READ = encode_header(Read(5, SECOND))
SESSION = 7


@pytest.fixture
def rig() -> Rig:
    """A leader that a client has greeted."""
    rig = Rig(voters=1).lead()
    rig.greet()
    return rig


def sent(rig: Rig, *frames: bytes) -> Failure:
    """What a client is told that sends these frames; nothing of them reaches the log."""
    before = rig.raft.log.last_index
    refused = rig.node.status()["counts"].get("refused_requests", 0)
    rig.node.on_client(CLIENT, list(frames), rig.now)
    rig.settle()
    [(failure, _)] = rig.taken()
    assert isinstance(failure, Failure)
    assert failure.definite
    assert rig.raft.log.last_index == before
    assert rig.node.status()["counts"]["refused_requests"] == refused + 1, "refusals are counted"
    return failure


# --- shapes ---


@pytest.mark.parametrize("frames", [[], [EXECUTE, b"", b""], [b""] * 300], ids=len)
def test_too_few_and_too_many_frames(rig: Rig, frames: list[bytes]) -> None:
    failure = sent(rig, *frames)
    assert (failure.request, failure.code) == (0, "invalid")
    assert f"not {len(frames)}" in failure.message


@pytest.mark.parametrize("spread", [(CLIENT_BYTES_MAX + 1, 0), (len(READ), CLIENT_BYTES_MAX - len(READ) + 1)])
def test_too_many_bytes_over_all_frames(rig: Rig, spread: tuple[int, int]) -> None:
    """libzmq limits a frame, not a message."""
    failure = sent(rig, READ.ljust(spread[0], b"\0"), bytes(spread[1]))
    assert (failure.request, failure.code) == (0, "too_large")


@pytest.mark.parametrize(
    "header",
    [b"", b"\xc1", b"\x90", b"GET / HTTP/1.1\r\n\r\n", b'{"put": "k"}', pack(["Execute", 1, 2]), pack([9, 1, 2])],
)
def test_headers_that_are_none(rig: Rig, header: bytes) -> None:
    failure = sent(rig, header, b"")
    assert (failure.request, failure.code) == (0, "invalid")


NONSENSE: list[Any] = [
    None,
    [],
    {},
    [SESSION, 0, 0],
    [SESSION, 0, 0, []],
    [SESSION, 0, 0, [[]]],
    [SESSION, 0, 0, [[1]]],
    [SESSION, 0, 0, [[1, b"k"]]],
    [SESSION, 0, 0, [[99, b"k", b"v"]]],
    [SESSION, 0, 0, [[1, "k", b"v"]]],
    [SESSION, 0, 0, [[1, b"", b"v"]]],
    [SESSION, 0, 0, [[1, b"k" * 481, b"v"]]],
    [SESSION, 0, 0, [[1, b"k", b"v" * (VALUE_BYTES_MAX + 1)]]],
    [SESSION, 0, 0, [[1, b"k", b"v", -1]]],
    [SESSION, 0, 0, [[1, b"k", b"v", 0, 0]]],
    [SESSION, 0, 0, [[1, b"k", b"v"]], "more"],
    [SESSION, -1, 0, [[1, b"k", b"v"]]],
    [SESSION, 0, 2**63, [[1, b"k", b"v"]]],
    [2**64 - 1, 0, 0, [[1, b"k", b"v"]]],
    ["7", 0, 0, [[1, b"k", b"v"]]],
]


@pytest.mark.parametrize("parcel", NONSENSE, ids=range(len(NONSENSE)))
def test_parcels_that_are_none(rig: Rig, parcel: Any) -> None:
    failure = sent(rig, EXECUTE, pack(parcel))
    assert (failure.request, failure.code) == (5, "invalid")


@pytest.mark.parametrize("queries", [None, {}, [], [[]], [[1]], [[1, ""]], [[2, b"", b"", 0]], [[2, b"", b"", 10_001]]])
def test_queries_that_are_none(rig: Rig, queries: Any) -> None:
    failure = sent(rig, READ, pack(queries))
    assert (failure.request, failure.code) == (5, "invalid")


@pytest.mark.parametrize("payload", [None, b""], ids=["missing", "empty"])
@pytest.mark.parametrize("header", [EXECUTE, READ], ids=["execute", "read"])
def test_requests_without_a_payload(rig: Rig, header: bytes, payload: bytes | None) -> None:
    frames = [header] if payload is None else [header, payload]
    assert sent(rig, *frames).code == "invalid"


def test_bytes_behind_a_parcel_are_refused(rig: Rig) -> None:
    """Parcels are joined verbatim: what follows one would be taken for the next."""
    parcel = encode_parcel(puts(SESSION, 0, "k"))
    assert sent(rig, EXECUTE, parcel + b"\x00").code == "invalid"
    assert sent(rig, EXECUTE, parcel + parcel).code == "invalid"


@pytest.mark.parametrize("depth", [50, 900, 980, 990, 995, 1000, 100_000])
def test_a_parcel_that_nests_deep_is_refused(rig: Rig, depth: int) -> None:
    """What passes here must pass on the state's thread of every node, whose stack is another."""
    parcel = encode_parcel(puts(SESSION, 0, "k"))
    assert sent(rig, EXECUTE, deep(parcel, depth)).code == "invalid"
    assert sent(rig, READ, b"\x91" + deep(encode_queries([Get(b"k")])[1:], depth)).code == "invalid"
    assert sent(rig, deep(EXECUTE, depth), parcel).code == "invalid"


HEADERS = [EXECUTE, READ, encode_header(Hello(2, 2, "", b"x")), encode_header(StatusRequest(1))]
PAYLOADS = [encode_parcel(puts(SESSION, 0, "k")), encode_queries([Get(b"k")])]
HOSTILE = hostile()
FRAMES = st.tuples(
    st.one_of(st.sampled_from(HEADERS), *map(mutated, HEADERS), HOSTILE),
    st.lists(st.one_of(st.sampled_from(PAYLOADS), *map(mutated, PAYLOADS), HOSTILE), max_size=2),
)


@given(st.booleans(), st.lists(FRAMES, min_size=1, max_size=5))
def test_nothing_that_a_client_sends_ends_the_node(greeted: bool, messages: list[tuple[bytes, list[bytes]]]) -> None:
    """Random frames and damaged real ones, greeted or not: each is answered, and the node goes on."""
    rig = Rig(voters=1).lead()
    if greeted:
        rig.greet()
    for header, payloads in messages:
        rig.node.on_client(CLIENT, [header, *payloads], rig.now)
        rig.settle()
        assert len(rig.taken()) == 1
    assert rig.raft.commit_index == rig.state.machine.applied_index


# --- what a parcel may be ---


def test_commands_need_a_session_and_opening_one_travels_alone(rig: Rig) -> None:
    put, opening = Put(b"k", b"v"), OpenSession(b"me")
    for parcel in (
        Parcel(0, 0, 0, [put]),
        Parcel(0, 0, 0, [opening, put]),
        Parcel(0, 0, 0, [opening, opening]),
        Parcel(SESSION, 0, 0, [opening]),
        Parcel(SESSION, 0, 0, [put, opening]),
    ):
        assert sent(rig, EXECUTE, encode_parcel(parcel)).code == "invalid"


@pytest.mark.parametrize(
    ("lowest", "first", "count", "taken"),
    [
        (0, 0, 1, True),
        (0, SESSION_WINDOW - 1, 1, True),
        (0, SESSION_WINDOW, 1, False),
        (0, SESSION_WINDOW - 1, 2, False),
        (10, 10, SESSION_WINDOW, True),
        (10, 11, SESSION_WINDOW, False),
        (10, 9, 1, False),
        (5, 2**63 - 1, 1, False),
    ],
)
def test_sequences_lie_within_the_window(rig: Rig, lowest: int, first: int, count: int, taken: bool) -> None:
    session = rig.open_session()
    parcel = Parcel(session, lowest, first, [Delete(b"k")] * count)
    if not taken:
        assert "not within 4096" in sent(rig, EXECUTE, encode_parcel(parcel)).message
        return
    rig.execute(5, parcel)
    rig.settle()
    [(answer, results)] = rig.taken()
    assert not isinstance(answer, Failure)
    assert len(results) == count


def test_a_comparison_is_by_value_or_by_revision(rig: Rig) -> None:
    both = Parcel(SESSION, 0, 0, [Put(b"k", b"v"), CompareAndSwap(b"k", b"new", b"old", 3)])
    assert "not by both" in sent(rig, EXECUTE, encode_parcel(both)).message


def test_too_many_commands(rig: Rig) -> None:
    parcel = Parcel(SESSION, 0, 0, [Delete(b"k")] * (BATCH_COMMANDS_MAX + 1))
    assert sent(rig, EXECUTE, encode_parcel(parcel)).code == "too_large"


@pytest.mark.parametrize(
    "commands",
    [
        [Put(b"a", bytes(BATCH_BYTES_MAX // 2)), Put(b"b", bytes(BATCH_BYTES_MAX // 2))],
        [CompareAndSwap(b"k", bytes(COMMAND_BYTES_MAX // 2), bytes(COMMAND_BYTES_MAX // 2))],
    ],
    ids=["several commands", "one command"],
)
def test_commands_with_too_many_bytes(rig: Rig, commands: list[Command]) -> None:
    assert sent(rig, EXECUTE, encode_parcel(Parcel(SESSION, 0, 0, commands))).code == "too_large"


def test_too_many_queries(rig: Rig) -> None:
    assert sent(rig, READ, encode_queries([Get(b"k")] * (BATCH_COMMANDS_MAX + 1))).code == "too_large"


def test_the_largest_command_is_taken(rig: Rig) -> None:
    session = rig.open_session()
    rig.execute(5, Parcel(session, 0, 0, [Put(b"k" * 480, bytes(VALUE_BYTES_MAX))]))
    rig.settle()
    [(_, results)] = rig.taken()
    assert results == [1]


# --- what a follower says ---


def test_a_follower_sends_writers_to_the_leader() -> None:
    rig = Rig()
    rig.greet()
    rig.execute(5, puts(SESSION, 0, "k"))
    rig.settle()
    [(failure, _)] = rig.taken()
    assert failure == Failure(5, "not_leader", "n1 doesn't lead; it knows no leader", True, "", "")
    rig.follow("n3")
    rig.execute(6, puts(SESSION, 0, "k"))
    rig.settle()
    [(failure, _)] = rig.taken()
    assert failure == Failure(6, "not_leader", "n1 doesn't lead; n3 does", True, "n3", "tcp://127.0.0.1:7203")


# --- full queues ---


def test_a_full_queue_is_overloaded_and_takes_again_when_it_is_not() -> None:
    """Past a limit: a definite error at the door, never in the middle."""
    rig = Rig().lead()
    session = rig.open_session()
    rig.followers.clear()
    for request in range(2):
        rig.execute(request, puts(session, request, "k", lowest=0))
        rig.settle()
    value, taken = bytes(VALUE_BYTES_MAX), 0
    data = encode_parcel(Parcel(session, 0, 2, [Put(b"k", value)]))
    while not rig.answers[CLIENT]:
        rig.execute(100 + taken, data, timeout_us=60 * SECOND)
        rig.settle()
        taken += 1
    assert rig.failures() == [(100 + taken - 1, "overloaded", True)]
    charged = len(data) + WAITING_OVERHEAD_BYTES
    assert taken - 1 == WAITING_BYTES_MAX // charged
    assert rig.node.status()["waiting_bytes"] == (taken - 1) * charged <= WAITING_BYTES_MAX
    rig.execute(7, puts(session, 3, "small", lowest=0))
    rig.followers = {"n2"}
    rig.advance(SECOND // 20)
    assert len([h for h, _ in rig.taken() if not isinstance(h, Failure)]) == taken + 2
    assert rig.node.status()["waiting_bytes"] == 0


def test_a_state_that_lags_shuts_the_door() -> None:
    """Committed entries stay in memory until they are applied: bounded as well."""
    rig = Rig(voters=1).lead()
    session = rig.open_session()
    rig.held = {"state"}
    data = encode_parcel(Parcel(session, 0, 0, [Put(b"k", bytes(VALUE_BYTES_MAX))]))
    taken = 0
    while not rig.answers[CLIENT]:
        rig.execute(taken, data)
        rig.settle()
        taken += 1
    assert rig.failures() == [(taken - 1, "overloaded", True)]
    assert STATE_LAG_BYTES_MAX < (taken - 1) * len(data) <= STATE_LAG_BYTES_MAX + MIB + KIB
    rig.held.clear()
    rig.finish("state")
    rig.settle()
    rig.execute(taken, data)
    rig.settle()
    assert not any(isinstance(header, Failure) for header, _ in rig.taken())


def test_an_hour_is_the_longest_that_anybody_waits(rig: Rig) -> None:
    """A deadline is a number of the client's; a bound keeps what waits from waiting for ever."""
    assert rig.node.door.deadline(2**63 - 1, rig.now) == rig.now + 3600 * SECOND
    assert rig.node.door.deadline(5, rig.now) == rig.now + 5


def test_encoders_of_these_tests_say_what_they_mean() -> None:
    """The nonsense above is nonsense for its content, not for its encoding."""
    good = [SESSION, 0, 0, [[1, b"k", b"v"]]]
    assert msgspec.msgpack.decode(pack(good)) == good
    assert (
        encode_parcel(Parcel(SESSION, 0, 0, [Put(b"k", b"v")]))[:-1] == pack([SESSION, 0, 0, [[1, b"k", b"v", 0]]])[:-1]
    )
