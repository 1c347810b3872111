"""A ROUTER with doorbells, and somebody who rings: what a runtime waits for, without a node behind it."""

from __future__ import annotations

import os

import zmq

from raftzmq.runtime.doorbells import Doorbells
from raftzmq.runtime.inbox import Inbox


class House:
    """A ROUTER with doorbells, and a visitor; ``heard`` is what the visitor's messages said."""

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        port = self.router.bind_to_random_port("tcp://127.0.0.1")
        self.visitor = self.context.socket(zmq.DEALER)
        self.visitor.setsockopt(zmq.ROUTING_ID, b"visitor")
        self.visitor.connect(f"tcp://127.0.0.1:{port}")
        self.wake = os.eventfd(0, os.EFD_NONBLOCK)
        self.bells = Doorbells([self.router], self.wake)
        self.heard: list[bytes] = []
        self.inbox = Inbox(self.router, self._hears, 10)

    def _hears(self, frames: list[bytes]) -> bool:
        self.heard.append(frames[1])
        return True

    def take(self, rung: list[zmq.Socket[bytes] | None]) -> None:
        """What a runtime does after each wait."""
        if self.router in rung and not self.inbox.drain(announced=True):
            self.bells.again(self.router)

    def close(self) -> None:
        """Release everything."""
        self.bells.close()
        os.close(self.wake)
        for socket in (self.router, self.visitor):
            socket.close(0)
        self.context.term()
