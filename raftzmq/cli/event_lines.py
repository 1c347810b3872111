"""One event, one line that a person can read: when, who, in which term, what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from textwrap import fill
from typing import Any

import click

from raftzmq.cli.output import printable

NODE_COLOURS = ("cyan", "magenta", "blue", "bright_cyan", "bright_magenta", "bright_blue")
"""Not green, yellow and red: those tell leaders, candidates and trouble."""
ROLE_COLOURS = {"leader": "green", "candidate": "yellow", "pre-candidate": "yellow"}
ALARMS = {"corrupt", "dropped", "gap", "peer_refused", "client_refused", "disrupt_refused", "truncate"}
QUIET = {"append", "commit", "apply", "storage", "request", "read"}
"""What a busy cluster says all the time: shown dim, so that the rest stands out."""

Event = dict[str, Any]
INDENT = len("12:34:56.789 n1   t5    role     ")
NARROW = 20
"""Below this many columns for the text itself, wrapping it makes it harder to read."""
_ENVELOPE = {"v", "node", "boot", "seq", "ts", "mono_ns", "term", "type"}


def event_line(event: Event, *, colours: bool, width: int = 0) -> str:
    """An event as a line without its end; with ``width``, what is longer goes on below, indented."""
    kind, node = str(event["type"]), str(event["node"])
    when = datetime.fromtimestamp(event["ts"]).strftime("%H:%M:%S.%f")[:-3]
    text = printable(describe(event))
    if width - INDENT >= NARROW:
        text = fill(text, width - INDENT, break_on_hyphens=False).replace("\n", "\n" + " " * INDENT)
    term = f"t{event.get('term', '?')!s:<4}"
    if not colours:
        return f"{when} {printable(node):<4} {term} {kind:<8} {text}"
    colour = NODE_COLOURS[sum(node.encode()) % len(NODE_COLOURS)]
    style: dict[str, Any] = {"dim": kind in QUIET}
    if kind in ALARMS:
        style = {"fg": "red"}
    elif kind in ("role", "leader"):
        style = {"fg": ROLE_COLOURS.get(str(event.get("role", "leader"))), "bold": True}
    return (
        f"{click.style(when, dim=True)} {click.style(f'{printable(node):<4}', fg=colour, bold=True)} "
        f"{click.style(term, dim=True)} {click.style(f'{kind:<8} {text}', **style)}"
    )


def describe(event: Event) -> str:
    """What happened, in a few words; the bare fields for a type, or a shape, that this release doesn't know."""
    words = _WORDS.get(event["type"])
    if words is not None:
        try:
            return words(event)
        except (KeyError, TypeError, ValueError):
            pass  # a newer node says it in other fields: show those
    return " ".join(f"{key}={value}" for key, value in event.items() if key not in _ENVELOPE)


def _entries(event: Event) -> str:
    first, last = event["first"], event["last"]
    return f"{first}" if first == last else f"{first}…{last}"


def _count(number: int, noun: str, nouns: str = "") -> str:
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def _size(count: int) -> str:
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MiB"


def _ms(microseconds: int) -> str:
    return f"{microseconds / 1000:.1f} ms"


def _boot(e: Event) -> str:
    return (
        f"log {e['first_index']}…{e['last_index']}, state at {e['applied_index']}, "
        f"vote {e['voted_for'] or 'none'}, voters {' '.join(e['voters'])}"
    )


def _vote(e: Event) -> str:
    verb = "grants" if e["granted"] else "refuses"
    return f"{verb} {e['candidate']} {'a pre-vote' if e['pre_vote'] else 'its vote'}: {e['reason']}"


def _leader(e: Event) -> str:
    if not e["leader"]:
        return "knows no leader"
    return "leads" if e["leader"] == e["node"] else f"follows {e['leader']}"


def _election(e: Event) -> str:
    asks = "asks whether it would win" if e["pre_vote"] else "asks for votes"
    return f"{asks}; its log ends at {e['last_log_index']}"


def _apply(e: Event) -> str:
    return (
        f"{_entries(e)}: {_count(e['commands'], 'command')} in {_ms(e['elapsed_us'])}, revision {e['revision']}, "
        f"digest {e['digest']:08x}"
    )


def _storage(e: Event) -> str:
    parts = [f"{e['what']}: {_ms(e['elapsed_us'])}"]
    if e["commit_us"]:
        parts.append(f"sync {_ms(e['commit_us'])}")
    if e["entries"]:
        parts.append(f"{_count(e['entries'], 'entry', 'entries')}, {_size(e['bytes'])}")
    return ", ".join(parts)


def _gap(e: Event) -> str:
    span = e["expected"] if e["missing"] == 1 else f"{e['expected']}…{e['received'] - 1}"
    return f"{_count(e['missing'], 'event')} of {e['topic']} lost (seq {span}), {e['total']:,} in all"


_WORDS: dict[str, Callable[[Event], str]] = {
    "boot": _boot,
    "corrupt": lambda e: str(e["what"]),
    "role": lambda e: f"{e['previous']} → {e['role']}: {e['reason']}",
    "term": lambda e: f"{e['previous']} → {e['term']}: {e['reason']}",
    "election": _election,
    "vote": _vote,
    "leader": _leader,
    "disrupt_refused": lambda e: f"{e['candidate']} asked for a vote while a leader is heard",
    "append": lambda e: f"{_entries(e)}: {_size(e['bytes'])} as {e['role']}",
    "truncate": lambda e: f"{_entries(e)} dropped: {e['leader']} has others",
    "commit": lambda e: f"{e['previous']} → {e['index']}",
    "compact": lambda e: f"up to {e['index']}; {_size(e['bytes'])} left",
    "snapshot": lambda e: f"{e['step']} up to {e['index']} ({e['peer'] or 'unknown'})",
    "room": lambda e: "there is room again" if e["has_room"] else "the disk is nearly full: no entries are taken",
    "apply": _apply,
    "storage": _storage,
    "request": lambda e: f"{e['kind']}: {e['commands']:,} in {_size(e['bytes'])}",
    "read": lambda e: f"{_count(e['count'], 'read')} answered at {e['index']}",
    "client_refused": lambda e: str(e["reason"]),
    "peer_refused": lambda e: str(e["reason"]),
    "dropped": lambda e: f"{_count(e['count'], 'message')} ({e['what']}) not sent: no room, or nobody there",
    "gap": _gap,
}
