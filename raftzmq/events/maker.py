"""From a fact to a message on the event stream, at no cost while nobody listens."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from raftzmq.events.catalogue import EVENT_TYPES

EVENTS_VERSION = 1
"""The version of the envelope (``v`` in each event)."""

TOPIC_ROOT = "raftzmq"
_INTEGERS = range(-(2**63), 2**64)


def topic_of(node: str, kind: str) -> bytes:
    """The topic of a node's events of one type: ``raftzmq.<node>.<type>``."""
    return f"{TOPIC_ROOT}.{node}.{kind}".encode()


class EventMaker:
    """Makes the events of one node in one boot.

    `wanted` is one lookup in a set, which changes only with a subscription: ask it before the fields of an event
    are gathered. An event that nobody wants is neither encoded nor counted, so a gap in ``seq`` always means that
    an event was made and lost.

    ``wall_ns`` gives the wall clock in nanoseconds for ``ts``, which is for people: nothing is ordered by it.
    """

    __slots__ = ("_boot", "_node", "_pending", "_prefixes", "_sequences", "_topics", "_wall_ns", "_wanted")

    def __init__(self, node: str, boot: str, wall_ns: Callable[[], int]) -> None:
        self._node = node
        self._boot = boot
        self._wall_ns = wall_ns
        self._topics = {kind: topic_of(node, kind) for kind in EVENT_TYPES}
        self._sequences = dict.fromkeys(EVENT_TYPES, 0)
        self._prefixes: dict[bytes, int] = {}
        self._wanted: set[str] = set()
        self._pending: list[tuple[bytes, bytes]] = []

    def subscribe(self, prefix: bytes) -> None:
        """Somebody subscribed to the topics that begin with ``prefix`` (empty: to all of them).

        A prefix that no topic of this node begins with is forgotten at once: strangers cannot fill the memory.
        """
        if any(topic.startswith(prefix) for topic in self._topics.values()):
            self._prefixes[prefix] = self._prefixes.get(prefix, 0) + 1
            self._refresh()

    def unsubscribe(self, prefix: bytes) -> None:
        """One subscriber to ``prefix`` left; the topics stay wanted until the last one does."""
        count = self._prefixes.get(prefix, 0)
        if count > 1:
            self._prefixes[prefix] = count - 1
        elif count == 1:
            del self._prefixes[prefix]
            self._refresh()

    def _refresh(self) -> None:
        prefixes = tuple(self._prefixes)
        self._wanted = {kind for kind, topic in self._topics.items() if prefixes and topic.startswith(prefixes)}

    def wanted(self, kind: str) -> bool:
        """Does anybody want events of this type? One set lookup."""
        return kind in self._wanted

    def emit(self, kind: str, term: int, now_us: int, fields: Mapping[str, Any]) -> None:
        """Make an event of type ``kind``, if somebody wants it; `take` hands it out.

        ``now_us`` is the driver's monotonic clock in microseconds. ``bytes`` among the fields become text where they
        are UTF-8 and ``{"b64": …}`` where they aren't; no value can make the encoding fail.
        """
        if kind not in self._wanted:
            return
        seq = self._sequences[kind] + 1
        self._sequences[kind] = seq
        event = {
            "v": EVENTS_VERSION,
            "node": self._node,
            "boot": self._boot,
            "seq": seq,
            "ts": self._wall_ns() / 1_000_000_000,
            "mono_ns": now_us * 1000,
            "term": term,
            "type": kind,
            **fields,
        }
        self._pending.append((self._topics[kind], encode_event(event)))

    def take(self) -> list[tuple[bytes, bytes]]:
        """The (topic, payload) pairs made since the last call, oldest first."""
        pending = self._pending
        if pending:
            self._pending = []
        return pending


def encode_event(event: Mapping[str, Any]) -> bytes:
    """The JSON of an event, whatever its values are: what JSON cannot say is said as text."""
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
