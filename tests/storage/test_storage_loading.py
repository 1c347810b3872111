"""A start reads the past row by row: it must not take more memory than the node does afterwards."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from raftzmq.kv.commands import Put
from raftzmq.kv.machine import StateMachine
from raftzmq.storage.environment import create_tables, open_environment
from raftzmq.storage.tables import STATE_MAP_BYTES, STATE_TABLES, as_tables
from tests.kv.replica import Replica

REVISIONS = 20_000
VALUE = bytes(256)


def test_reading_back_a_long_history_takes_little_memory(tmp_path: Path) -> None:
    environment = open_environment(tmp_path, STATE_MAP_BYTES)
    with environment.begin(write=True) as transaction:
        tables = as_tables(create_tables(environment, STATE_TABLES, transaction))
        replica = Replica(tables)
        replica.machine = StateMachine(tables, revisions_max=REVISIONS)
        for _ in range(3 * REVISIONS // 1000):
            replica.run(*[Put(b"%d" % (n % 100), VALUE) for n in range(1000)])
        replica.machine.save()
        before = replica.hash()
        tracemalloc.start()
        again = StateMachine(tables, revisions_max=REVISIONS)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        rows = REVISIONS // 2 * (len(VALUE) + 100)
        assert peak < rows / 5, f"{peak} bytes to read back about {rows} bytes of rows"
        replica.machine = again
        assert replica.hash() == before
    environment.close()
