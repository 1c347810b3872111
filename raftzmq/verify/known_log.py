"""A log as far as somebody outside knows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

EntryId = tuple[int, int]
"""An entry's term and chain value; a term of `UNKNOWN_TERM` isn't known."""

UNKNOWN_TERM = -1


def same(one: EntryId, other: EntryId) -> bool:
    """Can these be the same entry? The chain covers the term, so a term that isn't known doesn't matter."""
    return one[1] == other[1] and (one[0] == other[0] or one[0] == UNKNOWN_TERM or other[0] == UNKNOWN_TERM)


class KnownLog:
    """Entries ``base + 1 … last``; what lies before them was never known, or is forgotten.

    ``closed``: it is known to end at ``last``. Otherwise there may be more, and nothing can be said to be missing.
    A comparison with an entry that isn't known finds no difference.
    """

    __slots__ = ("_entries", "base", "closed")

    def __init__(self, entries: Iterable[EntryId] = (), base: int = 0, *, closed: bool = True) -> None:
        self.base = base
        self.closed = closed
        self._entries = list(entries)

    @staticmethod
    def ending(index: int, entry: EntryId | None, *, closed: bool = True) -> KnownLog:
        """One of which the last entry is known, at most."""
        return KnownLog((), index, closed=closed) if entry is None else KnownLog((entry,), index - 1, closed=closed)

    def __repr__(self) -> str:
        return f"KnownLog({self.base + 1}…{self.last}{'' if self.closed else '…'})"

    @property
    def last(self) -> int:
        """The index of the last known entry, ``base`` if there is none."""
        return self.base + len(self._entries)

    @property
    def entries(self) -> Sequence[EntryId]:
        """The known entries, the one at ``base + 1`` first."""
        return self._entries

    def get(self, index: int) -> EntryId | None:
        """The entry at ``index``, None if it isn't known or isn't there."""
        position = index - self.base - 1
        return self._entries[position] if 0 <= position < len(self._entries) else None

    def lacks(self, index: int) -> bool:
        """Is there certainly no entry at ``index``?"""
        return self.closed and index > self.last

    def has(self, index: int, entry: EntryId) -> bool:
        """Is this entry known to be at ``index``?"""
        known = self.get(index)
        return known is not None and same(known, entry)

    def differs(self, index: int, entry: EntryId | None) -> bool:
        """Is another entry known to be at ``index``?"""
        known = self.get(index)
        return known is not None and entry is not None and not same(known, entry)

    def excludes(self, index: int, entry: EntryId) -> bool:
        """Is this entry certainly not at ``index``?"""
        return self.lacks(index) or self.differs(index, entry)

    def between(self, first: int, last: int) -> list[EntryId] | None:
        """Entries ``first … last``; None unless all of them are known."""
        start = first - self.base - 1
        return self._entries[start : last - self.base] if start >= 0 and last <= self.last else None

    def prefix(self, index: int) -> KnownLog:
        """A copy that ends at ``index``."""
        return KnownLog(self._entries[: max(0, index - self.base)], min(self.base, index), closed=self.closed)

    def append(self, entries: Iterable[EntryId]) -> None:
        """Add entries at the end."""
        self._entries.extend(entries)

    def truncate(self, first: int) -> None:
        """Remove the entry at ``first`` and all after it."""
        if first <= self.base:
            self.base = first - 1
        del self._entries[max(0, first - self.base - 1) :]

    def restart(self, index: int, entry: EntryId | None) -> None:
        """Of all that was known, only the entry at ``index``, the last one, is left (None: not even that)."""
        self.base, self._entries = (index, []) if entry is None else (index - 1, [entry])

    def forget(self, index: int) -> None:
        """Know nothing of the entries up to ``index`` any more, but keep the last one."""
        index = min(index, self.last - 1)
        if index > self.base:
            del self._entries[: index - self.base]
            self.base = index
