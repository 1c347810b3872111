"""Frames between nodes: ``[envelope, message, entry payload, …]``.

Every message is an exchange of its own: its envelope carries the versions that the sender speaks and who it is
(cluster, node, incarnation), so there is no connection state to lose, and a stranger is refused at its first frame.
The message's header begins with its `Stamp`, by which the event streams of all nodes can be put in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Annotated

import msgspec

from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk, SnapshotId
from raftzmq.config import LAMPORT_MAX, SNAPSHOT_CHUNK_BYTES
from raftzmq.core.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Message,
    ReadIndex,
    ReadIndexResponse,
    RequestVote,
    RequestVoteResponse,
)
from raftzmq.core.types import Entry, EntryKind
from raftzmq.errors import InvalidRequest

Counter = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Checksum = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
LamportTime = Annotated[int, msgspec.Meta(ge=0, le=LAMPORT_MAX)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Envelope(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    """Who speaks. ``kind`` is 0 for a refusal, else the place of the message's type in `_TYPES`."""

    minimum: Counter
    maximum: Counter
    cluster: str
    node: Name
    incarnation: str
    to: Name
    kind: Counter


class Refusal(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    """Answers a message whose envelope doesn't fit: another cluster, another incarnation, no common version."""

    reason: str


class Stamp(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    """What every message's header begins with, for the event stream.

    ``lamport`` is the sender's Lamport time. ``number`` is the sender's own for this message: sending and receipt are
    known by it. ``beat``: it says nothing but that its sender is there (see `raftzmq.node.traffic`); the sender
    decides, so that both ends call the message the same.
    """

    lamport: LamportTime
    number: Counter
    beat: bool


class _RequestVote(Stamp, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    term: Counter
    last_log_index: Counter
    last_log_term: Counter
    pre_vote: bool
    told: bool = False


class _RequestVoteResponse(Stamp, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    term: Counter
    granted: bool
    pre_vote: bool


class _AppendEntries(Stamp, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    term: Counter
    prev_log_index: Counter
    prev_log_term: Counter
    leader_commit: Counter
    round: Counter
    entries: list[tuple[Counter, Counter, EntryKind, Checksum]]


class _AppendEntriesResponse(Stamp, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    term: Counter
    success: bool
    match_index: Counter
    round: Counter
    prev_log_index: Counter
    hint_index: Counter
    hint_term: Counter


class _ReadIndex(Stamp, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    term: Counter
    context: Counter


class _ReadIndexResponse(Stamp, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    term: Counter
    context: Counter
    index: Counter


_SnapshotId = tuple[Counter, Counter, Checksum, Counter, Checksum]


class _SnapshotChunk(Stamp, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    term: Counter
    snapshot: _SnapshotId
    offset: Counter
    checksum: Checksum
    data: Annotated[bytes, msgspec.Meta(max_length=SNAPSHOT_CHUNK_BYTES)]


class _SnapshotAnswer(Stamp, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    term: Counter
    snapshot: _SnapshotId
    offset: Counter
    damaged: bool


PeerMessage = Message | SnapshotChunk | SnapshotAnswer
"""All that one node says to another, but for refusals."""

_TYPES: tuple[tuple[type[PeerMessage], type[Stamp]], ...] = (
    (RequestVote, _RequestVote),
    (RequestVoteResponse, _RequestVoteResponse),
    (AppendEntries, _AppendEntries),
    (AppendEntriesResponse, _AppendEntriesResponse),
    (ReadIndex, _ReadIndex),
    (ReadIndexResponse, _ReadIndexResponse),
    (SnapshotChunk, _SnapshotChunk),
    (SnapshotAnswer, _SnapshotAnswer),
)
_KINDS = {message: kind for kind, (message, _) in enumerate(_TYPES, 1)}
_STAMP = len(Stamp.__struct_fields__)
_FIELDS = [(m, attrgetter(*w.__struct_fields__[_STAMP:]), msgspec.msgpack.Decoder(w).decode) for m, w in _TYPES]
for _message, _wire in _TYPES:
    # Messages are built by position, after sender and to: the order of their fields must be the wire's.
    assert [field.name for field in fields(_message)][2:] == list(_wire.__struct_fields__[_STAMP:]), _message
_encode = msgspec.msgpack.Encoder().encode
_decode_envelope = msgspec.msgpack.Decoder(Envelope).decode
_decode_refusal = msgspec.msgpack.Decoder(Refusal).decode

_snapshot_fields = attrgetter(*(field.name for field in fields(SnapshotId)))

REFUSAL = 0


def message_kind(message: PeerMessage) -> int:
    """The number that stands for the message's type in an envelope."""
    return _KINDS[type(message)]


def encode_envelope(envelope: Envelope) -> bytes:
    """The first frame."""
    return _encode(envelope)


def decode_envelope(data: bytes) -> Envelope:
    """The first frame; raises InvalidRequest."""
    try:
        return _decode_envelope(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the envelope cannot be decoded: {error}") from None


def encode_refusal(refusal: Refusal) -> bytes:
    """The second frame of a refusal."""
    return _encode(refusal)


def decode_refusal(data: bytes) -> Refusal:
    """The second frame of a refusal; raises InvalidRequest."""
    try:
        return _decode_refusal(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the refusal cannot be decoded: {error}") from None


def encode_message(message: PeerMessage, lamport: int, number: int, beat: bool) -> list[bytes]:
    """The frames after the envelope; see `Stamp`. Payloads are passed on, not copied."""
    if isinstance(message, AppendEntries):
        rows = [(e.index, e.term, int(e.kind), e.chain) for e in message.entries]
        header = (
            lamport,
            number,
            beat,
            message.term,
            message.prev_log_index,
            message.prev_log_term,
            message.leader_commit,
            message.round,
            rows,
        )
        return [_encode(header), *[e.data for e in message.entries]]
    if isinstance(message, (SnapshotChunk, SnapshotAnswer)):
        term, snapshot, *rest = _FIELDS[_KINDS[type(message)] - 1][1](message)
        return [_encode((lamport, number, beat, term, _snapshot_fields(snapshot), *rest))]
    values = _FIELDS[_KINDS[type(message)] - 1][1](message)
    if isinstance(message, RequestVote) and not message.told:
        values = values[:-1]  # as releases say it, and understand it, that don't know the field
    return [_encode((lamport, number, beat, *values))]


def decode_message(envelope: Envelope, frames: Sequence[bytes]) -> tuple[PeerMessage, Stamp]:
    """The message behind an envelope, and its stamp; ``frames`` are those after it. Raises InvalidRequest.

    Checksums of entries are checked by the core, which alone knows the chain that they continue.
    """
    if not 1 <= envelope.kind <= len(_TYPES):
        raise InvalidRequest(f"no message has kind {envelope.kind}")
    message, fields_of, decode = _FIELDS[envelope.kind - 1]
    try:
        header = decode(frames[0])
    except (msgspec.DecodeError, UnicodeDecodeError, IndexError) as error:
        raise InvalidRequest(f"a {message.__name__} cannot be decoded: {error}") from None
    count = 1 + (len(header.entries) if isinstance(header, _AppendEntries) else 0)
    if len(frames) != count:
        raise InvalidRequest(f"a {message.__name__} has {len(frames)} frames where its header announces {count}")
    if isinstance(header, _AppendEntries):
        rows = zip(header.entries, frames[1:], strict=True)
        entries = tuple([Entry(i, t, kind, bytes(data), chain) for (i, t, kind, chain), data in rows])
        terms = header.term, header.prev_log_index, header.prev_log_term
        appended = AppendEntries(envelope.node, envelope.to, *terms, header.leader_commit, header.round, entries)
        return appended, header
    values = fields_of(header)
    if isinstance(header, (_SnapshotChunk, _SnapshotAnswer)):
        values = (values[0], SnapshotId(*values[1]), *values[2:])
    return message(envelope.node, envelope.to, *values), header
