"""The one place that opens LMDB, always durably, and its tables as the layers above see them.

Every commit is synced twice by LMDB's defaults: the data pages, then the meta page that makes them count. Turning off
either (``sync``, ``metasync``, ``map_async``) loses acknowledged transactions in a power cut, and ``writemap`` turns
a full disk into SIGBUS; so none of them is a parameter here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lmdb

from raftzmq.errors import CorruptionError, InvariantViolation, StorageError

DATABASES_MAX = 48
"""Named databases of an environment, most of them segments of the history; LMDB sets their number when it opens."""
READERS_MAX = 16
"""Read transactions at a time: the node's own threads, and tools that look on."""
DATA_FILE = "data.mdb"
LOCK_FILE = "lock.mdb"
UNWRITTEN_BYTES_MAX = 1 << 20
"""The last pages of a file may never have been written, if they were freed in the transaction that took them."""
FILE_MODE = 0o600

_DAMAGED = (lmdb.CorruptedError, lmdb.InvalidError, lmdb.PageNotFoundError, lmdb.VersionMismatchError)


def storage_error(error: lmdb.Error, what: str) -> StorageError | CorruptionError:
    """The error of the tree that says what LMDB's ``error`` means for whoever did ``what``."""
    if isinstance(error, _DAMAGED):
        return CorruptionError(f"{what}: the file is damaged: {error}")
    return StorageError(f"{what}: {error}")


def open_environment(path: Path, map_size: int) -> lmdb.Environment:
    """Open or create the environment in directory ``path``, with ``map_size`` bytes of address space reserved.

    Slots of readers whose processes were killed are freed, or they would pin pages for ever. Raises StorageError,
    CorruptionError.
    """
    settings: dict[str, Any] = {"max_dbs": DATABASES_MAX, "max_readers": READERS_MAX, "mode": FILE_MODE}
    try:
        try:
            # py-lmdb 3 carries LMDB 0.9 and 1.0, whose files differ: 0 is the 0.9 line.
            environment = lmdb.open(str(path), map_size=map_size, lib_version=0, **settings)
        except TypeError:
            # Older releases of py-lmdb carry LMDB 0.9 alone and don't know the argument.
            environment = lmdb.open(str(path), map_size=map_size, **settings)
        environment.reader_check()
    except lmdb.Error as error:
        raise storage_error(error, f"{path} cannot be opened") from error
    _check_length(environment, path / DATA_FILE)
    return environment


def _check_length(environment: lmdb.Environment, file: Path) -> None:
    """A file that was cut short is damaged: to read beyond its end, in the map, is the end of the process (SIGBUS)."""
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    size = file.stat().st_size
    if size + UNWRITTEN_BYTES_MAX < needed:
        environment.close()
        raise CorruptionError(f"{file} was cut short: it has {size:,} bytes of {needed:,}")
    if size < needed:
        # Zeros are no page of LMDB's: whatever of this isn't free is found to be missing when it is read.
        os.truncate(file, needed)


def was_written(path: Path) -> bool:
    """Whether directory ``path`` holds an environment that anything was ever committed to.

    A data file that is missing, no longer than LMDB's two meta pages, or still zero where they belong was left by a
    crash before the first commit: LMDB had not written a page of data, or the file system had given the file a
    length, but no content yet.
    """
    metas = 2 * os.sysconf("SC_PAGE_SIZE")
    try:
        with (path / DATA_FILE).open("rb") as file:
            head = file.read(metas + 1)
    except FileNotFoundError:
        return False
    return len(head) > metas and any(head[:metas])


def is_empty(environment: lmdb.Environment) -> bool:
    """Whether the environment has no table yet: its first commit never came to be."""
    return environment.stat()["entries"] == 0


def used_fraction(environment: lmdb.Environment) -> float:
    """How much of the map is used, 0 to 1. Pages freed by deletions count as used until they are used again."""
    info = environment.info()
    return (info["last_pgno"] + 1) * environment.stat()["psize"] / info["map_size"]


