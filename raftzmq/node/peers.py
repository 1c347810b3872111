"""Who may speak to this node, and in what envelope (design: every peer message says who it is from)."""

from __future__ import annotations

from collections.abc import Sequence

from raftzmq.checksum import crc32
from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.peers import (
    REFUSAL,
    Envelope,
    PeerMessage,
    Refusal,
    decode_envelope,
    decode_message,
    decode_refusal,
    encode_envelope,
    encode_message,
    encode_refusal,
    message_kind,
)
from raftzmq.config import PEER_BYTES_MAX, PEER_FRAMES_MAX, TERM_STEP_MAX
from raftzmq.errors import InvalidRequest
from raftzmq.events.lamport import LamportClock
from raftzmq.node.traffic import Traffic

ENVELOPES_MAX = 4096
"""Accepted envelopes remembered: a few per peer; strangers' never get in."""


class PeerRefused(Exception):
    """A peer's message is not taken; the sentence goes back to whoever sent it."""


class Peers:
    """Checks envelopes and makes them; stamps what leaves and brings the node's Lamport time past what comes.

    ``incarnations`` are those that are durable here. A peer seen for the first time is put into ``unknown`` and not
    listened to until its incarnation is stored: a wiped disk that returns under its old name must be recognized.
    """

    def __init__(
        self,
        cluster: str,
        node: str,
        incarnation: str,
        incarnations: dict[str, str],
        *,
        boot: str,
        clock: LamportClock,
        traffic: Traffic,
    ) -> None:
        self._cluster = cluster
        self._node = node
        self._incarnation = incarnation
        self._incarnations = dict(incarnations)
        self._accepted: dict[bytes, Envelope] = {}
        self._made: dict[tuple[str, int], bytes] = {}
        self._clock = clock
        self._traffic = traffic
        self._maker = traffic.maker
        # No two boots of a node should use the same numbers: a message may outlive the process that sent it.
        self._number = (crc32(boot.encode()) & 0xFFFFF) << 32
        self.unknown: dict[str, str] = {}

    def encode(self, message: PeerMessage, now_us: int) -> list[bytes]:
        """The frames of a message that leaves now."""
        self._number = number = self._number + 1
        lamport = self._clock.tick()
        beat = self._traffic.is_beat(message)
        if self._maker.details:
            self._traffic.sent(message, number, beat, now_us)
        return [self._envelope(message.to, message_kind(message)), *encode_message(message, lamport, number, beat)]

    def encode_refusal(self, to: str, reason: str) -> list[bytes]:
        """The frames that tell a stranger why it isn't heard."""
        return [self._envelope(to, REFUSAL), encode_refusal(Refusal(reason))]

    def _envelope(self, to: str, kind: int) -> bytes:
        frame = self._made.get((to, kind))
        if frame is None:
            envelope = Envelope(PROTOCOL_MIN, PROTOCOL_MAX, self._cluster, self._node, self._incarnation, to, kind)
            frame = encode_envelope(envelope)
            if len(self._made) < ENVELOPES_MAX:
                self._made[to, kind] = frame
        return frame

    def decode(
        self, frames: Sequence[bytes], members: Sequence[str], term: int, now_us: int
    ) -> PeerMessage | Refusal | None:
        """The message in ``frames``, which is taken now in ``term``; None if its sender isn't listened to yet.

        Raises PeerRefused for an envelope or a term that doesn't fit, InvalidRequest for what cannot be decoded or is
        too large.
        """
        if len(frames) > PEER_FRAMES_MAX:
            raise InvalidRequest(f"{len(frames)} frames; a peer's message has at most {PEER_FRAMES_MAX}")
        if not frames or sum(map(len, frames)) > PEER_BYTES_MAX:
            raise InvalidRequest(f"a peer's message has 1 to {PEER_BYTES_MAX} bytes")
        envelope = self._accepted.get(frames[0])
        if envelope is None:
            envelope = decode_envelope(frames[0])
            if envelope.kind == REFUSAL:
                return decode_refusal(frames[1] if len(frames) > 1 else b"")
            self._check(envelope, members)
            if envelope.node not in self._incarnations:
                self.unknown.setdefault(envelope.node, envelope.incarnation)
                return None
            if len(self._accepted) < ENVELOPES_MAX:
                self._accepted[frames[0]] = envelope
        message, stamp = decode_message(envelope, frames[1:])
        if message.term - term > TERM_STEP_MAX:
            raise PeerRefused(
                f"{envelope.node} speaks of term {message.term}, and {self._node} is in term {term}: no cluster holds "
                "so many elections, so the message is damaged"
            )
        self._clock.merge(stamp.lamport)
        if self._maker.details:
            self._traffic.received(message, stamp, now_us)
        return message

    def _check(self, envelope: Envelope, members: Sequence[str]) -> None:
        if envelope.minimum > PROTOCOL_MAX or envelope.maximum < PROTOCOL_MIN:
            raise PeerRefused(
                f"{envelope.node} speaks protocol {envelope.minimum} to {envelope.maximum}, "
                f"{self._node} speaks {PROTOCOL_MIN} to {PROTOCOL_MAX}"
            )
        if envelope.cluster != self._cluster:
            raise PeerRefused(f"{self._node} belongs to cluster {self._cluster!r}, not to {envelope.cluster!r}")
        if envelope.to != self._node:
            raise PeerRefused(f"this is {self._node}, not {envelope.to}")
        if envelope.node not in members or envelope.node == self._node:
            raise PeerRefused(f"{envelope.node} is no other member of the cluster")
        known = self._incarnations.get(envelope.node, envelope.incarnation)
        if known != envelope.incarnation:
            raise PeerRefused(
                f"{envelope.node} has lost its data directory (incarnation {envelope.incarnation}, not {known}): what "
                "it promised is forgotten, so it may not return under its old name"
            )

    def remember(self, incarnations: Sequence[tuple[str, str]]) -> None:
        """These incarnations are durable now: their nodes are listened to."""
        for node, incarnation in incarnations:
            self._incarnations.setdefault(node, incarnation)
            self.unknown.pop(node, None)
