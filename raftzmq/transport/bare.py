"""A connection that checks nothing: what strangers and broken programs send, for tests and measurements."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Self

import zmq

from raftzmq.transport.frames import receive_frames
from raftzmq.transport.sockets import connect


class BareDealer:
    """A DEALER with ZeroMQ's own defaults and no opinion about what it is given. Not for several threads."""

    def __init__(self, endpoint: str, *, unread_max: int = 1000) -> None:
        """``unread_max``: answers that arrive and aren't taken; more wait at the sender."""
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, unread_max)
        self._socket.setsockopt(zmq.ROUTING_ID, b"\x01" + os.urandom(15))
        connect(self._socket, endpoint, "connect")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Vanish: what isn't sent yet never is, what isn't read yet is lost."""
        self._socket.close(0)
        self._context.term()

    def send(self, frames: Sequence[bytes], *, patience_s: float = 30.0) -> bool:
        """Send a message of any frames; False if it found no room within ``patience_s``."""
        if not self._socket.poll(int(patience_s * 1000), zmq.POLLOUT):
            return False
        self._socket.send_multipart(list(frames), copy=False)
        return True

    def receive(self, *, patience_s: float = 5.0) -> list[bytes] | None:
        """The next message that comes within ``patience_s``, as it came."""
        return receive_frames(self._socket) if self._socket.poll(int(patience_s * 1000)) else None
