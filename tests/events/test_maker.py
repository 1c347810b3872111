"""The maker of events: free while nobody listens, truthful numbers, and no value that breaks it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.events import ENVELOPE, EVENT_TYPES, EventMaker, maker, topic_of


def make(node: str = "n1", boot: str = "b1") -> EventMaker:
    return EventMaker(node, boot, time.time_ns)


def emitted(source: EventMaker) -> list[tuple[bytes, dict[str, Any]]]:
    return [(topic, json.loads(payload)) for topic, payload in source.take()]


def test_an_event_has_the_envelope_first_and_then_its_fields() -> None:
    events = EventMaker("n1", "b1", lambda: 1_700_000_000_250_000_000)
    events.subscribe(b"")
    events.emit("commit", 7, 123, {"index": 9, "previous": 8})
    [(topic, event)] = emitted(events)
    assert topic == b"raftzmq.n1.commit"
    assert list(event) == [*ENVELOPE, "index", "previous"]
    assert event == {
        "v": 1,
        "node": "n1",
        "boot": "b1",
        "seq": 1,
        "ts": 1_700_000_000.25,
        "mono_ns": 123_000,
        "term": 7,
        "type": "commit",
        "index": 9,
        "previous": 8,
    }


def test_nothing_is_encoded_while_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[Mapping[str, Any]] = []
    real = maker.encode_event

    def counting(event: Mapping[str, Any]) -> bytes:
        encoded.append(event)
        return real(event)

    monkeypatch.setattr(maker, "encode_event", counting)
    events = make()
    for kind in EVENT_TYPES:
        assert not events.wanted(kind)
        events.emit(kind, 1, 1, {"index": 1})
    assert encoded == []
    assert events.take() == []
    events.subscribe(b"raftzmq.n1.commit")
    for kind in EVENT_TYPES:
        events.emit(kind, 1, 1, {"index": 1})
    assert len(encoded) == 1


def test_numbers_count_per_topic_and_only_what_was_made() -> None:
    events = make()
    events.emit("commit", 1, 1, {})
    events.subscribe(b"raftzmq.n1.commit")
    events.emit("commit", 1, 1, {})
    events.subscribe(b"raftzmq.n1.role")
    events.emit("role", 1, 1, {})
    events.emit("commit", 1, 1, {})
    events.emit("term", 1, 1, {})
    events.unsubscribe(b"raftzmq.n1.commit")
    events.emit("commit", 1, 1, {})
    events.subscribe(b"raftzmq.n1.commit")
    events.emit("commit", 1, 1, {})
    assert [(event["type"], event["seq"]) for _, event in emitted(events)] == [
        ("commit", 1),
        ("role", 1),
        ("commit", 2),
        ("commit", 3),
    ]


def test_a_new_boot_counts_from_one_again() -> None:
    first, second = make(boot="b1"), make(boot="b2")
    for events in (first, second):
        events.subscribe(b"")
        events.emit("boot", 1, 1, {})
    assert [event["seq"] for _, event in emitted(first) + emitted(second)] == [1, 1]


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
    events.subscribe(prefix)
    assert {kind for kind in EVENT_TYPES if events.wanted(kind)} == wanted
    events.unsubscribe(prefix)
    assert not any(events.wanted(kind) for kind in EVENT_TYPES)


def test_a_topic_is_wanted_until_its_last_subscriber_leaves() -> None:
    events = make()
    for prefix in (b"raftzmq.n1.role", b"raftzmq.n1.role", b"raftzmq.n1.r"):
        events.subscribe(prefix)
    events.unsubscribe(b"raftzmq.n1.role")
    events.unsubscribe(b"raftzmq.n1.r")
    assert events.wanted("role")
    events.unsubscribe(b"raftzmq.n1.role")
    assert not events.wanted("role")
    events.unsubscribe(b"raftzmq.n1.role")
    events.subscribe(b"raftzmq.n1.role")
    assert events.wanted("role")


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
