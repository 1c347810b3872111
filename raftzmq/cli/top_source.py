"""Where `raftzmq top` has its figures from: the collector's stream or, as long as there is none, each node's status."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from raftzmq.cli.live_events import live_events
from raftzmq.cli.top_figures import Figures
from raftzmq.errors import RaftzmqError

if TYPE_CHECKING:
    from raftzmq.client.sync import Client

POLL_MS = 50
GRACE_S = 1.0
"""A collector on one machine is connected within milliseconds: after this the nodes are asked themselves."""
ASK_S = 1.0
"""Nodes are asked once a second: each answer takes a little of their time."""


class Source:
    """Fills figures with what is heard.

    ``endpoint`` is the collector's address; ``names`` the nodes' names by client endpoint, as far as they are known;
    ``connect`` makes a client of the nodes, if one is needed. Close it in the end.
    """

    def __init__(
        self, endpoint: str, figures: Figures, names: Mapping[str, str], connect: Callable[[], Client]
    ) -> None:
        self.endpoint = endpoint
        self._figures = figures
        self._names = dict(names)
        self._connect = connect
        self._client: Client | None = None
        self._answer: Future[list[dict[str, Any]]] | None = None
        self._asked = 0.0
        self._connected = False
        self._changed = time.monotonic()
        self._live = live_events(endpoint, [b"raftzmq."], self._on_connection, poll_ms=POLL_MS)

    @property
    def asks(self) -> bool:
        """Are the nodes asked, for want of a collector?"""
        return not self._connected and time.monotonic() - self._changed > GRACE_S

    @property
    def words(self) -> str:
        """Where the figures come from, in a sentence."""
        if self.asks:
            return f"no collector at {self.endpoint}: asking each node; syncs, round trips and events need one"
        return f"collector at {self.endpoint}" if self._connected else f"connecting to the collector at {self.endpoint}"

    def step(self) -> int:
        """Take in what has come, or wait for it a moment; how many events it was."""
        found = next(self._live)
        now = time.monotonic()
        for _, event in found:
            self._figures.fold(event, now)
        if self.asks:
            self._ask(now)
        return len(found)

    def close(self) -> None:
        """Disconnect."""
        self._live.close()
        if self._client is not None:
            self._client.close()

    def _on_connection(self, made: bool) -> None:
        if made != self._connected:
            self._connected, self._changed = made, time.monotonic()
        if made:
            self._figures.listen(self._changed)

    def _name_of(self, row: Mapping[str, Any]) -> str:
        """What the node calls itself; as long as it hasn't answered, what it was called, or its address."""
        endpoint = str(row["endpoint"])
        if row["node"]:
            self._names[endpoint] = str(row["node"])
        return self._names.get(endpoint) or endpoint.removeprefix("tcp://")

    def _ask(self, now: float) -> None:
        if self._answer is not None:
            if not self._answer.done():
                return
            try:
                rows = self._answer.result()
            except RaftzmqError:
                rows = []  # the next time may be better; what is known gets old, and the frame says so
            self._answer = None
            if rows:
                self._figures.poll([{**row, "node": self._name_of(row)} for row in rows], now)
        if now - self._asked >= ASK_S:
            if self._client is None:
                self._client = self._connect()
            self._asked = now
            self._answer = self._client.status_async()
