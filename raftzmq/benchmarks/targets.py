"""How fast raftzmq means to be: each bar with the measurement that decides it.

Bars are parts of what another program reaches with the same load in the same minutes, or of what raftzmq itself does
otherwise, wherever a plain figure would be one of the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from raftzmq.benchmarks.bars import Bar
from raftzmq.benchmarks.comparison import compare, compare_points
from raftzmq.benchmarks.display import Advance
from raftzmq.benchmarks.figures import Figures, median, number
from raftzmq.benchmarks.full_load import full_load
from raftzmq.benchmarks.memory import measure as measure_memory
from raftzmq.benchmarks.point import Point, measure_point
from raftzmq.benchmarks.result import Cell, Table

KIB: Final = 1024
MANY: Final = 1000
"""In flight, from two client processes: one alone is busier than the cluster."""
FULL_LOAD_S: Final = 600.0
MILLIONS: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Setting:
    """How thoroughly, on which disk, and against which program."""

    against: Path | None = None
    pairs: int = 5
    part: float = 1.0
    """Of the operations and seconds: less for a first impression."""
    directory: Path | None = None

    def point(self, operations: int, **factors: Any) -> Point:
        """A point with that many operations, or the part of them that is asked for."""
        many = max(int(operations * self.part), MANY)
        return replace(Point(operations=many, directory=self.directory), **factors)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The bars of one measurement, and all its samples."""

    bars: list[Bar]
    samples: Table


@dataclass(frozen=True, slots=True)
class Target:
    """One measurement: ``runs`` of it are counted as progress. Long ones run only if they are asked for.

    ``in_pairs``: it takes as many runs, or pairs of them, as the setting says.
    """

    name: str
    title: str
    decide: Callable[[Setting, Advance], Outcome]
    runs: Callable[[Setting], int] = field(default=lambda setting: 2 * setting.pairs)
    needs_program: bool = False
    is_long: bool = False
    in_pairs: bool = True


def innocent_elections(elections: Sequence[float], stalls: Sequence[float]) -> float:
    """Elections of the runs in which the whole machine did not stall: the others say nothing about raftzmq."""
    return sum(count for count, stalled in zip(elections, stalls, strict=True) if not stalled)


def _no_elections(what: str, elections: Sequence[float], stalls: Sequence[float]) -> Bar:
    return Bar(f"elections during {what}", innocent_elections(elections, stalls), 0, "elections")


def _no_elections_in(what: str, runs: Sequence[Figures]) -> Bar:
    return _no_elections(what, *([number(each, name) for each in runs] for name in ("elections", "machine_stalls")))


def floats(figures: Figures, name: str) -> list[float]:
    """A figure that is a list."""
    found = figures[name]
    assert isinstance(found, list)
    return found


_SHOWN = ("latency_p50_ms", "latency_p99_ms", "elections", "machine_stalls", "machine_stall_max_ms")


def against_program(
    what: str, point: Callable[[Setting], Point], least: float, p99_ms: float | None = None
) -> Callable[[Setting, Advance], Outcome]:
    """``what`` (puts or gets) of a point beside the other program's, alternating."""

    def decide(setting: Setting, advance: Advance) -> Outcome:
        assert setting.against is not None
        chosen = point(setting)
        figures = compare(chosen, setting.against, setting.pairs, advance)
        name = f"{what} at {chosen.in_flight} in flight"
        other = "echo" if what == "gets" else "relay"
        bars = [Bar(f"{name}, of the {other} floor", number(figures, "ratio_of_medians"), least, "", at_least=True)]
        if p99_ms is not None:
            p99 = round(median(floats(figures, "latency_p99_ms")), 3)
            bars.append(Bar(f"p99 of {name}", p99, p99_ms, "ms"))
        bars.append(_no_elections(name, floats(figures, "elections"), floats(figures, "machine_stalls")))
        columns = [f"{what}_per_second", "yardstick_operations_per_second", "ratio_of_pairs", *_SHOWN]
        rows = list(zip(*(floats(figures, column) for column in columns), strict=True))
        return Outcome(bars, Table(f"{name}, beside {setting.against.name} {other}", columns, rows))

    return decide


def against_itself(
    title: str, first: Callable[[Setting], Point], second: Callable[[Setting], Point], least: float
) -> Callable[[Setting, Advance], Outcome]:
    """What the ``second`` point reaches of the ``first``, alternating."""

    def decide(setting: Setting, advance: Advance) -> Outcome:
        base, other = compare_points(first(setting), second(setting), setting.pairs, advance)
        rates = [[number(figures, "puts_per_second") for figures in runs] for runs in (base, other)]
        ratio = round(median(rates[1]) / median(rates[0]), 3)
        every = [*base, *other]
        bars = [
            Bar(title, ratio, least, "", at_least=True),
            _no_elections_in(title.replace(", of ", " and "), every),
        ]
        columns = ["nodes", "client", "puts_per_second", *_SHOWN]
        rows: list[list[Cell]] = [
            [int(number(each, "nodes")), str(each["client"]), *(number(each, column) for column in columns[2:])]
            for each in every
        ]
        return Outcome(bars, Table(title, columns, rows))

    return decide


