"""The collector's loop: one thread owns all its sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import zmq

from raftzmq.collector.merge import Merge, check_names
from raftzmq.collector.merged import Merged
from raftzmq.collector.recorder import Recorder
from raftzmq.collector.recording_writer import FILE_BYTES_MAX, FILES_MAX, RecordingWriter
from raftzmq.config import ClusterConfig
from raftzmq.events import topic_of
from raftzmq.transport.sockets import events_publisher, events_subscriber

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

ROUND_MAX = 1000
"""Events taken in one round before signals and subscriptions are looked at: some 10 ms of work."""
ROUND_MS = 2
"""Between rounds: a busy cluster makes thousands of events a second, and waking up for each of them would take
processor time from the nodes that this is only watching. Nobody sees two milliseconds."""
REPORT_S = 60.0
"""How often the totals are logged, if they changed."""
GAP_REPORT_S = 1.0
"""Gaps come in bursts: the log gets their sum once a second, the stream gets each of them."""


class Collector:
    """Hears the nodes of ``config``, records in ``directory`` and republishes on ``config.collector``.

    ``types`` narrows what it subscribes to (empty: everything). ZeroMQ connects again by itself when a node comes or
    comes back, so nodes may start late and restart. Making a collector binds its port and locks its directory; it
    raises ConfigurationError or DirectoryInUse, and then holds nothing.
    """

    def __init__(
        self,
        config: ClusterConfig,
        directory: Path,
        log: FilteringBoundLogger,
        *,
        types: Sequence[str] = (),
        file_bytes: int = FILE_BYTES_MAX,
        files: int = FILES_MAX,
    ) -> None:
        check_names(tuple(address.node for address in config.nodes))
        self.boot = os.urandom(8).hex()
        self._config = config
        self._log = log
        self._merge = Merge(self.boot, lambda: time.monotonic_ns() // 1000, time.time_ns)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            self._publisher = events_publisher(self._context, config.collector)
            self._subscriber = events_subscriber(self._context, [address.events for address in config.nodes])
            writer = RecordingWriter(directory, file_bytes=file_bytes, files=files)
        except Exception:
            self._context.destroy(linger=0)
            raise
        for prefix in _prefixes(config, types):
            self._subscriber.setsockopt(zmq.SUBSCRIBE, prefix)
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._recorder = Recorder(writer, log)
        self._position = self._recorder.last_position
        self._stopping = False
        self._subscribers = 0
        self._reported, self._reported_at = self.totals(), time.monotonic()

    def stop(self) -> None:
        """End `run` soon. May be called from a signal handler or another thread."""
        self._stopping = True
        with contextlib.suppress(OSError):  # full: the loop is about to wake anyway; closed: it has ended
            self._wake_in.send(b"\0")

    def totals(self) -> dict[str, int]:
        """Counts since the start: events, gaps, events missing in them, malformed messages, unrecorded events."""
        return {**asdict(self._merge.counts), "unrecorded": self._recorder.lost, "subscribers": self._subscribers}

    def run(self) -> None:
        """Collect until `stop`; then write what waits and close everything."""
        try:
            self._log.info(
                "collector started",
                boot=self.boot,
                nodes=[address.node for address in self._config.nodes],
                publishes=self._config.collector,
            )
            self._loop()
        finally:
            self._subscriber.close(linger=0)
            self._publisher.close(linger=0)
            self._context.term()
            self._recorder.close()
            self._wake_in.close()
            self._wake_out.close()
        self._log.info("collector stopped", **self.totals())

    def _loop(self) -> None:
        poller = zmq.Poller()
        poller.register(self._subscriber, zmq.POLLIN)
        poller.register(self._publisher, zmq.POLLIN)
        poller.register(self._wake_out, zmq.POLLIN)
        stop = zmq.Poller()
        stop.register(self._wake_out, zmq.POLLIN)
        while not self._stopping:
            poller.poll(int(GAP_REPORT_S * 1000))
            self._take_subscriptions()
            count = self._take_events()
            self._report(time.monotonic())
            if count < ROUND_MAX:
                stop.poll(ROUND_MS)

    def _report(self, now: float) -> None:
        """Log what was lost, soon, and the totals, now and then."""
        if now - self._reported_at < GAP_REPORT_S:
            return
        totals = self.totals()
        if totals["missing"] != self._reported["missing"]:
            self._log.warning("events were lost on the way to the collector", **totals)
        elif totals == self._reported or now - self._reported_at < REPORT_S:
            return
        else:
            self._log.info("collecting", **totals)
        self._reported, self._reported_at = totals, now

    def _take_events(self) -> int:
        """Pass on and record what has come; how many events that was."""
        merged: list[Merged] = []
        count = 0
        while count < ROUND_MAX:
            try:
                frames = self._subscriber.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            count += 1
            for message in self._merge.accept(frames):
                self._publisher.send_multipart(message, zmq.NOBLOCK)  # an XPUB drops rather than waits
                self._position += 1
                merged.append(Merged(self._position, *message, orjson.loads(message[1])))
        if merged:
            self._recorder.offer(merged)
        return count

    def _take_subscriptions(self) -> None:
        """Count subscriptions; they must be fetched, or ZeroMQ would keep them for ever."""
        while True:
            try:
                frame = self._publisher.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            if frame[:1] == b"\x01":
                self._subscribers += 1
            elif frame[:1] == b"\x00":
                self._subscribers -= 1


def _prefixes(config: ClusterConfig, types: Sequence[str]) -> list[bytes]:
    if not types:
        return [topic_of(address.node, "") for address in config.nodes]
    return [topic_of(address.node, kind) for address in config.nodes for kind in types]
