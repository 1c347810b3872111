"""New data directories for a new cluster, with what an old one stored.

Every node gets the same state, and a log that begins after the same mark, as if a snapshot had been installed: from
there on it is a cluster as any other. Of the old cluster come keys, values and revisions; its sessions, its history
and its members don't.

A first start writes the marker beside the directory last (`raftzmq.storage.opening`). Here the markers of all nodes
come first: a node whose directory was not finished is refused for lacking what its marker says that it has, so a
crash in the middle can't leave a majority of nodes that start as new and empty.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import lmdb

from raftzmq.config import MIB, ClusterConfig
from raftzmq.core.types import Configuration, HardState, Mark
from raftzmq.errors import CorruptionError, IdentityError, StorageError
from raftzmq.kv.commands import Row
from raftzmq.kv.machine import StateMachine
from raftzmq.kv.rows import (
    META_KEY,
    HistoryRow,
    MetaRow,
    encode_history_row,
    encode_key_row,
    encode_meta_row,
    history_key,
)
from raftzmq.records import encode_hard_state, encode_mark
from raftzmq.storage.directory import (
    LOCK_NAME,
    LOG_DIRECTORY,
    STATE_DIRECTORY,
    DirectoryLock,
    check_file_system,
    make_directory,
    sync_path,
)
from raftzmq.storage.environment import (
    DATA_FILE,
    FILE_MODE,
    create_tables,
    open_environment,
    storage_error,
)
from raftzmq.storage.identity import IDENTITY_KEY, Identity, marker_path, write_marker
from raftzmq.storage.log import HARD_STATE_KEY, LOG_MAP_BYTES, LOG_TABLES, MARK_KEY
from raftzmq.storage.tables import (
    STATE_MAP_BYTES,
    StateTable,
    as_tables,
    bind_all,
    create_state_tables,
    open_state_tables,
)

INDEX_LEAP = 1_000_000_000
"""How far the new log begins after the old one's last index. A session's id is the index that opened it: so far ahead,
none that the old cluster ever gives out, even if it goes on for days, is one of the new cluster's."""
_ROWS, _BYTES = 10_000, 16 * MIB
"""Keys of one transaction, and about how many bytes: they are in memory together."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where the old cluster was: its log's index and term, and the store's revision.

    ``chain`` is the checksum that the new log's chain begins with: any, but the same on all nodes.
    """

    index: int
    term: int
    revision: int
    chain: int


def restore_nodes(
    directory: Path, cluster: ClusterConfig, point: Point, rows: Iterable[Row], *, allow_any_filesystem: bool = False
) -> dict[str, Path]:
    """Make the data directories of all nodes of ``cluster`` below ``directory``, named after them; where they are.

    ``rows`` are in the order of their keys. If anything fails, what was made is removed. Raises IdentityError
    if there is anything in such a directory, or a marker beside it, ConfigurationError (unfit file system),
    DirectoryInUse, StorageError, CorruptionError (rows that cannot be), and whatever ``rows`` raises.
    """
    directory = Path(os.path.abspath(directory))
    if not allow_any_filesystem:
        check_file_system(directory)
    paths = {address.node: directory / address.node for address in cluster.nodes}
    for path in paths.values():
        _refuse_used(path)
    mark = Mark(point.index + INDEX_LEAP, point.term, point.chain, Configuration(cluster.nodes))
    identities = {node: Identity(cluster.cluster_id, node, secrets.token_hex(16)) for node in paths}
    with ExitStack() as made, ExitStack() as locks:
        for node, path in paths.items():
            made.callback(_remove, path)
            make_directory(path)
            locks.callback(DirectoryLock(path).release)
            write_marker(path, identities[node])
        first, *others = paths
        _build_state(paths[first] / STATE_DIRECTORY, identities[first], mark, point.revision, rows)
        for node in others:
            _copy_state(paths[first] / STATE_DIRECTORY, paths[node] / STATE_DIRECTORY, identities[node])
        for node, path in paths.items():
            _create_log(path / LOG_DIRECTORY, identities[node], mark)
        for path in paths.values():
            # LMDB's own sync covers the pages, neither a new file's length nor its name.
            for environment in (path / STATE_DIRECTORY, path / LOG_DIRECTORY):
                sync_path(environment / DATA_FILE)
                sync_path(environment)
            sync_path(path)
        made.pop_all()
    return paths


