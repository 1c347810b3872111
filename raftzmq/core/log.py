"""The log in memory: entries after a mark, what of them is durable, and the configuration in force.

Invariant: ``mark.index <= stable <= last_index``; ``stable`` is what a crash now would leave of the entries that
stand here. Entries up to ``_handed - 1`` have been given to storage or are durable.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from raftzmq.core.types import Configuration, Entry, EntryKind, Mark
from raftzmq.errors import InvariantViolation


class Log:
    """Entries ``first_index … last_index`` and the `Mark` before them."""

    def __init__(self, mark: Mark, entries: Sequence[Entry]) -> None:
        self.mark = mark
        self.stable = mark.index
        self._entries: list[Entry] = []
        self._terms: list[int] = []
        self._configurations: list[tuple[int, Configuration]] = [(mark.index, mark.configuration)]
        self._handed = mark.index + 1
        self._truncated_in_flight: int | None = None
        self.append(entries)
        self.stable = self.last_index
        self._handed = self.last_index + 1

    @property
    def first_index(self) -> int:
        """The first index that has an entry here, or would have one."""
        return self.mark.index + 1

    @property
    def last_index(self) -> int:
        """The last entry's index (the mark's, if there is none)."""
        return self.mark.index + len(self._entries)

    @property
    def last_term(self) -> int:
        """The last entry's term (the mark's, if there is none)."""
        return self._terms[-1] if self._terms else self.mark.term

    @property
    def last_chain(self) -> int:
        """The last entry's chain value (the mark's, if there is none)."""
        return self._entries[-1].chain if self._entries else self.mark.chain

    @property
    def configuration(self) -> Configuration:
        """The latest configuration in the log, committed or not (thesis 4.1)."""
        return self._configurations[-1][1]

    def entry(self, index: int) -> Entry:
        """The entry at ``index``; raises IndexError outside ``first_index … last_index``."""
        if not self.first_index <= index <= self.last_index:
            raise IndexError(f"the log has {self.first_index}…{self.last_index}, not {index}")
        return self._entries[index - self.mark.index - 1]

    def term_at(self, index: int) -> int | None:
        """The term of ``index``, the mark included; None for what isn't here."""
        if index == self.mark.index:
            return self.mark.term
        position = index - self.mark.index - 1
        return self._terms[position] if 0 <= position < len(self._terms) else None

    def chain_at(self, index: int) -> int:
        """The chain value of ``index``, the mark included."""
        return self.mark.chain if index == self.mark.index else self.entry(index).chain

    def between(self, first: int, last: int, bytes_max: int, count_max: int) -> tuple[Entry, ...]:
        """Entries ``first … last``, cut before either limit is passed, but never below one entry."""
        taken: list[Entry] = []
        size = 0
        start = first - self.mark.index - 1
        for entry in self._entries[start : min(start + count_max, last - self.mark.index)]:
            size += len(entry.data)
            if taken and size > bytes_max:
                break
            taken.append(entry)
        return tuple(taken)

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries that continue the log; raises InvariantViolation for a gap."""
        for entry in entries:
            if entry.index != self.last_index + 1 or entry.term < self.last_term:
                raise InvariantViolation(
                    f"entry {entry.index} of term {entry.term} doesn't continue a log that ends at "
                    f"{self.last_index} in term {self.last_term}"
                )
            self._entries.append(entry)
            self._terms.append(entry.term)
            if entry.kind is EntryKind.CONFIGURATION:
                self._configurations.append((entry.index, Configuration.decode(entry.data)))

    def truncate_from(self, index: int) -> None:
        """Remove ``index`` and all after it; what was durable of that is so no longer."""
        position = index - self.mark.index - 1
        del self._entries[position:]
        del self._terms[position:]
        while self._configurations[-1][0] >= index:
            self._configurations.pop()
        self.stable = min(self.stable, index - 1)
        self._handed = min(self._handed, index)
        if self._truncated_in_flight is None or index < self._truncated_in_flight:
            self._truncated_in_flight = index

    def take_unstored(self) -> tuple[Entry, ...]:
        """What storage has not been given yet; from here on truncations count against this append."""
        if self._handed > self.last_index:
            self._truncated_in_flight = None
            return ()
        entries = tuple(self._entries[self._handed - self.mark.index - 1 :])
        self._handed = self.last_index + 1
        self._truncated_in_flight = None
        return entries

    def stored(self, entries: Sequence[Entry]) -> None:
        """``entries`` are durable, except for what was truncated while they were on their way."""
        last = entries[-1].index
        if self._truncated_in_flight is not None:
            last = min(last, self._truncated_in_flight - 1)
        self.stable = last

    def up_to_date(self, last_index: int, last_term: int) -> bool:
        """Is a log that ends so at least as up to date as this one (Raft §5.4.1)?"""
        return (last_term, last_index) >= (self.last_term, self.last_index)

    def last_with_term_at_most(self, index: int, term: int) -> int:
        """The last index up to ``index`` whose term is at most ``term``: the mark's index if there is none."""
        end = min(index, self.last_index) - self.mark.index
        if end <= 0:
            return self.mark.index
        return self.mark.index + bisect_right(self._terms, term, 0, end)
