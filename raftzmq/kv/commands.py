"""Commands, queries and their batches: the bytes that clients send, entries carry and the state machine decodes.

A *parcel* is what one client sent in one message: a run of commands of one session with consecutive sequence
numbers. A *batch* is the payload of one Raft entry: a header, then the parcels' bytes exactly as the clients
encoded them, so a command is encoded once in its life. All of it is MessagePack, decoded by type in C.

Unknown fields are forbidden: msgspec would skip them recursively, and one nested deeply enough for that to fail at
*some* depth of the stack could pass the door and then be a committed entry that no replica can apply.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from enum import Enum
from typing import Annotated, Any

import msgspec

from raftzmq.config import KEY_BYTES_MAX, RANGE_ROWS_MAX, VALUE_BYTES_MAX
from raftzmq.errors import InvalidRequest, InvariantViolation

BATCH_VERSION = 1
_BATCH_HEADER = struct.Struct(">BQBI")
_ARRAY32 = 0xDD

Key = Annotated[bytes, msgspec.Meta(min_length=1, max_length=KEY_BYTES_MAX)]
Value = Annotated[bytes, msgspec.Meta(max_length=VALUE_BYTES_MAX)]
Counter = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Put(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=1, frozen=True, gc=False):
    """Set ``key``; the result is the new revision, an int."""

    key: Key
    value: Value
    lease: Counter = 0


class Delete(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=2, frozen=True, gc=False):
    """Remove ``key``; the result is ``[deleted, revision]``: revision is the store's after the command."""

    key: Key


class CompareAndSwap(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=3, frozen=True, gc=False):
    """Set ``key`` to ``value`` if it is as expected; the result is ``[succeeded, revision]``.

    With ``mod_revision`` the key's last modification must be that revision (0: it must not exist); otherwise
    its value must equal ``expected`` (None: it must not exist). ``revision`` is the new one after success, else
    the key's mod_revision as it stands (0: it doesn't exist).
    """

    key: Key
    value: Value
    expected: Value | None = None
    mod_revision: Counter | None = None


class OpenSession(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=4, frozen=True, gc=False):
    """Open a session; it travels alone, and its entry's index is the session's id and the result (thesis 6.3)."""

    client: Annotated[bytes, msgspec.Meta(min_length=1, max_length=64)]


Command = Put | Delete | CompareAndSwap | OpenSession


class Parcel(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    """Commands ``first``, ``first + 1``, … of ``session``; every sequence below ``lowest`` has been answered."""

    session: Counter
    lowest: Counter
    first: Counter
    commands: Annotated[list[Command], msgspec.Meta(min_length=1)]


class Get(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=1, frozen=True, gc=False):
    """Read ``key`` as of ``revision`` (0: now); the result is a row or None."""

    key: Key
    revision: Counter = 0


class Range(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=2, frozen=True, gc=False):
    """Read keys in ``[start, end)`` (``end`` None: to the last key), at most ``limit``, as of ``revision`` (0: now).

    The result is ``[revision, more, resume_key, rows]``; with ``more``, ``resume_key`` is the ``start`` of the rest.
    """

    start: Annotated[bytes, msgspec.Meta(max_length=KEY_BYTES_MAX)]
    end: Annotated[bytes, msgspec.Meta(max_length=KEY_BYTES_MAX)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=RANGE_ROWS_MAX)] = RANGE_ROWS_MAX
    revision: Counter = 0


class StateHash(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag=3, frozen=True, gc=False):
    """Hash everything stored; the result is ``[last_applied, revision, hex digest]``. Reads the whole state.

    ``last_applied`` is the entry as of which all of it was hashed; while that took, others may have been applied.
    """


Query = Get | Range | StateHash


class Unfinished(Enum):
    """In the place of a query's result: it takes more than one job may, and goes on when it is asked again."""

    UNFINISHED = "unfinished"


UNFINISHED = Unfinished.UNFINISHED

Row = tuple[bytes, bytes, int, int, int, int]
"""key, value, create_revision, mod_revision, version, lease: the shape of a row in query results."""

ROW_OVERHEAD_BYTES = 48
"""What a row costs in an answer beside its key and value: four integers and their framing."""

_encode = msgspec.msgpack.Encoder().encode
_decode_parcel = msgspec.msgpack.Decoder(Parcel).decode
_decode_parcels = msgspec.msgpack.Decoder(list[Parcel]).decode
_decode_queries = msgspec.msgpack.Decoder(list[Query]).decode


def encode_parcel(parcel: Parcel) -> bytes:
    """The bytes of a parcel, as they travel and as they lie in the log."""
    return _encode(parcel)


def decode_parcel(data: bytes) -> Parcel:
    """Decode and check a parcel; raises InvalidRequest with the reason."""
    try:
        return _decode_parcel(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the commands cannot be decoded: {error}") from None


def encode_queries(queries: list[Query]) -> bytes:
    """The bytes of a list of queries."""
    return _encode(queries)


def decode_queries(data: bytes) -> list[Query]:
    """Decode and check a list of queries; raises InvalidRequest with the reason."""
    try:
        return _decode_queries(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the queries cannot be decoded: {error}") from None


def encode_batch(log_time_us: int, parcels: Iterable[bytes], count: int) -> bytes:
    """The payload of an entry: log time and ``count`` encoded parcels."""
    return _BATCH_HEADER.pack(BATCH_VERSION, log_time_us, _ARRAY32, count) + b"".join(parcels)


def batch_log_time(data: bytes) -> int:
    """The log time of a batch, in microseconds."""
    return int(_BATCH_HEADER.unpack_from(data)[1])


def decode_batch(data: bytes) -> tuple[int, list[Parcel]]:
    """Log time and parcels of an entry.

    Raises InvariantViolation: the entry passed its checksum and a leader's door, so this replica is not able to follow
    its cluster any more (an older release, say), and a committed command must never be skipped.
    """
    try:
        version, log_time, _, _ = _BATCH_HEADER.unpack_from(data)
        if version != BATCH_VERSION:
            raise InvariantViolation(
                f"a committed batch of format {version}: this release reads format {BATCH_VERSION}"
            )
        return log_time, _decode_parcels(memoryview(data)[_BATCH_HEADER.size - 5 :])
    except (msgspec.DecodeError, struct.error, UnicodeDecodeError) as error:
        raise InvariantViolation(f"a committed batch cannot be decoded: {error}") from error


def error_result(code: str, message: str) -> dict[str, Any]:
    """The result of a command or query that failed: code and sentence of a `RequestError`."""
    return {"error": code, "message": message}


def result_bytes(result: Any) -> int:
    """About how many bytes a query's result takes in an answer: a row, a range of rows, or something small."""
    if isinstance(result, (tuple, list)):
        if len(result) == 6 and isinstance(result[1], bytes):
            return len(result[0]) + len(result[1]) + ROW_OVERHEAD_BYTES
        if len(result) == 4 and isinstance(result[3], list):
            return sum(map(result_bytes, result[3])) + ROW_OVERHEAD_BYTES
    return 2 * ROW_OVERHEAD_BYTES
