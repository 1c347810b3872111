"""Places in a recording, as people say them: a position, or a time in one of several ways."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.event_options import SECONDS, Since

if TYPE_CHECKING:
    from raftzmq.collector.recording import Recording


@dataclass(frozen=True)
class Place:
    """What somebody typed: a ``position``, a time ``ts`` (seconds since 1970), seconds ``after`` the first event, or a
    time of day ``clock`` (hours, minutes, seconds, as lines of events show it). One of them is set."""

    position: int | None = None
    ts: float | None = None
    after: float | None = None
    clock: tuple[int, int, float] | None = None

    def time_in(self, recording: Recording) -> float:
        """Seconds since 1970; a time of day is the first such from the recording's beginning on."""
        if self.ts is not None:
            return self.ts
        if self.after is not None:
            return recording.first_ts + self.after
        assert self.clock is not None
        hours, minutes, seconds = self.clock
        begin = datetime.fromtimestamp(recording.first_ts)
        found = begin.replace(hour=hours, minute=minutes, second=0, microsecond=0) + timedelta(seconds=seconds)
        # The first event itself may be shown with its fraction cut off.
        return (found if found > begin - timedelta(seconds=1) else found + timedelta(days=1)).timestamp()

    def first_in(self, recording: Recording) -> int:
        """The position of the first event from here on; the one after the last if there is none."""
        return self.position if self.position is not None else recording.position_at(self.time_in(recording))

    def last_in(self, recording: Recording) -> int:
        """The position of the last event up to here."""
        if self.position is not None:
            return self.position
        return recording.position_at(self.time_in(recording) + 1e-6) - 1


if TYPE_CHECKING:
    PlaceType = click.ParamType[Place]
else:  # older releases of click know no type arguments
    PlaceType = click.ParamType


class PlaceParameter(PlaceType):
    """An option's value as a `Place`."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        """The place that ``value`` says."""
        if isinstance(value, Place):
            return value
        text = str(value)
        if re.fullmatch(r"\d{1,15}", text):
            return Place(position=int(text))
        after = re.fullmatch(r"\+(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)
        if after:
            return Place(after=float(after[1]) * SECONDS[after[2]])
        clock = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?", text)
        if clock:
            return Place(clock=(int(clock[1]), int(clock[2]), float(clock[3] or 0)))
        try:
            return Place(ts=Since().convert(text, param, ctx))
        except click.BadParameter:
            self.fail(
                f"{text!r} is no place: give a position (12345), a time of day (14:03:21.5), a date and time "
                "(2026-01-31T14:03), a time after the beginning (+90s), or before now (5m).",
                param,
                ctx,
            )
