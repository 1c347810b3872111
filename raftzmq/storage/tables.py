"""The tables of the state in LMDB, and how much room they may take."""

from __future__ import annotations

from collections.abc import Mapping

import lmdb

from raftzmq.config import KIB
from raftzmq.kv.tables import Table, Tables
from raftzmq.storage.environment import LmdbTable, create_tables, open_tables, open_tables_found
from raftzmq.storage.segments import SEGMENT_PAGES, SegmentedTable, segment_names

STATE_MAP_BYTES = 64 * KIB**3
"""Address space for the state: a bound, not a size. A full map is fatal here, since the open transaction holds batches
that were answered already, so the bound lies far above what the history's own limits will leave."""
STATE_TABLES = ("keys", "history", "sessions", "meta")

StateTable = LmdbTable | SegmentedTable


def as_tables(tables: Mapping[str, Table]) -> Tables:
    """The state machine's view of tables by name."""
    return Tables(tables["keys"], tables["history"], tables["sessions"], tables["meta"])


def create_state_tables(environment: lmdb.Environment, transaction: lmdb.Transaction[bytes]) -> dict[str, StateTable]:
    """Make the tables within ``transaction`` and bind them to it."""
    tables = _with_segments(environment, create_tables(environment, STATE_TABLES, transaction), {})
    bind_all(tables, transaction)
    return tables


def open_state_tables(environment: lmdb.Environment) -> dict[str, StateTable]:
    """The tables of a state that was created whole; raises CorruptionError for one that is missing."""
    segments = open_tables_found(environment, segment_names("history"))
    return _with_segments(environment, open_tables(environment, STATE_TABLES), segments)


def bind_all(tables: Mapping[str, StateTable], transaction: lmdb.Transaction[bytes] | None) -> None:
    """Have all tables work within ``transaction`` (None: with none). Raises CorruptionError."""
    for table in tables.values():
        table.bind(transaction)


def _with_segments(
    environment: lmdb.Environment, tables: dict[str, LmdbTable], segments: dict[str, LmdbTable]
) -> dict[str, StateTable]:
    def make(name: str, transaction: lmdb.Transaction[bytes]) -> LmdbTable:
        return create_tables(environment, (name,), transaction)[name]

    return {**tables, "history": SegmentedTable(tables["history"], segments.values(), make, pages_max=SEGMENT_PAGES)}
