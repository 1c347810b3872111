"""A row that one disk has damaged doesn't travel: who receives it refuses it, and who sent it finds out why."""

from __future__ import annotations

from pathlib import Path

import pytest

from raftzmq.errors import CorruptionError
from tests.storage.node_on_disk import flip, opened, write_some

CHUNK = 10_000
ROWS = {"keys": b"key", "history/0": (1).to_bytes(8, "big") + bytes(4)}


@pytest.mark.parametrize("table", [None, *ROWS])
def test_a_copy_of_a_damaged_state_is_refused_and_its_owner_ends(tmp_path: Path, table: str | None) -> None:
    with opened(tmp_path / "n1") as source:
        write_some(source)
    if table is not None:
        flip(tmp_path / "n1" / "state", table, ROWS[table], 12)
    with opened(tmp_path / "n1") as source, opened(tmp_path / "n2", node="n2") as target:
        # Nothing is amiss as long as nobody reads that row.
        file = source.snapshots.make()
        for offset in range(0, file.size, CHUNK):
            target.snapshots.write(file.id, offset, source.snapshots.read(file.id, offset, CHUNK))
        mark = target.snapshots.finish(file.id)
        if table is None:
            assert mark == file.mark == source.snapshots.make(verified=True).mark
            return
        assert mark is None
        with pytest.raises(CorruptionError):
            source.snapshots.make(verified=True)
