"""Answers on their way to clients: ZeroMQ queues a few for each, this queues more, and both end.

A pipe of ZeroMQ bounds messages and not bytes, and an answer may have a MiB: deep pipes would fill the memory for one
client that reads nothing, shallow ones would lose the small answers of one that has sent many requests. So the pipes
are shallow, and what finds no room there waits here, bounded in bytes. Past the bound an answer is dropped; a client
that still wants it asks again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import zmq

from raftzmq.config import MIB
from raftzmq.transport.frames import FULL, GONE, try_send

CLIENT_UNSENT_BYTES_MAX = 4 * MIB
"""For one client: thousands of small answers, or a few of the largest."""
UNSENT_BYTES_MAX = 32 * MIB
"""For all clients."""
ANSWER_OVERHEAD_BYTES = 512
"""What an answer costs beside its bytes."""
RETRY_US = 1_000
"""How soon what found no room is tried again; nothing tells when a client of a ROUTER has room."""


class _Unsent:
    """One client's, oldest first."""

    __slots__ = ("answers", "bytes")

    def __init__(self) -> None:
        self.answers: deque[tuple[list[bytes], int]] = deque()
        self.bytes = 0


class Answers:
    """What goes out through the clients' socket, in order for each client."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self._socket = socket
        self._unsent: dict[bytes, _Unsent] = {}
        self.unsent_bytes = 0
        """What waits here, for all clients."""

    def __bool__(self) -> bool:
        """Does any wait, so that `send` should be called again within `RETRY_US`?"""
        return bool(self._unsent)

    def send(self, answers: Iterable[tuple[bytes, list[bytes]]]) -> int:
        """Send these and what has waited, as far as there is room; how many had to be dropped."""
        dropped = self._retry() if self._unsent else 0
        for routing, frames in answers:
            message = [routing, *frames]
            outcome = FULL if routing in self._unsent else try_send(self._socket, message)
            if outcome == GONE or (outcome == FULL and not self._keep(routing, message)):
                dropped += 1
        return dropped

    def _keep(self, routing: bytes, message: list[bytes]) -> bool:
        size = sum(map(len, message)) + ANSWER_OVERHEAD_BYTES
        unsent = self._unsent.get(routing)
        if self.unsent_bytes + size > UNSENT_BYTES_MAX:
            return False
        if unsent is None:
            unsent = self._unsent[routing] = _Unsent()
        elif unsent.bytes + size > CLIENT_UNSENT_BYTES_MAX:
            return False
        unsent.answers.append((message, size))
        unsent.bytes += size
        self.unsent_bytes += size
        return True

    def _retry(self) -> int:
        dropped = 0
        for routing, unsent in list(self._unsent.items()):
            while unsent.answers:
                message, size = unsent.answers[0]
                outcome = try_send(self._socket, message)
                if outcome == FULL:
                    break
                dropped += outcome == GONE
                unsent.answers.popleft()
                unsent.bytes -= size
                self.unsent_bytes -= size
            else:
                del self._unsent[routing]
        return dropped
