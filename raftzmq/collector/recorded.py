"""Reads recorded events back, newest first, without reading more than is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from raftzmq.collector.writer import recorded_files

BLOCK_BYTES = 256 * 1024
"""Read backwards in blocks of this size: about a thousand events each."""


def last_events(
    directory: Path, count: int, *, chosen: Callable[[dict[str, Any]], bool], since: float = 0.0
) -> list[tuple[bytes, dict[str, Any]]]:
    """The last ``count`` recorded events that ``chosen`` accepts, oldest first, each with its line as recorded.

    Reading ends at the first event from before ``since`` (seconds since 1970). Lines that are no events, such as one
    that a crash cut, are passed over.
    """
    lines = (line for path in reversed(recorded_files(directory)) for line in _lines_backwards(path))
    found = list(islice(_chosen(lines, chosen, since), count))
    found.reverse()
    return found


def _chosen(
    lines: Iterator[bytes], chosen: Callable[[dict[str, Any]], bool], since: float
) -> Iterator[tuple[bytes, dict[str, Any]]]:
    for line in lines:
        event = read_event(line)
        if event is None:
            continue
        if event["ts"] < since:
            return
        if chosen(event):
            yield line, event


def read_event(line: bytes) -> dict[str, Any] | None:
    """The event in a line or payload, or None if it is none."""
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("ts"), (int, float)):
        return None
    return event if isinstance(event.get("node"), str) and isinstance(event.get("type"), str) else None


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """The lines of a file, last first; a file that rotation removes meanwhile has none."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        position = file.seek(0, os.SEEK_END)
        tail = b""
        while position:
            step = min(BLOCK_BYTES, position)
            position -= step
            file.seek(position)
            head, *lines = (file.read(step) + tail).split(b"\n")
            yield from (line for line in reversed(lines) if line)
            tail = head
        if tail:
            yield tail
