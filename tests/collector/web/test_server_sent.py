"""``/events`` with bare sockets, as curl sees it: format, filters, resuming, and the state for what is gone."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest

from raftzmq.collector.merged import Merged
from raftzmq.collector.web import server_sent
from raftzmq.collector.web.backlog import Backlog
from tests.collector.web.support import BOOT, Serving, follow, is_closed, leads, read_event, serving, wait_until


def followed(one: Serving) -> None:
    """Wait until the reader has its place."""
    wait_until(lambda: one.web._hub.readers > 0, "the reader is there")


def test_events_come_with_ids_as_they_were_made() -> None:
    with serving() as one, closing(one.connect()) as bare:
        one.offer({"index": 1})
        buffer = follow(bare, "/events")
        followed(one)
        one.offer({"index": 2}, {"index": 3, "text": "äö\n"})
        first, second = read_event(bare, buffer), read_event(bare, buffer)
        assert [first["id"], second["id"]] == [f"{BOOT}-2", f"{BOOT}-3"]
        assert json.loads(first["data"])["index"] == 2
        assert json.loads(second["data"])["text"] == "äö\n"
        assert set(first) == {"id", "data"}


def test_the_answer_is_an_event_stream_that_nobody_keeps() -> None:
    with serving() as one:
        answer = one.get("/events", method="HEAD")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        wait_until(lambda: one.web._hub.readers == 0, "nobody follows")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("type=role", [2, 4]),
        ("type=role,election&node=n2", [4, 5]),
        ("type=role&type=election", [2, 4, 5]),
        ("node=n2", [3, 4, 5]),
        ("", [1, 2, 3, 4, 5]),
    ],
)
def test_filters(query: str, expected: list[int]) -> None:
    with serving() as one, closing(one.connect()) as bare:
        buffer = follow(bare, f"/events?{query}")
        followed(one)
        one.offer(
            {"node": "n1"},
            leads("n1"),
            {"node": "n2"},
            leads("n2"),
            {"node": "n2", "type": "election", "pre_vote": False, "last_log_index": 1},
        )
        assert [read_event(bare, buffer)["id"] for _ in expected] == [f"{BOOT}-{position}" for position in expected]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("type=nonsense", "no type of event 'nonsense'; there are: boot, role"),
        ("node=a.b", "no node's name"),
        ("nodes=n1", "no parameter 'nodes'; it knows: type, node"),
        ("type=" + ",".join(["role"] * 301), "too many"),
        ("last_event_id=17", "no id of an event"),
    ],
)
def test_queries_that_cannot_be_meant_are_refused(query: str, sentence: str) -> None:
    with serving() as one:
        answer = one.get(f"/events?{query}")
        assert answer.status == 400
        assert sentence in answer.message


def test_it_goes_on_behind_the_last_event_that_was_seen() -> None:
    with serving() as one:
        one.offer(*({"index": number} for number in range(1, 11)))
        for path, headers in (
            ("/events", {"Last_Event_ID": f"{BOOT}-7"}),
            (f"/events?last_event_id={BOOT}-7", {}),
        ):
            with closing(one.connect()) as bare:
                buffer = follow(bare, path, **headers)
                ids = [read_event(bare, buffer)["id"] for _ in range(3)]
            assert ids == [f"{BOOT}-8", f"{BOOT}-9", f"{BOOT}-10"]


def test_what_cannot_be_had_any_more_is_replaced_by_the_state() -> None:
    with serving() as one:
        one.web._hub.backlog = Backlog(events_max=5)
        one.offer(leads("n3", 4), *({"index": number} for number in range(2, 11)))
        for last in (f"{BOOT}-2", f"{BOOT}-999", "other-10"):
            with closing(one.connect()) as bare:
                buffer = follow(bare, "/events", Last_Event_ID=last)
                reset = read_event(bare, buffer)
                assert (reset["event"], reset["id"]) == ("reset", f"{BOOT}-10")
                told: dict[str, Any] = json.loads(reset["data"])
                assert (told["position"], told["boot"]) == (10, BOOT)
                assert told["state"]["leader"] == "n3"
                assert told["reset"] == ("the collector was restarted" if last == "other-10" else "behind")
        with closing(one.connect()) as bare:  # the oldest one that is kept comes next: nothing is missing
            buffer = follow(bare, "/events", Last_Event_ID=f"{BOOT}-5")
            assert read_event(bare, buffer)["id"] == f"{BOOT}-6"


def test_ends_of_lines_between_the_parts_of_an_event_do_not_end_it() -> None:
    with serving() as one, closing(one.connect()) as bare:
        buffer = follow(bare, "/events")
        followed(one)
        event = {"node": "n1", "type": "commit", "ts": 1.0}
        one.web.offer([Merged(1, b"t", b'{"node":"n1",\r\n\n"type":"commit"}', event)])
        assert json.loads(read_event(bare, buffer)["data"]) == {"node": "n1", "type": "commit"}


def test_a_quiet_stream_says_now_and_then_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_sent, "QUIET_S", 0.05)
    with serving() as one, closing(one.connect()) as bare:
        data = bytes(follow(bare, "/events?type=role"))
        while b"\n:\n\n" not in data:
            one.offer({"node": "n1"})  # a busy stream, of which nothing is wanted here
            data += bare.recv(65_536)


def test_who_leaves_is_forgotten() -> None:
    with serving() as one:
        with closing(one.connect()) as bare:
            follow(bare, "/events?type=role")
            followed(one)
        wait_until(lambda: one.web._hub.readers == 0, "the reader is forgotten without an event for it")


def test_the_end_of_the_collector_ends_the_streams() -> None:
    with serving() as one:
        bare = one.connect()
        follow(bare, "/events")
        followed(one)
    with closing(bare):
        wait_until(lambda: is_closed(bare), "the stream has ended")


def test_single_messages_are_asked_for_as_long_as_somebody_follows_them_by_name() -> None:
    with serving() as one:
        with closing(one.connect()) as bare:
            follow(bare, "/events?type=sent,role")
            followed(one)
            assert one.web.details == {"sent"}
        wait_until(lambda: not one.web.details, "nobody follows them any more")
