"""Events as lines for people."""

from __future__ import annotations

from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.cli.event_lines import clock_time, event_line, event_style
from raftzmq.cli.event_words import WORDS, describe
from raftzmq.events import EVENT_TYPES
from tests.cli.event_samples import ENVELOPE, METRICS, SAMPLES, STANDING


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_type_has_words(kind: str) -> None:
    fields, words = SAMPLES[kind]
    assert set(fields) <= set(EVENT_TYPES[kind].fields)
    assert describe({**ENVELOPE, "type": kind, **fields}) == words
    assert kind in WORDS


def test_what_is_not_known_is_shown_as_it_is() -> None:
    assert describe({**ENVELOPE, "type": "lease", "id": 3, "until": "x"}) == "id=3 until=x"
    assert describe({**ENVELOPE, "type": "commit", "position": 3}) == "position=3"
    assert describe({**ENVELOPE, "type": "apply", "first": 1, "last": None}) == "first=1 last=None"
    assert describe({**ENVELOPE, "type": "sent", "body": 3}) == "body=3"


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("standing", {**STANDING, "role": "leader"}, "leads: log 4…17"),
        ("standing", {**STANDING, "leader": None, "has_room": False}, "follower without a leader: log 4…17"),
        ("metrics", {**METRICS, "rss_bytes": None, "round_trip_us": {}}, "2 clients"),
        ("verdict", {"known": True, "source": "n2", "reason": "a new boot"}, "n2 is whole again: a new boot"),
        (
            "process",
            {"name": "n1", "state": "RUNNING", "previous": None, "pid": 5, "exit_status": 0},
            "n1: not seen before → RUNNING (pid 5)",
        ),
        ("trace", {**SAMPLES["trace"][0], "tag": ""}, "the slowest of a second: execute of 3"),
        ("room", {"has_room": True}, "there is room again"),
        ("leader", {"leader": None}, "knows no leader"),
    ],
)
def test_other_ways_to_say_it(kind: str, fields: dict[str, Any], words: str) -> None:
    assert words in describe({**ENVELOPE, "type": kind, **fields})


def test_trouble_is_red_whatever_its_type() -> None:
    for kind in ("violation", "verdict", "process", "room", "gap", "late"):
        event = {**ENVELOPE, "type": kind, **SAMPLES[kind][0]}
        assert event_style(event) == {"fg": "red"}, kind
    assert event_style({**ENVELOPE, "type": "verdict", "known": True})["dim"] is False
    assert event_style({**ENVELOPE, "type": "metrics"})["dim"] is True


def test_a_time_that_no_calendar_has_is_no_error() -> None:
    assert clock_time(1e300) == "??:??:??.???"
    assert clock_time(float("inf"), digits=0) == "??:??:??"


def test_a_line_has_time_node_term_type_and_words() -> None:
    line = event_line({**ENVELOPE, "type": "commit", "index": 2, "previous": 1}, colours=False)
    assert line.endswith(".500 n1   t4    commit   1 → 2")


def test_colours_add_nothing_but_colours() -> None:
    for kind, (fields, _) in SAMPLES.items():
        event = {**ENVELOPE, "type": kind, **fields}
        assert click.unstyle(event_line(event, colours=True)) == event_line(event, colours=False)


def test_a_long_line_goes_on_below_its_beginning() -> None:
    event = {**ENVELOPE, "type": "role", "role": "follower", "previous": "leader", "reason": "word " * 20}
    first, *rest = event_line(event, colours=False, width=80).split("\n")
    assert rest
    assert max(map(len, [first, *rest])) <= 80
    assert all(line.startswith(" " * 33 + "word") for line in rest)


@given(st.text(st.characters(exclude_categories=[])), st.sampled_from(sorted(SAMPLES)), st.integers(0, 200))
def test_no_text_of_an_event_steers_the_terminal(text: str, kind: str, width: int) -> None:
    fields = {name: text if isinstance(value, str) else value for name, value in SAMPLES[kind][0].items()}
    line = event_line({**ENVELOPE, "node": text, "type": kind, **fields}, colours=False, width=width)
    assert line.replace("\n", "").isprintable()
