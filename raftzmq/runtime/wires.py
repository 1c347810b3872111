"""A node's sockets and how frames get through them, whatever waits for them: a poller or an event loop.

No send ever waits: a full pipe drops the message, which is counted, and Raft or the client sends again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import zmq

from raftzmq.config import Address
from raftzmq.node.work import Work
from raftzmq.runtime.answers import Answers
from raftzmq.transport.frames import send_frames
from raftzmq.transport.sockets import client_router, events_publisher, peer_dealer, peer_router

DealerMaker = Callable[[zmq.Context[zmq.Socket[bytes]], str], zmq.Socket[bytes]]


class Wires:
    """The sockets of one node: all are used by one thread only."""

    def __init__(self, address: Address, members: Sequence[Address], dealer: DealerMaker = peer_dealer) -> None:
        """``dealer`` makes the pipe to a peer, given context and endpoint."""
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        try:
            self.peers = self._keep(peer_router(self.context, address.peer))
            self.clients = self._keep(client_router(self.context, address.client))
            self.answers = Answers(self.clients)
            self.events = self._keep(events_publisher(self.context, address.events))
            others = {member.node: member.peer for member in members if member.node != address.node}
            self.dealers = {node: self._keep(dealer(self.context, endpoint)) for node, endpoint in others.items()}
            self.bulk = {node: self._keep(dealer(self.context, endpoint)) for node, endpoint in others.items()}
        except BaseException:
            self.close()
            raise

    def _keep(self, socket: zmq.Socket[bytes]) -> zmq.Socket[bytes]:
        self._sockets.append(socket)
        return socket

    @property
    def readable(self) -> tuple[zmq.Socket[bytes], ...]:
        """The sockets to wait for. Dealers hear refusals only: looking at them now and then is enough.

        Snapshots travel on dealers of their own, ``bulk``: behind one, a heartbeat would come too late.
        """
        return self.peers, self.clients, self.events

    def close(self) -> None:
        """Close the sockets; nothing lingers."""
        for socket in self._sockets:
            socket.close(0)
        self.context.term()

    def send(self, work: Work) -> dict[str, int]:
        """Send what ``work`` says; how many messages of each kind had to be dropped, if any."""
        dropped: dict[str, int] = {}
        for node, frames in work.peers:
            dealer = self.dealers.get(node)
            if dealer is not None and not send_frames(dealer, frames):
                dropped["peer"] = dropped.get("peer", 0) + 1
        for node, frames in work.bulk:
            dealer = self.bulk.get(node)
            if dealer is not None and not send_frames(dealer, frames):
                dropped["bulk"] = dropped.get("bulk", 0) + 1
        if work.clients or self.answers:
            lost = self.answers.send(work.clients)
            if lost:
                dropped["client"] = lost
        for routing, frames in work.refusals:
            if not send_frames(self.peers, [routing, *frames]):
                dropped["refusal"] = dropped.get("refusal", 0) + 1
        for event in work.events:
            if not send_frames(self.events, event):
                dropped["events"] = dropped.get("events", 0) + 1
        return dropped
