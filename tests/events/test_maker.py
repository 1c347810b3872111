"""The maker of events: what is rare always, the rest free while nobody listens; true numbers, no value breaks it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.config import EVENTS_LINGER_US
from raftzmq.events import ENVELOPE, EVENT_TYPES, EventMaker, Level, maker, topic_of
from raftzmq.events.lamport import LamportClock

RARE = {kind for kind, event in EVENT_TYPES.items() if event.level is Level.RARE}
MS = 1000


def make(node: str = "n1", boot: str = "b1") -> EventMaker:
    return EventMaker(node, boot, time.time_ns)


def emitted(source: EventMaker) -> list[tuple[bytes, dict[str, Any]]]:
    return [(topic, json.loads(payload)) for topic, payload in source.take()]


def test_an_event_has_the_envelope_first_and_then_its_fields() -> None:
    clock = LamportClock(41)
    events = EventMaker("n1", "b1", lambda: 1_700_000_000_250_000_000, clock)
    events.subscribe(b"")
    clock.tick()
    events.emit("commit", 7, 123, {"index": 9, "previous": 8})
    [(topic, event)] = emitted(events)
    assert topic == b"raftzmq.n1.commit"
    assert list(event) == [*ENVELOPE, "index", "previous"]
    assert event == {
        "v": 1,
        "node": "n1",
        "boot": "b1",
        "seq": 1,
        "order": 1,
        "ts": 1_700_000_000.25,
        "mono_ns": 123_000,
        "lamport": 42,
        "term": 7,
        "type": "commit",
        "index": 9,
        "previous": 8,
    }


def test_nothing_but_the_rare_is_encoded_while_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    real = maker.encode_event

    def counting(fields: Mapping[str, Any]) -> bytes:
        encoded.append(fields["of"])
        return real(fields)

    monkeypatch.setattr(maker, "encode_event", counting)
    events = make()
    for kind in EVENT_TYPES:
        assert events.wanted(kind) == (kind in RARE)
        events.emit(kind, 1, 1, {"of": kind})
    assert set(encoded) == RARE
    assert events.take() == [], "nobody would hear them: they are kept"
    events.subscribe(b"raftzmq.n1.commit")
    encoded.clear()
    for kind in EVENT_TYPES:
        events.emit(kind, 1, 1, {"of": kind})
    assert set(encoded) == {*RARE, "commit"}
    assert [event["type"] for _, event in emitted(events)] == ["commit"]


def test_numbers_count_per_topic_and_only_what_was_made() -> None:
    events = make()
    events.emit("sent", 1, 1, {})
    events.subscribe(b"raftzmq.n1.sent")
    events.emit("sent", 1, 1, {})
    events.emit("term", 1, 1, {})
    events.subscribe(b"raftzmq.n1.role")
    events.emit("role", 1, 1, {})
    events.emit("sent", 1, 1, {})
    events.unsubscribe(b"raftzmq.n1.sent")
    events.emit("sent", 1, 1, {})
    events.subscribe(b"raftzmq.n1.sent")
    events.emit("sent", 1, 1, {})
    assert [(event["type"], event["seq"], event["order"]) for _, event in emitted(events)] == [
        ("sent", 1, 1),
        ("role", 1, 3),
        ("sent", 2, 4),
        ("sent", 3, 5),
    ]
    assert [(kind, seq) for _, kind, seq, _ in events.ring.find([("term", 1, 9)])] == [("term", 1)]


def test_a_new_boot_counts_from_one_again() -> None:
    first, second = make(boot="b1"), make(boot="b2")
    for events in (first, second):
        events.subscribe(b"")
        events.emit("boot", 1, 1, {})
    found = [event for _, event in emitted(first) + emitted(second)]
    assert [(event["seq"], event["order"]) for event in found] == [(1, 1), (1, 1)]


@pytest.mark.parametrize(
    ("prefix", "wanted"),
    [
        (b"", set(EVENT_TYPES)),
        (b"raftzmq", set(EVENT_TYPES)),
        (b"raftzmq.n1.", set(EVENT_TYPES)),
        (b"raftzmq.n1.app", {"append", "apply"}),
        (b"raftzmq.n1.role", {"role"}),
        (b"raftzmq.n1.role.", set()),
        (b"raftzmq.n10.", set()),
        (b"raftzmq.n2.role", set()),
        (b"\xff\x00", set()),
    ],
)
def test_a_subscription_is_a_prefix_of_the_topic(prefix: bytes, wanted: set[str]) -> None:
    events = make()
    events.subscribe(prefix, 1)
    assert {kind for kind in EVENT_TYPES if events.wanted(kind)} == wanted | RARE
    for kind in EVENT_TYPES:
        events.emit(kind, 1, 1, {})
    assert {event["type"] for _, event in emitted(events)} == wanted
    events.unsubscribe(prefix, 1)
    for kind in EVENT_TYPES:
        events.emit(kind, 1, 1 + EVENTS_LINGER_US, {})
    assert {kind for kind in EVENT_TYPES if events.wanted(kind)} == RARE
    assert events.take() == []


def test_a_topic_is_wanted_until_its_last_subscriber_leaves() -> None:
    events = make()
    for prefix in (b"raftzmq.n1.sent", b"raftzmq.n1.sent", b"raftzmq.n1.se"):
        events.subscribe(prefix)
    events.unsubscribe(b"raftzmq.n1.sent")
    events.unsubscribe(b"raftzmq.n1.se")
    assert events.wanted("sent")
    events.unsubscribe(b"raftzmq.n1.sent")
    assert not events.wanted("sent")
    events.unsubscribe(b"raftzmq.n1.sent")
    events.subscribe(b"raftzmq.n1.sent")
    assert events.wanted("sent")


def commits(events: EventMaker) -> list[int]:
    """The numbers of the commits that the ring holds."""
    return [seq for _, _, seq, _ in events.ring.find([("commit", 1, 99)])]


def test_usual_events_are_made_for_a_while_after_the_last_subscriber_left() -> None:
    """Only for the ring: nobody would hear them."""
    events = make()
    events.emit("commit", 1, 0, {})
    events.subscribe(b"raftzmq.n1.commit", 0)
    events.emit("commit", 1, 0, {})
    events.unsubscribe(b"raftzmq.n1.commit", 5 * MS)
    events.take()
    for now_us in (5 * MS, 5 * MS + EVENTS_LINGER_US - 1):
        assert events.wanted("commit")
        events.emit("commit", 1, now_us, {})
    events.emit("commit", 1, 5 * MS + EVENTS_LINGER_US, {})
    assert not events.wanted("commit")
    assert commits(events) == [1, 2, 3]
    assert events.take() == []


def test_a_subscriber_that_returns_in_time_missed_nothing_that_the_ring_lacks() -> None:
    events = make()
    events.subscribe(b"raftzmq.n1.commit", 0)
    events.emit("commit", 1, 0, {})
    events.unsubscribe(b"raftzmq.n1.commit", 0)
    events.emit("commit", 1, EVENTS_LINGER_US // 2, {})
    events.subscribe(b"raftzmq.n1.commit", EVENTS_LINGER_US - 1)
    events.emit("commit", 1, 2 * EVENTS_LINGER_US, {})
    assert [event["seq"] for _, event in emitted(events)] == [1, 3]
    assert commits(events) == [1, 2, 3]


def test_each_type_lingers_from_when_its_own_last_subscriber_left() -> None:
    events = make()
    for prefix in (b"raftzmq.n1.commit", b"raftzmq.n1.append", b"raftzmq.n1.sent"):
        events.subscribe(prefix, 0)
    events.unsubscribe(b"raftzmq.n1.commit", 0)
    events.unsubscribe(b"raftzmq.n1.append", 10 * MS)
    events.unsubscribe(b"raftzmq.n1.sent", 10 * MS)
    assert not events.wanted("sent"), "details don't linger: they cost too much"
    events.emit("role", 1, EVENTS_LINGER_US, {})
    assert [events.wanted(kind) for kind in ("commit", "append")] == [False, True]
    events.emit("role", 1, 10 * MS + EVENTS_LINGER_US, {})
    assert not events.wanted("append")


def test_every_event_that_is_made_is_in_the_ring_as_it_was_published() -> None:
    events = make()
    events.subscribe(b"raftzmq.n1.")
    for index in range(3):
        for kind in EVENT_TYPES:
            events.emit(kind, 1, 1, {"index": index})
    kept = [payload for _, _, _, payload in events.ring.find([(kind, 1, 99) for kind in EVENT_TYPES])]
    assert kept == [payload for _, payload in events.take()]
    assert [json.loads(payload)["order"] for payload in kept] == list(range(1, 3 * len(EVENT_TYPES) + 1))


def test_bytes_are_text_where_they_are_utf8() -> None:
    events = make()
    events.subscribe(b"")
    events.emit("corrupt", 1, 1, {"what": "grün".encode(), "raw": b"\xff\x00", "view": memoryview(b"ok")})
    [(_, event)] = emitted(events)
    assert event["what"] == "grün"
    assert event["raw"] == {"b64": "/wA="}
    assert event["view"] == "ok"


JSON_OR_NOT = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats()
    | st.binary()
    | st.text(st.characters(exclude_categories=[]))
    | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.frozensets(st.integers()),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b"]), JSON_OR_NOT))
def test_no_value_breaks_an_event(fields: dict[str, Any]) -> None:
    events = make()
    events.subscribe(b"")
    events.emit("corrupt", 3, 4, fields)
    events.emit("corrupt", 3, 4, {})
    [(topic, event), (_, after)] = emitted(events)
    assert topic == topic_of("n1", "corrupt")
    assert event["seq"] == 1
    assert set(event) == {*ENVELOPE, *fields}
    assert after["seq"] == 2


def test_take_hands_each_event_out_once() -> None:
    events = make()
    events.subscribe(b"")
    events.emit("boot", 1, 1, {})
    assert len(events.take()) == 1
    assert events.take() == []
