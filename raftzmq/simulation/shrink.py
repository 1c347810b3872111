"""A failing seed made short: what can be left out of its run, so that the same property still breaks.

Delta debugging (Zeller and Hildebrandt 2002) over what the seed drew: its faults, the time that passes before each,
what clients ask for, and the ills of its world. Every candidate is a run of its own, and only one that breaks the same
property, no later than in the shortest so far, takes its place; so nothing needs to be known of why it breaks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from raftzmq.simulation.audit import Audit
from raftzmq.simulation.cluster import Cluster, Found
from raftzmq.simulation.scenario import ILLS, Scenario

RUNS_MAX = 3_000
"""A bound for what is hard to shrink: a few minutes."""
ROUNDS_MAX = 4
"""How often to start over, since what one pass leaves out lets the next one leave out more."""
LUCKS = 40
"""Other courses that are tried in each round: one where the same comes about sooner is easier to read."""
STORY_LINES_MAX = 400
DULL = re.compile(r": heartbeat,|: hello$|: welcome, |: incarnations of \S+$")
NUMBERS = re.compile(r"#\d+|round \d+|context \d+")
"""What tells two sendings of the same thing apart."""
LATE = ("progress", "definite_failures")
"""Properties that are checked after the last event: there the events before count, not those of the recovery."""

Part = TypeVar("Part", int, str)


@dataclass(frozen=True, slots=True)
class Shrunk:
    """``found`` is ``original`` again, in the shortest run out of ``runs``; ``story`` is that run in plain words."""

    original: Found
    found: Found
    faults: int
    requests: int
    runs: int
    story: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As ``simulate --shrink --json`` has it."""
        return {
            **self.found.to_json(),
            "scenario": str(self.found.scenario),
            "events": length(self.found),
            "events_before": length(self.original),
            "faults": self.faults,
            "requests": self.requests,
            "runs": self.runs,
            "story": list(self.story),
        }


def length(found: Found) -> int:
    """How many events the run needed."""
    return found.events if found.name in LATE else found.step


def shrink(found: Found, told: Callable[[str], None] | None = None) -> Shrunk:
    """Shrink the run in which ``found`` was found; ``told`` gets a line of progress now and then."""
    return _Shrinker(found, told).run()


def _audit(found: Found) -> Audit | None:
    return Audit() if found.audited else None


def story(lines: Sequence[str]) -> tuple[str, ...]:
    """The lines of a transcript that tell something new: no heartbeats, no greetings, nothing said twice.

    Of a long one, such as of a cluster that never comes to rest, the middle is left out.
    """
    told: dict[str, None] = {}
    kept = []
    for line in lines:
        text = line.split(" ms  ", 1)[-1]
        said = NUMBERS.sub("", text)
        if not DULL.search(text) and said not in told:
            told[said] = None
            kept.append(line)
    if len(kept) > STORY_LINES_MAX:
        half = STORY_LINES_MAX // 2
        kept[half:-half] = [f"… {len(kept) - 2 * half} lines more"]
    return tuple(kept)


class _Shrinker:
    """The shortest run so far: ``best``, and what took place in it."""

    def __init__(self, found: Found, told: Callable[[str], None] | None) -> None:
        self.original = found
        self.best = found
        self.runs = 0
        self.faults: list[int] = []
        self.requests: list[str] = []
        self._told = told

    def run(self) -> Shrunk:
        self._try(self.best.scenario, self.best.events)
        for _ in range(ROUNDS_MAX):
            before = (self.best.scenario, length(self.best))
            self._shorten()
            self._without()
            self._minimize(self.faults, lambda kept: {"faults": kept})
            self._minimize(list(range(1, max(self.faults, default=0) + 1)), lambda kept: {"waits": kept})
            self._minimize(self.requests, lambda kept: {"requests": kept})
            self._hasten()
            if self._told is not None:
                self._told(
                    f"{length(self.best)} events, {len(self.faults)} faults, {len(self.requests)} requests after "
                    f"{self.runs} runs"
                )
            if before == (self.best.scenario, length(self.best)):
                break
        lines: list[str] = []
        best = self.best
        Cluster(best.seed, best.events, lines.append, best.scenario, _audit(best)).run()
        return Shrunk(self.original, best, len(self.faults), len(self.requests), self.runs, story(lines))

    def _try(self, scenario: Scenario, events: int) -> bool:
        """Run a candidate; if it breaks the same property, no later, it is the best from now on."""
        if self.runs >= RUNS_MAX:
            return False
        self.runs += 1
        cluster = Cluster(self.original.seed, events, None, scenario, _audit(self.original))
        found = cluster.run().found
        if not found or found[0].name != self.original.name or length(found[0]) > length(self.best):
            return False
        self.best = found[0]
        if self.best.name not in LATE:
            # One more: what the last event led to is part of the run.
            self.best = replace(self.best, events=self.best.step + 1)
        self.faults, self.requests = list(cluster.faults.begun), list(cluster.requests)
        return True

    def _shorten(self) -> None:
        """Where the events are not what breaks it, fewer of them may do."""
        if self.best.name not in LATE:
            return
        step = self.best.events // 2
        while step:
            if not self._try(self.best.scenario, self.best.events - step):
                step //= 2

    def _hasten(self) -> None:
        """The same misfortunes and wishes, but messages and timers as they might have come."""
        for luck in range(1, LUCKS + 1):
            self._try(replace(self.best.scenario, luck=luck), self.best.events - 1)

    def _without(self) -> None:
        """A simpler world, if it need not be this one."""
        gone = self.best.scenario.without
        rest = tuple(ill for ill in ILLS if ill not in gone)
        if rest and not self._try(replace(self.best.scenario, without=gone + rest), self.best.events):
            for ill in rest:
                without = (*self.best.scenario.without, ill)
                self._try(replace(self.best.scenario, without=without), self.best.events)

    def _minimize(self, parts: Sequence[Part], as_fields: Callable[[tuple[Part, ...]], dict[str, Any]]) -> None:
        """Leave out as many of ``parts`` as can be, first in large pieces, then one by one."""

        def works(kept: Sequence[Part]) -> bool:
            return self._try(replace(self.best.scenario, **as_fields(tuple(kept))), self.best.events)

        kept = list(parts)
        if works(()):
            return
        if not works(kept):
            # Naming all leaves out what would have come later, which matters only where it was drawn already.
            return
        size = len(kept)
        while size > 1 or len(kept) > 1:
            size = max(1, size // 2)
            at = 0
            while at < len(kept) and len(kept) > 1:
                rest = kept[:at] + kept[at + size :]
                if rest and works(rest):
                    kept = rest
                else:
                    at += size
            if size == 1:
                break
