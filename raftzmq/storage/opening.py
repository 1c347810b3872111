"""How a node's storage starts: as new, as it was left, or not at all.

First start, in this order, so that a crash at any point leaves something the next start understands: the state's
environment, then the log's, each with its first content in its first commit; fsync of files and directories up to
the parent; the marker beside the directory last, itself synced. Only then may the node vote. So

- marker and log agree: the node goes on;
- no marker, the log's identity complete: the crash came before the marker, which is written now;
- no marker, no identity in the log: the crash came earlier, nobody was promised anything: cleared and begun again;
- marker, but no identity in the log: the data is gone, and with it the vote: the node refuses to start.
"""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import lmdb

from raftzmq.config import ClusterConfig
from raftzmq.core.types import Entry, first_entry
from raftzmq.errors import IdentityError
from raftzmq.kv.machine import StateMachine
from raftzmq.node.work import Loaded, LogJob, Space
from raftzmq.storage import environment as environments
from raftzmq.storage.directory import (
    LOG_DIRECTORY,
    STATE_DIRECTORY,
    DirectoryLock,
    check_file_system,
    clear_partial,
    disk_bytes,
    make_directory,
    sync_path,
)
from raftzmq.storage.environment import (
    DATA_FILE,
    LmdbTable,
    create_tables,
    is_empty,
    open_tables,
    storage_error,
    was_written,
)
from raftzmq.storage.identity import (
    IDENTITY_KEY,
    Identity,
    check_identity,
    marker_path,
    read_marker,
    write_marker,
)
from raftzmq.storage.loading import interrupted_install, make_loaded
from raftzmq.storage.log import LOG_MAP_BYTES, LOG_TABLES, LmdbLog, LogTables, create_log, read_identity
from raftzmq.storage.pointer import read_pointer
from raftzmq.storage.snapshots import LmdbSnapshots
from raftzmq.storage.state import LmdbState
from raftzmq.storage.tables import STATE_MAP_BYTES, as_tables, bind_all, create_state_tables, open_state_tables


@dataclass(frozen=True, slots=True)
class OpenedNode:
    """A node's storage, checked and ready, and what was in it. ``lock`` must be kept while the node lives."""

    log: LmdbLog
    state: LmdbState
    snapshots: LmdbSnapshots
    loaded: Loaded
    lock: DirectoryLock
    data: Path

    def space(self) -> Space:
        """How much room there is, on the disk and in the maps; from any thread. Raises StorageError."""
        free, total = disk_bytes(self.data)
        return Space(free, total, self.log.used, self.state.used, self.state.size)

    def close(self) -> None:
        """Commit the state and release everything; from the state's thread, once no other uses the log."""
        try:
            self.state.close()
        finally:
            self.log.close()
            self.lock.release()


def open_node(data: Path, cluster: ClusterConfig, node: str, *, allow_any_filesystem: bool = False) -> OpenedNode:
    """Open the storage of ``node`` in directory ``data``, making it if the node never existed.

    Everything is read and checked before this returns. Raises ConfigurationError (unknown node, unfit file system),
    DirectoryInUse, IdentityError (another's data, or data that is gone), CorruptionError, StorageError.
    """
    cluster.address(node)
    data = Path(os.path.abspath(data))
    if not allow_any_filesystem:
        check_file_system(data)
    make_directory(data)
    with ExitStack() as undo:
        lock = DirectoryLock(data)
        undo.callback(lock.release)
        identity = _settle_identity(data, cluster, node)
        log = _open_log(data / LOG_DIRECTORY)
        undo.callback(log.close)
        contents = log.load()
        pointer = read_pointer(data)
        state = LmdbState(data, pointer, identity)
        undo.callback(state.close)
        follow = interrupted_install(contents, state.machine, pointer.installed)
        if follow is not None:
            log.write(LogJob(follow))
            contents = log.load()
        snapshots = LmdbSnapshots(data, identity, state.copy)
        opened = OpenedNode(log, state, snapshots, make_loaded(identity, contents, state.machine), lock, data)
        undo.pop_all()
    return opened


