"""One event, one line that a person can read: when, who, in which term, what."""

from __future__ import annotations

from datetime import datetime
from textwrap import fill
from typing import Any

import click

from raftzmq.cli.event_words import describe
from raftzmq.cli.output import printable

NODE_COLOURS = ("cyan", "magenta", "blue", "bright_cyan", "bright_magenta", "bright_blue")
"""Not green, yellow and red: those tell leaders, candidates and trouble."""
ROLE_COLOURS = {"leader": "green", "candidate": "yellow", "pre-candidate": "yellow"}
ALARMS = frozenset(
    {"corrupt", "dropped", "gap", "late", "peer_refused", "client_refused", "disrupt_refused", "truncate", "violation"}
)
QUIET = frozenset(
    {"append", "commit", "apply", "storage", "request", "reply", "read", "clock", "standing", "metrics", "checkpoint"}
    | {"sent", "received", "heartbeat_sent", "heartbeat_received"}
)
"""What a busy cluster says all the time: shown dim, so that the rest stands out."""

Event = dict[str, Any]
INDENT = len("12:34:56.789 n1   t5    role     ")
NARROW = 20
"""Below this many columns for the text itself, wrapping it makes it harder to read."""


def event_line(event: Event, *, colours: bool, width: int = 0) -> str:
    """An event as a line without its end; with ``width``, what is longer goes on below, indented."""
    kind, node = str(event["type"]), str(event["node"])
    when = clock_time(event["ts"])
    text = printable(describe(event))
    if width - INDENT >= NARROW:
        head = INDENT + max(0, len(kind) - 8) + max(0, len(printable(node)) - 4)
        text = _wrapped(text, width, head)
    term = f"t{event.get('term', '?')!s:<4}"
    kind = printable(kind)
    if not colours:
        return f"{when} {printable(node):<4} {printable(term)} {kind:<8} {text}"
    return (
        f"{click.style(when, dim=True)} {click.style(f'{printable(node):<4}', fg=node_colour(node), bold=True)} "
        f"{click.style(printable(term), dim=True)} {click.style(f'{kind:<8} {text}', **event_style(event))}"
    )


def clock_time(ts: float, *, digits: int = 3) -> str:
    """The wall clock's time of day, with ``digits`` (0 or 3) behind the seconds."""
    try:
        when = datetime.fromtimestamp(ts)
    except (OverflowError, ValueError, OSError):  # no calendar has this time
        return "??:??:??" + ".???" * bool(digits)
    return when.strftime("%H:%M:%S.%f")[:-3] if digits else when.strftime("%H:%M:%S")


def node_colour(node: str) -> str:
    """A node's own colour, the same in every process."""
    return NODE_COLOURS[sum(node.encode("utf-8", "backslashreplace")) % len(NODE_COLOURS)]


def event_style(event: Event) -> dict[str, Any]:
    """How an event's words look, as arguments of click.style."""
    kind = event["type"]
    if kind in ALARMS or is_trouble(event):
        return {"fg": "red"}
    if kind in ("role", "leader"):
        role = event.get("role") if kind == "role" else "leader" if event.get("leader") else "candidate"
        return {"fg": ROLE_COLOURS.get(str(role)), "bold": True}
    return {"dim": kind in QUIET}


def is_trouble(event: Event) -> bool:
    """Does this event, of a type that need not be, tell of something wrong?"""
    kind = event["type"]
    if kind == "room":
        return event.get("has_room") is False
    if kind == "verdict":
        return event.get("known") is False
    return kind == "process" and event.get("state") in ("FATAL", "BACKOFF", "EXITED")


def _wrapped(text: str, width: int, head: int) -> str:
    """``text`` in lines that fit behind a head of so many columns, and behind the usual one from the second on."""
    indent = " " * INDENT
    filled = fill(" " * head + text, width, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True)
    return filled[head:] if filled.startswith(" " * head) else text
