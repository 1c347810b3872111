"""What the state machine asks of its storage: four ordered tables of bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


class Table(Protocol):
    """An ordered map from bytes to bytes. Keys are 1 to 511 bytes (LMDB's bound) and sort as bytes do."""

    def get(self, key: bytes) -> bytes | None:
        """The row at ``key``, or None."""

    def put(self, key: bytes, row: bytes) -> None:
        """Set the row at ``key``."""

    def delete(self, key: bytes) -> None:
        """Remove the row at ``key``, if there is one."""

    def place(self) -> tuple[Callable[[bytes], bytes | None], Callable[[bytes, bytes], object]]:
        """`get` and `put` that share one place in the table, for a few rows, within one transaction.

        A put of the key that was got last costs no second search.
        """

    def get_many(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """The rows that exist among ``keys``, in one call."""

    def put_many(self, rows: list[tuple[bytes, bytes]], append: bool = False) -> None:
        """Set many rows in one call.

        With ``append`` the keys ascend and lie past every key of the table, which costs no search. Raises
        InvariantViolation if they don't: a row left out in silence would be lost.
        """

    def delete_many(self, keys: list[bytes]) -> None:
        """Remove the rows at ``keys``, which ascend; missing ones are no error."""

    def sweep(self, start: bytes, dead: Sequence[int]) -> None:
        """Walk the rows from ``start`` on, one for each of ``dead``, and remove those where it isn't 0."""

    def scan(self, start: bytes, end: bytes | None = None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """The rows with ``start <= key < end`` (``end`` None: to the last), ascending or descending.

        The table must not be written while it is scanned.
        """


@dataclass(frozen=True, slots=True)
class Tables:
    """The state's tables; all of them change in the same transaction.

    ``keys``: key → its latest revisions. ``history``: revision → what that revision wrote. ``sessions``: sessions
    and their kept results. ``meta``: up to which entry the others have come.
    """

    keys: Table
    history: Table
    sessions: Table
    meta: Table
