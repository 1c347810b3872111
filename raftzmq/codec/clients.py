"""Frames between a client and a node: ``[header]`` or ``[header, payload]``, headers in MessagePack by type.

Client → node: `Hello`, then `Execute` (payload: a parcel), `Read` (payload: queries), `StatusRequest`, `EventsRequest`,
`ChaosRequest`.
Node → client: `Welcome` or `Failure`, then `Answer` (payload: results), `Failure`, `StatusAnswer` (payload: JSON),
`EventsAnswer` (payload: events), `ChaosAnswer` (payload: JSON).

A client makes the ids of its requests; 0 stands for the handshake.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from raftzmq.config import EVENTS_RANGES_MAX, TRACE_CHARACTERS_MAX
from raftzmq.errors import InvalidRequest

Tag = Annotated[str, msgspec.Meta(max_length=TRACE_CHARACTERS_MAX)]
Counter = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Delay = Annotated[int, msgspec.Meta(ge=0, le=60_000_000)]
Duration = Annotated[int, msgspec.Meta(ge=0, le=86_400_000_000)]
Action = Literal["show", "link", "heal", "elect"]
PEERS_MAX = 1000
"""Peers that one `ChaosRequest` names."""


class Hello(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=1, frozen=True, gc=False):
    """Opens every exchange. ``cluster`` may be empty: the client takes whatever cluster answers."""

    minimum: Counter
    maximum: Counter
    cluster: str
    client: bytes


class Execute(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=2, frozen=True, gc=False):
    """Commands: the payload is one parcel. ``timeout_us`` is what is left of the client's patience.

    ``trace`` names the request in the event stream, where its ``trace`` event will tell where its time went.
    """

    request: Counter
    timeout_us: Counter
    trace: Tag = ""


class Read(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=3, frozen=True, gc=False):
    """Linearizable queries: the payload is a list of them, answered in order."""

    request: Counter
    timeout_us: Counter
    trace: Tag = ""


class StatusRequest(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=4, frozen=True, gc=False):
    """How does the node see the world? Answered at once, by any node, without consensus."""

    request: Counter


class EventsRequest(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=5, frozen=True, gc=False):
    """Which of these events does the node still have? For a subscriber that missed some; answered at once.

    ``boot``: the process's life that they were made in; empty: whichever is. ``ranges`` are (type of event, first
    seq, last seq), the last 0 for up to the newest.
    """

    request: Counter
    boot: str
    ranges: Annotated[list[tuple[str, Counter, Counter]], msgspec.Meta(max_length=EVENTS_RANGES_MAX)]


class ChaosRequest(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=6, frozen=True, gc=False):
    """Faults, for a node in lab mode; any other refuses them. Answered at once, without consensus.

    ``link`` gives the links from the node to ``peers`` these faults instead of those that they have, for ``for_us``
    microseconds or, with 0, until ``heal``, which without peers heals all. ``elect`` has the node campaign. ``show``
    changes nothing. Each message is lost with probability ``drop`` and doubled with ``duplicate``.
    """

    request: Counter
    action: Action
    peers: Annotated[list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=PEERS_MAX)] = []
    drop: Probability = 0.0
    delay_us: Delay = 0
    jitter_us: Delay = 0
    duplicate: Probability = 0.0
    cut: bool = False
    for_us: Duration = 0


ClientFrame = Hello | Execute | Read | StatusRequest | EventsRequest | ChaosRequest


class Welcome(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=1, frozen=True, gc=False):
    """The handshake is accepted. ``members`` are (node, client endpoint); ``leader`` is empty if unknown."""

    version: Counter
    cluster: str
    node: str
    boot: str
    leader: str
    members: list[tuple[str, str]]


class Answer(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=2, frozen=True, gc=False):
    """Results ``first``, ``first + 1``, … of a request; ``done`` with the last of them. Payload: list of results."""

    request: Counter
    first: Counter
    done: bool


class Failure(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=3, frozen=True, gc=False):
    """A request as a whole failed. ``definite``: this sending of it was surely not, and never will be, applied.

    ``code`` is one of `raftzmq.errors.REQUEST_ERRORS`, or ``not_leader`` (ask ``leader``, at ``endpoint``, or
    anybody if both are empty) or ``handshake`` (send `Hello` first: the node doesn't remember this client).
    """

    request: Counter
    code: str
    message: str
    definite: bool
    leader: str = ""
    endpoint: str = ""


class StatusAnswer(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=4, frozen=True, gc=False):
    """The payload is the node's row of ``status --json``."""

    request: Counter


class EventsAnswer(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=5, frozen=True, gc=False):
    """Events, in the order in which the node made them; the payload is for `decode_events`.

    ``boot`` is the node's own: if another was asked for, there are none. ``more``: the rest of them is to be asked for,
    each type from after the last that came. ``oldest`` says for each type that was asked for which seq is the oldest
    that the node still has, or the next that it will give if it has none: what is below is gone.
    """

    request: Counter
    boot: str
    more: bool
    oldest: dict[str, Counter]


class ChaosAnswer(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=6, frozen=True, gc=False):
    """The payload is JSON: ``node``, ``term`` and ``links``, the faults in force afterwards, by peer."""

    request: Counter


NodeFrame = Welcome | Answer | Failure | StatusAnswer | EventsAnswer | ChaosAnswer

NOT_LEADER = "not_leader"
HANDSHAKE = "handshake"

_encode = msgspec.msgpack.Encoder().encode
_decode_client = msgspec.msgpack.Decoder(ClientFrame).decode
_decode_node = msgspec.msgpack.Decoder(NodeFrame).decode
_decode_events = msgspec.msgpack.Decoder(list[tuple[str, Counter, bytes]]).decode
_decode_results = msgspec.msgpack.Decoder(list[Any]).decode


def encode_header(header: ClientFrame | NodeFrame) -> bytes:
    """The bytes of a header frame."""
    return _encode(header)


def encode_results(results: list[Any]) -> bytes:
    """The payload of an `Answer`."""
    return _encode(results)


def encode_events(events: list[tuple[str, int, bytes]]) -> bytes:
    """The payload of an `EventsAnswer`: (type, seq, the event as it was or would have been published)."""
    return _encode(events)


def decode_client_header(data: bytes) -> ClientFrame:
    """What a client sent; raises InvalidRequest."""
    try:
        frame: ClientFrame = _decode_client(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the header cannot be decoded: {error}") from None
    return frame


def decode_node_header(data: bytes) -> NodeFrame:
    """What a node sent; raises InvalidRequest."""
    try:
        frame: NodeFrame = _decode_node(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the node's header cannot be decoded: {error}") from None
    return frame


def decode_results(data: bytes) -> list[Any]:
    """The results in an `Answer`'s payload; raises InvalidRequest."""
    try:
        return _decode_results(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"the node's results cannot be decoded: {error}") from None


def decode_events(data: bytes) -> list[tuple[str, int, bytes]]:
    """The events in an `EventsAnswer`'s payload: (type, seq, JSON); raises InvalidRequest."""
    try:
        return _decode_events(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the node's events cannot be decoded: {error}") from None
