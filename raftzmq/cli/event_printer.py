"""How chosen events leave: as published, as lines for people, or with a column for each node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from shutil import get_terminal_size
from typing import Any

from raftzmq.cli.output import colours_wanted, on_terminal, write

PIPE_COLUMNS = 160
"""How wide columns are drawn where nobody says how wide the paper is; the variable COLUMNS says it."""

Event = dict[str, Any]
Found = Iterable[tuple[bytes, Event]]
"""Payloads as they were published, each with the event in it."""
Show = Callable[[Found], None]


def event_printer(*, as_json: bool, columns: bool = False, nodes: Sequence[str] = ()) -> Show:
    """A function that prints events at once. ``nodes`` are the columns that are known beforehand."""
    if as_json:
        return lambda found: write(b"".join(payload + b"\n" for payload, _ in found))
    return _in_columns(nodes) if columns else _in_lines()


def _in_lines() -> Show:
    from raftzmq.cli.event_lines import event_line

    terminal, colours = on_terminal(), colours_wanted()

    def show(found: Found) -> None:
        width = get_terminal_size().columns if terminal else 0
        _write_lines(event_line(event, colours=colours, width=width) for _, event in found)

    return show


def _in_columns(nodes: Sequence[str]) -> Show:
    from raftzmq.cli.event_columns import EventColumns

    size = get_terminal_size((PIPE_COLUMNS, 0))
    drawn = EventColumns(nodes, colours=colours_wanted(), repeat=size.lines if on_terminal() else 0)

    def show(found: Found) -> None:
        found = list(found)
        width = get_terminal_size((PIPE_COLUMNS, 0)).columns
        drawn.expect(event["node"] for _, event in found)
        _write_lines(line for _, event in found for line in drawn.lines(event, width))

    return show


def _write_lines(lines: Iterable[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    if text:
        write(text.encode("utf-8", "backslashreplace"))
