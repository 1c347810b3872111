"""What a benchmark found, as data: printed as tables, drawn as charts, put into a report, all from the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

import msgspec

from raftzmq.benchmarks.figures import Figures
from raftzmq.errors import RaftzmqError

SCHEMA = 1
"""Of saved results."""

Cell = int | float | str | None
"""None where nothing was measured."""
ChartKind = Literal["lines", "points", "bars", "steps"]
"""``points`` are samples without a line between them, ``steps`` are cumulative or histogram outlines."""


class ResultUnreadable(RaftzmqError):
    """A saved result is none, or one of another release."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line, set of points or group of bars. With ``kind="bars"`` the xs are the names of the groups.

    ``low`` and ``high`` are the ends of each y's error bar, if it has one. ``kind`` differs from the chart's where a
    fitted curve runs through measured points: such a curve has the colour of the series whose label its own begins with
    ("threads, fitted" goes with "threads"). A y of None or NaN was not measured: a gap.
    """

    label: str
    x: Sequence[float | str]
    y: Sequence[float | None]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    kind: ChartKind | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened at some x, or between two: an upright line, or a band. On the y axis a bar to reach, or a range."""

    label: str
    at: float
    until: float | None = None
    axis: Literal["x", "y"] = "x"


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture. ``name`` becomes a file's name; the labels name the units; ``note`` says how to read it.

    ``marks`` are events and bounds drawn behind the series. A linear y axis begins at 0, unless there is less than 0.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    kind: ChartKind = "lines"
    log_x: bool = False
    log_y: bool = False
    note: str = ""
    marks: Sequence[Mark] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Columns are named as figures are: with the unit at the end."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def records(self) -> list[dict[str, Cell]]:
        """The rows as JSON has them."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(slots=True)
class Result:
    """What one benchmark found.

    ``question`` is what it asks, in one sentence; ``figures`` are its answers in numbers, ``findings`` in words, made
    from the figures; ``tables`` hold every sample that they rest on.
    """

    benchmark: str
    question: str
    settings: Figures
    figures: Figures
    tables: list[Table] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For ``--json``: the figures first, as in every benchmark, then what they rest on."""
        return {
            **self.figures,
            "benchmark": self.benchmark,
            "settings": self.settings,
            "tables": {table.title: table.records() for table in self.tables},
            "findings": self.findings,
        }

    def to_saved(self) -> bytes:
        """Everything, charts included, as JSON that `from_json` reads."""
        return to_json_bytes({"schema": SCHEMA, **{each.name: getattr(self, each.name) for each in fields(self)}})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """What `to_saved` wrote; a figure that was not a number is gone. Raises ResultUnreadable."""
        try:
            document = msgspec.json.decode(data, type=dict[str, Any])
            if document.pop("schema", None) != SCHEMA:
                raise ResultUnreadable(f"not a result of this release, which has schema {SCHEMA}: measure again")
            for name in ("settings", "figures"):
                document[name] = {key: value for key, value in document[name].items() if value is not None}
            return msgspec.convert(document, cls)
        except (msgspec.MsgspecError, KeyError, AttributeError) as error:
            raise ResultUnreadable(f"not a saved result: {error}") from None


def to_json_bytes(document: object) -> bytes:
    """JSON, with null for what is not a number, and numpy's numbers as if they were Python's."""
    return msgspec.json.encode(document, enc_hook=_plain)


def _plain(value: object) -> object:
    unpack = getattr(value, "tolist", None)
    if unpack is None:
        raise TypeError(f"{type(value).__name__} is no part of a result")
    return unpack()
