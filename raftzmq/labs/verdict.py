"""What a judge found in a recording: sentences that hold or don't, each with the events that show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from raftzmq.labs.words import Words

EVIDENCE_MAX = 20
"""Positions that are kept of one check: enough to look at."""


@dataclass(frozen=True, slots=True)
class Check:
    """A sentence, whether it holds, and the positions of events that show it (at most `EVIDENCE_MAX`).

    ``seen`` says what was seen, with figures: of a sentence that doesn't hold, what stood against it.
    """

    sentence: Words
    held: bool
    evidence: tuple[int, ...] = ()
    seen: Words | None = None

    def to_json(self) -> dict[str, Any]:
        """As in ``lab.json``."""
        return {
            "sentence": self.sentence.to_json(),
            "held": self.held,
            "evidence": list(self.evidence),
            "seen": None if self.seen is None else self.seen.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Something to look at that was made of the events: a histogram or a table, in lines of equal-width characters."""

    title: Words
    lines: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As in ``lab.json``."""
        return {"title": self.title.to_json(), "lines": list(self.lines)}


@dataclass(slots=True)
class Verdict:
    """All checks of one recording. Green if there are some and all of them hold."""

    checks: list[Check] = field(default_factory=list)
    exhibits: list[Exhibit] = field(default_factory=list)

    def check(self, sentence: Words, held: object, evidence: Iterable[int] = (), *, seen: Words | None = None) -> bool:
        """Add a check; ``held`` counts as Python sees it. Returns whether it holds."""
        positions = tuple(sorted(set(evidence)))
        self.checks.append(Check(sentence, bool(held), positions[:EVIDENCE_MAX], seen))
        return bool(held)

    def exhibit(self, title: Words, lines: Iterable[str]) -> None:
        """Add something to look at."""
        self.exhibits.append(Exhibit(title, tuple(lines)))

    @property
    def green(self) -> bool:
        """Do all checks hold?"""
        return bool(self.checks) and all(check.held for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """As in ``lab.json``."""
        return {
            "green": self.green,
            "checks": [check.to_json() for check in self.checks],
            "exhibits": [exhibit.to_json() for exhibit in self.exhibits],
        }
