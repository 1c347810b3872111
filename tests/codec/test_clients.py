"""Frames between clients and nodes: golden bytes, round trips, and malformed input."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.codec.clients import (
    Answer,
    ChaosAnswer,
    ChaosRequest,
    ClientFrame,
    EventsAnswer,
    EventsRequest,
    Execute,
    Failure,
    Hello,
    NodeFrame,
    Read,
    StatusAnswer,
    StatusRequest,
    Welcome,
    decode_client_header,
    decode_events,
    decode_node_header,
    decode_results,
    encode_events,
    encode_header,
    encode_results,
)
from raftzmq.config import EVENTS_RANGES_MAX, TRACE_CHARACTERS_MAX
from raftzmq.errors import InvalidRequest
from tests.codec.support import OTHERS, deep, hostile, mutated, pack, refused

CLIENT: list[tuple[ClientFrame, str]] = [
    (Hello(1, 2, "local", b"\x01\x02"), "95 01 01 02 a5 6c6f63616c c402 0102"),
    (Execute(7, 5_000_000), "94 02 07 ce004c4b40 a0"),
    (Execute(7, 5_000_000, "slow?"), "94 02 07 ce004c4b40 a5 736c6f773f"),
    (Read(2**63 - 1, 0), "94 03 cf7fffffffffffffff 00 a0"),
    (Read(1, 0, "é"), "94 03 01 00 a2 c3a9"),
    (StatusRequest(9), "92 04 09"),
    (EventsRequest(9, "b", [("role", 1, 0)]), "94 05 09 a162 91 93 a4 726f6c65 01 00"),
    (ChaosRequest(9, "heal"), "9a 06 09 a4 6865616c 90 cb0000000000000000 00 00 cb0000000000000000 c2 00"),
    (
        ChaosRequest(9, "link", ["n3"], 0.5, 300, 7, 1.0, True, 10**7),
        "9a 06 09 a4 6c696e6b 91 a26e33 cb3fe0000000000000 cd012c 07 cb3ff0000000000000 c3 ce00989680",
    ),
]
NODE: list[tuple[NodeFrame, str]] = [
    (
        Welcome(1, "c", "n1", "b", "", [("n1", "tcp://x"), ("n2", "")]),
        "97 01 01 a163 a2 6e31 a162 a0 92 92 a26e31 a7 7463703a2f2f78 92 a26e32 a0",
    ),
    (Answer(300, 2, True), "94 02 cd012c 02 c3"),
    (Failure(5, "not_leader", "no", True, "n2", "e"), "97 03 05 aa 6e6f745f6c6561646572 a26e6f c3 a26e32 a165"),
    (Failure(0, "refused", "", False), "97 03 00 a7 72656675736564 a0 c2 a0 a0"),
    (StatusAnswer(6), "92 04 06"),
    (EventsAnswer(9, "b", False, {"role": 3}), "95 05 09 a162 c2 81 a4 726f6c65 03"),
    (ChaosAnswer(6), "92 06 06"),
]
"""As they were when the format was fixed: a change needs a new protocol version."""


@pytest.mark.parametrize(("header", "golden"), [*CLIENT, *NODE], ids=lambda value: type(value).__name__)
def test_golden_bytes(header: ClientFrame | NodeFrame, golden: str) -> None:
    data = bytes.fromhex(golden)
    assert encode_header(header) == data
    of_client = isinstance(header, (Hello, Execute, Read, StatusRequest, EventsRequest, ChaosRequest))
    assert (decode_client_header(data) if of_client else decode_node_header(data)) == header


def test_golden_events() -> None:
    events = [("role", 3, b"{}"), ("append", 300, b"")]
    data = bytes.fromhex("92 93 a4 726f6c65 03 c402 7b7d 93 a6 617070656e64 cd012c c400")
    assert encode_events(events) == data
    assert decode_events(data) == events


def test_golden_results() -> None:
    results = [5, [True, 6], None, (b"k", b"v", 1, 2, 3, 0), {"error": "invalid", "message": "no"}]
    data = bytes.fromhex("95 05 92c306 c0 96 c4016b c40176 01 02 03 00 82 a56572726f72 a7696e76616c6964")
    data += bytes.fromhex("a76d657373616765 a26e6f")
    assert encode_results(results) == data
    assert decode_results(data) == [5, [True, 6], None, [b"k", b"v", 1, 2, 3, 0], results[4]]


counters = st.integers(0, 2**63 - 1) | st.integers(0, 300)
text = st.text(max_size=30)
client_frames: st.SearchStrategy[ClientFrame] = st.one_of(
    st.builds(Hello, counters, counters, text, st.binary(max_size=20)),
    st.builds(Execute, counters, counters, text),
    st.builds(Read, counters, counters, text),
    st.builds(StatusRequest, counters),
    st.builds(EventsRequest, counters, text, st.lists(st.tuples(text, counters, counters), max_size=EVENTS_RANGES_MAX)),
    st.builds(
        ChaosRequest,
        counters,
        st.sampled_from(["show", "link", "heal", "elect"]),
        st.lists(text, max_size=4),
        st.floats(0, 1),
        *[st.integers(0, 60_000_000)] * 2,
        st.floats(0, 1),
        st.booleans(),
        st.integers(0, 86_400_000_000),
    ),
)
node_frames: st.SearchStrategy[NodeFrame] = st.one_of(
    st.builds(Welcome, counters, text, text, text, text, st.lists(st.tuples(text, text), max_size=4)),
    st.builds(Answer, counters, counters, st.booleans()),
    st.builds(Failure, counters, text, text, st.booleans(), text, text),
    st.builds(StatusAnswer, counters),
    st.builds(EventsAnswer, counters, text, st.booleans(), st.dictionaries(text, counters, max_size=4)),
    st.builds(ChaosAnswer, counters),
)


@given(client_frames)
def test_what_a_client_sends_arrives(header: ClientFrame) -> None:
    assert decode_client_header(encode_header(header)) == header


@given(node_frames)
def test_what_a_node_sends_arrives(header: NodeFrame) -> None:
    assert decode_node_header(encode_header(header)) == header


@given(st.lists(st.integers(0, 2**63 - 1) | st.none() | st.lists(st.binary(max_size=9) | st.booleans())))
def test_results_arrive(results: list[Any]) -> None:
    assert decode_results(encode_results(results)) == results


@given(st.lists(st.tuples(text, counters, st.binary(max_size=40))))
def test_events_arrive(events: list[tuple[str, int, bytes]]) -> None:
    assert decode_events(encode_events(events)) == events


def test_a_request_without_a_tag_is_as_it_was() -> None:
    """The tag came last and may be missing: whoever wrote these frames by hand needn't know of it."""
    assert decode_client_header(bytes.fromhex("93 02 07 64")) == Execute(7, 100)
    assert decode_client_header(bytes.fromhex("93 03 07 64")) == Read(7, 100)


