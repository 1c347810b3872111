"""One request of one's own, tagged, and what the nodes tell of it: the shipped client measures, the events explain.

It listens to the nodes themselves, so it needs no collector. A warm-up comes first, in the same client: connecting and
opening a session happen once in a client's life, and are no part of a request; and once the warm-up was told of, the
nodes are known to listen to the subscription.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import orjson
import zmq

from raftzmq.client.sync import Client
from raftzmq.collector.explainer import Explainer
from raftzmq.collector.explaining import Explanation, explain
from raftzmq.errors import RaftzmqError, Unreachable
from raftzmq.transport.sockets import events_subscriber

T = TypeVar("T")

PATIENCE_S = 3.0
"""How long is waited for nodes to tell: events leave with the round in which they happen."""
WARM_UPS_MAX = 5
POLL_MS = 50
TYPES = ("trace", "append", "storage", "standin")
"""What is subscribed to, as prefixes. A node says at once where it stands to whoever subscribes to that anew; the last
prefix is a letter short, because a publisher doesn't notice a subscription that somebody else has already."""


class NotTold(RaftzmqError):
    """The request was answered, but no node told of it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A request's result and explanation.

    ``first_us``: what the warm-up took, connecting included; ``deaf``: nodes that answer clients but no subscription.
    """

    result: Any
    explanation: Explanation
    first_us: int
    deaf: tuple[str, ...]


def measure(
    endpoints: Sequence[str],
    timeout: float,
    *,
    warm_up: Callable[[Client], object],
    call: Callable[[Client], T],
) -> Measured:
    """Do ``call`` with a client of its own, and explain where its time went.

    ``warm_up`` does the same kind of request (a read or a write) and changes nothing. Raises what the client raises,
    and NotTold.
    """
    tag = f"explain-{os.urandom(6).hex()}"
    with Client(endpoints, timeout=timeout, trace=f"{tag}-first") as client:
        rows = {row["node"]: row for row in client.status() if row["reachable"]}
        if not rows:
            raise Unreachable(f"no node answers; asked: {', '.join(endpoints)}. Are they running?")
        with _Listener({node: row.get("events", "") for node, row in rows.items()}) as listener:
            listener.until(lambda: listener.standing >= rows.keys())
            first_us = _warmed_up(client, warm_up, listener)
            client.trace = tag
            begun_ns = time.monotonic_ns()
            result = call(client)
            client_us = (time.monotonic_ns() - begun_ns) // 1000
            if not listener.until(lambda: tag in listener.traces):
                raise NotTold(_silence(rows))
            trace = listener.traces[tag]
            followers = [node for node in listener.standing if node != trace["node"]]
            if trace["kind"] != "read":
                listener.until(lambda: all(listener.events.disks.find(n, trace["index"]) for n in followers))
            explanation = explain(trace, listener.events.disks, voters=listener.events.voters, client_us=client_us)
            return Measured(result, explanation, first_us, tuple(sorted(rows.keys() - listener.standing)))


def _warmed_up(client: Client, warm_up: Callable[[Client], object], listener: _Listener) -> int:
    """Microseconds of the first request; raises NotTold."""
    first_us = 0
    for _ in range(WARM_UPS_MAX):
        begun_ns = time.monotonic_ns()
        warm_up(client)
        first_us = first_us or (time.monotonic_ns() - begun_ns) // 1000
        if listener.until(lambda: client.trace in listener.traces, PATIENCE_S / WARM_UPS_MAX):
            return first_us
    raise NotTold(_silence(listener.publishers))


def _silence(nodes: Mapping[str, object]) -> str:
    return (
        f"the request was answered, but none of {', '.join(sorted(nodes))} told of it: are their event sockets "
        "reachable from here, and are the nodes of this release? 'raftzmq status --json' names the sockets"
    )


class _Listener:
    """A subscription to the nodes' own publishers. ``traces``: the first of each tag; a request may be sent twice."""

    def __init__(self, publishers: Mapping[str, str]) -> None:
        self.publishers = publishers
        self.traces: dict[str, dict[str, Any]] = {}
        self.standing: set[str] = set()
        self.events = Explainer(1)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = events_subscriber(self._context, [endpoint for endpoint in publishers.values() if endpoint])
        for node in publishers:
            for kind in TYPES:
                self._socket.setsockopt(zmq.SUBSCRIBE, f"raftzmq.{node}.{kind}".encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._context.destroy(linger=0)

    def until(self, told: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
        """Take events until ``told()`` is true, or the patience ends; whether it is."""
        deadline = time.monotonic() + patience_s
        while not told():
            if time.monotonic() >= deadline:
                return False
            if self._socket.poll(POLL_MS):
                self._take(orjson.loads(self._socket.recv_multipart()[-1]))
        return True

    def _take(self, event: dict[str, Any]) -> None:
        if event["type"] == "standing":
            self.standing.add(event["node"])
        if event["type"] == "trace":
            self.traces.setdefault(event["tag"], event)
        else:
            self.events.take(event)
