"""The client's protocol: calls and frames in, frames and settled futures out. No clock, socket, thread or chance.

A driver (`aio`, `sync`) owns the sockets and the clock. It

1. adds calls: ``parcels.queue.add``, ``reads.queue.add``, ``probes.add`` (checked by `arguments` before);
2. tells what happened: `connected`, `disconnected`, `receive`;
3. then calls `step`, does what `outbox` says, and steps again until there is nothing to do;
4. steps again at `deadline_us` at the latest.

What a caller may rely on:

- A write is applied at most once, however often it was sent; exactly once if its future has a result.
- An error is ``definite`` only if every sending of the call ended definitely, or there was none.
- Every call ends by its timeout (5 ms later at most), whatever the nodes do or send.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from raftzmq.client.lane import Requests
from raftzmq.client.links import Link, Links, LinkState
from raftzmq.client.outbox import Outbox
from raftzmq.client.parcels import Parcels
from raftzmq.client.probes import Probes
from raftzmq.client.reads import Reads
from raftzmq.codec.clients import Answer, Failure, Welcome, decode_node_header
from raftzmq.errors import InvalidRequest, Refused

_HANDSHAKE: Final = 0
"""The request number of handshakes."""


class Protocol:
    """All that one client knows."""

    def __init__(self, endpoints: tuple[str, ...], *, client: bytes, cluster: str = "", trace: str = "") -> None:
        """``endpoints`` as `arguments.to_endpoints` gives them; ``client``: 1 to 64 bytes that no other client has.

        ``cluster`` is the id that nodes must have; empty: that of the first node that answers. ``trace`` tags requests.
        """
        self.outbox = Outbox()
        self.requests = Requests(trace)
        self.links = Links(endpoints, cluster, client, self.outbox)
        self.parcels = Parcels(self.links, self.outbox, self.requests, client)
        self.reads = Reads(self.links, self.outbox, self.requests)
        self.probes = Probes(self.links, self.outbox, self.requests)
        self.garbage = 0
        """Messages that made no sense, and were ignored."""
        self.late = 0
        """Answers to requests that nobody waited for any more."""
        self.deadline_us = 0
        """When `step` wants to be called next, if nothing happens before."""

    # --- what happened ---

    def connected(self, endpoint: str, now_us: int) -> None:
        """The connection to ``endpoint`` stands."""
        self.links.on_connected(self.links.at(endpoint), now_us)

    def disconnected(self, endpoint: str, now_us: int) -> None:
        """The connection to ``endpoint`` broke; the socket goes on trying."""
        link = self.links.at(endpoint)
        self.links.on_disconnected(link, now_us)
        self._lost(link)

    def unusable(self, endpoint: str, message: str, now_us: int) -> None:
        """No socket could be made for ``endpoint``: it is no address."""
        self.links.on_refused(self.links.at(endpoint), message, now_us)
        self._give_up_if_refused()

    def receive(self, endpoint: str, frames: Sequence[bytes], now_us: int) -> None:
        """A message came from the node at ``endpoint``. Whatever it holds, nothing is raised."""
        link = self.links.find(endpoint)
        if link is None or link.state is LinkState.CLOSED:
            self.late += 1
        elif not self._understand(link, frames, now_us):
            self.garbage += 1

    def _understand(self, link: Link, frames: Sequence[bytes], now_us: int) -> bool:
        """Act on a message; False if it makes no sense."""
        if not 1 <= len(frames) <= 2:
            return False
        try:
            header = decode_node_header(frames[0])
        except InvalidRequest:
            return False
        self.links.heard(link, now_us)
        if isinstance(header, Welcome):
            if self.links.on_welcome(link, header, now_us):
                self._lost(link)
            self._give_up_if_refused()
            return True
        if isinstance(header, Failure):
            if header.request == _HANDSHAKE:
                return self._on_handshake_failure(link, header, now_us)
        elif len(frames) != 2:
            return False
        entry = self.requests.open.get(header.request)
        if entry is None or entry[2] is not link:
            self.late += 1
            return True
        owner, item, _ = entry
        if isinstance(header, Answer):
            return owner.on_answer(item, link, header, frames[1], now_us)
        del self.requests.open[header.request]
        if isinstance(header, Failure):
            owner.on_failure(item, link, header, now_us)
            return True
        return owner is self.probes and self.probes.on_status(item, link, frames[1])

    def _on_handshake_failure(self, link: Link, failure: Failure, now_us: int) -> bool:
        if failure.code != Refused.code:
            return False
        self.links.on_refused(link, failure.message, now_us)
        self._lost(link)
        self._give_up_if_refused()
        return True

    def _give_up_if_refused(self) -> None:
        """If no node at all wants this client, waiting longer won't help."""
        refusal = self.links.refusal()
        if refusal:
            self.parcels.fail_waiting(Refused(refusal))
            self.reads.fail_waiting(Refused(refusal))

    def _lost(self, link: Link) -> None:
        self.parcels.on_lost(link)
        self.reads.on_lost(link)
        self.probes.on_lost(link)

    # --- what follows ---

    def step(self, now_us: int) -> None:
        """Do all that is due; afterwards `outbox` and `deadline_us` say what is wanted of the driver."""
        # Mostly one lane alone has anything to do, and nobody looks for a leader: what has nothing to do isn't called.
        parcels, reads, probes, links = self.parcels, self.reads, self.probes, self.links
        writing = parcels.step(now_us) if parcels.busy or now_us >= parcels.deadline_us else False
        reading = reads.step(now_us) if reads.busy or now_us >= reads.deadline_us else False
        if probes.busy:
            probes.step(now_us)
        links.seek(now_us, leader=writing, anyone=reading)
        self.deadline_us = min(parcels.deadline_us, reads.deadline_us, probes.deadline_us, links.deadline_us)

    def close(self) -> None:
        """Fail every call that waits."""
        self.parcels.close()
        self.reads.close()
        self.probes.close()
