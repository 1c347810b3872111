"""The state of a node that doesn't run, read where it lies; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import lmdb

from raftzmq.errors import ConfigurationError, CorruptionError, request_error
from raftzmq.kv.commands import Range, Row
from raftzmq.kv.machine import StateMachine
from raftzmq.records import log_index
from raftzmq.storage.directory import LOG_DIRECTORY, DirectoryLock
from raftzmq.storage.environment import open_environment, open_tables, storage_error, was_written
from raftzmq.storage.identity import IDENTITY_KEY, Identity, decode_identity
from raftzmq.storage.log import LOG_MAP_BYTES
from raftzmq.storage.pointer import read_pointer
from raftzmq.storage.tables import STATE_MAP_BYTES, as_tables, bind_all, open_state_tables


class StoppedNode:
    """A node's state, as of its last commit, and how far its log goes beyond it."""

    def __init__(self, identity: Identity, machine: StateMachine, last_log_index: int) -> None:
        self.identity = identity
        self.machine = machine
        self.last_log_index = last_log_index

    @property
    def entries_not_applied(self) -> int:
        """Entries of its log that the state hasn't applied: some may have been committed, which the log doesn't say."""
        return max(0, self.last_log_index - self.machine.applied_index)

    def pages(self) -> Iterator[list[Row]]:
        """All keys with their values, in order, some at a time; raises CorruptionError for a damaged row."""
        start: bytes | None = b""
        while start is not None:
            result: Any = self.machine.query(Range(start))
            if isinstance(result, dict):
                raise CorruptionError(str(request_error(result["error"], result["message"], definite=True)))
            _, _, start, rows = result
            yield rows


@contextmanager
def stopped_node(data: Path) -> Iterator[StoppedNode]:
    """The node whose data directory is ``data``, which stays locked meanwhile.

    Raises ConfigurationError if there is none, DirectoryInUse if it runs, CorruptionError, StorageError.
    """
    path = data / read_pointer(data).directory
    if not was_written(path):
        raise ConfigurationError(f"{data} is no data directory of a node: it has no state in {path.name}/")
    with ExitStack() as undo:
        undo.callback(DirectoryLock(data).release)
        last = _last_log_index(data / LOG_DIRECTORY)
        try:
            environment = open_environment(path, STATE_MAP_BYTES)
            undo.callback(environment.close)
            tables = open_state_tables(environment)
            transaction = undo.enter_context(environment.begin())
            bind_all(tables, transaction)
            undo.callback(bind_all, tables, None)
            record = tables["meta"].get(IDENTITY_KEY)
            if record is None:
                raise CorruptionError(f"{path} lacks the identity of the node that it belongs to")
            machine = StateMachine(as_tables(tables))
            yield StoppedNode(decode_identity(record, "the state's identity"), machine, last)
        except lmdb.Error as error:
            raise storage_error(error, f"{path} cannot be read") from error


def _last_log_index(path: Path) -> int:
    """The index of the last entry of the log at ``path``; 0 if it has none."""
    if not was_written(path):
        return 0
    environment = open_environment(path, LOG_MAP_BYTES)
    try:
        tables = open_tables(environment, ("entries",))
        with environment.begin() as transaction:
            bind_all(tables, transaction)
            key, _ = next(tables["entries"].scan(b"", reverse=True), (None, None))
            return 0 if key is None else log_index(key)
    except lmdb.Error as error:
        raise storage_error(error, f"{path} cannot be read") from error
    finally:
        environment.close()
