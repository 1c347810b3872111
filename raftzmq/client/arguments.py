"""What a call is given, checked before anything is sent, as the command or query that travels.

``str`` is taken as UTF-8, ``bytes`` stay as they are, and anything else raises InvalidRequest: a store that guesses
how a number is spelled returns surprises.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from raftzmq.client.results import one_of
from raftzmq.config import (
    COMMAND_BYTES_MAX,
    KEY_BYTES_MAX,
    KIB,
    MICROSECONDS,
    RANGE_ROWS_MAX,
    TRACE_CHARACTERS_MAX,
    VALUE_BYTES_MAX,
    local_cluster,
)
from raftzmq.endpoint import to_endpoint
from raftzmq.errors import InvalidRequest, TooLarge
from raftzmq.kv.commands import Command, CompareAndSwap, Delete, Get, Put, Query, Range

Text = str | bytes
"""A key or value as a caller gives it."""

FRAMING_BYTES: Final = 48
"""At most what a command takes in a parcel besides its keys and values (measured: 34), and a parcel per command."""
TIMEOUT_MAX_US: Final = 86_400 * MICROSECONDS
"""A day. Longer, infinite ones included, is the same to everybody."""
LOCAL_NODES: Final = 5
"""The cluster that `bin/up` starts, which a client without endpoints looks for."""

_CONSISTENCIES = ("linearizable",)


def to_bytes(what: str, value: Text) -> bytes:
    """``value`` as bytes; raises InvalidRequest, naming ``what`` it was to be."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise InvalidRequest(f"the {what} is no text that UTF-8 can spell: {error.reason}") from None
    raise InvalidRequest(f"a {what} is str or bytes, not {type(value).__name__}")


def to_key(key: Text) -> bytes:
    """A key within its limit; raises InvalidRequest and TooLarge."""
    data = to_bytes("key", key)
    if not data:
        raise InvalidRequest("a key has at least one byte")
    if len(data) > KEY_BYTES_MAX:
        raise TooLarge(f"a key has at most {KEY_BYTES_MAX} bytes, not {len(data)}")
    return data


def to_value(value: Text) -> bytes:
    """A value within its limit; raises InvalidRequest and TooLarge."""
    data = to_bytes("value", value)
    if len(data) > VALUE_BYTES_MAX:
        raise TooLarge(f"a value has at most {VALUE_BYTES_MAX // KIB} KiB, not {len(data)} bytes")
    return data


def _is_whole(value: object) -> bool:
    """An int; True and False, which Python counts as such, are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def to_counter(name: str, value: int | None) -> int:
    """A revision or lease; None is 0. Raises InvalidRequest."""
    if value is None:
        return 0
    if not _is_whole(value) or not 0 <= value < 2**63:
        raise InvalidRequest(f"{name} is a number from 0 on, not {value!r}")
    return value


def to_timeout_us(timeout: float) -> int:
    """Seconds as microseconds; raises InvalidRequest."""
    if type(timeout) not in (int, float) or not 0 < timeout:
        raise InvalidRequest(f"a timeout is a number of seconds above zero, not {timeout!r}")
    return max(1, int(min(timeout * MICROSECONDS, TIMEOUT_MAX_US)))


def to_trace(tag: object) -> str:
    """The tag of a client's requests; raises InvalidRequest."""
    if not isinstance(tag, str) or len(tag) > TRACE_CHARACTERS_MAX:
        raise InvalidRequest(f"trace is a tag of up to {TRACE_CHARACTERS_MAX} characters, not {tag!r:.80}")
    to_bytes("trace", tag)
    return tag


def to_endpoints(endpoints: str | Iterable[str] | None) -> tuple[str, ...]:
    """Client endpoints of a list or of text with commas; ``host:port`` means TCP; None means the local cluster.

    Raises InvalidRequest for what is no endpoint.
    """
    if endpoints is None:
        return tuple(node.client for node in local_cluster(LOCAL_NODES).nodes)
    parts = endpoints.split(",") if isinstance(endpoints, str) else list(endpoints)
    found: dict[str, None] = {}
    for part in parts:
        if not isinstance(part, str):
            raise InvalidRequest(f"an endpoint is text such as tcp://127.0.0.1:7201, not {part!r}")
        if part.strip():
            try:
                found[to_endpoint(part.strip())] = None
            except ValueError as error:
                raise InvalidRequest(f"{part.strip()!r} {error}; give one like tcp://127.0.0.1:7201") from None
    if not found:
        raise InvalidRequest("a client needs at least one endpoint, such as tcp://127.0.0.1:7201")
    return tuple(found)


