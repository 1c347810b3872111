"""Audits of streams of which much is missing: none may accuse a sound run; how many planted violations do they find?

``python -m tests.collector.reduced_audits`` runs many more of them than the test suite does, and prints two tables.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import click

from raftzmq.cli.output import say
from tests.collector.audited_runs import Event, audited, broken, recorded, renumbered
from tests.collector.planted_events import PLANTS, NothingFits, Plant
from tests.collector.reduced_streams import DETAILS, REDUCTIONS, Reduction, made_for, passed_on

EVENTS = 1_500
BY_NAME = {reduction.__name__: reduction for reduction in REDUCTIONS}


def whole(events: list[Event], random: Random) -> list[Event]:
    """Nothing is missing."""
    return events


def usual_made(events: list[Event], random: Random) -> list[Event]:
    """Single messages were not made, for nobody asked for them."""
    return made_for(events, {event["type"] for event in events} - DETAILS)


def usual_passed_on(events: list[Event], random: Random) -> list[Event]:
    """Single messages were made for somebody else."""
    return passed_on(events, {event["type"] for event in events} - DETAILS)


PLANTED_INTO: tuple[Reduction, ...] = (whole, usual_made, usual_passed_on, *REDUCTIONS)


@dataclass(frozen=True, slots=True)
class Try:
    """A reduction of the run of ``seed``; ``number`` is its luck."""

    seed: int
    number: int
    reduction: Reduction

    def __str__(self) -> str:
        return f"seed {self.seed}, reduction {self.reduction.__name__}, number {self.number}"

    def reduced(self, events: list[Event]) -> list[Event]:
        """What is left of these events, which are not touched."""
        luck = Random(f"{self.seed}/{self.number}/{self.reduction.__name__}")
        return self.reduction([dict(event) for event in events], luck)

    def verdict(self) -> dict[str, Any]:
        """On what is left of the sound run."""
        return audited(self.reduced(recorded(self.seed, EVENTS)))


@dataclass(slots=True)
class Counts:
    """What many tries came to, by reduction: how many, and how many saw something broken (planted: what was planted).

    ``planted`` and ``found`` are counted by plant, too. ``accusations`` are in words.
    """

    tried: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    accusations: list[str] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """Those of other runs as well."""
        for mine, its in (
            (self.tried, other.tried),
            (self.broken, other.broken),
            (self.planted, other.planted),
            (self.found, other.found),
        ):
            mine.update(its)
        self.accusations += other.accusations


def sound(seed: int, times: int) -> Counts:
    """Audits of reductions of one sound run, ``times`` of each."""
    counts = Counts()
    for reduction in REDUCTIONS:
        for number in range(times):
            one = Try(seed, number, reduction)
            violations = one.verdict()["violations"]
            counts.tried[reduction.__name__] += 1
            if violations:
                counts.broken[reduction.__name__] += 1
                counts.accusations.append(f"{one}: {violations[0]['rule']}: {violations[0]['text']}")
    return counts


def with_planted(plant: Plant, seed: int) -> list[Event] | None:
    events = recorded(seed, EVENTS)
    try:
        plant(events)
    except (NothingFits, StopIteration):
        return None
    return renumbered(events)


def planted(seed: int) -> Counts:
    """Audits of one run with each violation planted into it that fits, whole and of each reduction."""
    counts = Counts()
    for plant, rules in PLANTS.items():
        events = with_planted(plant, seed)
        if events is None:
            continue
        for reduction in PLANTED_INTO:
            seen = broken(audited(Try(seed, 0, reduction).reduced(events)))
            for name in (reduction.__name__, f"planted: {plant.__name__}"):
                counts.planted[name] += 1
                counts.found[name] += not set(rules).isdisjoint(seen)
    return counts


def campaign(seeds: range, times: int, workers: int) -> Iterator[Counts]:
    """The counts of each run: sound ones, and for every fourth seed those with something planted."""
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(partial(sound, times=times), seeds)
        yield from pool.map(planted, seeds[::4])


@click.command()
@click.option("--first", default=1, show_default=True, help="The first seed.")
@click.option("--seeds", default=40, show_default=True, help="How many runs.")
@click.option("--times", default=5, show_default=True, help="How often each reduction is tried on each.")
@click.option("--workers", default=1, show_default=True, help="Processes.")
def main(first: int, seeds: int, times: int, workers: int) -> None:
    """Audit reductions of many runs: sound ones, of which none may be accused, and ones with planted violations.

    Exit code 1 if a sound run was accused.
    """
    counts = Counts()
    for one in campaign(range(first, first + seeds), times, workers):
        for accusation in one.accusations:
            say(f"accused: {accusation}")
        counts.add(one)
    say(f"{'reduction':<26}{'sound':>8}{'accused':>9}{'planted':>9}{'found':>8}")
    for name in [reduction.__name__ for reduction in PLANTED_INTO]:
        row = (counts.tried[name], counts.broken[name], counts.planted[name], counts.found[name])
        say(f"{name:<26}{row[0]:>8,}{row[1]:>9,}{row[2]:>9,}{row[3]:>8,}")
    for name in counts.planted:
        if name.startswith("planted: "):
            say(f"{name:<43}{counts.planted[name]:>9,}{counts.found[name]:>8,}")
    say(f"{counts.tried.total():,} audits of sound runs, {counts.broken.total():,} accused one")
    if counts.accusations:
        click.get_current_context().exit(1)


if __name__ == "__main__":
    main()
