"""Events with a column for each node: who did what, side by side, one event below the other.

::

    time     │ n1                   │ n2                   │ n3
    ── term 4 ─────────────────────────────────────────────────────────────
    12:00:01 │                      │ P election asks      │
             │                      │   whether it would … │
    12:00:01 │ F vote grants n2 a … │                      │

The letter is the node's role after the event: L leads, F follows, C and P (for a pre-vote) are candidates.
"""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap
from typing import Any

import click

from raftzmq.cli.event_lines import ROLE_COLOURS, clock_time, event_line, event_style, node_colour
from raftzmq.cli.event_words import describe
from raftzmq.cli.output import printable

COLUMN_MIN = 18
"""Columns of a terminal for a node's events: below this, words don't fit, and each node gets a letter only."""
TEXT_MIN = 24
"""What must be left beside those letters; on a narrower terminal there are lines without columns."""
WIDE = 120
"""From this width on there is room for milliseconds."""
LETTERS = {"leader": "L", "follower": "F", "candidate": "C", "pre-candidate": "P"}
UNKNOWN = "?"
OUTSIDE = "collector"

Event = dict[str, Any]


class EventColumns:
    """Draws events into columns. ``nodes`` are known beforehand; others get a column when they are first heard.

    ``repeat``: after so many lines the names stand above the columns again (0: only when they change).
    """

    def __init__(self, nodes: Iterable[str] = (), *, colours: bool, repeat: int = 0) -> None:
        self._nodes: dict[str, str] = dict.fromkeys(nodes, UNKNOWN)
        self._colours = colours
        self._repeat = repeat
        self._term = 0
        self._width = 0
        self._since_head = 0
        self._headed = False

    def expect(self, nodes: Iterable[str]) -> None:
        """Make room for these nodes."""
        for node in sorted(set(nodes) - self._nodes.keys() - {OUTSIDE}):
            self._nodes[node] = UNKNOWN
            self._headed = False

    def lines(self, event: Event, width: int) -> list[str]:
        """The lines for the next event on a terminal of ``width`` columns: the names above it if they are due."""
        self.expect([event["node"]])
        if width != self._width:
            self._width, self._headed = width, False
        found = []
        if not self._headed or (self._repeat and self._since_head >= self._repeat - 2):
            found += self._head()
        term = event.get("term")
        if isinstance(term, int) and term > self._term:
            self._term = term
            found.append(self._rule(term))
        found += self._event(event)
        self._since_head += len(found)
        return found

    # --- the three ways to draw ---

    @property
    def _time_width(self) -> int:
        return 13 if self._width >= WIDE else 9

    @property
    def _column(self) -> int:
        """The width of a node's column, without the line before it; 0 if there is no room for columns."""
        room = (self._width - self._time_width) // max(1, len(self._nodes)) - 2
        return room if room >= COLUMN_MIN else 0

    @property
    def _lane(self) -> int:
        """The width of a node's letter; 0 if there is no room for letters either."""
        lane = 1 + max((len(printable(node)) for node in self._nodes), default=1)
        return lane if self._width - self._time_width - lane * len(self._nodes) >= TEXT_MIN else 0

    def _event(self, event: Event) -> list[str]:
        self._learn_role(event)
        if event["node"] == OUTSIDE:
            return self._across(event)
        if self._column:
            return self._in_column(event)
        if self._lane:
            return self._in_lane(event)
        return event_line(event, colours=self._colours, width=self._width).split("\n")

    def _in_column(self, event: Event) -> list[str]:
        column, found = self._column, []
        words = wrap(self._words(event), column - 2, break_on_hyphens=False) or [""]
        for number, part in enumerate(words):
            line = self._time(event) if number == 0 else " " * self._time_width
            for node, role in self._nodes.items():
                line += self._styled("│ ", dim=True)
                if node != event["node"]:
                    line += " " * column
                    continue
                line += f"{self._letter(role)} " if number == 0 else "  "
                line += self._styled(f"{part:<{column - 2}}", **event_style(event))
            found.append(line.rstrip())
        return found

    def _in_lane(self, event: Event) -> list[str]:
        lane = self._lane
        line = self._time(event)
        for node, role in self._nodes.items():
            mark = self._letter(role) if node == event["node"] else self._styled("·", dim=True)
            line += mark + " " * (lane - 1)
        indent = self._time_width + lane * len(self._nodes)
        first, *rest = wrap(self._words(event), self._width - indent, break_on_hyphens=False) or [""]
        style = event_style(event)
        return [line + self._styled(first, **style), *(" " * indent + self._styled(part, **style) for part in rest)]

    def _across(self, event: Event) -> list[str]:
        """An event of the collector belongs to no column."""
        room = max(COLUMN_MIN, self._width - self._time_width)
        first, *rest = wrap(f"{OUTSIDE}: {self._words(event)}", room, break_on_hyphens=False)
        style, indent = event_style(event), " " * self._time_width
        return [self._time(event) + self._styled(first, **style), *(indent + self._styled(p, **style) for p in rest)]

    # --- parts ---

    def _head(self) -> list[str]:
        self._headed, self._since_head = True, 0
        line = self._styled(f"{'time':<{self._time_width}}", bold=True)
        column, lane = self._column, self._lane
        if not column and not lane:
            return []
        for node in self._nodes:
            name = printable(node)
            room = column or lane
            bar = self._styled("│ ", dim=True) if column else ""
            if len(name) > room:
                name = name[: room - 1] + "…"
            line += bar + self._styled(f"{name:<{room}}", fg=node_colour(node), bold=True)
        return [line.rstrip()]

    def _rule(self, term: int) -> str:
        text = f"── term {term} "
        return self._styled(f"{text:─<{max(self._width, len(text))}}", fg="yellow")

    def _time(self, event: Event) -> str:
        when = clock_time(event["ts"], digits=3 if self._width >= WIDE else 0)
        return self._styled(when, dim=True) + " "

    def _letter(self, role: str) -> str:
        colour = next((ROLE_COLOURS.get(name) for name, letter in LETTERS.items() if letter == role), None)
        return self._styled(role, fg=colour, bold=True)

    def _learn_role(self, event: Event) -> None:
        node, kind = event["node"], event["type"]
        if node == OUTSIDE:
            return
        if kind == "boot":
            self._nodes[node] = LETTERS["follower"]
        elif kind == "election":
            self._nodes[node] = LETTERS["pre-candidate" if event.get("pre_vote") else "candidate"]
        elif kind in ("role", "standing", "append"):
            self._nodes[node] = LETTERS.get(str(event.get("role")), UNKNOWN)

    def _words(self, event: Event) -> str:
        return printable(f"{event['type']} {describe(event)}")

    def _styled(self, text: str, **style: Any) -> str:
        return click.style(text, **style) if self._colours else text
