"""What a measurement must show, beside its figures: a bar that is missed fails the program."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from raftzmq.benchmarks.program import note


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure and its bound: at most ``bound``, or with ``at_least`` not below it. A ratio has no unit."""

    what: str
    figure: float
    bound: float
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Is the figure good enough?"""
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound

    def __str__(self) -> str:
        side = "at least" if self.at_least else "at most"
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.what}: {self.figure:g}{unit}, {side} {self.bound:g}{unit}"


def end_by(bars: Iterable[Bar]) -> None:
    """Say on standard error which bars are missed, and exit with 1 if any is."""
    missed = [bar for bar in bars if not bar.met]
    for bar in missed:
        note(f"missed: {bar}")
    if missed:
        sys.exit(1)
