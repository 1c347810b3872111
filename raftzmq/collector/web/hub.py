"""What all requests look at: the newest events, their counts, the cluster's state, and when something changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from raftzmq.collector.merged import Merged
from raftzmq.collector.web.backlog import Backlog
from raftzmq.collector.web.rows import status_rows
from raftzmq.collector.web.selection import Selection
from raftzmq.collector.web.tally import Tally
from raftzmq.config import ClusterConfig

SILENT_S = 3.0
"""Without an event of any node for so long, nothing is known any more: they speak at every heartbeat interval."""


class Snapshot(NamedTuple):
    """The cluster's state after the event at ``position``, as `ClusterState.to_json` says it."""

    position: int
    document: dict[str, Any]


class Hub:
    """Lives on the event loop's thread; ``state`` alone is set by another one.

    ``clock`` is monotonic, in seconds.
    """

    def __init__(self, config: ClusterConfig, boot: str, clock: Callable[[], float]) -> None:
        self.config = config
        self.boot = boot
        self.backlog = Backlog()
        self.tally = Tally()
        self.state = Snapshot(0, {})
        self.details: frozenset[str] = frozenset()
        self.resets = 0
        """How often a reader that had fallen behind was given the state instead of what it missed."""
        self.slow = 0
        """Readers that were let go since they read nothing any more."""
        self._clock = clock
        self._heard_at: float | None = None
        self._changed = asyncio.Event()
        self._readers: dict[object, Selection] = {}

    def take(self, batches: Iterable[tuple[float, list[Merged]]]) -> None:
        """Events that the collector has passed on, with the wall clock's time of that."""
        for passed_at, merged in batches:
            if self.tally.add(merged, passed_at):
                self._heard_at = self._clock()
            self.backlog.extend(merged)

    def wake(self) -> None:
        """Let everybody who waits in `changed` look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next `wake`; fetch it before looking, so that nothing is missed between."""
        return self._changed

    def follow(self, reader: object, wanted: Selection) -> None:
        """Remember what a reader wants."""
        self._readers[reader] = wanted
        self._gather_details()

    def leave(self, reader: object) -> None:
        """Forget a reader."""
        self._readers.pop(reader, None)
        self._gather_details()

    def _gather_details(self) -> None:
        self.details = frozenset().union(*(wanted.details for wanted in self._readers.values()))

    @property
    def readers(self) -> int:
        """How many follow the stream."""
        return len(self._readers)

    def silence(self) -> str:
        """Why nothing is known of the cluster, if so: no event has come lately. Else empty."""
        if self._heard_at is None:
            return "no node has been heard yet: do they run?"
        quiet = self._clock() - self._heard_at
        return f"no node has been heard for {quiet:.0f} s" if quiet > SILENT_S else ""

    def leader(self) -> str | None:
        """Who leads, as far as is known."""
        leader = None if self.silence() else self.state.document.get("leader")
        return leader if isinstance(leader, str) else None

    def trouble(self) -> str:
        """Why the cluster isn't ready, in a sentence; empty if a leader is known."""
        if self.leader() is not None:
            return ""
        return self.silence() or "no leader is known: an election is under way, or no majority can be reached"

    def rows(self) -> list[dict[str, Any]]:
        """A row per configured node."""
        nodes: Mapping[str, Any] = self.state.document.get("nodes", {})
        return status_rows(self.config, nodes, silent=bool(self.silence()))

    def start_of(self, reset: str | None = None) -> tuple[bytes, int]:
        """What a reader begins with, or begins anew with: the state as JSON, and the position after it.

        ``reset`` says why what the reader had is no longer good.
        """
        state = self.state
        # A state from before the backlog would leave a hole behind it; the next ones come every few milliseconds.
        position = max(state.position, self.backlog.oldest - 1)
        document: dict[str, Any] = {"state": state.document, "position": position, "boot": self.boot}
        if reset is not None:
            self.resets += 1
            document["reset"] = reset
        return orjson.dumps(document), position