def _large_values(setting: Setting, advance: Advance) -> Outcome:
    runs = []
    for turn in range(setting.pairs):
        point = setting.point(4000, in_flight=64, value_size=64 * KIB)
        runs.append(measure_point(point, lambda done: None).figures())
        advance(turn + 1)
    rate = median([number(figures, "megabytes_per_second") for figures in runs])
    bars = [
        Bar("values of 64 KiB, 64 in flight", rate, 40, "MB/s", at_least=True),
        _no_elections_in("values of 64 KiB", runs),
    ]
    columns = ["megabytes_per_second", "puts_per_second", *_SHOWN]
    rows = [[number(figures, column) for column in columns] for figures in runs]
    return Outcome(bars, Table("Values of 64 KiB", columns, rows))


def _millions(setting: Setting, advance: Advance) -> Outcome:
    point = setting.point(MILLIONS, in_flight=MANY, clients=2)
    figures, _ = measure_memory(point, advance)
    rates = floats(figures, "puts_per_second_by_tenth")
    bars = [
        Bar(
            f"the last tenth of {point.operations:,} puts, of the first",
            round(rates[-1] / rates[0], 3),
            0.9,
            "",
            at_least=True,
        ),
        Bar("memory of a node after them (RssAnon)", number(figures, "rss_anon_max_mb"), 350, "MB"),
    ]
    rows = [[place + 1, rate] for place, rate in enumerate(rates)]
    return Outcome(bars, Table(f"{point.operations:,} puts", ["tenth", "puts_per_second"], rows))


def _no_election(setting: Setting, advance: Advance) -> Outcome:
    seconds = FULL_LOAD_S * setting.part
    found = full_load(setting.point(1, in_flight=MANY, clients=2), seconds, lambda passed: advance(int(passed)))
    bars = [_no_elections(f"{found.seconds:g} s of full load", [found.elections], [found.machine_stalls])]
    columns = ["seconds", "acknowledged", "elections", "machine_stalls", "machine_stall_max_ms"]
    return Outcome(bars, Table("Full load", columns, [[getattr(found, column) for column in columns]]))


def _many(setting: Setting) -> Point:
    return setting.point(200_000, in_flight=MANY, clients=2)


TARGETS: Final = (
    Target(
        "puts-1000",
        "puts, 1000 in flight, and their p99",
        against_program("puts", _many, 0.65, p99_ms=40),
        needs_program=True,
    ),
    Target(
        "puts-64",
        "puts, 64 in flight, and their p99",
        against_program("puts", lambda setting: setting.point(60_000, in_flight=64), 0.65, p99_ms=10),
        needs_program=True,
    ),
    Target(
        "puts-1",
        "puts, one at a time",
        against_program("puts", lambda setting: setting.point(2000, in_flight=1), 0.8),
        needs_program=True,
    ),
    Target(
        "gets-1000",
        "linearizable gets, 1000 in flight",
        against_program("gets", lambda setting: setting.point(200_000, in_flight=MANY, clients=2, read_share=1.0), 0.8),
        needs_program=True,
    ),
    Target(
        "gets-1",
        "linearizable gets, one at a time",
        against_program("gets", lambda setting: setting.point(10_000, in_flight=1, read_share=1.0), 0.35),
        needs_program=True,
    ),
    Target(
        "sync",
        "the client for threads beside the asyncio client, 1000 in flight",
        against_itself(
            "the client for threads, of the asyncio client",
            _many,
            lambda setting: replace(_many(setting), client="sync"),
            0.5,
        ),
    ),
    Target(
        "five-nodes",
        "five nodes beside three, 1000 in flight",
        against_itself("five nodes, of three", _many, lambda setting: replace(_many(setting), nodes=5), 0.6),
    ),
    Target("large-values", "values of 64 KiB, 64 in flight", _large_values, runs=lambda setting: setting.pairs),
    Target(
        "millions",
        "5,000,000 puts: as fast at the end, in little memory",
        _millions,
        runs=lambda setting: int(MILLIONS * setting.part),
        is_long=True,
        in_pairs=False,
    ),
    Target(
        "no-election",
        "ten minutes of full load under one leader",
        _no_election,
        runs=lambda setting: int(FULL_LOAD_S * setting.part),
        is_long=True,
        in_pairs=False,
    ),
)
"""In the order in which they are measured."""
