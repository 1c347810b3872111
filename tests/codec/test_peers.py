"""Frames between nodes: golden bytes, round trips, and nothing that arrives raises more than `InvalidRequest`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.codec.peers import (
    Envelope,
    Refusal,
    Stamp,
    decode_envelope,
    decode_message,
    decode_refusal,
    encode_envelope,
    encode_message,
    encode_refusal,
    message_kind,
)
from raftzmq.config import LAMPORT_MAX
from raftzmq.core.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Message,
    ReadIndex,
    ReadIndexResponse,
    RequestVote,
    RequestVoteResponse,
)
from raftzmq.core.types import Entry, EntryKind
from raftzmq.errors import InvalidRequest
from tests.codec.support import OTHERS, deep, hostile, mutated, pack, refused

ENTRIES = (
    Entry(8, 2, EntryKind.NOOP, b"", 0xDEADBEEF),
    Entry(9, 3, EntryKind.COMMANDS, b"\x00payload", 7),
    Entry(10, 3, EntryKind.CONFIGURATION, b"{}", 2**32 - 1),
)

STAMP = Stamp(7, 777, False)


def encoded(message: Message, stamp: Stamp = STAMP) -> list[bytes]:
    return encode_message(message, stamp.lamport, stamp.number, stamp.beat)


GOLDEN: list[tuple[Message, list[str]]] = [
    (RequestVote("n1", "n2", 5, 300, 4, True), ["97 07 cd0309 c2 05 cd012c 04 c3"]),
    (RequestVote("n1", "n2", 2**63 - 1, 0, 0, False), ["97 07 cd0309 c2 cf7fffffffffffffff 00 00 c2"]),
    (RequestVote("n1", "n2", 5, 300, 4, False, True), ["98 07 cd0309 c2 05 cd012c 04 c2 c3"]),
    (RequestVoteResponse("n1", "n2", 5, True, False), ["96 07 cd0309 c2 05 c3 c2"]),
    (AppendEntries("n1", "n2", 3, 7, 2, 6, 1), ["99 07 cd0309 c2 03 07 02 06 01 90"]),
    (
        AppendEntries("n1", "n2", 3, 7, 2, 6, 1, ENTRIES),
        [
            "99 07 cd0309 c2 03 07 02 06 01 93 94080200cedeadbeef 9409030107 940a0302ceffffffff",
            "",
            "00 7061796c6f6164",
            "7b7d",
        ],
    ),
    (AppendEntriesResponse("n1", "n2", 3, False, 4, 1, 7, 6, 2), ["9a 07 cd0309 c2 03 c2 04 01 07 06 02"]),
    (ReadIndex("n1", "n2", 3, 2**40), ["95 07 cd0309 c2 03 cf0000010000000000"]),
    (ReadIndexResponse("n1", "n2", 3, 77, 12), ["96 07 cd0309 c2 03 4d 0c"]),
]
"""The frames after the envelope, as they were when the format was fixed: a change needs a new protocol version."""

ENVELOPE = Envelope(1, 1, "local", "n1", "i-1", "n2", 3)


def envelope_of(message: Message) -> Envelope:
    return Envelope(1, 1, "local", message.sender, "i", message.to, message_kind(message))


@pytest.mark.parametrize(("message", "frames"), GOLDEN, ids=lambda value: type(value).__name__)
def test_golden_bytes(message: Message, frames: list[str]) -> None:
    expected = [bytes.fromhex(frame) for frame in frames]
    assert encoded(message) == expected
    found, stamp = decode_message(envelope_of(message), expected)
    assert found == message
    assert (stamp.lamport, stamp.number, stamp.beat) == (7, 777, False)


def test_golden_numbers_of_messages() -> None:
    kinds = {type(message): message_kind(message) for message, _ in GOLDEN}
    assert kinds == {
        RequestVote: 1,
        RequestVoteResponse: 2,
        AppendEntries: 3,
        AppendEntriesResponse: 4,
        ReadIndex: 5,
        ReadIndexResponse: 6,
    }


def test_golden_envelope_and_refusal() -> None:
    golden = bytes.fromhex("97 01 01 a5 6c6f63616c a2 6e31 a3 692d31 a2 6e32 03")
    assert encode_envelope(ENVELOPE) == golden
    assert decode_envelope(golden) == ENVELOPE
    golden = bytes.fromhex("91 a2 6e6f")
    assert encode_refusal(Refusal("no")) == golden
    assert decode_refusal(golden) == Refusal("no")


counters = st.integers(0, 2**63 - 1) | st.integers(0, 300)
names = st.text("abcdefgh0123-_", min_size=1, max_size=64)
entries = st.builds(
    Entry, counters, counters, st.sampled_from(EntryKind), st.binary(max_size=40), st.integers(0, 2**32 - 1)
)
messages = st.one_of(
    st.builds(RequestVote, names, names, counters, counters, counters, st.booleans(), st.booleans()),
    st.builds(RequestVoteResponse, names, names, counters, st.booleans(), st.booleans()),
    st.builds(
        AppendEntries,
        *(names, names, counters, counters, counters, counters, counters),
        st.lists(entries, max_size=5).map(tuple),
    ),
    st.builds(AppendEntriesResponse, names, names, counters, st.booleans(), *[counters] * 5),
    st.builds(ReadIndex, names, names, counters, counters),
    st.builds(ReadIndexResponse, names, names, counters, counters, counters),
)


stamps = st.builds(Stamp, st.integers(0, LAMPORT_MAX), counters, st.booleans())


@given(messages, stamps)
def test_what_is_sent_arrives(message: Message, stamp: Stamp) -> None:
    envelope = decode_envelope(encode_envelope(envelope_of(message)))
    found, of_found = decode_message(envelope, encoded(message, stamp))
    assert found == message
    assert (of_found.lamport, of_found.number, of_found.beat) == (stamp.lamport, stamp.number, stamp.beat)


def test_payloads_are_passed_on_and_not_copied() -> None:
    frames = encoded(AppendEntries("n1", "n2", 3, 7, 2, 6, 1, ENTRIES))
    assert all(frame is entry.data for frame, entry in zip(frames[1:], ENTRIES, strict=True))


@given(st.builds(Envelope, counters, counters, st.text(max_size=20), names, st.text(max_size=40), names, counters))
def test_envelopes_arrive(envelope: Envelope) -> None:
    assert decode_envelope(encode_envelope(envelope)) == envelope


# --- what must not be taken ---


@pytest.mark.parametrize("kind", [0, 9, 255, 2**63 - 1])
def test_an_unknown_kind_is_refused(kind: int) -> None:
    with pytest.raises(InvalidRequest, match=f"no message has kind {kind}"):
        decode_message(Envelope(1, 1, "c", "n1", "i", "n2", kind), [b"\x90"])


@pytest.mark.parametrize(("message", "frames"), GOLDEN, ids=lambda value: type(value).__name__)
def test_a_wrong_number_of_frames_is_refused(message: Message, frames: list[str]) -> None:
    envelope, right = envelope_of(message), [bytes.fromhex(frame) for frame in frames]
    for wrong in ([], right[:-1], [*right, b""], [*right, *right]):
        with pytest.raises(InvalidRequest):
            decode_message(envelope, wrong)


FIRST_OF_KIND = {type(message): message for message, _ in reversed(GOLDEN)}


@pytest.mark.parametrize("message", FIRST_OF_KIND.values(), ids=lambda message: type(message).__name__)
def test_every_field_is_checked(message: Message) -> None:
    """A value of another type, a number out of range, a field too many or too few: refused, and by that name."""
    header: list[Any] = msgspec.msgpack.decode(encoded(message)[0])
    wrong: list[list[Any]] = [header[:-1], [*header, 0], []]
    wrong.append([LAMPORT_MAX + 1, *header[1:]])
    for place, value in enumerate(header):
        for other in [*OTHERS, "1", b"", [], not isinstance(value, bool)]:
            changed = [*header[:place], other, *header[place + 1 :]]
            if not (isinstance(value, bool) and isinstance(other, bool)) and not (value == [] == other):
                wrong.append(changed)
    for changed in wrong:
        with pytest.raises(InvalidRequest):
            decode_message(envelope_of(message), [pack(changed)])


@pytest.mark.parametrize(
    "row",
    [
        [1, 1, 3, 0],
        [1, 1, -1, 0],
        [1, 1, "1", 0],
        [1, 1, 1, 2**32],
        [1, 1, 1, -1],
        [-1, 1, 1, 0],
        [1, 2**63, 1, 0],
        [1, 1, 1],
        [1, 1, 1, 0, 0],
        {},
        5,
    ],
)
def test_a_wrong_row_of_an_entry_is_refused(row: Any) -> None:
    envelope = envelope_of(GOLDEN[3][0])
    with pytest.raises(InvalidRequest):
        decode_message(envelope, [pack([7, 777, False, 3, 7, 2, 6, 1, [row]]), b"x"])


@pytest.mark.parametrize(
    "values",
    [
        [1, 1, "c", "", "i", "n2", 1],
        [1, 1, "c", "n" * 65, "i", "n2", 1],
        [1, 1, "c", "n1", "i", "", 1],
        [1, 1, "c", "n1", "i", "n" * 65, 1],
        [1, 1, b"c", "n1", "i", "n2", 1],
        [-1, 1, "c", "n1", "i", "n2", 1],
        [1, 2**63, "c", "n1", "i", "n2", 1],
        [1, 1, "c", "n1", None, "n2", 1],
        [1, 1, "c", "n1", "i", "n2"],
        [1, 1, "c", "n1", "i", "n2", 1, 1],
        {"node": "n1"},
        None,
    ],
)
def test_a_wrong_envelope_is_refused(values: Any) -> None:
    with pytest.raises(InvalidRequest):
        decode_envelope(pack(values))


def test_text_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        decode_envelope(encode_envelope(ENVELOPE).replace(b"local", b"\xff\xfe\xfd\xfc\xfb"))
    with pytest.raises(InvalidRequest):
        decode_refusal(b"\x91\xa2\xff\xfe")


@given(hostile())
def test_nothing_that_arrives_raises_anything_else(frame: bytes) -> None:
    for decode in (decode_envelope, decode_refusal):
        refused(decode, frame)
    for message, _ in GOLDEN:
        refused(decode_message, envelope_of(message), [frame])


@given(st.data())
def test_damaged_frames_raise_nothing_else(data: st.DataObject) -> None:
    """Take a real message, change it in places, and it is taken or refused."""
    message, _ = data.draw(st.sampled_from(GOLDEN))
    header, *payloads = encoded(message)
    frames = [data.draw(mutated(header)), *payloads]
    refused(decode_message, envelope_of(message), frames)
    refused(decode_envelope, data.draw(mutated(encode_envelope(ENVELOPE))))


@pytest.mark.parametrize("depth", [10, 500, 990, 1000, 5000, 200_000])
def test_depth_is_refused_and_not_walked_into(depth: int) -> None:
    """A surplus element that nests a thousand deep must not exhaust the stack, whatever the stack at hand is."""
    for message, _ in GOLDEN:
        header = encoded(AppendEntries("n1", "n2", 3, 7, 2, 6, 1))[0]
        header = encoded(message)[0] if not isinstance(message, AppendEntries) else header
        for frame in (deep(header, depth), b"\x91" * depth + b"\x90"):
            with pytest.raises(InvalidRequest):
                decode_message(envelope_of(message), [frame])
    with pytest.raises(InvalidRequest):
        decode_envelope(deep(encode_envelope(ENVELOPE), depth))
    with pytest.raises(InvalidRequest):
        decode_refusal(deep(encode_refusal(Refusal("x")), depth))
