"""Who is connected: bounded in number, in what a request may take, and in how long nothing may come of it."""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from raftzmq.collector.web.refusal import COMMON_HEADERS, error_body

CONNECTIONS_MAX = 512
"""Connections at once. Another one ends that which has been idle for longest."""
IDLE_S = 10.0
"""How long a connection may take for a request, from its first byte to its last, for taking the answer, and until
the next one. Streams aren't idle."""
REQUEST_BYTES_MAX = 16 * 1024
"""Request line and headers together: some hundred times what is needed, and room for others' cookies."""
LINE_BYTES_MAX = 8190
"""The request line, and each header."""
HEAD_BYTES_MAX = REQUEST_BYTES_MAX + LINE_BYTES_MAX
POSTED_BYTES_MAX = 1024 * 1024
"""The same with what comes of a body before somebody reads it. aiohttp pauses a sender after 128 KiB; the event loop
may have taken 256 KiB more at once by then."""

_silent = logging.getLogger("raftzmq.collector.web")
_silent.setLevel(logging.CRITICAL + 1)
"""aiohttp would log every request, and malformed ones with their bytes: strangers could fill a disk."""


class Connections:
    """All connections of one server. Made on its event loop; ``maximum`` is reached by strangers only."""

    def __init__(self, *, maximum: int = CONNECTIONS_MAX, idle_s: float = IDLE_S) -> None:
        # Descriptors for everything else in the process must remain.
        self.maximum = max(16, min(maximum, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2))
        self.idle_s = idle_s
        self._open: dict[Connection, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> None:
        """A new one; makes room for it if need be."""
        if len(self._open) >= self.maximum:
            idle = [one for one in self._open if not one.streaming]
            if idle:
                idlest = min(idle, key=lambda one: one.since)
                idlest.end()
                self.remove(idlest)  # at once: the event loop will say so only later
        self._open[connection] = None

    def remove(self, connection: Connection) -> None:
        """It has ended."""
        self._open.pop(connection, None)

    def end_all(self) -> None:
        """The server ends."""
        for one in list(self._open):
            one.end()

    def sweep(self, now: float) -> None:
        """End all from which nothing has come for too long."""
        for one in list(self._open):
            if not one.streaming and now - one.since > self.idle_s:
                one.end()


class Connection(web.RequestHandler):
    """aiohttp's side of one connection, with bounds of ours: it has none for requests that never end."""

    __slots__ = ("_connections", "_head", "_socket", "_unserved", "since", "streaming")

    def __init__(self, server: web.Server, loop: asyncio.AbstractEventLoop, connections: Connections) -> None:
        super().__init__(
            server,
            loop=loop,
            logger=_silent,
            access_log=_silent,
            keepalive_timeout=connections.idle_s,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=LINE_BYTES_MAX,
            lingering_time=0,
        )
        self._connections = connections
        self._socket: asyncio.Transport | None = None
        self._unserved = 0
        self._head = b""
        self.since = loop.time()
        """When the connection began, or began or ended its last request."""
        self.streaming = False
        """It follows the events, or waits until something is done: it may be silent."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        assert isinstance(transport, asyncio.Transport)
        self._socket = transport
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the event loop."""
        self._connections.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what came for a request that isn't whole: headers without end would fill the memory."""
        if not self.streaming and not self._fits(data):
            self.end()
            return
        super().data_received(data)

    def _fits(self, data: bytes) -> bool:
        self._unserved += len(data)
        self._head += data[: HEAD_BYTES_MAX - len(self._head)]
        posted = self._head.startswith(b"POST ") and b"\r\n\r\n" in self._head
        return self._unserved <= (POSTED_BYTES_MAX if posted else HEAD_BYTES_MAX)

    def begin(self, now: float) -> None:
        """A request is whole and will be answered."""
        self.since = now
        self._unserved = 0
        self._head = b""

    @contextmanager
    def working(self) -> Iterator[None]:
        """While what was asked for is being done, it may be silent, and the request's body may come."""
        self.streaming = True
        try:
            yield
        finally:
            self.streaming = False
            self.begin(asyncio.get_running_loop().time())

    def end(self) -> None:
        """Cut it off, whatever still waits to be sent."""
        if self._socket is not None:
            self._socket.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what isn't HTTP as it should be."""
        sentence = "the request is malformed, or its first line or a header is too long; the connection ends here"
        if status >= 500:
            sentence = "the answer could not be made; the collector's log says why"
        body = error_body(status, sentence)
        response = web.Response(
            status=status, body=body, content_type="application/json", headers=dict[str, Any](COMMON_HEADERS)
        )
        response.force_close()
        return response