# --- what must not be taken ---


@pytest.mark.parametrize("header", [header for header, _ in CLIENT], ids=lambda header: type(header).__name__)
def test_every_field_of_a_client_is_checked(header: ClientFrame) -> None:
    values: list[Any] = msgspec.msgpack.decode(encode_header(header))
    required = len(values) - len(type(header).__struct_defaults__)
    wrong: list[Any] = [values[: required - 1], [*values, 0], [], dict.fromkeys("ab"), None, 5]
    for place, value in enumerate(values):
        for other in [*OTHERS, [], 99 if place == 0 else None]:
            if not (isinstance(value, list) and other == []):
                wrong.append([*values[:place], other, *values[place + 1 :]])
        wrong.append([*values[:place], b"x" if isinstance(value, (int, str)) else 5, *values[place + 1 :]])
    for changed in wrong:
        with pytest.raises(InvalidRequest):
            decode_client_header(pack(changed))


@pytest.mark.parametrize("header", [header for header, _ in NODE], ids=lambda header: type(header).__name__)
def test_every_field_of_a_node_is_checked(header: NodeFrame) -> None:
    values: list[Any] = msgspec.msgpack.decode(encode_header(header))
    for place, value in enumerate(values):
        for other in OTHERS:
            if not (isinstance(value, dict) and other == {}):
                with pytest.raises(InvalidRequest):
                    decode_node_header(pack([*values[:place], other, *values[place + 1 :]]))


def test_what_is_too_much_is_refused() -> None:
    for header in (
        Execute(1, 1, "x" * (TRACE_CHARACTERS_MAX + 1)),
        Read(1, 1, "é" * (TRACE_CHARACTERS_MAX + 1)),
        EventsRequest(1, "", [("role", 1, 0)] * (EVENTS_RANGES_MAX + 1)),
    ):
        with pytest.raises(InvalidRequest):
            decode_client_header(encode_header(header))


def test_a_header_with_bytes_behind_it_is_refused() -> None:
    """Otherwise the rest could be taken for something else by who joins bytes."""
    with pytest.raises(InvalidRequest):
        decode_client_header(encode_header(Execute(1, 1)) + b"\x00")
    with pytest.raises(InvalidRequest):
        decode_results(encode_results([1]) + b"\x00")
    with pytest.raises(InvalidRequest):
        decode_events(encode_events([]) + b"\x00")


def test_text_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        decode_client_header(encode_header(Hello(1, 1, "local", b"c")).replace(b"local", b"\xff\xfe\xfd\xfc\xfb"))
    with pytest.raises(InvalidRequest):
        decode_node_header(encode_header(Failure(1, "code", "", True)).replace(b"code", b"\xff\xfe\xfd\xfc"))
    with pytest.raises(InvalidRequest):
        decode_results(b"\x91\xa2\xff\xfe")
    with pytest.raises(InvalidRequest):
        decode_events(encode_events([("role", 1, b"")]).replace(b"role", b"\xff\xfe\xfd\xfc"))


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x91", b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\x01"])
def test_cut_or_reserved_bytes_are_refused(data: bytes) -> None:
    for decode in (decode_client_header, decode_node_header, decode_results, decode_events):
        with pytest.raises(InvalidRequest):
            decode(data)


@pytest.mark.parametrize("depth", [10, 500, 990, 1000, 5000, 200_000])
def test_depth_is_refused_and_not_walked_into(depth: int) -> None:
    for header, _ in CLIENT:
        with pytest.raises(InvalidRequest):
            decode_client_header(deep(encode_header(header), depth))
    for node_header, _ in NODE:
        with pytest.raises(InvalidRequest):
            decode_node_header(deep(encode_header(node_header), depth))


def test_deep_results_are_refused() -> None:
    """Results hold anything, so their depth is bounded by the stack alone; running out of it is no crash."""
    with pytest.raises(InvalidRequest):
        decode_results(b"\x91" * 200_000 + b"\x90")
    with pytest.raises(InvalidRequest):
        decode_results(b"\x91" + b"\x81\x01" * 200_000 + b"\x90")


@given(hostile())
def test_nothing_that_arrives_raises_anything_else(data: bytes) -> None:
    for decode in (decode_client_header, decode_node_header, decode_results, decode_events):
        refused(decode, data)


@given(st.data())
def test_damaged_headers_raise_nothing_else(data: st.DataObject) -> None:
    header, _ = data.draw(st.sampled_from([*CLIENT, *NODE]))
    frame = data.draw(mutated(encode_header(header)))
    for decode in (decode_client_header, decode_node_header, decode_results, decode_events):
        refused(decode, frame)
