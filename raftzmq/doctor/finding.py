"""A finding: what a check saw, what that means, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How bad it is: FAIL keeps a cluster from running as it should, WARN may."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of one check. ``why`` (it matters) and ``next`` (what to do) are empty where all is well."""

    check: str
    verdict: Verdict
    found: str
    why: str = ""
    next: str = ""

    def to_json(self) -> dict[str, Any]:
        """All fields, as text."""
        return {**asdict(self), "verdict": str(self.verdict)}


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, Verdict.OK, found)


def warn(check: str, found: str, why: str, then: str) -> Finding:
    """It may do harm."""
    return Finding(check, Verdict.WARN, found, why, then)


def fail(check: str, found: str, why: str, then: str) -> Finding:
    """It does harm."""
    return Finding(check, Verdict.FAIL, found, why, then)


def worst(findings: Iterable[Finding]) -> Verdict:
    """The worst verdict of all; OK for none."""
    order = list(Verdict)
    return max((finding.verdict for finding in findings), key=order.index, default=Verdict.OK)
