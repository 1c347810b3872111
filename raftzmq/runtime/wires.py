"""A node's sockets and how frames get through them, whatever waits for them: a poller or an event loop.

No send ever waits: a full pipe drops the message, which is counted, and Raft or the client sends again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import zmq

from raftzmq.config import Address
from raftzmq.node.work import Work
from raftzmq.transport.sockets import client_router, events_publisher, peer_dealer, peer_router

_POLLIN = int(zmq.POLLIN)
ROUND_MESSAGES_MAX = 512
"""Messages taken from one socket in one round: the others, and the timers, get their turn."""


class Wires:
    """The sockets of one node: all are used by one thread only."""

    def __init__(self, address: Address, members: Sequence[Address]) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        try:
            self.peers = self._keep(peer_router(self.context, address.peer))
            self.clients = self._keep(client_router(self.context, address.client))
            self.events = self._keep(events_publisher(self.context, address.events))
            self.dealers = {
                member.node: self._keep(peer_dealer(self.context, member.peer))
                for member in members
                if member.node != address.node
            }
        except BaseException:
            self.close()
            raise

    def _keep(self, socket: zmq.Socket[bytes]) -> zmq.Socket[bytes]:
        self._sockets.append(socket)
        return socket

    @property
    def readable(self) -> tuple[zmq.Socket[bytes], ...]:
        """The sockets to wait for. Dealers hear refusals only: looking at them now and then is enough."""
        return self.peers, self.clients, self.events

    def close(self) -> None:
        """Close the sockets; nothing lingers."""
        for socket in self._sockets:
            socket.close(0)
        self.context.term()

    def send(self, work: Work) -> Counter[str]:
        """Send what ``work`` says; how many messages of each kind had to be dropped."""
        dropped: Counter[str] = Counter()
        for node, frames in work.peers:
            dealer = self.dealers.get(node)
            if dealer is not None:
                dropped["peer"] += not _try_send(dealer, frames)
        for routing, frames in work.clients:
            dropped["client"] += not _try_send(self.clients, [routing, *frames])
        for routing, frames in work.refusals:
            dropped["refusal"] += not _try_send(self.peers, [routing, *frames])
        for topic, payload in work.events:
            dropped["events"] += not _try_send(self.events, [topic, payload])
        return dropped


def _try_send(socket: zmq.Socket[bytes], frames: Sequence[bytes]) -> bool:
    try:
        socket.send_multipart(frames, zmq.NOBLOCK)
    except zmq.ZMQError as error:
        # EAGAIN: the pipe is full; EHOSTUNREACH: the client is gone. Anything else is a bug of ours.
        if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
            raise
        return False
    return True


def drain(socket: zmq.Socket[bytes], take: Callable[[list[bytes]], None]) -> int:
    """Hand the messages that have arrived to ``take``, up to a bound; how many there were.

    Asking for EVENTS before each costs a tenth of the exception that an empty socket would end the loop with.
    """
    for count in range(ROUND_MESSAGES_MAX):
        if not socket.getsockopt(zmq.EVENTS) & _POLLIN:  # type: ignore[operator]
            return count
        take(socket.recv_multipart(zmq.NOBLOCK))
    return ROUND_MESSAGES_MAX
