r"""The bytes of a snapshot file, version 1.

::

    {"format":"raftzmq-snapshot","version":1,"cluster_id":…,"revision":…,…,"crc32":"89abcdef"}\n
    K  crc  create_revision  mod_revision  version  lease  length of key  length of value  key  value
    K  …
    E  number of rows  SHA-256

The first line is JSON for people and programs; its ``crc32`` covers the line up to the comma before it. Each row begins
with the byte ``K`` and the CRC-32 of its number (from 1 on) and of all that follows; revisions, version and lease have
8 bytes, the lengths 2 and 4, all big-endian. Rows are in the order of their keys. The end is the byte ``E``, the number
of rows (8 bytes) and the SHA-256 of everything before it, these 9 bytes included. Nothing comes after it.

The row's checksum tells where a file is damaged, the one over all that it is whole and nothing was added or moved.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from hashlib import sha256

from raftzmq.checksum import crc32
from raftzmq.errors import RaftzmqError
from raftzmq.kv.commands import Row

FORMAT_NAME = "raftzmq-snapshot"
FORMAT_VERSION = 1
HEADER_BYTES_MAX = 4096
"""A longer first line is none of ours."""
ROW_KIND, END_KIND = b"K", b"E"
ROW_HEAD = struct.Struct(">QQQQHI")
CRC = struct.Struct(">I")
END_COUNT = struct.Struct(">Q")
DIGEST_BYTES = sha256().digest_size
_NUMBER = struct.Struct(">Q")


class SnapshotFileError(RaftzmqError):
    """A snapshot file can't be written, can't be read, or isn't whole."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself first.

    ``index`` and ``term`` are those that the log of ``cluster_id`` had reached at least, in entries and terms.
    ``source`` is ``cluster``, or ``node NAME`` for the directory of a stopped node. ``made_at`` is UTC, as ISO 8601.
    """

    cluster_id: str
    revision: int
    index: int
    term: int
    source: str
    made_at: str

    def encode(self) -> bytes:
        """The first line."""
        document = {"format": FORMAT_NAME, "version": FORMAT_VERSION, **asdict(self)}
        body = json.dumps(document, separators=(",", ":"))[:-1].encode()
        return body + b',"crc32":"%08x"}\n' % crc32(body)


def decode_header(line: bytes) -> Header:
    """Read the first line; raises SnapshotFileError, without saying in which file."""
    try:
        document = json.loads(line)
        name, version = document.pop("format"), document.pop("version")
        del document["crc32"]
        header = Header(**document)
    except (ValueError, KeyError, TypeError, AttributeError):
        name, version, header = None, None, None
    if name == FORMAT_NAME and version != FORMAT_VERSION:
        raise SnapshotFileError(f"it has format {version}; this release reads format {FORMAT_VERSION}")
    if header is None or name != FORMAT_NAME:
        raise SnapshotFileError("it is no snapshot of raftzmq, or its first line is damaged")
    numbers = (header.revision, header.index, header.term)
    texts = (header.cluster_id, header.source, header.made_at)
    if header.encode() != line or not all(type(n) is int for n in numbers) or not all(type(t) is str for t in texts):
        raise SnapshotFileError("its first line is damaged: it fails its checksum")
    return header


def encode_row(number: int, row: Row) -> bytes:
    """Row ``number`` (from 1 on) of a file."""
    key, value, create, mod, version, lease = row
    body = ROW_HEAD.pack(create, mod, version, lease, len(key), len(value)) + key + value
    return ROW_KIND + CRC.pack(row_checksum(number, body)) + body


def row_checksum(number: int, body: bytes) -> int:
    """The checksum of row ``number``: a row at another place doesn't fit it."""
    return crc32(body, crc32(_NUMBER.pack(number)))
