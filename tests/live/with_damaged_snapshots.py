"""`raftzmq` whose snapshots are damaged: the first chunks on the wire, or the first copy on the disk of its sender.

The last argument says which: `wire` or `copy`. The log is kept short, so that a node that was away needs a snapshot.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from raftzmq.cli.main import main
from raftzmq.codec.snapshots import SnapshotChunk, SnapshotId
from raftzmq.config import KIB, MIB, Retention
from raftzmq.node.sending import Sending
from raftzmq.node.work import SnapshotFile
from raftzmq.storage.environment import DATA_FILE
from raftzmq.storage.snapshots import OUTGOING, LmdbSnapshots

SIGN = "planted: a bit of a snapshot flipped"
DAMAGED_CHUNKS = 3
RETENTION = Retention(keep_bytes=MIB, bound_bytes=8 * MIB, step_bytes=256 * KIB, entries_max=1024, chunk_bytes=64 * KIB)


def flipped(data: bytes) -> bytes:
    """The data with one bit changed."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]


def damage_the_wire() -> None:
    """Flip a bit of the first chunks, after their checksums were computed."""
    sound, left = Sending._chunk, DAMAGED_CHUNKS

    def chunk(self: Sending, peer: str, snapshot: SnapshotId, offset: int, data: bytes) -> SnapshotChunk:
        nonlocal left
        made = sound(self, peer, snapshot, offset, data)
        if left and data:
            left -= 1
            print(SIGN, file=sys.stderr, flush=True)
            return replace(made, data=flipped(data))
        return made

    Sending._chunk = chunk  # type: ignore[method-assign]


def damage_the_copy() -> None:
    """Flip a bit of the first copy, after its checksum was computed: every chunk of it is sound for itself."""
    sound, done = LmdbSnapshots.make, False

    def make(self: LmdbSnapshots, *, verified: bool = False) -> SnapshotFile:
        nonlocal done
        file = sound(self, verified=verified)
        if not done:
            done = True
            with (self._data / OUTGOING / DATA_FILE).open("r+b") as copy:
                copy.seek(file.size // 2)
                byte = copy.read(1)
                copy.seek(file.size // 2)
                copy.write(flipped(byte))
            print(SIGN, file=sys.stderr, flush=True)
        return file

    LmdbSnapshots.make = make  # type: ignore[method-assign]


if __name__ == "__main__":
    where = sys.argv.pop()
    Retention.__init__.__defaults__ = tuple(getattr(RETENTION, name) for name in Retention.__slots__)
    {"wire": damage_the_wire, "copy": damage_the_copy}[where]()
    main()
