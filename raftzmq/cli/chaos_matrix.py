"""The faults in force as a table: who sends to whom, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raftzmq.cli.output import console, on_terminal, printable, say

ITSELF, SOUND, UNKNOWN = "·", "ok", "?"


def cell(faults: Mapping[str, Any]) -> str:
    """What is wrong with one link, shortly: ``drop 30% delay 50±10 ms twice 10% (8 s)``."""
    parts = ["cut"] if faults["cut"] else []
    if faults["drop"]:
        parts.append(f"drop {faults['drop']:.0%}")
    if faults["delay_ms"] or faults["jitter_ms"]:
        spread = f"±{faults['jitter_ms']:g}" if faults["jitter_ms"] else ""
        parts.append(f"delay {faults['delay_ms']:g}{spread} ms")
    if faults["duplicate"]:
        parts.append(f"twice {faults['duplicate']:.0%}")
    if faults["left_ms"] is not None:
        parts.append(f"({faults['left_ms'] / 1000:.0f} s)")
    return " ".join(parts)


def matrix(rows: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """The table: a row for each node, its name first and then a cell for each node."""
    table = []
    for sender in rows:
        line = [printable(sender)]
        for receiver in rows:
            if sender == receiver:
                line.append(ITSELF)
            elif not rows[sender]["reachable"]:
                line.append(UNKNOWN)
            else:
                faults = answers.get(sender, {"links": {}})["links"].get(receiver)
                line.append(SOUND if faults is None else cell(faults))
        table.append(line)
    return table


def print_matrix(rows: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> None:
    """On a terminal coloured, else aligned text."""
    heading = ["FROM \\ TO", *map(printable, rows)]
    table = matrix(rows, answers)
    if on_terminal():
        from rich.table import Table
        from rich.text import Text

        grid = Table(*heading, box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        styles = {SOUND: "green", ITSELF: "dim", UNKNOWN: "yellow"}
        for name, *cells in table:
            grid.add_row(Text(name, style="bold"), *(Text(it, style=styles.get(it, "red")) for it in cells))
        console().print(grid)
        return
    widths = [max(map(len, column)) for column in zip(heading, *table, strict=True)]
    for line in [heading, *table]:
        say("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
