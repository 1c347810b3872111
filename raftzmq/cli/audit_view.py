"""What an audit came to, for people: a table of the rules, and where what is broken or unknown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.output import colours_wanted, printable

if TYPE_CHECKING:
    from raftzmq.collector.auditor.verdict import Place

COLOURS = {"holds": "green", "violated": "red", "unknown": "yellow", "unseen": "bright_black"}
HEADINGS = ("RULE", "STATE", "CHECKS", "SKIPPED", "WHAT IT SAYS")
UNKNOWN_LINES_MAX = 20


def broken_lines(fields: dict[str, Any], place: Place) -> Iterator[str]:
    """A violation, as it is found."""
    at = f"{_when(place.ts)}, position {place.position:,}, {', '.join(map(printable, fields['nodes']))}"
    yield f"{_styled('broken', 'red')}: {fields['rule']} ({at})"
    yield f"  {printable(fields['text'])}"


def verdict_lines(name: str, verdict: dict[str, Any]) -> Iterator[str]:
    """The table, then what isn't known, then the verdict in a sentence."""
    rows = [_row(row) for row in verdict["rules"]]
    widths = [max(len(cell) for cell in column) for column in zip(HEADINGS, *rows, strict=True)]
    yield "  ".join(_aligned(HEADINGS, widths)).rstrip()
    for cells in rows:
        shown = list(_aligned(cells, widths))
        shown[1] = _styled(shown[1], COLOURS.get(cells[1], "")) if cells[1] in COLOURS else shown[1]
        yield "  ".join(shown).rstrip()
    yield from _unknown_lines(verdict)
    yield _sentence(name, verdict)


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    skipped = f"{row['skipped']:,}" if row["skipped"] else ""
    return row["rule"], row["state"], f"{row['checks']:,}", skipped, row["means"]


def _aligned(cells: tuple[str, ...], widths: list[int]) -> Iterator[str]:
    for number, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        yield cell.rjust(width) if number in (2, 3) else cell.ljust(width)


def _unknown_lines(verdict: dict[str, Any]) -> Iterator[str]:
    for interval in verdict["unknown"][:UNKNOWN_LINES_MAX]:
        first, last = interval["from"], interval["to"]
        end = "the end" if last is None else f"{_when(last['ts'])} (position {last['position']:,})"
        yield (
            f"{_styled('unknown', 'yellow')} from {_when(first['ts'])} (position {first['position']:,}) to {end}: "
            f"{printable(interval['source'])}: {printable(interval['reason'])}"
        )
    more = len(verdict["unknown"]) - UNKNOWN_LINES_MAX + verdict["unknown_dropped"]
    if more > 0:
        yield f"… and {more:,} more such parts (--json has them)"
    unknown = _styled("unknown", "yellow")
    for node in verdict["never_heard"]:
        yield f"{unknown} from the beginning to the end: {printable(node)} never said where it stood"
    if verdict["missing_types"]:
        names = ", ".join(verdict["missing_types"])
        yield f"{unknown}: there are no {names} events: subscribe to them, too, to judge what they show"


def _sentence(name: str, verdict: dict[str, Any]) -> str:
    first, last = verdict["from"], verdict["to"]
    span = f"{verdict['events']:,} events from {_when(first['ts'])} to {_when(last['ts'])}"
    state = verdict["verdict"]
    if not verdict["events"]:
        text = "there is no event to judge"
    elif state == "violated":
        count = verdict["violations_total"]
        text = f"{count:,} violation{'' if count == 1 else 's'} of Raft's rules"
        rules = sorted({row["rule"] for row in verdict["rules"] if row["violations"]})
        text += f" ({', '.join(rules)})"
    elif state == "holds":
        text = "every rule holds"
    else:
        text = "no rule is seen broken, but not everything could be judged"
    return f"{printable(name)}: {_styled(text, COLOURS[state])} ({span})"


def _when(ts: float) -> str:
    return datetime.fromtimestamp(ts).isoformat(" ", "milliseconds") if 0 < ts < 1e11 else "an unknown time"


def _styled(text: str, colour: str) -> str:
    return click.style(text, fg=colour, bold=True) if colour and colours_wanted() else text