def put_command(key: Text, value: Text, lease: int | None) -> Put:
    """A put, checked."""
    return Put(to_key(key), to_value(value), to_counter("lease", lease))


def put_call(key: Text, value: Text, lease: int | None) -> tuple[Put, int]:
    """A put, checked, and its `size_of`. For bytes without a lease, as of programs in a hurry, by the shortest way."""
    if (
        type(key) is bytes
        and type(value) is bytes
        and lease is None
        and 0 < len(key) <= KEY_BYTES_MAX
        and len(value) <= VALUE_BYTES_MAX
    ):
        return Put(key, value), FRAMING_BYTES + len(key) + len(value)
    command = put_command(key, value, lease)
    return command, size_of(command)


def cas_command(key: Text, expected: Text | None, new: Text, mod_revision: int | None) -> CompareAndSwap:
    """A compare-and-swap, checked: it compares by value or by revision, not by both."""
    if mod_revision is not None and expected is not None:
        raise InvalidRequest("compare by value or by mod_revision, not by both: pass expected=None with mod_revision")
    command = CompareAndSwap(
        to_key(key),
        to_value(new),
        None if expected is None else to_value(expected),
        None if mod_revision is None else to_counter("mod_revision", mod_revision),
    )
    size = size_of(command)
    if size > COMMAND_BYTES_MAX:
        raise TooLarge(f"a command has at most {COMMAND_BYTES_MAX // KIB} KiB in all, not {size} bytes")
    return command


def get_query(key: Text, consistency: str, revision: int | None) -> Get:
    """A read of one key, checked."""
    one_of("consistency", consistency, _CONSISTENCIES)
    return Get(to_key(key), to_counter("revision", revision))


def get_call(key: Text, consistency: str, revision: int | None) -> tuple[Get, int]:
    """A read of one key, checked, and its `size_of`; fast as `put_call` is."""
    if type(key) is bytes and revision is None and consistency == "linearizable" and 0 < len(key) <= KEY_BYTES_MAX:
        return Get(key), FRAMING_BYTES + len(key)
    query = get_query(key, consistency, revision)
    return query, size_of(query)


def range_query(
    prefix: Text | None,
    start: Text | None,
    end: Text | None,
    limit: int | None,
    revision: int | None,
    resume_key: bytes | None,
    consistency: str,
) -> Range:
    """A read of an interval, checked: all keys of a prefix, or ``[start, end)``; everything without any of them."""
    one_of("consistency", consistency, _CONSISTENCIES)
    if prefix is not None and (start is not None or end is not None):
        raise InvalidRequest("a range has a prefix, or a start and an end, not both")
    if limit is not None and (not _is_whole(limit) or limit < 1):
        raise InvalidRequest(f"a limit is a number from 1 on, not {limit!r}")
    if prefix is not None:
        first = to_bytes("prefix", prefix)
        last = after_prefix(first)
    else:
        first = b"" if start is None else to_bytes("start", start)
        last = None if end is None else to_bytes("end", end)
    if resume_key is not None:
        first = max(first, to_bytes("resume key", resume_key))
    if max(len(first), len(last or b"")) > KEY_BYTES_MAX:
        raise TooLarge(f"the ends of a range have at most {KEY_BYTES_MAX} bytes, as keys have")
    rows = RANGE_ROWS_MAX if limit is None else min(limit, RANGE_ROWS_MAX)
    return Range(first, last, rows, to_counter("revision", revision))


def after_prefix(prefix: bytes) -> bytes | None:
    """The first key behind all that begin with ``prefix``; None if there is none."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes((stem[-1] + 1,)) if stem else None


def size_of(command: Command | Query) -> int:
    """At most how many bytes a command or query takes in its message."""
    match command:
        case Put():
            return FRAMING_BYTES + len(command.key) + len(command.value)
        case CompareAndSwap():
            return FRAMING_BYTES + len(command.key) + len(command.value) + len(command.expected or b"")
        case Delete() | Get():
            return FRAMING_BYTES + len(command.key)
        case Range():
            return FRAMING_BYTES + len(command.start) + len(command.end or b"")
        case _:
            return 2 * FRAMING_BYTES
