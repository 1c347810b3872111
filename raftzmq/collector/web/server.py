"""The thread that serves HTTP beside the collector's own, and the little that the two say to each other."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from raftzmq.collector.merged import Merged
from raftzmq.collector.web.connection import Connection, Connections
from raftzmq.collector.web.gate import Gate, is_loopback
from raftzmq.collector.web.hub import Hub, Snapshot
from raftzmq.collector.web.metrics import Totals, registry_of
from raftzmq.collector.web.pages import Pages
from raftzmq.collector.web.recording_shelf import Shelf
from raftzmq.collector.web.refusal import Refusal
from raftzmq.collector.web.site import Surroundings, site_of
from raftzmq.collector.web.token import Token
from raftzmq.config import ClusterConfig
from raftzmq.errors import ConfigurationError

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

BATCH_S = 0.033
"""How often those who follow are handed what is new: faster than a screen shows, and one wake-up for many events."""
UNWATCHED_S = 0.25
"""The same while nobody follows: the figures are brought up to date in any case when somebody asks."""
PENDING_EVENTS_MAX = 100_000
"""Events that wait for this thread. More have never been seen; then it is stuck, and events are left out here rather
than filling the memory: whoever follows gets the state anew."""
SEND_BUFFER_BYTES = 256 * 1024
"""What the kernel keeps for a reader that doesn't read. Its own choice would be megabytes for each."""
QUEUE = 1024
"""Connections that wait to be accepted: a crowd that comes at once must not make others wait for a second try."""
ACCEPT_MAX = 32
"""Connections taken at once: between them, what the ones before have asked is looked at, or a crowd would have them
taken for idle and ended before."""
SWEEP_S = 1.0
CLOSE_S = 5.0
"""How long the end of the process waits for this thread."""


class Web:
    """Serves HTTP on ``host`` and ``port`` until `close`; the collector hands it events and states.

    Making it binds the port and raises ConfigurationError if that can't be; `start` serves. ``totals`` gives the
    collector's own counts; who knows ``token`` may change things, which may need its ``directory`` of recordings and
    the address of its ``supervisor``. Not ``live``: there is no collector, only what is put on the `shelf`. ``offer``
    and ``state`` are the collector's thread's: they never wait or fail.
    """

    def __init__(
        self,
        host: str,
        port: int,
        log: FilteringBoundLogger,
        *,
        config: ClusterConfig,
        boot: str,
        totals: Totals = dict,
        connections: Connections | None = None,
        token: Token | None = None,
        directory: Path | None = None,
        supervisor: str | None = None,
        live: bool = True,
    ) -> None:
        self._log = log
        self._socket = _listen(host, port)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        """Where it listens: with port 0 the system has chosen one."""
        self._hub = Hub(config, boot, time.monotonic)
        registry = registry_of(self._hub, totals)
        pages = Pages(self._hub, registry, time.monotonic, lambda: self._beat_at)
        self.token = Token() if token is None else token
        self.shelf = Shelf(self._hub, directory, live=live)
        """The recordings that can be looked at. Before `start`, more can be added."""
        self._routes = site_of(Surroundings(self._hub, pages, self.token, log, directory, supervisor, self.shelf))
        self._gate = Gate(host, self.address)
        self._connections = Connections() if connections is None else connections
        self._pending: deque[tuple[float, list[Merged]]] = deque()
        # Each is written by one thread only.
        self._offered = self._taken = 0
        self._awake = False
        self._beat_at = time.monotonic()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def details(self) -> frozenset[str]:
        """Types of events of the level `DETAIL` that somebody follows by name here."""
        return self._hub.details

    @property
    def state(self) -> tuple[int, dict[str, Any]]:
        """A position of the merged stream, and what all events up to it add up to; must not be changed afterwards."""
        return self._hub.state

    @state.setter
    def state(self, state: tuple[int, dict[str, Any]]) -> None:
        self._hub.state = Snapshot(*state)

    def start(self) -> None:
        """Serve, on a thread."""
        self._thread.start()

    def offer(self, merged: list[Merged]) -> None:
        """The next events of the merged stream; also called with none, as a sign of life, at least once a second."""
        self._beat_at = time.monotonic()
        if not merged or self._offered - self._taken > PENDING_EVENTS_MAX:
            return
        self._offered += len(merged)
        self._pending.append((time.time(), merged))
        if not self._awake:  # else this thread will come by anyway
            self._awake = True
            with suppress(RuntimeError):  # the loop is closed: the process ends
                self._loop.call_soon_threadsafe(self._arrange)

    def close(self) -> None:
        """End every connection and the thread. May be called without `start`."""
        if self._thread.is_alive():
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(CLOSE_S)
        elif not self._loop.is_closed():
            self._loop.close()
        self._socket.close()

    def _arrange(self) -> None:
        """Look at what is pending soon, but not for every event anew."""
        self._loop.call_later(BATCH_S if self._hub.readers else UNWATCHED_S, self._take)

    def _take(self) -> None:
        # In this order: what is offered from here on either is taken now, or wakes this thread again.
        self._awake = False
        batches = []
        with suppress(IndexError):
            while True:
                batches.append(self._pending.popleft())
        self._taken += sum(len(merged) for _, merged in batches)
        if batches:
            self._hub.take(batches)
            self._hub.wake()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        loop = self._loop
        loop.set_exception_handler(self._report)
        server = web.Server(self._handle, handler_cancellation=True)
        listening = await loop.create_server(
            lambda: Connection(server, loop, self._connections), sock=self._socket, backlog=ACCEPT_MAX
        )
        self._socket.listen(QUEUE)  # asyncio has shortened the queue to what it takes at once
        url = f"http://{_bracketed(self.address[0])}:{self.address[1]}"
        self._log.info("serving HTTP", address=url)
        if not is_loopback(self.address[0]):
            self._log.warning(
                "whoever reaches this address can read the cluster's events and state; nobody is asked who they are",
                address=url,
            )
        while not self._stopping.is_set():
            self._connections.sweep(loop.time())
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_S):
                    await self._stopping.wait()
        listening.close()
        self._connections.end_all()
        await server.shutdown(1.0)
        await self._routes.close()

    def _report(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio would print: no descriptors left, a connection that broke in an odd way."""
        self._log.warning("a connection failed", reason=str(context.get("exception") or context.get("message")))

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        connection = request.protocol
        assert isinstance(connection, Connection)
        connection.begin(self._loop.time())
        try:
            self._gate.check(request)
            if request.path != "/ws":
                self._take()
            return await self._routes.answer(request)
        except Refusal as refusal:
            return refusal.response()
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            self._log.error("a request failed", path=request.path[:64], error=f"{type(error).__name__}: {error}")
            raise


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; raises ConfigurationError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, address = found[0]
        listener = socket.socket(family, kind)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            listener.bind(address)
            listener.listen(QUEUE)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ConfigurationError(
            f"cannot serve HTTP on {_bracketed(host)}:{port} ({error.strerror or error}). Another process may hold the "
            "port: see 'raftzmq doctor'; name another address with --web, or none with --web none"
        ) from None
    listener.setblocking(False)
    return listener


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
