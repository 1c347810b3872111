"""The table of `raftzmq top`: which columns a terminal has room for, and what stands in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from raftzmq.cli.output import printable
from raftzmq.cli.top_frame import NodeRow
from raftzmq.cli.top_numbers import UNKNOWN, age, compact, duration, size, whole

if TYPE_CHECKING:
    from rich.text import Text

GAP = 2
NAME_MAX = 16
EX_LEADER = "ex-leader"
"""The role of a node that still takes itself for the leader while another one leads a later term."""
LATE_S = 1.0
"""A node that isn't heard for so long is about to be silent."""
SLOW_US = 50_000
"""A sync this slow is no healthy disk: an election timeout is 200 ms."""

SORTS: dict[str, Callable[[NodeRow], float]] = {
    "name": lambda row: 0.0,
    "lag": lambda row: -(row.lag or 0),
    "puts": lambda row: -(row.puts_per_s or 0),
    "sync": lambda row: -(row.sync_p99_us or 0),
    "heard": lambda row: -(row.heard_s or 0.0),
}
"""How rows may be sorted; by name is as they come."""


def following_sort(sort: str) -> str:
    """The next way to sort, in turn."""
    names = list(SORTS)
    return names[(names.index(sort) + 1) % len(names)]


class Column(NamedTuple):
    """A column: its width never changes, so that nothing moves from frame to frame."""

    heading: str
    width: int
    right: bool
    importance: int
    """The smaller, the narrower may the terminal be."""
    cell: Callable[[NodeRow], str]
    style: Callable[[NodeRow], str] = lambda row: ""


def _role(row: NodeRow) -> str:
    if row.condition != "up":
        return row.condition
    return "pre-cand." if row.role == "pre-candidate" else row.role or UNKNOWN


def _role_style(row: NodeRow) -> str:
    return "bold green" if row.role == "leader" else "" if row.role in ("follower", None) else "yellow"


COLUMNS = (
    Column("NODE", 4, False, 0, lambda row: printable(row.node), _role_style),
    Column("ROLE", 9, False, 1, lambda row: printable(_role(row)), _role_style),
    Column("TERM", 5, True, 2, lambda row: whole(row.term, 5)),
    Column("LEADER", 6, False, 9, lambda row: printable(row.leader or UNKNOWN)),
    Column("COMMIT", 10, True, 3, lambda row: whole(row.commit_index, 10)),
    Column("APPLIED", 10, True, 8, lambda row: whole(row.last_applied, 10)),
    Column("LAG", 6, True, 4, lambda row: whole(row.lag, 6)),
    Column("LOG", 8, True, 10, lambda row: size(row.log_bytes)),
    Column("PUTS/S", 6, True, 5, lambda row: whole(row.puts_per_s, 6)),
    Column("SYNC 50", 7, True, 12, lambda row: duration(row.sync_p50_us)),
    Column(
        "SYNC 99", 7, True, 7, lambda row: duration(row.sync_p99_us),
        lambda row: "yellow" if (row.sync_p99_us or 0) >= SLOW_US else "",
    ),
    Column("TRIP", 7, True, 11, lambda row: duration(row.round_trip_us)),
    Column("QUEUE", 5, True, 13, lambda row: compact(row.queue)),
    Column("MEMORY", 8, True, 14, lambda row: size(row.rss_bytes)),
    Column(
        "HEARD", 6, True, 6, lambda row: age(row.heard_s),
        lambda row: "yellow" if (row.heard_s or 0) >= LATE_S else "",
    ),
)  # fmt: skip


def columns_for(width: int, names: Sequence[str]) -> list[Column]:
    """The columns that fit ``width``, in their order: the most important ones that fit, and none beyond the first
    that doesn't."""
    first = COLUMNS[0]._replace(width=min(NAME_MAX, max([4, *map(len, names)])))
    leader = [column._replace(width=max(6, first.width)) for column in COLUMNS if column.heading == "LEADER"]
    candidates = [first, *(leader[0] if column.heading == "LEADER" else column for column in COLUMNS[1:])]
    chosen, used = [], -GAP
    for column in sorted(candidates, key=lambda one: one.importance):
        used += column.width + GAP
        if used > width:
            break
        chosen.append(column)
    return [column for column in candidates if column in chosen]


def table(rows: Sequence[NodeRow], width: int, sort: str = "name") -> list[Text]:
    """The heading and a line for each node."""
    from rich.text import Text

    columns = columns_for(width, [printable(row.node) for row in rows])
    blank = " " * GAP
    lines = [Text(blank.join(_padded(column.heading, column) for column in columns), "bold")]
    for row in sorted(rows, key=SORTS[sort]):
        bad = row.condition in ("silent", "down")
        line = Text(style="red" if bad else "dim" if row.condition == "unknown" else "")
        for number, column in enumerate(columns):
            line.append(blank if number else "")
            line.append(_padded(column.cell(row), column), "" if bad else column.style(row))
        lines.append(line)
    return lines


def _padded(text: str, column: Column) -> str:
    if len(text) > column.width:  # only names are as long as somebody likes
        text = text[: column.width - 1] + "…"
    return text.rjust(column.width) if column.right else text.ljust(column.width)
