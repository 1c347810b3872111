"""Tables in memory: what the simulator has in the place of LMDB's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from raftzmq.errors import InvariantViolation


class _RowByRow(ABC):
    """What a table does with many rows, in terms of what it does with one."""

    __slots__ = ()

    @property
    @abstractmethod
    def last(self) -> bytes:
        """No key lies above it; empty, which is below every key, if there is none."""

    @abstractmethod
    def get(self, key: bytes) -> bytes | None: ...

    @abstractmethod
    def put(self, key: bytes, row: bytes) -> None: ...

    @abstractmethod
    def delete(self, key: bytes) -> None: ...

    @abstractmethod
    def scan(self, start: bytes, end: bytes | None = None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]: ...

    def place(self) -> tuple[Callable[[bytes], bytes | None], Callable[[bytes, bytes], object]]:
        return self.get, self.put

    def get_many(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        return {key: row for key in keys if (row := self.get(key)) is not None}

    def put_many(self, rows: list[tuple[bytes, bytes]], append: bool = False) -> None:
        for key, row in rows:
            if append and key <= self.last:
                raise InvariantViolation(f"row {key.hex()} was to be appended after {self.last.hex()}")
            self.put(key, row)

    def delete_many(self, keys: list[bytes]) -> None:
        for key in keys:
            self.delete(key)

    def sweep(self, start: bytes, dead: Sequence[int]) -> None:
        rows = list(islice(self.scan(start), len(dead)))
        self.delete_many([key for (key, _), goes in zip(rows, dead, strict=True) if goes])


class MemoryTable(_RowByRow):
    """A `Table` in memory: a dict, and its keys in order."""

    __slots__ = ("_keys", "rows")

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        """For tests that damage a row: change values only, or the order of keys is lost."""
        self._keys: list[bytes] = []

    @property
    def last(self) -> bytes:
        return self._keys[-1] if self._keys else b""

    def get(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def put(self, key: bytes, row: bytes) -> None:
        if key not in self.rows:
            if not self._keys or key > self._keys[-1]:
                self._keys.append(key)
            else:
                insort(self._keys, key)
        self.rows[key] = row

    def delete(self, key: bytes) -> None:
        if self.rows.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def scan(self, start: bytes, end: bytes | None = None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        first = bisect_left(self._keys, start)
        last = len(self._keys) if end is None else bisect_left(self._keys, end)
        keys = self._keys[first:last]
        for key in reversed(keys) if reverse else keys:
            yield key, self.rows[key]


class OverlayTable(_RowByRow):
    """A `Table` of changes over another, which stays as it is until `settle`."""

    __slots__ = ("_base", "_changes", "_highest")

    def __init__(self, base: MemoryTable) -> None:
        self._base = base
        self._changes: dict[bytes, bytes | None] = {}
        self._highest = base.last

    @property
    def last(self) -> bytes:
        return self._highest

    def settle(self) -> None:
        """Move the changes to the table below."""
        for key, row in self._changes.items():
            if row is None:
                self._base.delete(key)
            else:
                self._base.put(key, row)
        self._changes = {}

    def get(self, key: bytes) -> bytes | None:
        return self._changes[key] if key in self._changes else self._base.get(key)

    def put(self, key: bytes, row: bytes) -> None:
        self._changes[key] = row
        self._highest = max(self._highest, key)

    def delete(self, key: bytes) -> None:
        self._changes[key] = None

    def scan(self, start: bytes, end: bytes | None = None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        if not self._changes:
            yield from self._base.scan(start, end, reverse)
            return
        merged: dict[bytes, bytes | None] = dict(self._base.scan(start, end))
        merged.update((key, row) for key, row in self._changes.items() if key >= start and (end is None or key < end))
        for key in sorted(merged, reverse=reverse):
            row = merged[key]
            if row is not None:
                yield key, row
