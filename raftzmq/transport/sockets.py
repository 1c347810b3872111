"""The one place where sockets are made: their options are decisions, and CURVE keys would come in here.

What the defaults would do, and why they are not used: an infinite LINGER hangs at exit; a DEALER queues for a peer
that is down and floods it with stale messages later (IMMEDIATE=1 refuses instead); a ROUTER drops silently
(ROUTER_MANDATORY makes it an error that is counted); a half-open TCP connection is never noticed (heartbeats).

No socket names itself. A ROUTER ignores a second connection of the name that it has one of, without a word: a node that
stood still for longer than HEARTBEAT_TIMEOUT found new connections of its peers beside old ones that it hadn't yet seen
die, and heard nobody until it was restarted. With ROUTER_HANDOVER, which lets the new one in, libzmq was seen to abort.
So the ROUTER gives each connection a name of its own; a client whose name has changed so is asked to greet again.
"""

from __future__ import annotations

import zmq

from raftzmq.config import CLIENT_BYTES_MAX, PEER_BYTES_MAX
from raftzmq.errors import ConfigurationError

HEARTBEAT_MS = 1000
HEARTBEAT_TIMEOUT_MS = 3000
"""Shorter cuts good connections when the processor is loaded; Raft's CheckQuorum is the judge of a leader."""
HANDSHAKE_MS = 2000
RECONNECT_MS = 20
RECONNECT_MAX_MS = 500
CLIENT_LINGER_MS = 200
PEER_HWM = 256
"""Messages queued for one peer: in-flight limits of the core lie below it, so reaching it means a stuck peer."""
CLIENT_HWM = 4096
CLIENT_QUEUE = 32
"""Messages between a node and one client of it, in each direction: each may have a MiB, and ZeroMQ bounds no bytes.

What comes beyond waits in TCP, at the client; what goes out beyond waits in `raftzmq.runtime.answers`, up to a bound.
"""
UNREAD_MS = 10_000
"""A client that hasn't taken a byte of what lies ready for so long is cut off, and what lay there is freed. No
heartbeat tells of it: a ping would have to pass what is stuck."""
EVENTS_HWM = 20_000


def _common(socket: zmq.Socket[bytes], *, linger_ms: int, hwm: int) -> zmq.Socket[bytes]:
    socket.setsockopt(zmq.LINGER, linger_ms)
    socket.setsockopt(zmq.SNDHWM, hwm)
    socket.setsockopt(zmq.RCVHWM, hwm)
    socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    return socket


def _bind(socket: zmq.Socket[bytes], endpoint: str, purpose: str) -> zmq.Socket[bytes]:
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        socket.close()
        raise ConfigurationError(
            f"cannot listen for {purpose} on {endpoint}: {error.strerror}. Another process may hold the port: "
            "stop it, or give this node another address"
        ) from None
    return socket


def _dealer(context: zmq.Context[zmq.Socket[bytes]], endpoint: str, *, linger_ms: int, hwm: int) -> zmq.Socket[bytes]:
    socket = _common(context.socket(zmq.DEALER), linger_ms=linger_ms, hwm=hwm)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_MAX_MS)
    try:
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        socket.close()
        raise ConfigurationError(
            f"{endpoint!r} is no address to connect to ({error.strerror}): give one like tcp://127.0.0.1:7201"
        ) from None
    return socket


def peer_router(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """Where other nodes' messages arrive. Raises ConfigurationError if the address can't be bound."""
    socket = _common(context.socket(zmq.ROUTER), linger_ms=0, hwm=PEER_HWM)
    socket.setsockopt(zmq.MAXMSGSIZE, PEER_BYTES_MAX)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    return _bind(socket, endpoint, "peers")


def peer_dealer(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """A one-way pipe to another node; only refusals come back on it."""
    socket = _dealer(context, endpoint, linger_ms=0, hwm=PEER_HWM)
    socket.setsockopt(zmq.MAXMSGSIZE, PEER_BYTES_MAX)
    return socket


def client_router(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """Where clients' requests arrive. Raises ConfigurationError if the address can't be bound."""
    socket = _common(context.socket(zmq.ROUTER), linger_ms=0, hwm=CLIENT_QUEUE)
    socket.setsockopt(zmq.TCP_MAXRT, UNREAD_MS)
    socket.setsockopt(zmq.MAXMSGSIZE, CLIENT_BYTES_MAX)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    return _bind(socket, endpoint, "clients")


def client_dealer(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """A client's connection to one node. Raises ConfigurationError for what is no endpoint."""
    return _dealer(context, endpoint, linger_ms=CLIENT_LINGER_MS, hwm=CLIENT_HWM)


def events_publisher(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """Where events leave: an XPUB tells what somebody wants, and drops for a slow subscriber rather than wait."""
    socket = _common(context.socket(zmq.XPUB), linger_ms=0, hwm=EVENTS_HWM)
    return _bind(socket, endpoint, "event subscribers")


def events_subscriber(context: zmq.Context[zmq.Socket[bytes]], endpoints: list[str]) -> zmq.Socket[bytes]:
    """A subscription to the events of several nodes; the caller sets the topics."""
    socket = _common(context.socket(zmq.SUB), linger_ms=0, hwm=EVENTS_HWM)
    socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_MAX_MS)
    for endpoint in endpoints:
        try:
            socket.connect(endpoint)
        except zmq.ZMQError as error:
            socket.close()
            raise ConfigurationError(f"{endpoint!r} is no address to subscribe to ({error.strerror})") from None
    return socket
