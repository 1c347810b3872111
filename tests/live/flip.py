"""A bit that a disk has changed: in a record of a node's database, in place, as no program would write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lmdb

from raftzmq.storage.environment import DATA_FILE


def record(environment: Path, table: str, key: bytes | None = None) -> bytes:
    """The record of ``key`` in a table of a node's log or state; without a key the last one. The node may run."""
    options: dict[str, Any] = {"max_dbs": 8, "readonly": True, "lock": False, "lib_version": 0}
    with lmdb.open(str(environment), **options) as opened:
        database = opened.open_db(table.encode(), create=False)
        with opened.begin(database) as transaction, transaction.cursor() as cursor:
            assert cursor.set_key(key) if key is not None else cursor.last(), f"{table} lacks {key!r}"
            return bytes(cursor.value())


def flip(environment: Path, content: bytes) -> None:
    """Change one bit in the middle of ``content``, wherever it stands in the database's file: LMDB keeps old pages."""
    with (environment / DATA_FILE).open("r+b") as file:
        data = file.read()
        at = data.find(content)
        assert at >= 0, "the record isn't in the file in one piece"
        while at >= 0:
            place = at + len(content) // 2
            file.seek(place)
            file.write(bytes([data[place] ^ 0x10]))
            at = data.find(content, at + 1)
