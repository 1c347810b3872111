"""The collector's loop: one thread owns all its sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import zmq

from raftzmq.collector.auditor import Auditor
from raftzmq.collector.books import Books, past_of
from raftzmq.collector.details import Details
from raftzmq.collector.envelope import check_names
from raftzmq.collector.filler import Filler
from raftzmq.collector.local_watch import LocalWatch, Watched
from raftzmq.collector.merged import Merged
from raftzmq.collector.processes import Processes
from raftzmq.collector.recorder import Recorder
from raftzmq.collector.recording_writer import FILE_BYTES_MAX, FILES_MAX, RecordingWriter
from raftzmq.collector.stream import Stream
from raftzmq.config import ClusterConfig, web_address
from raftzmq.events import USUAL_TYPES, topic_of
from raftzmq.transport.frames import receive_frames, skip_frames, try_send
from raftzmq.transport.sockets import events_publisher, events_subscriber

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from raftzmq.collector.web.server import Web

ROUND_MAX = 1000
"""Events taken in one round before signals and subscriptions are looked at: some 20 ms of work."""
ROUND_MS = 4
"""Between rounds: a busy cluster makes thousands of events a second, and waking up for each of them would take
processor time from the nodes that this is only watching. Nobody sees four milliseconds."""
IDLE_MS = 50
"""Without events: greetings, patience with silent nodes and the page's state go on."""
STEP_US = 50_000
"""Between looks at the nodes' doors where nothing is due."""
PAUSE_US = 50_000
"""A round counts for no more on the collector's clock. What happened in a longer one, this process can't have seen: it
was stopped, or kept from running, and nodes that it couldn't hear meanwhile were not silent."""
REPORT_S = 60.0
"""How often the totals are logged, if they changed."""
GAP_REPORT_S = 1.0
"""Gaps come in bursts: the log gets their sum once a second, the stream gets each of them."""


