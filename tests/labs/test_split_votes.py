"""What a judge makes of searches for a leader, with timers that run out together and with timers that don't."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from raftzmq.labs.split_figures import draw, spreads_of
from raftzmq.labs.split_votes import judge
from tests.labs.chronicle import Chronicle

HEARTBEAT = {"prev_log_index": 1, "entries": []}


def search(chronicle: Chronicle, term: int, waits: Sequence[float], *, given_up: bool = False) -> int:
    """n1 leads and is cut off; after each of ``waits`` n2 and n3 campaign, at last n2 alone. The term it ends in."""
    for peer in ("n2", "n3"):
        chronicle.message("n1", peer, "AppendEntries", {**HEARTBEAT, "term": term}, beat=True)
    for event in chronicle.events[-4:]:
        event["term"] = term
    for peer in ("n2", "n3"):
        chronicle.fault("n1", peer, term=term)
    for number, wait in enumerate(waits, 1):
        chronicle.at(chronicle.ms + wait)
        for node in ("n2",) if number == len(waits) else ("n2", "n3"):
            chronicle.election(node, term, pre_vote=True)
            chronicle.election(node, term + 1)
        term += 1
    if not given_up:
        chronicle.lead("n2", term)
    chronicle.at(chronicle.ms + 50)
    for peer in ("n2", "n3"):
        chronicle.fault("n1", peer, "healed", term=term)
    chronicle.role("n2", "follower", term + 1)
    chronicle.lead("n1", term + 1)
    return term + 1


def chapter(chronicle: Chronicle, term: int, waits: Sequence[Sequence[float]], *, given_up: bool = False) -> int:
    """The nodes are started, n1 leads, and is lost so often."""
    for node in chronicle.nodes:
        chronicle.boot(node)
    chronicle.lead("n1", term)
    for each in waits:
        term = search(chronicle, term, each, given_up=given_up)
    return term + 1


NARROW = [[201, 202], [202, 201, 201], [202], [201, 201, 202, 201, 202]]
WIDE = [[230], [390, 250], [310], [205]]


def story(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]], *, given_up: bool = False) -> Chronicle:
    chronicle = Chronicle()
    term = chapter(chronicle, 1, first, given_up=given_up)
    chapter(chronicle, term, second)
    return chronicle


def held(chronicle: Chronicle) -> list[bool]:
    return [check.held for check in judge(chronicle.history()).checks]


def test_what_happened_is_counted() -> None:
    narrow, wide = spreads_of(story(NARROW, WIDE).history())
    assert narrow.counts == [1, 1, 1, 0, 1, 0]
    assert wide.counts == [3, 1, 0, 0, 0, 0]
    assert (narrow.split, wide.split) == (3, 1)
    assert narrow.mean_terms == 11 / 4
    assert (round(narrow.low_ms), round(narrow.high_ms)) == (201, 202)
    assert wide.width_ms > 100
    assert [round(each.ms) for each in wide.searches] == [230, 640, 310, 205]


def test_split_votes_with_a_narrow_spread_are_green() -> None:
    assert held(story(NARROW, WIDE)) == [True] * 5


def test_a_search_that_is_given_up_counts_as_long_as_it_took() -> None:
    chronicle = story(NARROW, WIDE, given_up=True)
    narrow, _ = spreads_of(chronicle.history())
    assert narrow.counts == [0, 0, 0, 0, 0, 4]
    assert narrow.split == 4
    assert held(chronicle) == [True] * 5


def test_with_a_wide_spread_throughout_it_is_red() -> None:
    assert held(story(WIDE, WIDE)) == [True, False, False, True, False]


def test_with_a_narrow_spread_throughout_it_is_red() -> None:
    assert held(story(NARROW, NARROW)) == [True, False, True, False, False]


def test_where_no_leader_is_lost_nothing_can_be_said() -> None:
    assert held(story([], [])) == [False]


def test_one_start_alone_is_no_comparison() -> None:
    chronicle = Chronicle()
    chapter(chronicle, 1, NARROW)
    assert held(chronicle) == [False]


def test_the_histogram_is_drawn(tmp_path: Path) -> None:
    chronicle = story(NARROW, WIDE)
    lines = judge(chronicle.history()).exhibits[0].lines
    assert lines[1] == "     1 | █ 1"
    assert len(lines) == 2 * 7
    assert [path.name for path in draw(chronicle.history(), tmp_path)] == ["split-votes.png", "split-votes.svg"]


def test_only_a_leader_of_a_later_term_ends_a_search() -> None:
    chronicle = story(NARROW, WIDE)
    first = next(number for number, event in enumerate(chronicle.events) if event["type"] == "fault")
    chronicle.events.insert(first + 2, {**chronicle.events[first], "type": "role", "role": "leader", "previous": ""})
    narrow, _ = spreads_of(chronicle.history())
    assert narrow.counts == [1, 1, 1, 0, 1, 0]
