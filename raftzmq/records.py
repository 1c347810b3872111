"""The bytes of the disk, as pure functions: shared by LMDB and by the simulator's disk, so both run the same code.

Every record begins with its format version and carries a CRC-32. A record that fails is reported, never dropped:
in LMDB a transaction is there or not, so any record that can be read may have been acknowledged to somebody.
"""

from __future__ import annotations

import json
import struct

from raftzmq.checksum import crc32
from raftzmq.core.types import Configuration, Entry, EntryKind, HardState, Mark, chain_checksum
from raftzmq.errors import CorruptionError

LOG_VERSION = 1

_KEY = struct.Struct(">Q")
_ENTRY = struct.Struct(">BBQII")
_CRC = struct.Struct(">I")


def log_key(index: int) -> bytes:
    """The key of an entry: its index, big-endian, so that LMDB keeps them in order."""
    return _KEY.pack(index)


def log_index(key: bytes) -> int:
    """The index that `log_key` packed; raises CorruptionError for a key of another length."""
    if len(key) != _KEY.size:
        raise CorruptionError(f"a log key has {len(key)} bytes, not {_KEY.size}")
    return int(_KEY.unpack(key)[0])


def encode_entry(entry: Entry) -> bytes:
    """An entry's record: version, kind, term, length, chained checksum, payload."""
    return _ENTRY.pack(LOG_VERSION, entry.kind, entry.term, len(entry.data), entry.chain) + entry.data


def decode_entry(index: int, record: bytes, previous_chain: int) -> Entry:
    """Read a record and check its chain; raises CorruptionError, naming the index and what is wrong."""
    if len(record) < _ENTRY.size:
        raise CorruptionError(f"log entry {index} is cut short: {len(record)} bytes")
    version, kind, term, length, chain = _ENTRY.unpack_from(record)
    if version != LOG_VERSION:
        raise CorruptionError(f"log entry {index} has format {version}; this release reads format {LOG_VERSION}")
    data = bytes(record[_ENTRY.size :])
    if len(data) != length:
        raise CorruptionError(f"log entry {index} has {len(data)} bytes of payload where its header says {length}")
    if chain_checksum(previous_chain, index, term, kind, data) != chain:
        raise CorruptionError(f"log entry {index} fails its checksum: the disk or memory changed it")
    try:
        return Entry(index, term, EntryKind(kind), data, chain)
    except ValueError:
        raise CorruptionError(f"log entry {index} is of unknown kind {kind}") from None


def seal(payload: bytes) -> bytes:
    """``payload`` with its checksum in front."""
    return _CRC.pack(crc32(payload)) + payload


def unseal(record: bytes, name: str) -> bytes:
    """The payload behind a checksum; raises CorruptionError, naming the record."""
    payload = bytes(record[_CRC.size :])
    if len(record) < _CRC.size or crc32(payload) != _CRC.unpack_from(record)[0]:
        raise CorruptionError(f"{name} fails its checksum: the disk or memory changed it")
    return payload


def encode_hard_state(state: HardState) -> bytes:
    """The record of a term and vote."""
    return seal(json.dumps([LOG_VERSION, state.current_term, state.voted_for]).encode())


def decode_hard_state(record: bytes) -> HardState:
    """Read a term and vote; raises CorruptionError."""
    version, term, vote = json.loads(unseal(record, "the stored term and vote"))
    if version != LOG_VERSION:
        raise CorruptionError(f"the stored term has format {version}; this release reads format {LOG_VERSION}")
    return HardState(term, vote)


def encode_mark(mark: Mark) -> bytes:
    """The record of where the log begins."""
    head = json.dumps([LOG_VERSION, mark.index, mark.term, mark.chain]).encode()
    return seal(head + b"\n" + mark.configuration.encode())


def decode_mark(record: bytes) -> Mark:
    """Read where the log begins; raises CorruptionError."""
    head, _, configuration = unseal(record, "the mark before the log").partition(b"\n")
    version, index, term, chain = json.loads(head)
    if version != LOG_VERSION:
        raise CorruptionError(f"the log's mark has format {version}; this release reads format {LOG_VERSION}")
    return Mark(index, term, chain, Configuration.decode(configuration))
