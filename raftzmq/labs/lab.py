"""What a lab is: a script that acts on a cluster, and a judge that sees the recorded events only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from raftzmq.labs.audited import audit
from raftzmq.labs.history import Event, History
from raftzmq.labs.syllabus import SYLLABUS, Subject
from raftzmq.labs.verdict import Verdict

CALM = ("--election-timeout-ms", "500-1000")
"""Options of nodes: election timeouts that leave time to watch, and to a machine that does other things as well."""

if TYPE_CHECKING:
    from raftzmq.labs.stage import Stage

Script = Callable[["Stage"], None]
"""Acts, tells and waits. It returns nothing: nobody asks it what came of it."""
Judge = Callable[[History], Verdict]
"""A pure function of the recorded events. It must find a lab red in which the cause of what it shows is missing."""
Draw = Callable[[History, Path], Sequence[Path]]
"""Draws pictures of the events into a directory; returns the files."""


@dataclass(frozen=True, slots=True)
class Lab:
    """``name`` is one of the syllabus.

    ``nodes`` is the size of its cluster, ``details`` the types of single messages that are recorded as well (`sent`,
    `received`, `heartbeat_sent`, `heartbeat_received`, `request`), ``options`` are further ones of ``raftzmq node``.
    """

    name: str
    script: Script
    judge: Judge
    nodes: int = 5
    details: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    draw: Draw | None = None

    @property
    def subject(self) -> Subject:
        """Its title, and what it shows."""
        return SYLLABUS[self.name]

    def verdict_of(self, events: Iterable[tuple[int, Event]]) -> Verdict:
        """Judge (position, event) pairs in the order of the merged stream; the auditor's check comes last.

        The judge sees them in causal order (Lamport 1978): what the collector heard late, and therefore put behind what
        came of it, is back in its place.
        """
        stream = list(events)
        causal = sorted(stream, key=lambda one: (one[1].get("lamport", 0), one[0]))
        verdict = self.judge(History(enumerate((event for _, event in causal), 1)))
        positions = dict(enumerate((position for position, _ in causal), 1))
        for number, check in enumerate(verdict.checks):
            found = sorted(positions[place] for place in check.evidence if place in positions)
            verdict.checks[number] = replace(check, evidence=tuple(found))
        verdict.checks.append(audit(stream))
        return verdict