def _refuse_used(path: Path) -> None:
    marker = marker_path(path)
    if marker.exists():
        raise IdentityError(
            f"{marker} says that a node has lived in {path}: restore to another directory, or remove both if nothing "
            "of them is needed any more"
        )
    if path.exists() and (not path.is_dir() or any(entry.name != LOCK_NAME for entry in path.iterdir())):
        raise IdentityError(f"{path} isn't empty: restore to another directory, or remove it if it isn't needed")


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    marker_path(path).unlink(missing_ok=True)


@contextmanager
def _created(path: Path, map_bytes: int) -> Iterator[lmdb.Environment]:
    """A new environment, closed in the end; raises StorageError."""
    make_directory(path)
    environment = open_environment(path, map_bytes)
    try:
        yield environment
    except lmdb.Error as error:
        raise storage_error(error, f"{path} cannot be created") from error
    finally:
        environment.close()


def _build_state(path: Path, identity: Identity, mark: Mark, revision: int, rows: Iterable[Row]) -> None:
    """A state with ``rows``. How far it has come is written last."""
    with _created(path, STATE_MAP_BYTES) as environment:
        with environment.begin(write=True) as transaction:
            tables = create_state_tables(environment, transaction)
        for some in _portions(rows):
            with environment.begin(write=True) as transaction:
                bind_all(tables, transaction)
                _put_rows(tables, some, revision)
        with environment.begin(write=True) as transaction:
            bind_all(tables, transaction)
            # The history begins here: what was before can't be read, and nothing of it is to be swept.
            history = (revision, revision, 0)
            meta = MetaRow(mark.index, mark.term, mark.chain, 0, revision, history, 0, mark.configuration)
            tables["meta"].put(META_KEY, encode_meta_row(meta))
            tables["meta"].put(IDENTITY_KEY, identity.encode())
            StateMachine(as_tables(tables))


def _portions(rows: Iterable[Row]) -> Iterator[list[Row]]:
    some: list[Row] = []
    size = 0
    for row in rows:
        some.append(row)
        size += len(row[1])
        if len(some) >= _ROWS or size >= _BYTES:
            yield some
            some, size = [], 0
    yield some


def _put_rows(tables: dict[str, StateTable], rows: Iterable[Row], revision: int) -> None:
    keys: list[tuple[bytes, bytes]] = []
    history: dict[bytes, bytes] = {}
    for key, value, create, mod, version, lease in rows:
        at = history_key(mod)
        if at in history or mod > revision:
            raise CorruptionError(f"key {key!r} claims revision {mod}, which it can't have had")
        keys.append((key, encode_key_row(key, (create, mod, version, lease))))
        history[at] = encode_history_row(at, HistoryRow(0, create, version, lease, key, value))
    taken = tables["history"].get_many(history)
    if taken:
        raise CorruptionError(f"{len(taken)} keys claim revisions that others have")
    tables["keys"].put_many(keys, append=True)
    tables["history"].put_many(sorted(history.items()))


def _copy_state(source: Path, target: Path, identity: Identity) -> None:
    """The same state for another node: a copy, with its own identity in it."""
    make_directory(target)
    environment = open_environment(source, STATE_MAP_BYTES)
    try:
        descriptor = os.open(target / DATA_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        try:
            environment.copyfd(descriptor)
        finally:
            os.close(descriptor)
    except lmdb.Error as error:
        raise storage_error(error, f"{source} cannot be copied to {target}") from error
    except OSError as error:
        raise StorageError(f"{source} cannot be copied to {target}: {error}") from error
    finally:
        environment.close()
    with _created(target, STATE_MAP_BYTES) as copy:
        tables = open_state_tables(copy)
        with copy.begin(write=True) as transaction:
            bind_all(tables, transaction)
            tables["meta"].put(IDENTITY_KEY, identity.encode())


def _create_log(path: Path, identity: Identity, mark: Mark) -> None:
    """A log without entries, that begins after ``mark``, in the mark's term and with a vote for nobody."""
    with _created(path, LOG_MAP_BYTES) as environment, environment.begin(write=True) as transaction:
        meta = create_tables(environment, LOG_TABLES, transaction)["meta"]
        meta.put(IDENTITY_KEY, identity.encode())
        meta.put(MARK_KEY, encode_mark(mark))
        meta.put(HARD_STATE_KEY, encode_hard_state(HardState(mark.term)))
