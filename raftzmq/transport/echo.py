"""A server that sends everything back: what ZeroMQ alone costs, for measurements."""

from __future__ import annotations

import zmq


def serve_echo(endpoint: str) -> None:
    """Send every message that arrives at ``endpoint`` back to its sender, until the process is ended."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.ROUTER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.bind(endpoint)
    while True:
        socket.send_multipart(socket.recv_multipart())
