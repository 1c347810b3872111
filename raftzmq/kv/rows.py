"""The rows of the state's tables, as pure functions between values and bytes.

Every row but the meta row ends with a CRC-32 of its table key followed by its body, so a row that has changed, or that
lies at the wrong key, is found when it is read. The checksum has its low byte first, as CRC-32 shifts: the CRC-32 of a
key, its body and their checksum is then always the same number, `INTACT`, and one call checks a row as it is. The
format of all rows together has one version, `STATE_VERSION`, in the meta row.

======== ============================================= =========================================================
table    key                                           body
======== ============================================= =========================================================
keys     the key                                       create, mod, version, lease (MessagePack list)
history  revision (8) ‖ sub (4)                        previous mod, create, version, lease (8 each), key's length
                                                       (2), key, value
sessions session (8)                                   activity, lowest, client's name: the session itself
sessions session (8) ‖ first sequence (8)              activity, lowest, results (MessagePack list)
meta     ``state``                                     JSON, then the configuration
======== ============================================= =========================================================

All other integers are big-endian. Writes hit the keys table all over, so its rows are short: 17 bytes or so (four
numbers of 8 bytes each made half as many leaves more, and all of them are written by every commit). ``version`` 0 is
a tombstone: the key was deleted at that revision; in the history ``create`` is 0 then, or 1 once the key has been
forgotten altogether.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from raftzmq.checksum import crc32
from raftzmq.core.types import Configuration
from raftzmq.errors import CorruptionError
from raftzmq.records import seal, unseal

STATE_VERSION = 3
"""Version 2 had the history in one database; it reads as a history without segments."""
_VERSIONS_READ = (2, STATE_VERSION)
META_KEY = b"state"

INTACT = crc32(bytes(4))
"""What the CRC-32 of a key and its row is, unless either has changed."""
CHECKSUM_BYTES = 4

pack_checksum = struct.Struct("<I").pack
pack_history_key = struct.Struct(">QI").pack
pack_history_head = struct.Struct(">QQQQH").pack
_HISTORY = struct.Struct(">QQQQH")
pack_length = struct.Struct(">H").pack
_HISTORY_KEY = struct.Struct(">QI")
_SESSION = struct.Struct(">QIQQ")
pack_session_head = _SESSION.pack
_ONE = struct.Struct(">Q")
_TWO = struct.Struct(">QQ")
_encode_results = encode_key_body = msgspec.msgpack.Encoder().encode
decode_key_body = msgspec.msgpack.Decoder(tuple[int, int, int, int]).decode
_decode_results = msgspec.msgpack.Decoder(list[Any]).decode

KeyRow = tuple[int, int, int, int]
"""create_revision, mod_revision, version, lease. Version 0: deleted at mod_revision."""


class HistoryRow(NamedTuple):
    """What one revision wrote: a version of ``key``, or its deletion (``version`` 0).

    ``previous`` is the key's mod_revision before (0: none); following it leads through the key's past.
    """

    previous: int
    create_revision: int
    version: int
    lease: int
    key: bytes
    value: bytes


class Activity(NamedTuple):
    """When a session was last heard: entry, parcel within the entry, and log time in microseconds."""

    entry: int
    position: int
    time_us: int


class SessionRow(NamedTuple):
    """A session as one of its rows has it; the row of the latest activity is right."""

    activity: Activity
    lowest: int
    tail: bytes


@dataclass(frozen=True, slots=True)
class MetaRow:
    """How far the state has come, in the same transaction as what it covers. ``history``: `History.bounds`."""

    applied_index: int = 0
    applied_term: int = 0
    chain: int = 0
    log_time_us: int = 0
    revision: int = 0
    history: tuple[int, int, int] = (0, 0, 0)
    digest: int = 0
    configuration: Configuration = field(default_factory=Configuration)


def seal_row(key: bytes, body: bytes) -> bytes:
    """``body`` and its checksum, which covers ``key`` too."""
    return body + pack_checksum(crc32(body, crc32(key)))


def _damaged(what: str) -> CorruptionError:
    return CorruptionError(f"{what} fails its checksum: the disk or memory changed it")


def encode_key_row(key: bytes, row: KeyRow) -> bytes:
    """The row of ``key`` in the keys table."""
    return seal_row(key, encode_key_body(row))


def decode_key_row(key: bytes, row: bytes) -> KeyRow:
    """Read the row of ``key``; raises CorruptionError."""
    if crc32(row, crc32(key)) != INTACT:
        raise _damaged(f"the row of key {key!r}")
    try:
        return decode_key_body(row[:-CHECKSUM_BYTES])
    except msgspec.DecodeError as error:
        raise CorruptionError(f"the row of key {key!r} cannot be read: {error}") from error


def history_key(revision: int, sub: int = 0) -> bytes:
    """The history table's key of the ``sub``-th write of ``revision``."""
    return pack_history_key(revision, sub)


def revision_of(key: bytes) -> int:
    """The revision in a key of the history table."""
    return int.from_bytes(key[:8], "big")


