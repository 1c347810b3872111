"""Snapshots of the state in LMDB: a copy that goes out, and one that comes in until it is ready to be installed.

::

    DIR/outgoing/data.mdb   the state as of one commit, copied by LMDB in one read transaction; followers share it
    DIR/incoming/data.mdb   chunks of another node's copy as they arrive
    DIR/state-INDEX/        an incoming copy, verified and synced, that is or was to be the state

All but the last are of no worth after a crash: a start removes them. Whoever copies a database page by page copies
its damage too, and one damaged disk must not become several. So whoever receives a copy looks at the checksum of every
row before it becomes its state, and whose copy was refused looks at its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import lmdb

from raftzmq.checksum import crc32
from raftzmq.codec.snapshots import SnapshotId
from raftzmq.config import KIB
from raftzmq.core.types import Mark
from raftzmq.errors import CorruptionError, IdentityError, StorageError
from raftzmq.kv.machine import StateMachine
from raftzmq.node.work import SnapshotFile
from raftzmq.storage.directory import clear_partial, make_directory, sync_path
from raftzmq.storage.environment import DATA_FILE, open_environment, storage_error
from raftzmq.storage.identity import IDENTITY_KEY, Identity, decode_identity
from raftzmq.storage.pointer import state_directory
from raftzmq.storage.tables import STATE_MAP_BYTES, as_tables, bind_all, open_state_tables

OUTGOING, INCOMING = "outgoing", "incoming"
READ_BYTES = 1024 * KIB


def remove_environment(path: Path) -> None:
    """Remove the directory of an environment, and only that; raises StorageError, IdentityError."""
    clear_partial(path)
    try:
        if path.exists():
            path.rmdir()
    except OSError as error:
        raise StorageError(f"{path} cannot be removed: {error}") from error


class LmdbSnapshots:
    """The snapshots of one node; ``copy`` writes its state as of the last commit into a new file.

    Any failure ends the use of it. One thread at a time.
    """

    def __init__(self, data: Path, identity: Identity, copy: Callable[[int], None]) -> None:
        self._data = data
        self._identity = identity
        self._copy = copy
        self._outgoing: SnapshotFile | None = None
        self.clear()

    def clear(self) -> None:
        """Remove what an earlier life left."""
        for name in (OUTGOING, INCOMING):
            remove_environment(self._data / name)

    # ---- going out

    def make(self, *, verified: bool = False) -> SnapshotFile:
        """Copy the state as of its last commit, in the place of an earlier copy; raises StorageError, CorruptionError.

        ``verified``: look at every row of it.
        """
        self.drop()
        directory = self._data / OUTGOING
        make_directory(directory)
        path = directory / DATA_FILE
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                self._copy(descriptor)
            finally:
                os.close(descriptor)
            size, checksum = _checksum(path)
        except lmdb.Error as error:
            raise storage_error(error, "the state cannot be copied") from error
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error}") from error
        mark, _ = _inspect(directory, verified=verified)
        self._outgoing = SnapshotFile(mark, size, checksum)
        return self._outgoing

    def read(self, snapshot: SnapshotId, offset: int, size: int) -> bytes:
        """Bytes of the copy; empty if it is no longer that one. Raises StorageError."""
        if self._outgoing is None or self._outgoing.id != snapshot:
            return b""
        path = self._data / OUTGOING / DATA_FILE
        try:
            with path.open("rb") as file:
                return os.pread(file.fileno(), size, offset)
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error}") from error

    def drop(self) -> None:
        """Remove the copy."""
        self._outgoing = None
        remove_environment(self._data / OUTGOING)

    def drop_arrival(self) -> None:
        """Remove what has arrived and isn't finished. Raises StorageError."""
        remove_environment(self._data / INCOMING)

    # ---- coming in

    def write(self, snapshot: SnapshotId, offset: int, data: bytes) -> None:
        """Store a part of a snapshot that arrives; offset 0 begins anew. Raises StorageError.

        A part that comes without the beginning is dropped: the beginning was damaged, and it is asked for again with
        all that comes after it.
        """
        directory = self._data / INCOMING
        if not offset:
            remove_environment(directory)
            make_directory(directory)
        elif not directory.exists():
            return
        path = directory / DATA_FILE
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(descriptor, data, offset)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error}") from error

    def finish(self, snapshot: SnapshotId) -> Mark | None:
        """Verify what arrived and make it ready to be installed; its mark, or None if it is damaged, and dropped.

        Afterwards it is this node's: its identity stands in it, it is synced and has the name of a state.
        """
        directory = self._data / INCOMING
        target = self._data / state_directory(snapshot.index)
        try:
            if _checksum(directory / DATA_FILE) != (snapshot.size, snapshot.checksum):
                raise CorruptionError("the snapshot that arrived fails its checksum")
            mark, identity = _inspect(directory, verified=True)
            if (mark.index, mark.term, mark.chain) != (snapshot.index, snapshot.entry_term, snapshot.chain):
                raise CorruptionError("the snapshot that arrived ends elsewhere than announced")
            if identity.cluster_id != self._identity.cluster_id:
                raise IdentityError(f"the snapshot that arrived is of cluster {identity.cluster_id!r}")
            _adopt(directory, self._identity)
        except (CorruptionError, IdentityError):
            remove_environment(directory)
            return None
        sync_path(directory / DATA_FILE)
        sync_path(directory)
        remove_environment(target)
        try:
            directory.rename(target)
        except OSError as error:
            raise StorageError(f"{directory} cannot become {target}: {error}") from error
        sync_path(self._data)
        return mark


def _checksum(path: Path) -> tuple[int, int]:
    """Size and CRC-32 of a file; raises StorageError."""
    size = checksum = 0
    try:
        with path.open("rb") as file:
            while block := file.read(READ_BYTES):
                checksum = crc32(block, checksum)
                size += len(block)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error}") from error
    return size, checksum


def _inspect(directory: Path, *, verified: bool) -> tuple[Mark, Identity]:
    """Where the state in ``directory`` ends and whose it is; sessions are read and checked on the way.

    ``verified``: every other row, too. Raises CorruptionError.
    """
    try:
        environment = open_environment(directory, STATE_MAP_BYTES)
        try:
            tables = open_state_tables(environment)
            with environment.begin() as transaction:
                bind_all(tables, transaction)
                record = tables["meta"].get(IDENTITY_KEY)
                if record is None:
                    raise CorruptionError("a copy of the state lacks the identity of its node")
                identity = decode_identity(record, "a copy of the state")
                machine = StateMachine(as_tables(tables))
                if verified:
                    machine.verify()
                return machine.mark, identity
        finally:
            environment.close()
    except lmdb.Error as error:
        raise CorruptionError(f"a copy of the state cannot be read: {error}") from error
    except StorageError as error:
        raise CorruptionError(f"a copy of the state cannot be opened: {error}") from error


def _adopt(directory: Path, identity: Identity) -> None:
    environment = open_environment(directory, STATE_MAP_BYTES)
    try:
        tables = open_state_tables(environment)
        with environment.begin(write=True) as transaction:
            tables["meta"].bind(transaction)
            tables["meta"].put(IDENTITY_KEY, identity.encode())
    except lmdb.Error as error:
        raise storage_error(error, "the snapshot that arrived cannot be written") from error
    finally:
        environment.close()
