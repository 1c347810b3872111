"""A subscription as any program would have it, for tests and measurements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

import zmq

from raftzmq.transport.sockets import events_subscriber


class BareSubscriber:
    """A SUB connected to several publishers. Not for several threads."""

    def __init__(self, endpoints: Sequence[str], prefixes: Iterable[bytes] = (b"",)) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = events_subscriber(self._context, list(endpoints))
        for prefix in prefixes:
            self._socket.setsockopt(zmq.SUBSCRIBE, prefix)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave; what waits is lost."""
        self._context.destroy(linger=0)

    def receive(self, patience_ms: int, most: int = 1000) -> list[list[bytes]]:
        """The messages that wait, at most ``most``, each as its frames; none if none comes within ``patience_ms``."""
        messages: list[list[bytes]] = []
        if self._socket.poll(patience_ms):
            try:
                while len(messages) < most:
                    messages.append(self._socket.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                pass
        return messages
