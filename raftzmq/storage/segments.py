"""The history table in LMDB: cut into segments, each a named database, so that what dies together goes together.

Removing swept rows one by one cost as much as a sixth of applying a put (each delete moves the rows behind it, and a
page that runs empty borrows from the next one, row by row). A database is dropped by its page numbers alone. So new
rows go to the newest segment; sweeping moves the few that are alive into the base table and the segment's beginning up;
a segment that is swept to its end is emptied, for later use.

The rows of the base lie below those of the oldest segment, and each segment's below those of the next. A segment's
beginning is a row of its own, in the same transaction as what it covers. Where there is no segment, as in states that
were written or restored without them, the base is the whole table.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import lmdb

from raftzmq.errors import CorruptionError, InvariantViolation
from raftzmq.kv.rows import history_key, revision_of
from raftzmq.records import seal, unseal
from raftzmq.storage.environment import LmdbTable

SEGMENTS_MAX: Final = 32
"""With more rows than these take (never, with the history's bounds) the newest segment grows."""
SEGMENT_PAGES: Final = 16_384
"""Pages of 4 KiB after which the next segment begins: what is dead may stay on the disk for so long."""
_BEGINNING: Final = b"\x00"
"""The key of the row that says where a segment begins: below every key of the history."""


def segment_names(name: str) -> list[str]:
    """The databases that the segments of table ``name`` may be in."""
    return [f"{name}/{number}" for number in range(SEGMENTS_MAX)]


class SegmentedTable:
    """A `raftzmq.kv.tables.Table` of keys as `history_key` makes them, each revision's with sub 0.

    ``base`` and ``made`` are databases that exist; ``make`` makes another one, by its name, in a transaction, and
    binds it.
    """

    def __init__(
        self,
        base: LmdbTable,
        made: Iterable[LmdbTable],
        make: Callable[[str, lmdb.Transaction[bytes]], LmdbTable],
        *,
        pages_max: int,
    ) -> None:
        self.name = base.name
        self._base = base
        self._empty = list(made)
        """Databases of no segment; until `_load` all of them."""
        known = {table.name for table in self._empty}
        self._names = [name for name in segment_names(base.name) if name not in known]
        self._make = make
        self._pages_max = pages_max
        self._loaded = False
        self._begins: list[bytes] = []
        """The first key that each segment may have, oldest first."""
        self._segments: list[LmdbTable] = []

    def bind(self, transaction: lmdb.Transaction[bytes] | None) -> None:
        """Work within ``transaction`` from now on (None: with none). Raises CorruptionError."""
        self._base.bind(transaction)
        for segment in self._segments:
            segment.bind(transaction)
        if not self._loaded and transaction is not None:
            self._load(transaction)
            self._loaded = True

    def within(self, transaction: lmdb.Transaction[bytes]) -> SegmentedTable:
        """The same table as ``transaction``, which began with nothing left to commit here, has it. To read alone."""
        made = [table.within(transaction) for table in (*self._segments, *self._empty)]
        table = SegmentedTable(self._base.within(transaction), made, self._make, pages_max=self._pages_max)
        table.bind(transaction)
        return table

    def _load(self, transaction: lmdb.Transaction[bytes]) -> None:
        found = []
        for table in self._empty:
            table.bind(transaction)
            row = table.get(_BEGINNING)
            if row is not None:
                found.append((unseal(row, f"the beginning of {table.name}"), table))
        found.sort(key=lambda segment: segment[0])
        self._begins = [begin for begin, _ in found]
        self._segments = [table for _, table in found]
        self._empty = [table for table in self._empty if table not in self._segments]

    def _where(self, key: bytes) -> LmdbTable:
        place = bisect_right(self._begins, key)
        return self._segments[place - 1] if place else self._base

    def get(self, key: bytes) -> bytes | None:
        return self._where(key).get(key)

    def put(self, key: bytes, row: bytes) -> None:
        self._where(key).put(key, row)

    def delete(self, key: bytes) -> None:
        self._where(key).delete(key)

    def place(self) -> tuple[Callable[[bytes], bytes | None], Callable[[bytes, bytes], object]]:
        return self.get, self.put

    def get_many(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        return {key: row for key in keys if (row := self.get(key)) is not None}

    def put_many(self, rows: list[tuple[bytes, bytes]], append: bool = False) -> None:
        if append:
            self._newest(rows[0][0]).put_many(rows, append=True)
            return
        for key, row in rows:
            self.put(key, row)

    def delete_many(self, keys: list[bytes]) -> None:
        for key in keys:
            self.delete(key)

    def _newest(self, key: bytes) -> LmdbTable:
        """Where ``key`` is to be appended."""
        segments = self._segments
        if segments and (segments[-1].pages < self._pages_max or key <= self._begins[-1]):
            # No row lies past the newest one's beginning if that is where this one goes: all were swept.
            return segments[-1]
        if self._empty:
            table = self._empty.pop()
            table.bind(self._base.transaction)
        elif self._names:
            table = self._make(self._names.pop(0), self._base.transaction)
        else:
            return segments[-1]
        last, _ = next(self.scan(b"", reverse=True), (b"", b""))
        if last >= key:
            raise InvariantViolation(f"table {self.name} was to have {key.hex()} appended after {last.hex()}")
        self._begin(table, key)
        self._begins.append(key)
        segments.append(table)
        return table

    def _begin(self, table: LmdbTable, key: bytes) -> None:
        table.put(_BEGINNING, seal(key))

    def sweep(self, start: bytes, dead: Sequence[int]) -> None:
        rest = bytes(dead)
        while rest:
            count = self._sweep_first(start, rest)
            start, rest = history_key(revision_of(start) + count), rest[count:]

    def _sweep_first(self, start: bytes, dead: bytes) -> int:
        """Sweep in the one table that has the row at ``start``; how many rows that were."""
        revision, begins = revision_of(start), self._begins
        if not begins or start < begins[0]:
            count = min(len(dead), revision_of(begins[0]) - revision) if begins else len(dead)
            self._base.sweep(start, dead[:count])
            return count
        segment, end = self._segments[0], revision_of(begins[1]) if len(begins) > 1 else None
        if start != begins[0]:
            raise CorruptionError(
                f"table {self.name} is to be swept from {start.hex()}, but begins at {begins[0].hex()}"
            )
        count = len(dead) if end is None else min(len(dead), end - revision)
        self._keep(segment, revision, dead[:count])
        if revision + count == end:
            segment.clear()
            self._empty.append(segment)
            del begins[0], self._segments[0]
        else:
            begins[0] = history_key(revision + count)
            self._begin(segment, begins[0])
        return count

    def _keep(self, segment: LmdbTable, first: int, dead: bytes) -> None:
        """Move the rows of ``segment``, from revision ``first`` on, whose mark in ``dead`` is 0 to the base."""
        alive: list[tuple[bytes, bytes]] = []
        place = dead.find(0)
        while place >= 0:
            key = history_key(first + place)
            row = segment.get(key)
            if row is None:
                raise CorruptionError(f"table {self.name} lacks row {key.hex()}")
            alive.append((key, row))
            place = dead.find(0, place + 1)
        if alive:
            self._base.put_many(alive, append=True)

    def scan(self, start: bytes, end: bytes | None = None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        parts = [(b"", self._base), *zip(self._begins, self._segments, strict=True)]
        for begin, table in reversed(parts) if reverse else parts:
            if end is None or begin < end:
                yield from table.scan(max(start, begin), end, reverse)
