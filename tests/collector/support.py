"""What the collector's tests share: publishers with real sockets, a collector on a thread, waiting with a deadline."""

from __future__ import annotations

import contextlib
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

from raftzmq.codec.clients import EventsRequest, Hello, Welcome, decode_client_header, encode_header
from raftzmq.collector.collector import Collector
from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_file import recorded_files
from raftzmq.config import Address, ClusterConfig
from raftzmq.events import EventMaker, topic_of
from raftzmq.events.lamport import LamportClock
from raftzmq.events.logs import json_log
from raftzmq.node.side_channel import SideChannel
from raftzmq.transport.sockets import client_router, events_publisher, events_subscriber

PATIENCE_S = 30.0
ASIDE = (b"checkpoint", b"verdict")
"""Ends of the topics of what the collector says by itself, now and then."""


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
    """The events of a node, with its real sockets, its real maker and ring, and a door where a thread answers.

    ``-`` for the clients' address: there is no door.
    """

    def __init__(self, address: Address, boot: str, *, answers: bool = True) -> None:
        self.node = address.node
        self.boot = boot
        self.clock = LamportClock()
        self.prefixes: set[bytes] = set()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = events_publisher(self._context, address.events)
        self._door = None if address.client == "-" else client_router(self._context, address.client)
        self.answers = answers
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self.maker = EventMaker(address.node, boot, time.time_ns, self.clock)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        """Answer clients as a node does: greetings, and questions for events."""
        while self._door is not None and not self._ending.is_set():
            if not self._door.poll(10):
                continue
            routing, data = self._door.recv_multipart()[:2]
            header = decode_client_header(data)
            if isinstance(header, Hello):
                answer = [encode_header(Welcome(header.maximum, "test", self.node, self.boot, "", []))]
            elif isinstance(header, EventsRequest) and self.answers:
                with self._lock:
                    answer = SideChannel(self.boot, self.maker.ring).answer(header)
            else:
                continue
            with contextlib.suppress(zmq.ZMQError):  # who asked has gone
                self._door.send_multipart([routing, *answer])

    def take_subscriptions(self) -> None:
        """Tell the maker what came in on the socket."""
        while self._socket.poll(0):
            frame = self._socket.recv()
            (self.maker.subscribe if frame[0] else self.maker.unsubscribe)(frame[1:])
            (self.prefixes.add if frame[0] else self.prefixes.discard)(frame[1:])

    def hears(self, kind: str) -> bool:
        """Has somebody subscribed to events of ``kind``?"""
        self.take_subscriptions()
        return any(topic_of(self.node, kind).startswith(prefix) for prefix in self.prefixes)

    def wait_for_listener(self, kind: str = "commit") -> None:
        """Wait until somebody subscribes to events of ``kind``."""
        wait_until(lambda: self.hears(kind), f"somebody wants {kind}")

    def publish(self, kind: str = "commit", count: int = 1, *, lose: bool = False, **fields: Any) -> None:
        """Make ``count`` events and send them, or lose them as a full pipe would."""
        with self._lock:
            for number in range(count):
                self.maker.emit(kind, 1, time.monotonic_ns() // 1000, {"index": number, **fields})
            made = self.maker.take()
        for message in made:
            if not lose:
                self._socket.send_multipart(message)

    def send(self, frames: list[bytes]) -> None:
        """Publish any message."""
        self._socket.send_multipart(frames)

    def close(self) -> None:
        """Close the sockets at once, as a dying process does."""
        self._ending.set()
        self._thread.join(PATIENCE_S)
        self._context.destroy(linger=0)


class Listener:
    """A subscriber to the merged stream."""

    def __init__(self, endpoint: str, prefix: bytes = b"") -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = events_subscriber(self._context, [endpoint])
        self._socket.setsockopt(zmq.SUBSCRIBE, prefix)

    def receive(self, count: int) -> list[dict[str, Any]]:
        """The next ``count`` events but checkpoints and verdicts, with their topics under ``topic!``."""
        events: list[dict[str, Any]] = []
        while len(events) < count:
            assert self._socket.poll(int(PATIENCE_S * 1000)), (
                f"only {len(events)} of {count} events came: {events[-3:]}"
            )
            topic, payload = self._socket.recv_multipart()
            if not topic.endswith(ASIDE):
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
        """Every event in its files but checkpoints and verdicts, in order."""
        return [event for event in read_lines(self.directory) if not event["type"].encode().endswith(ASIDE)]

    def log(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    def listener(self, prefix: bytes = b"") -> Listener:
        """A subscriber that the collector already knows of."""
        before = self.collector.totals()["subscribers"]
        listener = Listener(self.config.collector, prefix)
        try:
            wait_until(lambda: self.collector.totals()["subscribers"] > before, "the collector knows its subscriber")
        except BaseException:
            listener.close()
            raise
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
