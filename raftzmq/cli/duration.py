"""A span of time on the command line: 500ms, 10s, 1.5m, 2h, or bare seconds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    DurationType = click.ParamType[int]
else:  # older releases of click know no type arguments
    DurationType = click.ParamType

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h)?")
_UNITS_US = {"us": 1, "ms": 1000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}


class Duration(DurationType):
    """Microseconds, more than none and at most ``longest_us``."""

    name = "duration"

    def __init__(self, longest_us: int) -> None:
        self.longest_us = longest_us

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The time that the text says."""
        if isinstance(value, int):
            return value
        found = _DURATION.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no span of time: give one like 10s, 500ms, 2m or 1h", param, ctx)
        microseconds = float(found[1]) * _UNITS_US[found[2] or "s"]
        if not 0.5 < microseconds <= self.longest_us:
            self.fail(f"{value!r} is not within 0 and {self.longest_us // 1_000_000} s", param, ctx)
        return round(microseconds)
