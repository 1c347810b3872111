"""What a lab says while it runs: step by step, what is done, what to watch, and the rule behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from raftzmq.labs.words import Words


@dataclass(frozen=True, slots=True)
class Step:
    """``what`` is done now, what is worth watching (``watch``), and the ``rule`` with its section."""

    what: Words
    watch: Words
    rule: Words

    def fill(self, **values: object) -> Step:
        """With values in the places of all three texts."""
        return Step(self.what.fill(**values), self.watch.fill(**values), self.rule.fill(**values))


@dataclass(frozen=True, slots=True)
class Told:
    """A step that was told: its number from 1, and when, in milliseconds since 1970.

    ``position`` is that of the first recorded event after it, known once the recording is complete, until then 0.
    """

    number: int
    ms: int
    step: Step
    position: int = 0

    def to_json(self) -> dict[str, Any]:
        """As in ``lab.json``."""
        return {
            "number": self.number,
            "ms": self.ms,
            "position": self.position,
            "what": self.step.what.to_json(),
            "watch": self.step.watch.to_json(),
            "rule": self.step.rule.to_json(),
        }