def encode_history_row(key: bytes, row: HistoryRow) -> bytes:
    """The row at ``key`` in the history table."""
    head = pack_history_head(row.previous, row.create_revision, row.version, row.lease, len(row.key))
    return seal_row(key, head + row.key + row.value)


def decode_history_row(key: bytes, row: bytes) -> HistoryRow:
    """Read the history row at ``key``; raises CorruptionError, naming the revision."""
    if len(row) < _HISTORY.size + CHECKSUM_BYTES or len(key) != _HISTORY_KEY.size:
        raise _damaged(f"history row {key.hex()}")
    if crc32(row, crc32(key)) != INTACT:
        raise _damaged(f"the history row of revision {_HISTORY_KEY.unpack(key)[0]}")
    previous, create, version, lease, length = _HISTORY.unpack_from(row)
    split = _HISTORY.size + length
    return HistoryRow(previous, create, version, lease, row[_HISTORY.size : split], row[split:-CHECKSUM_BYTES])


def _not_of(key: bytes, at: bytes, row: bytes) -> CorruptionError:
    """What is wrong with the row at ``at``: it is another key's, or damaged (which this raises)."""
    other = decode_history_row(at, row)
    return CorruptionError(f"revision {_HISTORY_KEY.unpack(at)[0]} belongs to key {other.key!r}, not to {key!r}")


def decode_history_value(at: bytes, row: bytes, key: bytes) -> bytes:
    """The value alone of the history row at ``at``, which is to be one of ``key``; raises CorruptionError."""
    begin = _HISTORY.size
    split = begin + len(key)
    if crc32(row, crc32(at)) != INTACT or row[begin - 2 : split] != pack_length(len(key)) + key:
        raise _not_of(key, at, row)
    return row[split:-CHECKSUM_BYTES]


def decode_history_previous(at: bytes, row: bytes, key: bytes) -> int:
    """The revision before the history row at ``at``, which is to be one of ``key``; raises CorruptionError."""
    begin = _HISTORY.size
    if crc32(row, crc32(at)) != INTACT or row[begin - 2 : begin + len(key)] != pack_length(len(key)) + key:
        raise _not_of(key, at, row)
    return int.from_bytes(row[:8], "big")


def session_key(session: int) -> bytes:
    """The key of a session's own row; the rows of its results follow it in the table."""
    return _ONE.pack(session)


def results_key(session: int, first: int) -> bytes:
    """The key of the results that begin with sequence ``first``."""
    return _TWO.pack(session, first)


def decode_session_key(key: bytes) -> tuple[int, int | None]:
    """(session, first sequence of the results, or None for the session's own row); raises CorruptionError."""
    if len(key) == _ONE.size:
        return int(_ONE.unpack(key)[0]), None
    if len(key) == _TWO.size:
        session, first = _TWO.unpack(key)
        return session, first
    raise CorruptionError(f"a session key has {len(key)} bytes")


def encode_session_row(key: bytes, row: SessionRow) -> bytes:
    """A row of the sessions table; ``tail`` is the client's name or the encoded results."""
    return seal_row(key, pack_session_head(*row.activity, row.lowest) + row.tail)


def decode_session_row(key: bytes, row: bytes) -> SessionRow:
    """Read a row of the sessions table; raises CorruptionError."""
    if len(row) < _SESSION.size + CHECKSUM_BYTES or crc32(row, crc32(key)) != INTACT:
        raise _damaged(f"session row {key.hex()}")
    entry, position, time_us, lowest = _SESSION.unpack_from(row)
    return SessionRow(Activity(entry, position, time_us), lowest, row[_SESSION.size : -CHECKSUM_BYTES])


def encode_results(results: list[Any]) -> bytes:
    """The tail of a row of results: ints, lists and error results, as the client gets them."""
    return _encode_results(results)


def decode_results(tail: bytes) -> list[Any]:
    """Read what `encode_results` wrote; raises CorruptionError."""
    try:
        return _decode_results(tail)
    except msgspec.DecodeError as error:
        raise CorruptionError(f"the kept results of a session cannot be read: {error}") from error


def encode_meta_row(meta: MetaRow) -> bytes:
    """The row at `META_KEY`."""
    head = [
        STATE_VERSION,
        meta.applied_index,
        meta.applied_term,
        meta.chain,
        meta.log_time_us,
        meta.revision,
        *meta.history,
        meta.digest,
    ]
    return seal(json.dumps(head).encode() + b"\n" + meta.configuration.encode())


def decode_meta_row(row: bytes) -> MetaRow:
    """Read the row at `META_KEY`; raises CorruptionError, also for a format of another release."""
    head, _, configuration = unseal(row, "the state's own row").partition(b"\n")
    version, *numbers = json.loads(head)
    if version not in _VERSIONS_READ:
        raise CorruptionError(f"the state has format {version}; this release reads formats up to {STATE_VERSION}")
    index, term, chain, log_time_us, revision, swept, compacted, size, digest = numbers
    members = Configuration.decode(configuration)
    return MetaRow(index, term, chain, log_time_us, revision, (swept, compacted, size), digest, members)
