"""Events for who missed them: from the ring, over the clients' socket, bounded whatever is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from raftzmq.codec.clients import EventsAnswer, EventsRequest, Failure, decode_events, decode_node_header, encode_header
from raftzmq.config import ANSWER_BYTES_MAX, EVENTS_LINGER_US, EVENTS_RANGES_MAX
from raftzmq.events import EVENT_TYPES
from raftzmq.node.side_channel import ROW_BYTES
from tests.codec.support import pack
from tests.node.support import CLIENT, Rig

Row = tuple[str, int, bytes]
Ranges = list[tuple[str, int, int]]
NEWEST = 2**63 - 1


def exchanged(rig: Rig, frames: list[bytes]) -> list[list[bytes]]:
    """What the node sends back at once."""
    rig.node.on_client(CLIENT, frames, rig.now)
    return [sent for routing, sent in rig.node.work(rig.now).clients if routing == CLIENT]


def asked(rig: Rig, ranges: Ranges, boot: str = "") -> tuple[EventsAnswer, list[Row]]:
    [[head, payload]] = exchanged(rig, [encode_header(EventsRequest(5, boot, ranges))])
    header = decode_node_header(head)
    assert isinstance(header, EventsAnswer)
    assert header.request == 5
    return header, decode_events(payload)


def refused(rig: Rig, frames: list[bytes]) -> Failure:
    [[head]] = exchanged(rig, frames)
    header = decode_node_header(head)
    assert isinstance(header, Failure)
    return header


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.greet()
    return rig


def emit(rig: Rig, kind: str, count: int = 1, size: int = 10) -> None:
    for number in range(count):
        rig.node.report.emit(kind, rig.now, number=number, padding="x" * size)


def test_the_boot_is_there_for_whoever_comes_late(rig: Rig) -> None:
    rig.advance(10 * EVENTS_LINGER_US)
    answer, [(kind, seq, payload)] = asked(rig, [("boot", 1, 0)])
    event = json.loads(payload)
    assert (kind, seq, event["type"], event["seq"], event["order"]) == ("boot", 1, "boot", 1, 1)
    assert (answer.boot, answer.more, answer.oldest) == ("boot-1", False, {"boot": 1})


def test_what_was_missed_comes_as_it_was_published_and_in_order(rig: Rig) -> None:
    rig.node.on_subscription(b"", True, rig.now)
    rig.lead()
    rig.greet()
    published = [payload for _, payload in rig.events]
    _, rows = asked(rig, [(kind, 1, 0) for kind in EVENT_TYPES], boot="boot-1")
    payloads = [payload for _, _, payload in rows]
    orders = [json.loads(payload)["order"] for payload in payloads]
    assert orders == list(range(1, len(orders) + 1))
    assert [payload for payload in payloads if payload in published] == published
    for kind, seq, payload in rows:
        event = json.loads(payload)
        assert (event["type"], event["seq"]) == (kind, seq)


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([("role", 2, 3)], ["role 2", "role 3"]),
        ([("role", 4, 0)], ["role 4", "role 5"]),
        ([("role", 4, NEWEST)], ["role 4", "role 5"]),
        ([("role", 0, 1), ("term", 5, 9)], ["role 1", "term 5"]),
        ([("role", 5, 5), ("role", 1, 1)], ["role 1", "role 5"]),
        ([("role", 1, 3), ("role", 2, 4), ("role", 3, 3)], ["role 1", "role 2", "role 3", "role 4"]),
        ([("role", 4, 0), ("role", 4, 0)], ["role 4", "role 5"]),
        ([("role", 3, 2)], []),
        ([("role", 6, 0)], []),
        ([("role", NEWEST, NEWEST)], []),
        ([("vote", 1, 0)], []),
        ([], []),
    ],
)
def test_ranges(rig: Rig, ranges: Ranges, expected: list[str]) -> None:
    for _ in range(5):
        emit(rig, "role")
        emit(rig, "term")
    answer, rows = asked(rig, ranges)
    assert [f"{kind} {seq}" for kind, seq, _ in rows] == expected
    assert not answer.more


def test_the_answer_names_what_is_gone(rig: Rig) -> None:
    emit(rig, "vote", 400, size=5000)
    answer, rows = asked(rig, [("vote", 1, 0), ("role", 1, 0)])
    oldest = answer.oldest["vote"]
    assert 100 < oldest < 400
    assert rows[0][1] == oldest
    assert answer.oldest["role"] == 1, "the next that will be made"
    answer, rows = asked(rig, [("vote", 1, oldest - 1)])
    assert (rows, answer.oldest) == ([], {"vote": oldest})


def test_another_boot_has_nothing_to_say_of_that_one(rig: Rig) -> None:
    emit(rig, "role")
    answer, rows = asked(rig, [("role", 1, 0)], boot="boot-0")
    assert rows == []
    assert (answer.boot, answer.more) == ("boot-1", False)


def test_a_long_answer_comes_in_parts_that_miss_nothing(rig: Rig) -> None:
    for kind in ("commit", "role", "apply"):
        rig.node.on_subscription(f"raftzmq.n1.{kind}".encode(), True, rig.now)
    rig.node.report.take(rig.now)
    for number in range(2000):
        emit(rig, ("commit", "role", "apply")[number % 3], size=1000)
    expected = [payload for _, payload in rig.node.report.take(rig.now)]
    first = {"commit": 1, "role": 1, "apply": 1}
    answer, found = asked(rig, [(kind, seq, 0) for kind, seq in first.items()])
    parts = 1
    # The rare ones among them have a bound of their own, which some have passed.
    gone = {kind: seq - 1 for kind, seq in answer.oldest.items()}
    rows = list(found)
    while answer.more:
        assert sum(len(payload) + ROW_BYTES for _, _, payload in found) <= ANSWER_BYTES_MAX
        for kind, seq, _ in found:
            first[kind] = seq + 1
        answer, found = asked(rig, [(kind, seq, 0) for kind, seq in first.items()])
        rows += found
        parts += 1
    assert parts > 2
    kept = [p for p in expected if json.loads(p)["seq"] > gone[json.loads(p)["type"]]]
    assert [payload for _, _, payload in rows] == kept


def test_one_event_larger_than_an_answer_is_given_alone(rig: Rig) -> None:
    rig.node.on_subscription(b"raftzmq.n1.commit", True, rig.now)
    emit(rig, "commit", size=2 * ANSWER_BYTES_MAX)
    emit(rig, "commit")
    answer, rows = asked(rig, [("commit", 1, 0)])
    assert ([seq for _, seq, _ in rows], answer.more) == ([1], True)
    answer, rows = asked(rig, [("commit", 2, 0)])
    assert ([seq for _, seq, _ in rows], answer.more) == ([2], False)


def test_any_number_of_overlapping_ranges_costs_one_answer(rig: Rig) -> None:
    emit(rig, "role", 50)
    _, rows = asked(rig, [("role", first % 7, 0) for first in range(EVENTS_RANGES_MAX)])
    assert [seq for _, seq, _ in rows] == list(range(1, 51))


# --- what must not be taken ---


def header(ranges: Any, boot: Any = "") -> list[bytes]:
    return [pack([5, 9, boot, ranges])]


HOSTILE: list[tuple[Callable[[], list[bytes]], int, str]] = [
    (lambda: header([("nonsense", 1, 0)]), 9, "there is no type of event 'nonsense'"),
    (lambda: header([("x" * 100_000, 1, 0)]), 9, "there is no type of event"),
    (lambda: header([("role", 1, 0)] * (EVENTS_RANGES_MAX + 1)), 0, "cannot be decoded"),
    (lambda: header([("role", 1, 0)] * 100_000), 0, "cannot be decoded"),
    (lambda: header([("role", -1, 0)]), 0, "cannot be decoded"),
    (lambda: header([("role", 1, 2**63)]), 0, "cannot be decoded"),
    (lambda: header([("role", 1)]), 0, "cannot be decoded"),
    (lambda: header({"role": 1}), 0, "cannot be decoded"),
    (lambda: header(None), 0, "cannot be decoded"),
    (lambda: header([], boot=7), 0, "cannot be decoded"),
]


@pytest.mark.parametrize(("frames", "request_", "sentence"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_makes_no_sense_is_refused(
    rig: Rig, frames: Callable[[], list[bytes]], request_: int, sentence: str
) -> None:
    failure = refused(rig, frames())
    assert (failure.request, failure.code, failure.definite) == (request_, "invalid", True)
    assert sentence in failure.message
    assert len(failure.message) < 500
    assert rig.node.status()["counts"]["refused_requests"] == 1


def test_a_stranger_must_greet_first() -> None:
    failure = refused(Rig(), [encode_header(EventsRequest(5, "", [("role", 1, 0)]))])
    assert (failure.request, failure.code) == (5, "handshake")
