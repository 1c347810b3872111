"""What one client process was told, answer by answer: for the figures, and to hold the store to it."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field

from raftzmq.benchmarks.plan import HEAD, Plan
from raftzmq.client.results import KeyValue

REFUSED = 0
"""In the place of a revision: the put surely was not applied, or there was no put in this place but a get."""
UNKNOWN = -1
"""In the place of a revision: the put may have been applied."""


@dataclass(slots=True)
class Readings:
    """What gets returned: of which key (by number), of which revision (0: no such key), with which head.

    ``stale`` counts those older than what this same client had been told of the key before it asked: linearizable
    gets never are.
    """

    keys: array[int] = field(default_factory=lambda: array("I"))
    revisions: array[int] = field(default_factory=lambda: array("q"))
    heads: array[int] = field(default_factory=lambda: array("Q"))
    stale: int = 0

    def note(self, number: int, item: KeyValue | None, least: int) -> int:
        """A get was answered that had to see revision ``least`` or a later one; the revision that it saw."""
        revision, head = 0, 0
        if item is not None:
            revision, head = item.mod_revision, int.from_bytes(item.value[: HEAD.size])
        if revision < least:
            self.stale += 1
        self.keys.append(number)
        self.revisions.append(revision)
        self.heads.append(head)
        return revision


@dataclass(slots=True)
class Record:
    """What one client was told. Position 0 is the put that warmed it up; it and what preloaded keys are not timed.

    ``begun`` and ``ended`` are seconds of the system's monotonic clock, which all processes share. ``latencies`` are of
    puts, ``get_latencies`` of gets, from the call to its answer, in seconds. With a rate in the plan,
    ``response_times`` are those of the same calls (in no order that matters), counted from when they were due.
    """

    plan: Plan
    keys: array[int]
    revisions: array[int]
    latencies: array[float] = field(default_factory=lambda: array("d"))
    failures: Counter[str] = field(default_factory=Counter)
    begun: float = 0.0
    ended: float = 0.0
    get_latencies: array[float] = field(default_factory=lambda: array("d"))
    readings: Readings = field(default_factory=Readings)
    response_times: array[float] = field(default_factory=lambda: array("d"))

    @classmethod
    def empty(cls, plan: Plan) -> Record:
        """With a place for every operation of the plan."""
        count = plan.first_sequence + plan.operations
        return cls(plan, array("I", bytes(4 * count)), array("q", bytes(8 * count)))

    @property
    def answered(self) -> int:
        """Operations that were timed, puts and gets."""
        return len(self.latencies) + len(self.get_latencies)
