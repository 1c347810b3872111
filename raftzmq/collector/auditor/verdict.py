"""What an audit came to: per rule, what was compared, what is broken, and from when to when nothing is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

from raftzmq.collector.auditor.rules import DETAILS, RULES, TOGETHER
from raftzmq.verify import PROPERTIES, Violations

HOLDS, VIOLATED, UNKNOWN, UNSEEN = "holds", "violated", "unknown", "unseen"
"""The states of a rule, and, without the last, of the whole. `UNSEEN`: nothing came that it could be broken by."""

INTERVALS_MAX = 1_000
VIOLATIONS_MAX = 1_000
"""Kept for the verdict; the others are counted."""


class Place(NamedTuple):
    """A place in the stream: an event's position, and its wall clock in seconds since 1970."""

    position: int
    ts: float

    def to_json(self) -> dict[str, Any]:
        """As in the verdict."""
        return {"position": self.position, "ts": self.ts}


@dataclass(slots=True)
class Interval:
    """Between these places something about ``source`` isn't known, and so ``rules`` can't be judged; open: no end."""

    source: str
    reason: str
    rules: frozenset[str]
    first: Place
    last: Place | None = None

    def to_json(self) -> dict[str, Any]:
        """As in the verdict; ``to`` is null while it lasts."""
        return {
            "source": self.source,
            "reason": self.reason,
            "rules": sorted(self.rules),
            "from": self.first.to_json(),
            "to": None if self.last is None else self.last.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Broken:
    """A violation, and the place at which it was seen."""

    rule: str
    nodes: tuple[str, ...]
    text: str
    place: Place

    def to_json(self) -> dict[str, Any]:
        """As in the verdict."""
        return {"rule": self.rule, "nodes": list(self.nodes), "text": self.text, **self.place.to_json()}


class Findings:
    """Violations and intervals of not knowing, bounded."""

    def __init__(self) -> None:
        self.broken: list[Broken] = []
        self.broken_in: Counter[str] = Counter()
        self.intervals: list[Interval] = []
        self.intervals_dropped = 0

    def violated(self, broken: Broken) -> None:
        """Another violation."""
        self.broken_in[broken.rule] += 1
        if len(self.broken) < VIOLATIONS_MAX:
            self.broken.append(broken)

    def begin(self, interval: Interval) -> None:
        """From here on something isn't known."""
        if len(self.intervals) < INTERVALS_MAX:
            self.intervals.append(interval)
        else:
            self.intervals_dropped += 1

    def end(self, source: str, place: Place) -> None:
        """All is known of ``source`` again."""
        for interval in self.intervals:
            if interval.source == source and interval.last is None:
                interval.last = place


@dataclass(frozen=True, slots=True)
class Heard:
    """A node: whether it is known where it stands, or ever was, and the last event of it (``position`` 0: none)."""

    node: str
    known: bool
    ever_known: bool
    position: int
    ts: float


def missing_types(types: Counter[str], elections: bool) -> frozenset[str]:
    """The types that a stream with these events must have had, and of which there is none in it.

    A subscription to some types alone leaves the others out. ``elections``: were there some?
    """
    missing: set[str] = set()
    if not types.keys().isdisjoint(TOGETHER):
        missing |= TOGETHER - types.keys()
    if elections:
        missing |= {"role", "term"} - types.keys()
    return frozenset(missing)


def verdict_json(
    violations: Violations,
    findings: Findings,
    heard: list[Heard],
    types: Counter[str],
    missing: frozenset[str],
    open_commits: int,
    first: Place,
    last: Place,
) -> dict[str, Any]:
    """The verdict as one JSON document; see `Auditor.verdict`."""
    never = [one.node for one in heard if not one.ever_known]
    rows = []
    for rule, needs in RULES.items():
        unknown = [interval for interval in findings.intervals if rule in interval.rules]
        absent = sorted((needs - DETAILS) & missing)
        checks = violations.checks[rule]
        if findings.broken_in[rule]:
            state = VIOLATED
        elif unknown or absent or never or (rule == "durable_commit" and open_commits):
            state = UNKNOWN
        else:
            state = HOLDS if checks else UNSEEN
        rows.append(
            {
                "rule": rule,
                "means": PROPERTIES[rule],
                "state": state,
                "checks": checks,
                "skipped": violations.skipped[rule] + (open_commits if rule == "durable_commit" else 0),
                "violations": findings.broken_in[rule],
                "unknown": [{"from": i.first.to_json(), "to": i.last and i.last.to_json()} for i in unknown],
                "missing": absent,
            }
        )
    states = {row["state"] for row in rows}
    whole = VIOLATED if VIOLATED in states else UNKNOWN if UNKNOWN in states or not heard else HOLDS
    return {
        "verdict": whole,
        "events": sum(types.values()),
        "from": first.to_json(),
        "to": last.to_json(),
        "rules": rows,
        "violations": [broken.to_json() for broken in findings.broken],
        "violations_total": sum(findings.broken_in.values()),
        "unknown": [interval.to_json() for interval in findings.intervals],
        "unknown_dropped": findings.intervals_dropped,
        "never_heard": never,
        "missing_types": sorted(missing),
        "nodes": [{"node": one.node, "known": one.known, "position": one.position, "ts": one.ts} for one in heard],
    }
