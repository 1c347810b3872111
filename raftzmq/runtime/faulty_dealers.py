"""Pipes to peers that delay, lose and double what goes through them: `Channel` between the loop and the socket.

What they do may change while they run: beside the faults that they are made with there are those of each link, which
are looked up for each message.

The loop sends into a pair of sockets inside the process, as it would into the pipe itself; a thread for each peer holds
the messages and owns the pipe. So the loop has nothing to ask for each message, and nothing to wait for.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import zmq

from raftzmq.config import Address
from raftzmq.node.link_faults import SOUND, LinkFaults
from raftzmq.runtime.channel import Channel, ChannelFaults
from raftzmq.runtime.jobs import now_us
from raftzmq.transport.frames import receive_frames, send_frames
from raftzmq.transport.sockets import PEER_HWM, peer_dealer

Socket = zmq.Socket[bytes]


class FaultyDealers:
    """Makes the pipes from ``node`` to its peers: called as `raftzmq.transport.sockets.peer_dealer` is.

    The threads end when the context is terminated, which waits for them.
    """

    def __init__(
        self,
        faults: ChannelFaults,
        node: str,
        members: Sequence[Address],
        links: Mapping[str, LinkFaults] = MappingProxyType({}),
    ) -> None:
        """``links`` has further faults by peer; it may change at any time, on another thread."""
        self._faults = faults
        self._links = links
        self._node = node
        self._names = {member.peer: member.node for member in members}
        self._made: Counter[str] = Counter()

    def __call__(self, context: zmq.Context[Socket], endpoint: str) -> Socket:
        """A pipe to ``endpoint``, whose other end a thread of its own serves."""
        peer = self._names.get(endpoint, endpoint)
        self._made[peer] += 1
        # Two pipes to one peer are two channels: each makes its own decisions.
        channel: Channel[list[bytes]] = Channel(self._faults, f"{self._node} {peer} {self._made[peer]}")
        outer = peer_dealer(context, endpoint)
        ours, theirs = self._pair(context), self._pair(context)
        inside = f"inproc://{uuid.uuid4().hex}"
        theirs.bind(inside)
        ours.connect(inside)
        # Starting a thread is the memory fence that a socket needs on its way to another thread.
        arguments = channel, lambda: self._links.get(peer, SOUND), theirs, outer
        threading.Thread(target=_serve, args=arguments, name=f"channel-{peer}", daemon=True).start()
        return ours

    @staticmethod
    def _pair(context: zmq.Context[Socket]) -> Socket:
        socket = context.socket(zmq.PAIR)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.SNDHWM, PEER_HWM)
        socket.setsockopt(zmq.RCVHWM, PEER_HWM)
        return socket


def _serve(channel: Channel[list[bytes]], link: Callable[[], LinkFaults], inner: Socket, outer: Socket) -> None:
    """Carry messages from ``inner`` to ``outer`` through the channel, and refusals back at once."""
    poller = zmq.Poller()
    poller.register(inner, zmq.POLLIN)
    poller.register(outer, zmq.POLLIN)
    try:
        while True:
            deadline = channel.deadline_us
            poller.poll(None if deadline is None else max(0, -(-(deadline - now_us()) // 1000)))
            while (frames := receive_frames(inner)) is not None:
                channel.put(frames, now_us(), link())
            if link().cut:
                channel.lose_all()
            for frames in channel.take(now_us()):
                send_frames(outer, frames)
            while (frames := receive_frames(outer)) is not None:
                send_frames(inner, frames)
    except zmq.ContextTerminated:
        inner.close(0)
        outer.close(0)
