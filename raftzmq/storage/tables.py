"""The tables of the state in LMDB, and how much room they may take."""

from __future__ import annotations

from typing import Any

from raftzmq.config import KIB
from raftzmq.kv.tables import Tables

STATE_MAP_BYTES = 64 * KIB**3
"""Address space for the state: a bound, not a size. A full map is fatal here, since the open transaction holds batches
that were answered already, so the bound lies far above what the history's own limits will leave."""
STATE_TABLES = ("keys", "history", "sessions", "meta")


def as_tables(tables: dict[str, Any]) -> Tables:
    """The state machine's view of tables by name."""
    return Tables(tables["keys"], tables["history"], tables["sessions"], tables["meta"])
