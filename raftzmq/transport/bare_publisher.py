"""The sockets of a node that only tells events, for tests and measurements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

import zmq

from raftzmq.transport.sockets import client_router, events_publisher


class BarePublisher:
    """An XPUB where events leave, and a ROUTER where whoever missed some asks for them. Not for several threads."""

    def __init__(self, events: str, client: str) -> None:
        """Binds both endpoints; raises ConfigurationError if one can't be bound."""
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            self._events = events_publisher(self._context, events)
            self._router = client_router(self._context, client)
        except Exception:
            self._context.destroy(linger=0)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Vanish, as a node that is killed."""
        self._context.destroy(linger=0)

    def subscriptions(self) -> list[tuple[bytes, bool]]:
        """Prefixes that somebody wants since the last call, or wants no more."""
        frames = _waiting(self._events)
        return [(frame[0][1:], frame[0][:1] == b"\x01") for frame in frames if frame[0][:1] in (b"\x00", b"\x01")]

    def questions(self) -> list[list[bytes]]:
        """Messages of clients, as their frames; the first is the sender's routing id."""
        return _waiting(self._router)

    def answer(self, frames: Sequence[bytes]) -> None:
        """Answer one: the first frame is that of the question. Whoever has left by now gets none."""
        try:
            self._router.send_multipart(list(frames), zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise

    def publish(self, messages: Iterable[tuple[bytes, bytes]]) -> None:
        """Send events: topic and payload. An XPUB drops what a subscriber doesn't fetch."""
        for message in messages:
            self._events.send_multipart(message, zmq.NOBLOCK)


def _waiting(socket: zmq.Socket[bytes]) -> list[list[bytes]]:
    messages: list[list[bytes]] = []
    try:
        while True:
            messages.append(socket.recv_multipart(zmq.NOBLOCK))
    except zmq.Again:
        return messages
