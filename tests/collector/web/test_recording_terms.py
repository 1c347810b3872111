"""The terms of all entries of all logs at any position of a recording."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from raftzmq.collector.web.recording_terms import Beginning, TermHistory
from tests.collector.audited_runs import recorded
from tests.collector.recordings import record
from tests.collector.streams import boot, event
from tests.collector.web.support import serving
from tests.collector.web.test_recordings import EVENTS, shelved

Event = dict[str, Any]
Terms = dict[int, int]


def term_at(beginnings: list[Any], index: int) -> int | None:
    """The term of an entry, by where terms begin."""
    return next((term for first, term in reversed(beginnings) if first <= index), None)


def logs_of(events: list[Event]) -> dict[str, tuple[Terms, int]]:
    """By brute force, of each node: the terms that it told of, entry by entry, and its last index."""
    found: dict[str, tuple[Terms, int]] = {}
    for told in events:
        node, kind = told["node"], told["type"]
        terms, end = found.get(node, ({}, 0))
        if kind == "append":
            terms = {index: term for index, term in terms.items() if index < told["first"]}
            terms |= dict(enumerate(told["terms"], told["first"]))
            end = told["last"]
        elif kind == "truncate":
            terms = {index: term for index, term in terms.items() if index < told["first"]}
            end = told["first"] - 1
        elif kind in ("boot", "standing"):
            end = told["last_index"]
            terms = {index: term for index, term in terms.items() if index <= end}
        found[node] = (terms, end)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_terms_are_those_of_the_entries_as_they_came_and_went(seed: int) -> None:
    events = recorded(seed, 2_500)
    history = TermHistory()
    for position, told in enumerate(events, 1):
        history.take(position, told)
    compared = several = 0
    for position in random.Random(seed).sample(range(1, len(events)), 40):
        found = history.at(position)
        for node, (terms, _) in logs_of(events[:position]).items():
            several += len(set(terms.values())) > 1
            for index, term in terms.items():
                assert term_at(found[node], index) == term, (position, node, index)
                compared += 1
    assert compared > 1000
    assert several


def test_a_recording_tells_them_also_of_what_is_not_in_a_file_yet(tmp_path: Path) -> None:
    record(tmp_path, recorded(3, 6_000)[:EVENTS], every=700, frame=90)
    whole = TermHistory()
    for position, told in enumerate(recorded(3, 6_000)[:EVENTS], 1):
        whole.take(position, told)
    with shelved(tmp_path) as (one, at):
        last = one.get(at).json["last_position"]
        found = one.get(f"{at}/terms?position={last}").json["nodes"]
        plain = {node: [list(pair) for pair in pairs] for node, pairs in whole.at(EVENTS).items()}
        assert found == plain
        assert any(len(pairs) > 1 for pairs in found.values())
        assert one.get(f"{at}/terms?position=0").json["nodes"] == {node: [] for node in found}
        assert one.get(f"{at}/terms?position=x").status == 400
    directory = tmp_path / "live"
    directory.mkdir()
    with serving(directory=directory) as live:
        live.offer({"type": "append", "first": 1, "last": 2, "terms": [4, 4], "chains": [1, 2]})
        assert live.get("/v1/recordings/live/terms").json["nodes"] == {"n1": [[1, 4]]}


def beginnings(*events: Event) -> list[Beginning]:
    """Of n1, after these."""
    history = TermHistory()
    for position, told in enumerate(events, 1):
        history.take(position, told)
    return history.at(len(events))["n1"]


def append(first: int, *terms: int) -> Event:
    """Entries that join n1's log."""
    return event("append", first=first, last=first + len(terms) - 1, terms=list(terms))


def test_what_nobody_told_is_not_known() -> None:
    late = boot("n1")  # its log ends at entry 10, of term 1
    assert beginnings(late, append(11, 1, 2)) == [(10, 1), (12, 2)]
    assert beginnings(append(1, 1, 1), append(5, 3)) == [(1, 1), (3, None), (5, 3)]
    assert beginnings(append(1, 1, 1), append(5, 1)) == [(1, 1), (3, None), (5, 1)]


def test_a_later_leaders_entries_take_the_place_of_others() -> None:
    story = [append(1, 1, 1, 2, 2), event("truncate", first=3, last=4, leader="n2"), append(3, 3)]
    assert beginnings(*story) == [(1, 1), (3, 3)]
    history = TermHistory()
    for position, told in enumerate(story, 1):
        history.take(position, told)
    assert history.at(1)["n1"] == [(1, 1), (3, 2)]


@pytest.mark.parametrize(
    "odd",
    [
        {"first": 1, "last": 1, "terms": ["x"]},
        {"first": 0, "last": 0, "terms": [1]},
        {"first": 1, "last": 9, "terms": [1]},
        {"first": 1, "last": True, "terms": [1]},
        {"first": 1, "last": 1, "terms": None},
        {},
    ],
)
def test_malformed_events_tell_nothing(odd: Event) -> None:
    assert beginnings(event("append", **odd)) == []
    assert beginnings(event("boot", **odd)) == []
    assert beginnings(event("truncate", **odd)) == []
