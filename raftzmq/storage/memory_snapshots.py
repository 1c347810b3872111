"""The simulator's snapshots: all rows of a state, as bytes that can be cut into chunks, lost and damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from raftzmq.checksum import crc32
from raftzmq.codec.snapshots import SnapshotId
from raftzmq.core.types import Mark
from raftzmq.errors import CorruptionError
from raftzmq.kv.machine import StateMachine
from raftzmq.kv.sessions import Sessions
from raftzmq.node.work import SnapshotFile
from raftzmq.storage.memory_table import MemoryTable
from raftzmq.storage.tables import as_tables

if TYPE_CHECKING:
    from raftzmq.storage.memory import MemoryDisk

Rows = dict[str, list[tuple[bytes, bytes]]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Rows).decode


def state_bytes(tables: dict[str, MemoryTable]) -> bytes:
    """All rows of all tables."""
    return _encode({name: list(table.scan(b"")) for name, table in tables.items()})


def state_tables(data: bytes) -> dict[str, MemoryTable]:
    """The tables that `state_bytes` was made of; raises CorruptionError."""
    try:
        rows = _decode(data)
    except msgspec.DecodeError as error:
        raise CorruptionError(f"the bytes of a state cannot be read: {error}") from None
    tables = {name: MemoryTable() for name in rows}
    for name, table in tables.items():
        table.put_many(rows[name])
    return tables


class MemorySnapshots:
    """`SnapshotStorage` on a `MemoryDisk`; what goes out and comes in is lost in a crash."""

    def __init__(self, disk: MemoryDisk) -> None:
        self._disk = disk
        self._outgoing: tuple[SnapshotFile, bytes] | None = None
        self._incoming = b""

    def make(self, *, verified: bool = False) -> SnapshotFile:
        """Copy the state as of its last commit, in the place of an earlier copy; raises CorruptionError."""
        data = state_bytes(self._disk.state)
        file = SnapshotFile(_mark(self._disk.state, verified=verified), len(data), crc32(data))
        self._outgoing = file, data
        return file

    def read(self, snapshot: SnapshotId, offset: int, size: int) -> bytes:
        """Bytes of the copy; empty if it is no longer that one."""
        if self._outgoing is None or self._outgoing[0].id != snapshot:
            return b""
        return self._outgoing[1][offset : offset + size]

    def drop(self) -> None:
        """Remove the copy."""
        self._outgoing = None

    def drop_arrival(self) -> None:
        """Remove what has arrived."""
        self._incoming = b""

    def write(self, snapshot: SnapshotId, offset: int, data: bytes) -> None:
        """Store a part of a snapshot that arrives; offset 0 begins anew."""
        self._incoming = self._incoming[:offset].ljust(offset, b"\x00") + data

    def finish(self, snapshot: SnapshotId) -> Mark | None:
        """Verify what arrived and make it ready to be installed; its mark, or None if it is damaged, and dropped."""
        data, self._incoming = self._incoming, b""
        try:
            if (len(data), crc32(data)) != (snapshot.size, snapshot.checksum):
                raise CorruptionError("the snapshot that arrived fails its checksum")
            tables = state_tables(data)
            mark = _mark(tables, verified=True)
        except CorruptionError:
            return None
        if (mark.index, mark.term, mark.chain) != (snapshot.index, snapshot.entry_term, snapshot.chain):
            return None
        self._disk.ready = tables
        return mark


def _mark(tables: dict[str, MemoryTable], *, verified: bool) -> Mark:
    views = as_tables(tables)
    machine = StateMachine(views, sessions=Sessions(views.sessions))
    if verified:
        machine.verify()
    return machine.mark