class LmdbTable:
    """A named database as a `raftzmq.kv.tables.Table`, within the transaction that `bind` gave it."""

    __slots__ = ("_cursor", "_database", "_transaction", "name")

    def __init__(self, name: str, database: Any) -> None:
        self.name = name
        self._database = database
        self._transaction: lmdb.Transaction[bytes] | None = None
        self._cursor: lmdb.Cursor[bytes] | None = None

    def bind(self, transaction: lmdb.Transaction[bytes] | None) -> None:
        """Work within ``transaction`` from now on (None: with none)."""
        self._transaction = transaction
        self._cursor = None

    def within(self, transaction: lmdb.Transaction[bytes]) -> LmdbTable:
        """The same table as ``transaction`` has it, beside what is bound here."""
        table = LmdbTable(self.name, self._database)
        table.bind(transaction)
        return table

    @property
    def transaction(self) -> lmdb.Transaction[bytes]:
        """The transaction bound; raises InvariantViolation if there is none."""
        if self._transaction is None:
            raise InvariantViolation(f"table {self.name} was used outside a transaction")
        return self._transaction

    def _get_cursor(self) -> lmdb.Cursor[bytes]:
        if self._cursor is None:
            self._cursor = self.transaction.cursor(self._database)
        return self._cursor

    def get(self, key: bytes) -> bytes | None:
        return self.transaction.get(key, None, self._database)

    def put(self, key: bytes, row: bytes) -> None:
        self.transaction.put(key, row, db=self._database)

    def delete(self, key: bytes) -> None:
        self.transaction.delete(key, db=self._database)

    def place(self) -> tuple[Callable[[bytes], bytes | None], Callable[[bytes, bytes], object]]:
        cursor = self._get_cursor()
        return cursor.get, cursor.put

    def get_many(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        return dict(self._get_cursor().getmulti(keys))

    def put_many(self, rows: list[tuple[bytes, bytes]], append: bool = False) -> None:
        if len(rows) == 1:
            # Without the work of looking through a list.
            [(key, row)] = rows
            added = int(self._get_cursor().put(key, row, True, True, append))
        else:
            _, added = self._get_cursor().putmulti(rows, append=append)
        if added != len(rows):
            # LMDB skips a row that is out of order in append mode, and goes on without a word.
            raise InvariantViolation(f"table {self.name} took {added} of {len(rows)} rows: keys out of order")

    def delete_many(self, keys: list[bytes]) -> None:
        delete, database = self.transaction.delete, self._database
        for key in keys:
            delete(key, b"", database)

    def clear(self) -> None:
        """Remove all rows, at the price of their pages' numbers."""
        self.transaction.drop(self._database, delete=False)
        self._cursor = None

    @property
    def pages(self) -> int:
        """How many pages its rows take."""
        found = self.transaction.stat(self._database)
        return int(found["leaf_pages"]) + int(found["overflow_pages"])

    def sweep(self, start: bytes, dead: Sequence[int]) -> None:
        cursor = self.transaction.cursor(self._database)
        if not cursor.set_key(start):
            raise CorruptionError(f"table {self.name} lacks row {start.hex()}")
        remove, skip = cursor.delete, cursor.next
        for goes in dead:
            # Removing a row leads to the next one, too.
            remove() if goes else skip()

    def scan(self, start: bytes, end: bytes | None = None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        cursor = self.transaction.cursor(self._database)
        if reverse:
            yield from _scan_down(cursor, start, end)
            return
        if not (cursor.set_range(start) if start else cursor.first()):
            return
        for key, row in cursor.iternext():
            if end is not None and key >= end:
                return
            yield key, row


def _scan_down(cursor: lmdb.Cursor[bytes], start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
    if end is None:
        placed = cursor.last()
    elif end == b"":
        return
    else:
        # The first key not below the end, then one back; past every key: the last.
        placed = cursor.prev() if cursor.set_range(end) else cursor.last()
    if not placed:
        return
    for key, row in cursor.iterprev():
        if key < start:
            return
        yield key, row


def create_tables(
    environment: lmdb.Environment, names: tuple[str, ...], transaction: lmdb.Transaction[bytes]
) -> dict[str, LmdbTable]:
    """Make the named databases within ``transaction`` and bind them to it."""
    tables = {name: LmdbTable(name, environment.open_db(name.encode(), transaction)) for name in names}
    for table in tables.values():
        table.bind(transaction)
    return tables


def open_tables(environment: lmdb.Environment, names: tuple[str, ...]) -> dict[str, LmdbTable]:
    """The named databases of an environment that was created whole; raises CorruptionError for one that is missing."""
    try:
        return {name: LmdbTable(name, environment.open_db(name.encode(), create=False)) for name in names}
    except lmdb.NotFoundError as error:
        raise CorruptionError(f"{environment.path()} lacks a table that every node has: {error}") from error
    except lmdb.Error as error:
        raise storage_error(error, f"the tables of {environment.path()} cannot be opened") from error


def open_tables_found(environment: lmdb.Environment, names: Iterable[str]) -> dict[str, LmdbTable]:
    """Those of the named databases that there are."""
    found = {}
    for name in names:
        try:
            found[name] = LmdbTable(name, environment.open_db(name.encode(), create=False))
        except lmdb.NotFoundError:
            continue
        except lmdb.Error as error:
            raise storage_error(error, f"the tables of {environment.path()} cannot be opened") from error
    return found
