"""How much faster more workers were, and Amdahl's law through that: read from the tags of requests.

Measurements that no node makes are carried into the recording by requests whose tags say what was measured, one each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import linear_regression

from raftzmq.labs.history import History, Moment

RATE, LOST, LOADS, LOADED = "rate", "lost", "load-begins", "load-ends"
"""First words of tags: a measured rate, updates that were lost, the ends of a load on the cluster."""


def rate_tag(task: str, kind: str, workers: int, rate: float) -> str:
    """So many workers did ``rate`` units of a task per second."""
    return f"{RATE} {task} {kind} {workers} {rate:.2f}"


def lost_tag(kind: str, locked: str, lost: int, updates: int) -> str:
    """A counter that was shared ``locked`` or ``unlocked`` forgot so many of its updates."""
    return f"{LOST} {kind} {locked} {lost} {updates}"


@dataclass(frozen=True, slots=True)
class Line:
    """What was measured of one task: rates per second by number of workers, each the best of its repeats.

    What else a machine does meanwhile makes work slower, never faster.
    """

    task: str
    kind: str
    rates: Mapping[int, float]

    @property
    def speed_ups(self) -> dict[int, float]:
        """S(n), above the fewest workers."""
        base = self.rates[min(self.rates)]
        return {workers: rate / base for workers, rate in sorted(self.rates.items())}

    @property
    def parallel_fraction(self) -> float:
        """Amdahl's p: T(n) is a straight line in 1/n, whose slope is its part (least squares)."""
        return _fraction(self.rates)

    @property
    def limit(self) -> float | None:
        """What infinitely many workers could do, as a multiple of one; None if no end can be seen."""
        serial = 1 - self.parallel_fraction
        return 1 / serial if serial > 0 else None

    def predicted(self, workers: int) -> float:
        """S(n) by the law that is fitted to the others."""
        fraction = _fraction({n: rate for n, rate in self.rates.items() if n != workers})
        return 1 / ((1 - fraction) + fraction / workers)


def _fraction(rates: Mapping[int, float]) -> float:
    slope, intercept = linear_regression([1 / n for n in rates], [1 / rate for rate in rates.values()])
    return slope / (slope + intercept)


def lines_of(history: History) -> list[Line]:
    """What workers did, by task and kind, in the order in which they were first told of."""
    found: dict[tuple[str, str], dict[int, list[float]]] = {}
    for words, _ in _notes(history, RATE):
        _, task, kind, workers, rate = words
        found.setdefault((task, kind), {}).setdefault(int(workers), []).append(float(rate))
    best = {key: {n: max(values) for n, values in rates.items()} for key, rates in found.items()}
    return [Line(*key, rates) for key, rates in best.items() if len(rates) > 2]


def lost_updates(history: History) -> dict[tuple[str, str], tuple[int, int]]:
    """By kind and `locked` or `unlocked`: how many updates were lost, of how many."""
    return {(words[1], words[2]): (int(words[3]), int(words[4])) for words, _ in _notes(history, LOST)}


@dataclass(frozen=True, slots=True)
class Load:
    """So many puts were under way at a time: how many commands per second were applied, and how many per entry."""

    in_flight: int
    rate: float
    per_entry: float
    position: int


def loads_of(history: History) -> list[Load]:
    """The loads on the cluster, by what the node that answered applied between their ends."""
    found, begun = [], {words[1]: moment for words, moment in _notes(history, LOADS)}
    for words, ended in _notes(history, LOADED):
        first = begun.get(words[1])
        if first is None or first.node != ended.node:
            continue
        applied = [m for m in history.of("apply", ended.node) if first.position < m.position < ended.position]
        commands = sum(m.event["commands"] for m in applied)
        entries = sum(m.event["last"] - m.event["first"] + 1 for m in applied)
        seconds = (ended.event["mono_ns"] - first.event["mono_ns"]) / 1e9
        if entries and seconds > 0:
            found.append(Load(int(words[1]), commands / seconds, commands / entries, ended.position))
    return sorted(found, key=lambda load: load.in_flight)


def _notes(history: History, first: str) -> list[tuple[list[str], Moment]]:
    split = [(str(moment.event["tag"]).split(), moment) for moment in history.of("trace")]
    return [(words, moment) for words, moment in split if words and words[0] == first]
