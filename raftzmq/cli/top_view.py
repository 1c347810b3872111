"""How a frame of `raftzmq top` looks on a terminal of any width."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from textwrap import wrap
from typing import Any

from rich.text import Text

from raftzmq.cli.event_lines import clock_time, event_style
from raftzmq.cli.event_words import describe
from raftzmq.cli.output import printable
from raftzmq.cli.top_frame import Frame, NodeRow
from raftzmq.cli.top_numbers import compact, duration, sparkline
from raftzmq.cli.top_table import EX_LEADER, table

HELP = (
    ("q", "quit"),
    ("p", "pause: hold this frame; what happens meanwhile is still counted"),
    ("s", "sort by another column: name, lag, puts, sync, heard"),
    ("?", "this help"),
)
MEANINGS = (
    ("LAG", "entries that the cluster has committed and this node has not applied"),
    ("LOG, MEMORY", "the log in memory, and the process with it"),
    ("PUTS/S", "commands applied in the last whole second"),
    ("SYNC 50, SYNC 99", "half, and 99 of 100, commits of the log to disk of the last 10 s took no longer"),
    ("TRIP", "from the leader's message to the answer"),
    ("QUEUE", "requests that wait or are under way"),
    ("HEARD", "since the node said anything"),
)
EVENTS_PLAIN = 8
"""Last events below a single frame."""
TROUBLE_LINES = 8
"""Lines of trouble on a terminal: the worst comes first, and how much more there is."""


def frame_lines(
    frame: Frame, width: int, *, source: str, height: int = 0, sort: str = "name", state: str = "", help_: bool = False
) -> list[Text]:
    """The lines of a frame, none longer than ``width``.

    ``source`` says where the figures come from. With ``height`` there are as many lines as that, and what has a place
    keeps it from frame to frame. ``state`` stands at the upper right; ``help_`` explains keys and columns in the place
    of what is below the table.
    """
    lines = [
        _title(frame, width, state),
        Text(_clipped(source, width), "yellow" if frame.source == "status" else "dim"),
    ]
    nodes = table([_of_today(row, frame.leader) for row in frame.nodes], width, sort)
    if height:
        nodes = _within(nodes, height - 11, width)
    lines += [Text(), *nodes, Text()]
    keys = Text(_clipped(f"q quit   p pause   s sort: {sort}   ? help", width), "dim")
    if help_:
        return _filled([*lines, *_help(width)], height, keys)
    lines += [
        _history("puts/s", frame.puts_history, compact(frame.puts_per_s), compact, width),
        _history("sync 99", frame.sync_history, _last(frame.sync_history), duration, width),
        Text(),
        *_trouble(frame, width, TROUBLE_LINES if height else 0),
        Text(),
    ]
    room = height - len(lines) - 2 if height else EVENTS_PLAIN
    return _filled([*lines, *_events(frame, width, room)], height, keys)


def _of_today(row: NodeRow, leader: str | None) -> NodeRow:
    """The row, whose node may still take itself for the leader of a term that is over."""
    return replace(row, role=EX_LEADER) if row.role == "leader" and leader not in (None, row.node) else row


def _title(frame: Frame, width: int, state: str) -> Text:
    """What matters most first: what the terminal has no room for is left out whole."""
    up = sum(row.condition == "up" for row in frame.nodes)
    leads = "no leader" if any(row.role is not None for row in frame.nodes) else "nothing known yet"
    if frame.leader:
        leads = f"{printable(frame.leader)} leads term {frame.term}"
    bits = [leads, f"{up} of {len(frame.nodes)} nodes"]
    if frame.puts_per_s is not None:
        bits.append(f"{compact(frame.puts_per_s)} puts/s")
    if frame.leader_changes:
        bits.append(f"{compact(frame.leader_changes)} leader change{'s' * (frame.leader_changes != 1)}")
    if frame.events_per_s is not None:
        bits.append(f"{compact(frame.events_per_s)} events/s")
    if frame.lost:
        bits.append(f"{compact(frame.lost)} lost")
    right = " ".join(filter(None, (state, clock_time(frame.ts, digits=0))))
    while len(" · ".join(bits)) + len(right) + 2 > width and len(bits) > 1:
        bits.pop()
    left = " · ".join(bits)
    if len(left) + len(right) + 2 > width:
        left, right = _clipped(left, width), ""
    line = Text(left, _title_style(frame))
    return line.append(right.rjust(width - len(left)) if right else "", "dim not bold")


def _title_style(frame: Frame) -> str:
    if frame.leader is None:
        return "bold red" if frame.trouble else "bold"
    return "bold" if frame.trouble else "bold green"


def _history(name: str, values: Sequence[float | None], now: str, unit: Callable[[float], str], width: int) -> Text:
    known = [value for value in values if value is not None]
    room = min(60, width - 20 - 14)
    line = Text(f"{name:<8} {now:>8}  ")
    line.append(sparkline(values, room), "cyan")
    if known:
        line.append(f"  max {unit(max(known[-room:])) if room > 0 else unit(max(known))}", "dim")
    return line


def _last(values: Sequence[float | None]) -> str:
    return duration(values[-1]) if values else "-"


def _trouble(frame: Frame, width: int, most: int) -> list[Text]:
    if not frame.trouble:
        heard = any(row.condition == "up" for row in frame.nodes)
        return [Text("nothing is wrong", "green") if heard else Text("nothing has been heard yet", "dim")]
    found = []
    for trouble in frame.trouble:
        first, *rest = wrap(printable(trouble.text), max(10, width - 2), break_on_hyphens=False) or [""]
        found += [Text(f"! {first}", "bold red"), *(Text(f"  {part}", "red") for part in rest)]
    return _within(found, most, width) if most else found


def _events(frame: Frame, width: int, room: int) -> list[Text]:
    """The last events, newest at the bottom; each on one line, cut between words."""
    if room < 2 or not frame.notable:
        return []
    told: list[tuple[str, Mapping[str, Any]]] = []
    for event in frame.notable:
        node, kind = printable(str(event.get("node", "?"))), printable(str(event.get("type", "?")))
        told.append((f"{node:<4} {kind:<8} {printable(describe({'type': kind, **event}))}", event))
    lines = []
    # What comes again and again with the same words is told once, with how often: it mustn't hide the rest.
    for words, again in groupby(told, key=lambda pair: pair[0]):
        events = [event for _, event in again]
        when = clock_time(events[-1].get("ms", 0) / 1000, digits=0)
        often = f" (×{len(events)})" if len(events) > 1 else ""
        lines.append(Text(_clipped(f"{when} {words}", width - len(often)) + often, _event_style(events[-1])))
    return [Text("last events", "bold"), *lines[-(room - 1) :]]


def _event_style(event: Mapping[str, Any]) -> str:
    style = event_style({"type": "", **event})
    return " ".join(filter(None, (style.get("fg"), "bold" if style.get("bold") else "")))


def _help(width: int) -> list[Text]:
    lines = []
    for title, rows in (("keys", HELP), ("columns", MEANINGS)):
        lines.append(Text(title, "bold"))
        for name, meaning in rows:
            first, *rest = wrap(meaning, max(10, width - 20)) or [""]
            lines.append(Text.assemble((f"  {name:<18}", "cyan"), first))
            lines += [Text(" " * 20 + part) for part in rest]
        lines.append(Text())
    return lines


def _within(lines: list[Text], most: int, width: int) -> list[Text]:
    """At most so many lines, and if that isn't all, how many more there are."""
    most = max(2, most)
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], Text(_clipped(f"… and {len(lines) - most + 1} more lines", width), "dim")]


def _filled(lines: list[Text], height: int, keys: Text) -> list[Text]:
    """Exactly ``height`` lines with the keys in the last one; as they are without a height."""
    if not height:
        while lines and not lines[-1].plain:
            lines.pop()
        return lines
    room = height - 1
    return [*lines[:room], *(Text() for _ in range(room - len(lines))), keys]


def _clipped(text: str, width: int) -> str:
    """``text`` in at most ``width`` characters, cut between words: half a number is a wrong number."""
    if len(text) <= width:
        return text
    head = text[: width - 1]
    return (head.rpartition(" ")[0] if " " in head else head) + "…"
