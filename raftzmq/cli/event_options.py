"""Options that choose events: times, names, types of the catalogue."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
"""In a unit of time, as people write it."""

if TYPE_CHECKING:
    FloatType = click.ParamType[float]
    NamesType = click.ParamType[tuple[str, ...]]
else:  # older releases of click know no type arguments
    FloatType = NamesType = click.ParamType


class Since(FloatType):
    """A time: ``30s``, ``5m``, ``2h``, ``1d`` ago, or ISO 8601."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds since 1970."""
        if isinstance(value, float):
            return value
        ago = re.fullmatch(r"(\d+)([smhd])", str(value))
        if ago:
            return time.time() - int(ago[1]) * SECONDS[ago[2]]
        try:
            return datetime.fromisoformat(str(value)).timestamp()
        except ValueError:
            self.fail(f"{value!r} is no time: give 30s, 5m, 2h, 1d, or 2026-01-31T12:00:00.", param, ctx)


class Names(NamesType):
    """Names with commas between them."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The names."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(",") if name.strip())
        if not names:
            self.fail(f"{value!r} names none: give one, or several with commas between them.", param, ctx)
        return names


class Types(Names):
    """Types of events with commas between them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The names, each of them in the catalogue."""
        from raftzmq.events.catalogue import EVENT_TYPES

        names = super().convert(value, param, ctx)
        unknown = [name for name in names if name not in EVENT_TYPES]
        if unknown:
            self.fail(f"no such type of event: {', '.join(unknown)}; there are {', '.join(EVENT_TYPES)}.", param, ctx)
        return names


def joined(_ctx: click.Context, _param: click.Parameter, values: tuple[tuple[str, ...], ...]) -> frozenset[str]:
    """An option that may be repeated, each time with several names, as one set."""
    return frozenset(name for names in values for name in names)
