"""What the collector's tests share: publishers with real sockets, a collector on a thread, waiting with a deadline."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import zmq

from raftzmq.collector.collector import Collector
from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_file import recorded_files
from raftzmq.config import Address, ClusterConfig
from raftzmq.events import EventMaker
from raftzmq.events.logs import json_log
from raftzmq.transport.sockets import events_publisher, events_subscriber

PATIENCE_S = 30.0


def free_endpoints(count: int) -> list[str]:
    """Loopback endpoints whose ports were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"tcp://127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    finally:
        for one in sockets:
            one.close()


def cluster(count: int) -> ClusterConfig:
    """A cluster of ``count`` nodes n1, n2 … on free ports."""
    ends = free_endpoints(3 * count + 1)
    nodes = tuple(Address(f"n{k + 1}", *ends[3 * k : 3 * k + 3]) for k in range(count))
    return ClusterConfig("test", nodes, ends[-1])


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return as soon as ``condition`` holds; fail after `PATIENCE_S` seconds."""
    deadline = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s in vain until {what}"
        pause.wait(0.01)


class Publisher:
    """The event side of a node, with its real socket and its real maker of events."""

    def __init__(self, address: Address, boot: str) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = events_publisher(self._context, address.events)
        self.maker = EventMaker(address.node, boot, time.time_ns)

    def take_subscriptions(self) -> None:
        """Tell the maker what came in on the socket."""
        while self._socket.poll(0):
            frame = self._socket.recv()
            (self.maker.subscribe if frame[0] else self.maker.unsubscribe)(frame[1:])

    def wait_for_listener(self, kind: str = "commit") -> None:
        """Wait until somebody wants events of ``kind``."""

        def wanted() -> bool:
            self.take_subscriptions()
            return self.maker.wanted(kind)

        wait_until(wanted, f"somebody wants {kind}")

    def publish(self, kind: str = "commit", count: int = 1, *, lose: bool = False) -> None:
        """Make ``count`` events and send them, or lose them as a full pipe would."""
        for number in range(count):
            self.maker.emit(kind, 1, time.monotonic_ns() // 1000, {"index": number})
        for message in self.maker.take():
            if not lose:
                self._socket.send_multipart(message)

    def close(self) -> None:
        """Close the socket at once, as a dying process does."""
        self._context.destroy(linger=0)


class Listener:
    """A subscriber to the merged stream."""

    def __init__(self, endpoint: str, prefix: bytes = b"") -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = events_subscriber(self._context, [endpoint])
        self._socket.setsockopt(zmq.SUBSCRIBE, prefix)

    def receive(self, count: int) -> list[dict[str, Any]]:
        """The next ``count`` events, with their topics under ``topic!``."""
        events: list[dict[str, Any]] = []
        for _ in range(count):
            assert self._socket.poll(int(PATIENCE_S * 1000)), (
                f"only {len(events)} of {count} events came: {events[-3:]}"
            )
            topic, payload = self._socket.recv_multipart()
            events.append({**json.loads(payload), "topic!": topic.decode()})
        return events

    def receive_until(self, kind: str, count: int) -> list[dict[str, Any]]:
        """The next events, until ``count`` of them are of this type."""
        events: list[dict[str, Any]] = []
        while sum(event["type"] == kind for event in events) < count:
            events += self.receive(1)
        return events

    def hears(self) -> bool:
        """Has an event come?"""
        return bool(self._socket.poll(20))

    def close(self) -> None:
        """Leave."""
        self._context.destroy(linger=0)


class Running:
    """A collector on a thread, with its log."""

    def __init__(self, config: ClusterConfig, directory: Path, **options: Any) -> None:
        self.config = config
        self.directory = directory
        self._log = io.BytesIO()
        self.collector = Collector(config, directory, json_log(self._log, node="collector"), **options)
        self._thread = threading.Thread(target=self.collector.run)
        self._thread.start()

    def close(self) -> None:
        """Stop it and wait for its end."""
        self.collector.stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def recorded(self) -> list[dict[str, Any]]:
        """Every event in its files, in order."""
        return read_lines(self.directory)

    def log(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    def listener(self, prefix: bytes = b"") -> Listener:
        """A subscriber that the collector already knows of."""
        before = self.collector.totals()["subscribers"]
        listener = Listener(self.config.collector, prefix)
        wait_until(lambda: self.collector.totals()["subscribers"] > before, "the collector knows its subscriber")
        return listener


def read_lines(directory: Path) -> list[dict[str, Any]]:
    """Every event recorded in a directory so far, in order; none of it may be damaged."""
    if not recorded_files(directory):
        return []
    recording = Recording(directory)
    found = [merged.event for merged in recording.events()]
    assert recording.notes == []
    return found


@contextmanager
def collecting(config: ClusterConfig, directory: Path, **options: Any) -> Iterator[Running]:
    """A running collector, stopped at the end."""
    with closing(Running(config, directory, **options)) as running:
        yield running
