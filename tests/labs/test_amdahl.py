"""What a judge makes of rates that follow Amdahl's law, of others, and of a counter that forgets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from raftzmq.labs.amdahl import count, draw
from raftzmq.labs.amdahl_judge import judge
from raftzmq.labs.speed_up import Line, lines_of, loads_of, lost_tag, rate_tag
from tests.labs.chronicle import Chronicle

WORKERS = (1, 2, 4, 8, 16)
FRACTIONS = {"parallel": 0.998, "partly_serial": 0.8, "locked_counter": 0.0}
KINDS = ("asyncio", "threads")


def rate(fraction: float, workers: int) -> float:
    return 100 / ((1 - fraction) + fraction / workers)


def load(chronicle: Chronicle, in_flight: int, entries: int, ms: float = 500) -> None:
    """So many puts at a time share each entry."""
    chronicle.say("n1", "trace", tag=f"load-begins {in_flight}")
    for last in range(entries):
        chronicle.at(chronicle.ms + ms / entries)
        chronicle.say("n1", "apply", first=last, last=last, commands=in_flight)
    chronicle.say("n1", "trace", tag=f"load-ends {in_flight}")


def story(
    fractions: Mapping[str, float] = FRACTIONS, *, lost: int = 0, unlocked: int = 900, share: int = 16
) -> Chronicle:
    chronicle = Chronicle()
    for kind in KINDS:
        for task, fraction in fractions.items():
            for workers in WORKERS:
                for slower in (0.5, 1.0, 0.9):
                    tag = rate_tag(task, kind, workers, slower * rate(fraction, workers))
                    chronicle.say("n1", "trace", tag=tag)
        chronicle.say("n1", "trace", tag=lost_tag(kind, "locked", lost, 1600))
        chronicle.say("n1", "trace", tag=lost_tag(kind, "unlocked", unlocked, 1600))
    load(chronicle, 1, 100)
    load(chronicle, share, 50)
    return chronicle


def held(chronicle: Chronicle) -> list[bool]:
    return [check.held for check in judge(chronicle.history()).checks]


def test_rates_by_the_law_are_green() -> None:
    verdict = judge(story().history())
    assert [check.held for check in verdict.checks] == [True] * 7
    lines = verdict.exhibits[0].lines
    assert lines[2].split() == ["partly", "serial,", "asyncio", "1.00", "1.67", "2.50", "3.33", "4.00", "0.800", "5.0"]
    assert lines[-1].split() == ["replicated", "log,", "puts", "1.00", "8.00"]


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.8, 0.95])
def test_the_fraction_that_rates_were_made_with_is_found(fraction: float) -> None:
    line = Line("task", "threads", {workers: rate(fraction, workers) for workers in WORKERS})
    assert line.parallel_fraction == pytest.approx(fraction)
    assert line.limit == pytest.approx(1 / (1 - fraction))
    assert line.predicted(8) == pytest.approx(rate(fraction, 8) / 100)


def test_the_best_of_all_repeats_counts() -> None:
    (line, *_) = lines_of(story().history())
    assert line.rates[1] == 100.0


@pytest.mark.parametrize(
    ("task", "fraction", "number"),
    [("parallel", 0.8, 1), ("partly_serial", 0.998, 2), ("partly_serial", 0.3, 2), ("locked_counter", 0.8, 3)],
)
def test_work_of_another_kind_is_red(task: str, fraction: float, number: int) -> None:
    assert [n for n, good in enumerate(held(story(FRACTIONS | {task: fraction}))) if not good] == [number]


def test_a_rate_that_the_law_does_not_foretell_is_red() -> None:
    chronicle = story()
    for event in chronicle.events:
        words = str(event.get("tag", "")).split()
        if words[1:4] == ["partly_serial", "threads", "8"]:
            event["tag"] = rate_tag("partly_serial", "threads", 8, float(words[4]) / 2)
    assert held(chronicle)[4] is False


def test_a_counter_that_forgets_under_its_lock_is_red() -> None:
    assert held(story(lost=3)) == [True] * 5 + [False, True]


def test_a_counter_that_forgets_nothing_without_its_lock_shows_nothing() -> None:
    assert held(story(unlocked=0)) == [True] * 5 + [False, True]


def test_a_log_whose_entries_carry_one_put_each_is_red() -> None:
    chronicle = story()
    for event in chronicle.events:
        if event["type"] == "apply":
            event["commands"] = 1
    assert held(chronicle) == [True] * 6 + [False]


def test_a_load_without_its_end_is_none() -> None:
    chronicle = Chronicle()
    load(chronicle, 1, 5)
    chronicle.events.pop()
    assert loads_of(chronicle.history()) == []


def test_nothing_measured_is_red() -> None:
    assert held(Chronicle()) == [False] * 3


def test_the_lock_keeps_every_update() -> None:
    lost = {(kind, locked): int(lost) for _, kind, locked, lost, _ in map(str.split, count())}
    assert lost["asyncio", "locked"] == lost["threads", "locked"] == 0
    assert lost["asyncio", "unlocked"] > 0


def test_the_speed_ups_are_drawn(tmp_path: Path) -> None:
    assert [path.name for path in draw(story().history(), tmp_path)] == ["amdahl.png", "amdahl.svg"]
