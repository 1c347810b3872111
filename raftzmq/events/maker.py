"""From a fact to a message on the event stream: what is rare always, the rest at no cost while nobody listens."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from raftzmq.config import EVENTS_LINGER_US
from raftzmq.events.catalogue import EVENT_TYPES
from raftzmq.events.event_type import Level
from raftzmq.events.lamport import LamportClock
from raftzmq.events.ring import Ring

EVENTS_VERSION = 1
"""The version of the envelope (``v`` in each event)."""

TOPIC_ROOT = "raftzmq"
NEVER_US = 2**63
_RARE, _DETAILS = (
    frozenset(kind for kind, event in EVENT_TYPES.items() if event.level is level)
    for level in (Level.RARE, Level.DETAIL)
)
_INTEGERS = range(-(2**63), 2**64)


def topic_of(node: str, kind: str) -> bytes:
    """The topic of a node's events of one type: ``raftzmq.<node>.<type>``."""
    return f"{TOPIC_ROOT}.{node}.{kind}".encode()


class EventMaker:
    """Makes the events of one node in one boot, and keeps the last of them in `ring`.

    `wanted` is one lookup in a set: ask it before the fields of an event are gathered. What is wanted depends on the
    level of the type: rare ones always; usual ones while a subscription's prefix fits, and for EVENTS_LINGER_US after
    the last one left, so that a subscriber that comes back finds what it missed in the ring; details only while a
    prefix fits. An event that is not wanted is neither encoded nor counted, so a gap in ``seq`` always means that an
    event was made and lost; what no prefix fits is made for the ring alone.

    ``wall_ns`` gives the wall clock in nanoseconds for ``ts``, which is for people: nothing is ordered by it.
    ``clock`` is only read here: its value is an event's Lamport time.
    """

    __slots__ = (
        "_boot",
        "_clock",
        "_heard",
        "_linger_end_us",
        "_lingering",
        "_node",
        "_order",
        "_pending",
        "_prefixes",
        "_sequences",
        "_topics",
        "_wall_ns",
        "_wanted",
        "details",
        "ring",
    )

    def __init__(self, node: str, boot: str, wall_ns: Callable[[], int], clock: LamportClock | None = None) -> None:
        self._node = node
        self._boot = boot
        self._wall_ns = wall_ns
        self._clock = LamportClock() if clock is None else clock
        self._topics = {kind: topic_of(node, kind) for kind in EVENT_TYPES}
        self._sequences = dict.fromkeys(EVENT_TYPES, 0)
        self._order = 0
        self._prefixes: dict[bytes, int] = {}
        self._heard: set[str] = set()
        self._lingering: dict[str, int] = {}
        self._linger_end_us = NEVER_US
        self._wanted = set(_RARE)
        self.details = False
        """Are any events of the level of details wanted? Asked for each message, so it is not even a call."""
        self._pending: list[tuple[bytes, bytes]] = []
        self.ring = Ring()

    def subscribe(self, prefix: bytes, now_us: int = 0) -> None:
        """Somebody subscribed to the topics that begin with ``prefix`` (empty: to all of them).

        A prefix that no topic of this node begins with is forgotten at once: strangers cannot fill the memory.
        """
        if any(topic.startswith(prefix) for topic in self._topics.values()):
            self._prefixes[prefix] = self._prefixes.get(prefix, 0) + 1
            self._refresh(now_us)

    def unsubscribe(self, prefix: bytes, now_us: int = 0) -> None:
        """One subscriber to ``prefix`` left; the topics stay wanted until the last one does, and usual ones longer."""
        count = self._prefixes.get(prefix, 0)
        if count > 1:
            self._prefixes[prefix] = count - 1
        elif count == 1:
            del self._prefixes[prefix]
            self._refresh(now_us)

    def _refresh(self, now_us: int) -> None:
        prefixes = tuple(self._prefixes)
        heard = {kind for kind, topic in self._topics.items() if prefixes and topic.startswith(prefixes)}
        for kind in sorted(self._heard - heard):
            if EVENT_TYPES[kind].level is Level.USUAL:
                self._lingering[kind] = now_us + EVENTS_LINGER_US
        self._lingering = {kind: end for kind, end in self._lingering.items() if end > now_us}
        self._linger_end_us = min(self._lingering.values(), default=NEVER_US)
        self._heard = heard
        self._wanted = heard.union(_RARE, self._lingering)
        self.details = not _DETAILS.isdisjoint(heard)

    def wanted(self, kind: str) -> bool:
        """Is an event of this type to be made? One set lookup."""
        return kind in self._wanted

    def emit(self, kind: str, term: int, now_us: int, fields: Mapping[str, Any]) -> None:
        """Make an event of type ``kind``, if it is wanted; `take` hands it out if somebody subscribed to it.

        ``now_us`` is the driver's monotonic clock in microseconds. ``bytes`` among the fields become text where they
        are UTF-8 and ``{"b64": …}`` where they aren't; no value can make the encoding fail.
        """
        if now_us >= self._linger_end_us:
            self._refresh(now_us)
        if kind not in self._wanted:
            return
        self._sequences[kind] = seq = self._sequences[kind] + 1
        self._order = order = self._order + 1
        payload = orjson.dumps(
            {
                "v": EVENTS_VERSION,
                "node": self._node,
                "boot": self._boot,
                "seq": seq,
                "order": order,
                "ts": self._wall_ns() / 1_000_000_000,
                "mono_ns": now_us * 1000,
                "lamport": self._clock.value,
                "term": term,
                "type": kind,
            }
        )
        if fields:
            # Joined here, the bytes that the ring keeps are as long as they have to be. What orjson gives is cut from
            # a longer buffer; to keep thousands of those costs a microsecond each, twice as much as the joining.
            payload = payload[:-1] + b"," + encode_event(fields)[1:]
        self.ring.add(order, kind, payload)
        if kind in self._heard:
            self._pending.append((self._topics[kind], payload))

    @property
    def waiting(self) -> int:
        """How many events `take` would hand out."""
        return len(self._pending)

    def take(self) -> list[tuple[bytes, bytes]]:
        """The (topic, payload) pairs made since the last call that somebody subscribed to, oldest first."""
        pending = self._pending
        if pending:
            self._pending = []
        return pending


def encode_event(event: Mapping[str, Any]) -> bytes:
    """The JSON of an event or of its fields, whatever their values are: what JSON cannot say is said as text."""
    try:
        return orjson.dumps(event, default=_plain_bytes)
    except TypeError:  # orjson's errors are all of this type: a lone surrogate, a huge integer, an odd object
        return orjson.dumps(_plain(event))


def text_or_b64(value: bytes) -> str | dict[str, str]:
    """``value`` as text if it is UTF-8, else as ``{"b64": …}``: the shape of keys and values in all JSON."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": b64encode(value).decode()}


def _plain_bytes(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return text_or_b64(bytes(value))
    raise TypeError


def _plain(value: Any) -> Any:
    """A copy of ``value`` that JSON can surely say."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return text_or_b64(bytes(value))
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return int(value) if value in _INTEGERS else str(value)
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return _plain(str(value))