class Collector:
    """Hears the nodes of ``config``, records in ``directory``, republishes on ``config.collector`` and shows it all on
    ``config.web``, if that isn't empty.

    ``types`` narrows what it subscribes to (empty: everything but single messages, and these when a subscriber of its
    own asks for them). ``supervisor`` is where supervisord is asked for the state of processes. ZeroMQ connects again
    by itself when a node comes or comes back, so nodes may start late and restart. Making a collector binds its ports
    and locks its directory; it raises ConfigurationError or DirectoryInUse, and then holds nothing.
    """

    def __init__(
        self,
        config: ClusterConfig,
        directory: Path,
        log: FilteringBoundLogger,
        *,
        types: Sequence[str] = (),
        supervisor: str | None = None,
        file_bytes: int = FILE_BYTES_MAX,
        files: int = FILES_MAX,
    ) -> None:
        nodes = [address.node for address in config.nodes]
        check_names(nodes)
        self.boot = os.urandom(8).hex()
        self.web: Web | None = None
        self._token_file: Path | None = None
        self._config = config
        self._log = log
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._processes: Processes | None = None
        self._watch: LocalWatch | None = None
        self._subscribers = 0
        self._real_us = time.monotonic_ns() // 1000
        self._now_us = self._real_us
        try:
            self._publisher = events_publisher(self._context, config.collector)
            self._subscriber = events_subscriber(self._context, [address.events for address in config.nodes])
            self._filler = Filler(self._context, config.nodes, config.cluster_id)
            if config.web:
                self.web = self._make_web(config, log, directory, supervisor)
            if supervisor:
                self._processes = Processes(supervisor)
            writer = RecordingWriter(directory, file_bytes=file_bytes, files=files)
        except Exception:
            self._close_sources()
            raise
        try:
            if self.web is not None:  # now that the directory is this collector's alone
                self._token_file = self.web.token.write(directory)
        except Exception:
            writer.close()
            self._close_sources()
            raise
        past = past_of(directory, log)
        self._stream = Stream(
            *(nodes, self.boot, self._now_us, time.time_ns),
            kinds=types or USUAL_TYPES,
            progress=past.progress,
            position=past.position,
        )
        self._details = Details(nodes, self._stream.kinds)
        self._detailed: frozenset[tuple[str, str]] = frozenset()
        for node in nodes:
            for kind in sorted(self._stream.kinds):
                self._subscriber.setsockopt(zmq.SUBSCRIBE, topic_of(node, kind))
        self._recorder = Recorder(writer, log)
        audit = Auditor(certain=self._stream.kinds)
        self._books = Books(self._stream, past.state, self._recorder, audit=audit, audience=self.web)
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._stopping = False
        self._step_us = 0
        self._reported, self._reported_at = self.totals(), time.monotonic()

    def _make_web(
        self, config: ClusterConfig, log: FilteringBoundLogger, directory: Path, supervisor: str | None
    ) -> Web:
        from raftzmq.collector.web.extra import check_web_libraries

        check_web_libraries()
        from raftzmq.collector.web.server import Web

        return Web(
            *web_address(config.web),
            log,
            config=config,
            boot=self.boot,
            totals=self.totals,
            directory=directory,
            supervisor=supervisor,
        )

    def stop(self) -> None:
        """End `run` soon. May be called from a signal handler or another thread."""
        self._stopping = True
        with contextlib.suppress(OSError):  # full: the loop is about to wake anyway; closed: it has ended
            self._wake_in.send(b"\0")

    def totals(self) -> dict[str, int]:
        """Counts since the start: those of `Stream.totals`, refused answers, unrecorded events, subscribers."""
        return {
            **self._stream.totals(),
            "refused": self._filler.refused,
            "unrecorded": self._recorder.lost,
            "subscribers": self._subscribers,
        }

    def run(self) -> None:
        """Collect until `stop`; then write what waits and close everything."""
        try:
            self._log.info(
                "collector started",
                boot=self.boot,
                nodes=[address.node for address in self._config.nodes],
                publishes=self._config.collector,
                web=self._config.web,
                token=None if self._token_file is None else str(self._token_file),
                position=self._stream.position,
            )
            if self.web is not None:
                self.web.start()
            self._watch = LocalWatch()
            self._publish(self._books.begin(self._now_us))
            self._loop()
        finally:
            self._close_sources()
            self._recorder.close()
            self._wake_in.close()
            self._wake_out.close()
        self._log.info("collector stopped", **self.totals())

    def _close_sources(self) -> None:
        for source in (self._processes, self._watch):
            if source is not None:
                source.close()
        if self.web is not None:
            self.web.close()
        self._context.destroy(linger=0)

    # --- rounds ---

    def _loop(self) -> None:
        poller = zmq.Poller()
        poller.register(self._subscriber, zmq.POLLIN)
        poller.register(self._publisher, zmq.POLLIN)
        poller.register(self._wake_out, zmq.POLLIN)
        stop = zmq.Poller()
        stop.register(self._wake_out, zmq.POLLIN)
        while not self._stopping:
            poller.poll(ROUND_MS if self._filler.waiting else IDLE_MS)
            count = self._round()
            self._report(time.monotonic())
            if count < ROUND_MAX:
                stop.poll(ROUND_MS)

    def _round(self) -> int:
        """Take in what has come and give out what may leave; how many events came."""
        real_us = time.monotonic_ns() // 1000
        self._now_us += min(real_us - self._real_us, PAUSE_US)
        self._real_us = real_us
        now_us = self._now_us
        self._take_subscriptions()
        self._take_answers(now_us)
        count = self._take_events(now_us)
        for node, question in self._stream.questions():
            self._filler.ask(node, question, now_us)
        merged = self._stream.release(now_us)
        for source in (self._processes, self._watch):
            if source is not None:
                merged += [self._stream.emit("process", state, now_us) for state in source.take()]
        self._publish(self._books.enter(merged, now_us))
        return count

    def _take_events(self, now_us: int) -> int:
        subscriber, accept = self._subscriber, self._stream.accept
        for count in range(ROUND_MAX):
            frames = receive_frames(subscriber, announced=True, most=2)
            if frames is None:
                return count
            if len(frames) > 2:
                while not skip_frames(subscriber, ROUND_MAX):
                    pass
            accept(frames, now_us)
        return ROUND_MAX

    def _take_answers(self, now_us: int) -> None:
        stream = self._stream
        for node, answer, rows in self._filler.take(now_us):
            if answer is None:
                stream.welcome(node)
            else:
                stream.answer(node, answer.boot, rows, answer.oldest, answer.more, now_us)
        if now_us - self._step_us >= STEP_US:
            self._step_us = now_us
            for node in self._filler.step(now_us):
                stream.unanswered(node)
            self._watch_processes()

    def _watch_processes(self) -> None:
        """Have the processes watched that the nodes say they are."""
        if self._watch is not None:
            known = self._books.state.processes()
            endpoints = {address.node: address.client for address in self._config.nodes}
            self._watch.want({n: Watched(endpoints[n], *known[n]) for n in known.keys() & endpoints.keys()})

    def _publish(self, merged: list[Merged]) -> None:
        if self._subscribers > 0:
            publisher = self._publisher
            for one in merged:
                try_send(publisher, one[1:3])  # an XPUB drops rather than waits

    # --- who listens ---

    def _take_subscriptions(self) -> None:
        """Subscriptions must be fetched, or ZeroMQ would keep them for ever."""
        while (frames := receive_frames(self._publisher, most=1)) is not None:
            if len(frames) > 1:
                while not skip_frames(self._publisher, ROUND_MAX):
                    pass
            elif frames[0][:1] == b"\x01":
                self._subscribers += 1
                self._details.subscribe(frames[0][1:])
            elif frames[0][:1] == b"\x00":
                self._subscribers -= 1
                self._details.unsubscribe(frames[0][1:])
        self._follow_details()

    def _follow_details(self) -> None:
        """Subscribe to single messages of the nodes as long as somebody here asks for them by name."""
        wanted = self._details.wanted(frozenset() if self.web is None else self.web.details)
        if wanted == self._detailed:
            return
        for node, kind in sorted(wanted - self._detailed):
            self._subscriber.setsockopt(zmq.SUBSCRIBE, topic_of(node, kind))
        for node, kind in sorted(self._detailed - wanted):
            self._subscriber.setsockopt(zmq.UNSUBSCRIBE, topic_of(node, kind))
        for node in sorted({node for node, _ in wanted ^ self._detailed}):
            self._stream.subscribe(node, [kind for name, kind in sorted(wanted) if name == node])
        self._detailed = wanted

    # --- the log ---

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
