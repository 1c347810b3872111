"""The one place where sockets are made: their options are decisions, and CURVE keys would come in here.

What the defaults would do, and why they are not used: an infinite LINGER hangs at exit; a DEALER queues for a peer
that is down and floods it with stale messages later (IMMEDIATE=1 refuses instead); a ROUTER drops silently
(ROUTER_MANDATORY makes it an error that is counted); a half-open TCP connection is never noticed (the kernel's probes).

It is the kernel that probes connections, and not ZMTP's heartbeats (RFC 37), with which libzmq 4.3.5 ends the process:
a connection whose messages wait because RCVHWM is reached, and that dies then, is kept until they are taken; to send or
to answer a PING on it is a failed assertion (zeromq/libzmq #4364; with a reconnection, #3937). One client that dies
while it waits for a busy node was enough. A stranger's own PINGs still are, which no option refuses.

No socket names itself. A ROUTER ignores a second connection of the name that it has one of, without a word: a node that
stood still for so long that its peers gave it up found new connections of theirs beside old ones that it hadn't yet
seen die, and heard nobody until it was restarted. With ROUTER_HANDOVER, which lets the new one in, libzmq was seen to
abort. So the ROUTER gives each connection a name of its own; a client whose name has changed so is asked to greet
again.
"""

from __future__ import annotations

import errno

import zmq

from raftzmq.config import CLIENT_BYTES_MAX, PEER_BYTES_MAX
from raftzmq.endpoint import is_ipv6
from raftzmq.errors import ConfigurationError

PROBE_S = 1
"""The kernel asks the other end's kernel whether it is there when nothing was heard for so long, and then as often."""
SILENT_MS = 3000
"""A connection on which nothing was acknowledged for so long is dead. Raft's CheckQuorum is the judge of a leader."""
HANDSHAKE_MS = 2000
CONNECT_MS = 2000
"""To connect may take so long. The kernel's own tries come ever more seldom: half a minute late after a partition."""
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
"""A client that hasn't taken a byte of what lies ready for so long is cut off, and what lay there is freed. A node may
be as slow with what a client sends, as when its disk hangs."""
EVENTS_HWM = 20_000
_WHY_NOT = {
    errno.EADDRINUSE: ("another process has the port", "stop it, or choose another port"),
    errno.EADDRNOTAVAIL: ("this machine has no such address", "choose one of its own, as 'ip address' lists them"),
    errno.ENODEV: ("no address of this machine has that name", "choose one of its own, as 'ip address' lists them"),
    errno.EACCES: ("that takes more rights than this user has", "choose a port above 1023"),
}
"""Why nobody can listen somewhere, and what to do about it."""


def _common(socket: zmq.Socket[bytes], *, linger_ms: int, hwm: int, silent_ms: int = SILENT_MS) -> zmq.Socket[bytes]:
    socket.setsockopt(zmq.LINGER, linger_ms)
    socket.setsockopt(zmq.SNDHWM, hwm)
    socket.setsockopt(zmq.RCVHWM, hwm)
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, PROBE_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, PROBE_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, silent_ms // (1000 * PROBE_S))
    socket.setsockopt(zmq.TCP_MAXRT, silent_ms)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    return socket


def _bind(socket: zmq.Socket[bytes], endpoint: str, purpose: str) -> zmq.Socket[bytes]:
    try:
        if is_ipv6(endpoint):
            socket.setsockopt(zmq.IPV6, 1)
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        socket.close()
        reason, advice = _WHY_NOT.get(error.errno or 0, (error.strerror, "give it another address"))
        raise ConfigurationError(f"cannot listen for {purpose} on {endpoint}: {reason}; {advice}") from None
    return socket


def connect(socket: zmq.Socket[bytes], endpoint: str, purpose: str) -> None:
    """Connect, now or whenever somebody is there. Raises ConfigurationError for what is no address."""
    try:
        if is_ipv6(endpoint):
            socket.setsockopt(zmq.IPV6, 1)
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        raise ConfigurationError(
            f"{endpoint!r} is no address to {purpose} to ({error.strerror}): give one like tcp://127.0.0.1:7201"
        ) from None


def _reconnecting(socket: zmq.Socket[bytes]) -> zmq.Socket[bytes]:
    socket.setsockopt(zmq.CONNECT_TIMEOUT, CONNECT_MS)
    socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_MAX_MS)
    return socket


def _dealer(socket: zmq.Socket[bytes], endpoint: str) -> zmq.Socket[bytes]:
    _reconnecting(socket).setsockopt(zmq.IMMEDIATE, 1)
    try:
        connect(socket, endpoint, "connect")
    except ConfigurationError:
        socket.close()
        raise
    return socket


def peer_router(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """Where other nodes' messages arrive. Raises ConfigurationError if the address can't be bound."""
    socket = _common(context.socket(zmq.ROUTER), linger_ms=0, hwm=PEER_HWM)
    socket.setsockopt(zmq.MAXMSGSIZE, PEER_BYTES_MAX)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    return _bind(socket, endpoint, "peers")


def peer_dealer(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """A one-way pipe to another node; only refusals come back on it."""
    socket = _common(context.socket(zmq.DEALER), linger_ms=0, hwm=PEER_HWM)
    socket.setsockopt(zmq.MAXMSGSIZE, PEER_BYTES_MAX)
    return _dealer(socket, endpoint)


def client_router(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """Where clients' requests arrive. Raises ConfigurationError if the address can't be bound."""
    socket = _common(context.socket(zmq.ROUTER), linger_ms=0, hwm=CLIENT_QUEUE, silent_ms=UNREAD_MS)
    socket.setsockopt(zmq.MAXMSGSIZE, CLIENT_BYTES_MAX)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    return _bind(socket, endpoint, "clients")


def client_dealer(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """A client's connection to one node. Raises ConfigurationError for what is no endpoint."""
    made = context.socket(zmq.DEALER)
    return _dealer(_common(made, linger_ms=CLIENT_LINGER_MS, hwm=CLIENT_HWM, silent_ms=UNREAD_MS), endpoint)


def events_publisher(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """Where events leave: an XPUB tells what somebody wants, and drops for a slow subscriber rather than wait."""
    socket = _common(context.socket(zmq.XPUB), linger_ms=0, hwm=EVENTS_HWM)
    return _bind(socket, endpoint, "event subscribers")


def events_subscriber(context: zmq.Context[zmq.Socket[bytes]], endpoints: list[str]) -> zmq.Socket[bytes]:
    """A subscription to the events of several nodes; the caller sets the topics."""
    socket = _reconnecting(_common(context.socket(zmq.SUB), linger_ms=0, hwm=EVENTS_HWM))
    for endpoint in endpoints:
        try:
            connect(socket, endpoint, "subscribe")
        except ConfigurationError:
            socket.close()
            raise
    return socket
