"""A node's storage in a directory of a test: opening, writing batches, and damaging what lies there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lmdb

from raftzmq.config import ClusterConfig, local_cluster
from raftzmq.core.ready import Append
from raftzmq.core.types import Entry, HardState
from raftzmq.kv.commands import Parcel, Put
from raftzmq.node.work import LogJob, StateJob
from raftzmq.storage import OpenedNode, open_node
from tests.kv.replica import LogMaker

CLUSTER = local_cluster(3)
ROOT = Path(__file__).resolve().parents[2]
"""Where a child process finds the package."""


@contextmanager
def opened(data: Path, cluster: ClusterConfig = CLUSTER, node: str = "n1") -> Iterator[OpenedNode]:
    """The node's storage, closed at the end."""
    storage = open_node(data, cluster, node, allow_any_filesystem=True)
    try:
        yield storage
    finally:
        storage.close()


def append(*entries: Entry, hard_state: HardState | None = None) -> LogJob:
    """The job that writes ``entries``, and a term and vote if given."""
    return LogJob(Append(hard_state, entries))


def some_entries(first: Entry) -> list[Entry]:
    """Three entries after ``first``: one opens a session (2), two put a key each."""
    log = LogMaker(first)
    return [
        log.open(),
        log.batch(Parcel(2, 1, 1, [Put(b"key", b"value" * 20)])),
        log.batch(Parcel(2, 2, 2, [Put(b"other", b"value" * 20)])),
    ]


def write_some(storage: OpenedNode) -> list[Entry]:
    """Write and apply `some_entries`, term 1 and a vote, and a peer's incarnation; commit all."""
    entries = some_entries(storage.loaded.entries[0])
    storage.log.write(LogJob(Append(HardState(1, "n2"), tuple(entries)), (("n2", "abc"),)))
    storage.state.apply(StateJob((storage.loaded.entries[0], *entries), commit=True))
    storage.state.commit()
    return entries


@contextmanager
def raw(environment: Path, table: str) -> Iterator[tuple[lmdb.Transaction, Any]]:
    """A write transaction on one table, behind the back of everything, and the table's handle."""
    handle = lmdb.open(str(environment), max_dbs=8, map_size=1 << 24)
    try:
        database = handle.open_db(table.encode())
        with handle.begin(write=True) as transaction:
            yield transaction, database
    finally:
        handle.close()


def flip(environment: Path, table: str, key: bytes, bit: int) -> None:
    """Change one bit of a stored row."""
    with raw(environment, table) as (transaction, database):
        row = bytearray(transaction.get(key, db=database) or b"")
        row[bit // 8 % len(row)] ^= 1 << bit % 8
        transaction.put(key, bytes(row), db=database)
