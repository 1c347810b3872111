"""What a judge makes of one script on three casts, and of casts that are all the same."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from raftzmq.labs.runtimes import CASTS, judge, parts_of
from tests.labs.chronicle import Chronicle

PUTS, ENTRIES = 40, 4


def chapter(chronicle: Chronicle, cast: Mapping[str, str], first: int, *, left: str = "abc", digest: int = 0) -> int:
    """The nodes are started on their runtimes, n1 leads, and the script runs; the last entry."""
    for node in chronicle.nodes:
        chronicle.boot(node)
    for node, runtime in cast.items():
        chronicle.say("n1", "trace", tag=f"runs {node} {runtime}")
    chronicle.say("n1", "trace", tag="burst-begins x")
    last = first
    for last in range(first, first + ENTRIES):
        chronicle.at(chronicle.ms + 5)
        for node in chronicle.nodes:
            state = last + (digest if node == "n2" else 0)
            chronicle.say(node, "apply", first=last, last=last, commands=PUTS // ENTRIES, revision=last, digest=state)
    chronicle.say("n1", "trace", tag="burst-ends x 70 1.25")
    chronicle.say("n1", "trace", tag=f"left x {left}")
    # While the others are stopped: who is left applies what they don't.
    chronicle.say("n3", "apply", first=last + 1, last=last + 1, commands=0, revision=last, digest=9)
    return last + 2


def story(casts: Mapping[str, Mapping[str, str]] = CASTS) -> Chronicle:
    chronicle, first = Chronicle(), 1
    for cast in casts.values():
        first = chapter(chronicle, cast, first)
    return chronicle


def held(chronicle: Chronicle) -> list[bool]:
    return [check.held for check in judge(chronicle.history()).checks]


def test_the_same_outcome_with_three_casts_is_green() -> None:
    verdict = judge(story().history())
    assert verdict.green
    assert verdict.exhibits[0].lines[1].split() == ["threads", "2,000", "10.0", "70", "1.25"]
    assert len(verdict.exhibits[0].lines) == 4


def test_a_burst_is_measured_by_what_was_applied() -> None:
    threads, coroutines, mixed = parts_of(story().history())
    assert (threads.name, coroutines.name, mixed.name) == ("threads", "coroutines", "coroutines + threads")
    assert (threads.commands, threads.batches, threads.seconds) == (PUTS, ENTRIES, 0.02)


@pytest.mark.parametrize("name", CASTS)
def test_one_cast_three_times_is_red(name: str) -> None:
    assert held(story(dict.fromkeys("abc", CASTS[name])))[0] is False


def test_two_chapters_are_not_enough() -> None:
    assert held(story({name: CASTS[name] for name in ("threads", "coroutines")}))[0] is False


def test_a_node_with_another_state_is_red() -> None:
    chronicle = story()
    chapter(chronicle, CASTS["mixed"], 100, digest=1)
    assert held(chronicle) == [True, False, True, True]


def test_another_content_is_red() -> None:
    chronicle = story()
    chapter(chronicle, CASTS["mixed"], 100, left="abd")
    assert held(chronicle) == [True, True, False, True]


def test_an_entry_for_each_put_is_red() -> None:
    chronicle = story()
    for event in chronicle.events:
        if event["type"] == "apply":
            event["commands"] = 1
    assert held(chronicle) == [True, True, True, False]


def test_nothing_is_red() -> None:
    assert held(Chronicle()) == [False] * 4