def _settle_identity(data: Path, cluster: ClusterConfig, node: str) -> Identity:
    """Find out whose data this is, making it if nobody's; afterwards log, state and marker are there."""
    marker = read_marker(data)
    if marker is not None:
        check_identity(marker, cluster.cluster_id, node, str(marker_path(data)))
    found = _log_identity(data / LOG_DIRECTORY)
    if found is not None:
        check_identity(found, cluster.cluster_id, node, str(data))
        if not was_written(data / read_pointer(data).directory):
            raise IdentityError(f"{data} has lost its state beside the log: bring it back, or replace the node")
    if marker is not None:
        if found is None:
            raise IdentityError(
                f"{data} is empty, but {marker_path(data)} says that {node} existed: its vote is lost, so it must not "
                "start again under this name; bring the data back, or replace the node by one of a new name"
            )
        if found != marker:
            raise IdentityError(f"{data} is of another incarnation of {node} than {marker_path(data)}: a copy?")
        return found
    if found is None:
        _refuse_state_without_log(data / read_pointer(data).directory)
        found = Identity(cluster.cluster_id, node, secrets.token_hex(16))
        _create_state(data / STATE_DIRECTORY, found)
        _create_log(data / LOG_DIRECTORY, found, first_entry(cluster.nodes))
    for directory in (data / read_pointer(data).directory, data / LOG_DIRECTORY):
        # LMDB's own sync covers the pages, neither a new file's length nor its name.
        sync_path(directory / DATA_FILE)
        sync_path(directory)
    sync_path(data)
    sync_path(data.parent)
    write_marker(data, found)
    return found


def _log_identity(path: Path) -> Identity | None:
    """The identity in the log at ``path``; None if no first commit ever came to be there."""
    if not was_written(path):
        return None
    environment = environments.open_environment(path, LOG_MAP_BYTES)
    try:
        if is_empty(environment):
            return None
        tables = open_tables(environment, LOG_TABLES)
        with environment.begin() as transaction:
            return read_identity(_log_tables(tables, transaction))
    except lmdb.Error as error:
        raise storage_error(error, f"{path} cannot be read") from error
    finally:
        environment.close()


def _refuse_state_without_log(path: Path) -> None:
    """Raise IdentityError if the state has applied anything: then the node existed, and its log is gone."""
    if not was_written(path):
        return
    environment = environments.open_environment(path, STATE_MAP_BYTES)
    try:
        if is_empty(environment):
            return
        tables = open_state_tables(environment)
        with environment.begin() as transaction:
            bind_all(tables, transaction)
            applied = StateMachine(as_tables(tables)).applied_index
    except lmdb.Error as error:
        raise storage_error(error, f"{path} cannot be read") from error
    finally:
        environment.close()
    if applied:
        raise IdentityError(
            f"{path} has applied {applied} entries, but the log beside it is gone, and with it the vote"
        )


def _create_state(path: Path, identity: Identity) -> None:
    clear_partial(path)
    make_directory(path)
    environment = environments.open_environment(path, STATE_MAP_BYTES)
    try:
        with environment.begin(write=True) as transaction:
            tables = create_state_tables(environment, transaction)
            tables["meta"].put(IDENTITY_KEY, identity.encode())
            StateMachine(as_tables(tables)).save()
    except lmdb.Error as error:
        raise storage_error(error, f"{path} cannot be created") from error
    finally:
        environment.close()


def _create_log(path: Path, identity: Identity, first: Entry) -> None:
    clear_partial(path)
    make_directory(path)
    environment = environments.open_environment(path, LOG_MAP_BYTES)
    try:
        with environment.begin(write=True) as transaction:
            tables = create_tables(environment, LOG_TABLES, transaction)
            create_log(_log_tables(tables, transaction), identity, first)
    except lmdb.Error as error:
        raise storage_error(error, f"{path} cannot be created") from error
    finally:
        environment.close()


def _open_log(path: Path) -> LmdbLog:
    environment = environments.open_environment(path, LOG_MAP_BYTES)
    with ExitStack() as undo:
        undo.callback(environment.close)
        log = LmdbLog(environment, open_tables(environment, LOG_TABLES))
        undo.pop_all()
    return log


def _log_tables(tables: dict[str, LmdbTable], transaction: lmdb.Transaction[bytes]) -> LogTables:
    bind_all(tables, transaction)
    return LogTables(tables["entries"], tables["meta"], tables["peers"])
