"""The sockets of a client, for both drivers: a DEALER per node, read until nothing is left, watched for breaks.

``zmq.FD`` is edge-triggered: any send or receive may swallow the signal of what came meanwhile, so ``EVENTS`` is asked
again after each. A DEALER with ``IMMEDIATE=1`` can be written to exactly while its connection stands: the end of
POLLOUT tells of a node that was killed within a millisecond (the other cause, a full pipe, takes thousands of
unanswered messages, and a node that far behind may as well be taken for gone).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

import zmq

from raftzmq.client.protocol import Protocol
from raftzmq.client.results import fail, settle
from raftzmq.errors import ConfigurationError
from raftzmq.transport.frames import pending_events, receive_frames, send_frames
from raftzmq.transport.sockets import client_dealer

_POLLIN: Final = int(zmq.POLLIN)
_POLLOUT: Final = int(zmq.POLLOUT)

Context = zmq.Context[zmq.Socket[bytes]]

_contexts: dict[int, Context] = {}


def shared_context() -> Context:
    """The context of all clients of this process (one I/O thread for them all); a fork gets a new one."""
    context = _contexts.get(os.getpid())
    if context is None:
        context = _contexts.setdefault(os.getpid(), zmq.Context())
    return context


def monotonic_us() -> int:
    """The clock of drivers, in microseconds."""
    return time.monotonic_ns() // 1000


class Wire:
    """One socket: its endpoint, its descriptor, and whether its connection stood when last looked at."""

    __slots__ = ("descriptor", "endpoint", "socket", "up")

    def __init__(self, endpoint: str, socket: zmq.Socket[bytes]) -> None:
        self.endpoint = endpoint
        self.socket = socket
        self.descriptor = int(socket.getsockopt(zmq.FD))
        self.up = False


class Wires:
    """All sockets of a client. One thread owns them; ``watch`` and ``unwatch`` are told of descriptors to wait for."""

    def __init__(self, protocol: Protocol, watch: Callable[[int, Wire], None], unwatch: Callable[[int], None]) -> None:
        self._protocol = protocol
        self._watch = watch
        self._unwatch = unwatch
        self._wires: dict[str, Wire] = {}

    def exchange(self) -> None:
        """Step the protocol and do what it says, until there is nothing to do."""
        protocol, outbox = self._protocol, self._protocol.outbox
        news = True
        while news:
            protocol.step(monotonic_us())
            news = bool(outbox.wiring) and self._rewire()
            if outbox.frames:
                news = self._send() or news
        if outbox.answered or outbox.failed:
            self._settle()

    def readable(self, wire: Wire) -> bool:
        """The descriptor of ``wire`` was signalled: take what came. True if that was anything: then call `exchange`."""
        return self._take(wire, receive_frames(wire.socket, announced=True))

    def _take(self, wire: Wire, frames: list[bytes] | None) -> bool:
        """Take ``frames`` and all that comes after them, and look whether the connection stands. True if it is news."""
        socket, protocol = wire.socket, self._protocol
        news = False
        while True:
            if frames is not None:
                news = True
                protocol.receive(wire.endpoint, frames, monotonic_us())
            events = pending_events(socket)
            if not events & _POLLIN:
                break
            frames = receive_frames(socket, announced=True)
        up = bool(events & _POLLOUT)
        if up != wire.up:
            news, wire.up = True, up
            if up:
                protocol.connected(wire.endpoint, monotonic_us())
            else:
                protocol.disconnected(wire.endpoint, monotonic_us())
        return news

    def close(self) -> None:
        """Close the protocol and all sockets, and fail what waits."""
        self._protocol.close()
        self._settle()
        for endpoint in list(self._wires):
            self._close(endpoint)

    def _send(self) -> bool:
        """Send all frames. True if anything was heard meanwhile."""
        outbox = self._protocol.outbox
        frames, outbox.frames = outbox.frames, []
        touched: dict[Wire, None] = {}
        for endpoint, message in frames:
            wire = self._wires.get(endpoint)
            if wire is None or not wire.up:
                continue
            # If it can't be sent, the connection is down: `_take` sees that, and the protocol sends it again.
            send_frames(wire.socket, message)
            touched[wire] = None
        news = False
        for wire in touched:
            news = self._take(wire, None) or news
        return news

    def _rewire(self) -> bool:
        """Open and close sockets. True if that told the protocol anything."""
        wiring, self._protocol.outbox.wiring = self._protocol.outbox.wiring, []
        news = False
        for wanted, endpoint in wiring:
            if not wanted:
                self._close(endpoint)
            elif endpoint not in self._wires:
                news = self._open(endpoint) or news
        return news

    def _open(self, endpoint: str) -> bool:
        try:
            wire = Wire(endpoint, client_dealer(shared_context(), endpoint))
        except ConfigurationError as error:
            # No address: nobody will ever be there. Callers learn why, and a node's bad hint does no harm.
            self._protocol.unusable(endpoint, str(error), monotonic_us())
            return True
        self._wires[endpoint] = wire
        self._watch(wire.descriptor, wire)
        return self._take(wire, None)

    def _close(self, endpoint: str) -> None:
        wire = self._wires.pop(endpoint, None)
        if wire is not None:
            self._unwatch(wire.descriptor)
            wire.socket.close()

    def _settle(self) -> None:
        # All that was answered at once, so what is called next travels together. To let the first half go ahead, so
        # that two batches are under way with 64 calls in flight, does 0.83 of the puts: each batch costs its rounds.
        outbox = self._protocol.outbox
        while outbox.answered or outbox.failed:
            answered, outbox.answered = outbox.answered, []
            for futures, converts, results in answered:
                settle(futures, converts, results)
            failed, outbox.failed = outbox.failed, []
            for futures, error in failed:
                fail(futures, error)
