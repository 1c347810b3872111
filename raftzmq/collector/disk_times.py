"""How long each node's disk took for an entry, by the node's own clock: from its ``append`` and ``storage`` events."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

APPENDS_MAX = 4096
"""Appends remembered of each node: many seconds of them."""
NODES_MAX = 1024
"""Nodes remembered: a stream of nonsense must not fill the memory."""


@dataclass(frozen=True, slots=True)
class DiskTime:
    """Microseconds: ``waited_us`` behind an earlier write, then ``written_us`` until it was durable."""

    waited_us: int
    written_us: int

    @property
    def us(self) -> int:
        """Both."""
        return self.waited_us + self.written_us


@dataclass(slots=True)
class _Append:
    boot: str
    first: int
    last: int
    begun_ns: int
    waited_us: int
    written_us: int | None = None


class DiskTimes:
    """Take events in the order of each node; then ask."""

    def __init__(self) -> None:
        self._appends: dict[str, deque[_Append]] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """An event of any type; others than those two are passed over."""
        if event["type"] == "append":
            if event["node"] not in self._appends and len(self._appends) < NODES_MAX:
                self._appends[event["node"]] = deque(maxlen=APPENDS_MAX)
            appends = self._appends.get(event["node"])
            if appends is not None:
                first, last, waited_us = event["first"], event["last"], event.get("waited_us", 0)
                appends.append(_Append(event["boot"], first, last, event["mono_ns"], waited_us))
        elif event["type"] == "storage" and event["what"] == "log":
            for append in reversed(self._appends.get(event["node"], ())):
                if append.written_us is not None or append.boot != event["boot"]:
                    break
                if append.last <= event["last"]:
                    append.written_us = (event["mono_ns"] - append.begun_ns) // 1000

    def find(self, node: str, index: int) -> DiskTime | None:
        """What the node's disk took for the entry, the last one in that place; None if it isn't known (yet)."""
        for append in reversed(self._appends.get(node, ())):
            if append.first <= index <= append.last:
                return None if append.written_us is None else DiskTime(append.waited_us, append.written_us)
        return None
