"""Many streams into one, and a truthful account of what is missing from it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from raftzmq.errors import ConfigurationError
from raftzmq.events import EventMaker

COLLECTOR_NODE = "collector"
"""The node name that the collector's own events carry; no node of a cluster may have it."""

EVENT_BYTES_MAX = 256 * 1024
"""An event describes a batch in a few hundred bytes; anything this large is no event and is not passed on."""

STREAMS_MAX = 16_384
"""(node, boot, topic) streams followed: 250 nodes with 20 types in three boots. The one silent longest is forgotten."""


@dataclass(slots=True)
class _Stream:
    """How far one topic of one boot has come, and what it lost."""

    seq: int
    missing: int = 0


@dataclass(slots=True)
class Counts:
    """What the collector has seen since it started."""

    events: int = 0
    gaps: int = 0
    missing: int = 0
    malformed: int = 0


class Merge:
    """Passes events on, and puts a ``gap`` event before each one whose ``seq`` is not the next of its stream.

    A stream begins with the first event heard of it, whatever its ``seq``: what a node made before the collector
    listened is not lost, it was never sent here. A restart of a node is a new boot, hence new streams, hence no gap.

    ``now_us`` is a monotonic clock in microseconds, ``wall_ns`` the wall clock in nanoseconds.
    """

    def __init__(self, boot: str, now_us: Callable[[], int], wall_ns: Callable[[], int]) -> None:
        self.counts = Counts()
        self._now_us = now_us
        self._maker = EventMaker(COLLECTOR_NODE, boot, wall_ns)
        self._maker.subscribe(b"")
        self._streams: OrderedDict[tuple[bytes, str], _Stream] = OrderedDict()

    def accept(self, frames: list[bytes]) -> list[tuple[bytes, bytes]]:
        """The messages to pass on for one that arrived: itself, after a gap if there was one; none if malformed."""
        event = _read(frames)
        if event is None:
            self.counts.malformed += 1
            return []
        topic, payload = frames
        self.counts.events += 1
        lost = self._advance(topic, event["boot"], event["seq"])
        if lost is None:
            return [(topic, payload)]
        self._maker.emit("gap", event["term"], self._now_us(), {"source": event["node"], **lost})
        return [*self._maker.take(), (topic, payload)]

    def _advance(self, topic: bytes, boot: str, seq: int) -> dict[str, Any] | None:
        """Move a stream on to ``seq``; the fields of the gap, if there is one."""
        key = (topic, boot)
        stream = self._streams.get(key)
        if stream is None:
            self._streams[key] = _Stream(seq)
            if len(self._streams) > STREAMS_MAX:
                self._streams.popitem(last=False)
            return None
        self._streams.move_to_end(key)
        expected = stream.seq + 1
        if seq <= expected:
            stream.seq = max(stream.seq, seq)
            return None
        missing = seq - expected
        stream.seq = seq
        stream.missing += missing
        self.counts.gaps += 1
        self.counts.missing += missing
        return {
            "source_boot": boot,
            "topic": topic,
            "expected": expected,
            "received": seq,
            "missing": missing,
            "total": stream.missing,
        }


def check_names(nodes: tuple[str, ...]) -> None:
    """Raise ConfigurationError if a node's name is the collector's: their topics would be the same."""
    if COLLECTOR_NODE in nodes:
        raise ConfigurationError(
            f"a node is called {COLLECTOR_NODE!r}, the name that the collector's own events carry: rename the node"
        )


def _read(frames: list[bytes]) -> dict[str, Any] | None:
    """The event in a message, or None if it is none: two frames, JSON, and an envelope that agrees with the topic."""
    if len(frames) != 2 or len(frames[1]) > EVENT_BYTES_MAX or b"\n" in frames[1]:
        return None
    try:
        event = orjson.loads(frames[1])
        node, kind, boot, seq, term = event["node"], event["type"], event["boot"], event["seq"], event["term"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if frames[0] != f"raftzmq.{node}.{kind}".encode() or node == COLLECTOR_NODE:
        return None
    well_typed = isinstance(boot, str) and type(seq) is int and seq > 0 and type(term) is int
    return event if well_typed else None
