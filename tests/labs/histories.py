"""Recorded runs of the labs, to be judged again, as they were and changed.

They are what `raftzmq lab run` recorded, without the events that only say that time passes. ``keep`` makes one.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from raftzmq.collector.recording import Recording

Event = dict[str, Any]
Moments = list[tuple[int, Event]]
Edit = Callable[[Moments], Moments]

HOME = Path(__file__).parent / "recorded"
LEFT_OUT = frozenset({"clock", "metrics", "checkpoint", "heartbeat_sent"})


def recorded(name: str) -> Moments:
    """The (position, event) pairs of a lab's run, fresh to be changed."""
    with gzip.open(HOME / f"{name}.json.gz", "rt") as file:
        return [(position, event) for position, event in json.load(file)]


def keep(name: str, recording: Path) -> None:
    """Make the history of a lab of one of its runs."""
    moments = [(m.position, m.event) for m in Recording(recording).events() if m.event["type"] not in LEFT_OUT]
    HOME.mkdir(exist_ok=True)
    data = json.dumps(moments, separators=(",", ":"), ensure_ascii=False).encode()
    (HOME / f"{name}.json.gz").write_bytes(gzip.compress(data, 9, mtime=0))


def without(kind: str, **fields: object) -> Edit:
    """Leave out the events of a type that have these values."""

    def edit(moments: Moments) -> Moments:
        return [(p, e) for p, e in moments if not (e["type"] == kind and _has(e, fields))]

    return edit


def changed(kind: str, change: Callable[[Event], None], **fields: object) -> Edit:
    """Change the events of a type that have these values."""

    def edit(moments: Moments) -> Moments:
        for _, event in moments:
            if event["type"] == kind and _has(event, fields):
                change(event)
        return moments

    return edit


def until(kind: str, **fields: object) -> Edit:
    """Only what came before the first event of a type that has these values, and of the others what came before."""

    def edit(moments: Moments) -> Moments:
        end = next(position for position, event in moments if event["type"] == kind and _has(event, fields))
        return [(position, event) for position, event in moments if position < end]

    return edit


def _has(event: Event, fields: dict[str, object]) -> bool:
    return all(event.get(name) == value for name, value in fields.items())


if __name__ == "__main__":
    keep(sys.argv[1], Path(sys.argv[2]))
