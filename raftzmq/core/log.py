"""The log in memory: entries after a mark, what of them is durable, and the configuration in force.

Invariant: ``mark.index <= stable <= last_index``; ``stable`` is what a crash now would leave of the entries that
stand here. Entries up to ``_handed - 1`` have been given to storage or are durable. While a snapshot's mark is on its
way to the disk, ``stable`` lies below it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from raftzmq.config import ENTRY_OVERHEAD_BYTES
from raftzmq.core.types import Configuration, Entry, EntryKind, Mark
from raftzmq.errors import InvariantViolation


class Log:
    """Entries ``first_index … last_index`` and the `Mark` before them."""

    def __init__(self, mark: Mark, entries: Sequence[Entry]) -> None:
        self.mark = mark
        self.last_index = mark.index
        """The last entry's index (the mark's, if there is none)."""
        self.stable = mark.index
        self.bytes = 0
        """What the entries cost in memory."""
        self._entries: list[Entry] = []
        self._terms: list[int] = []
        self._configurations: list[tuple[int, Configuration]] = [(mark.index, mark.configuration)]
        self._handed = mark.index + 1
        self._truncated_in_flight: int | None = None
        self._reset = False
        self.append(entries)
        self.stable = self.last_index
        self._handed = self.last_index + 1

    @property
    def first_index(self) -> int:
        """The first index that has an entry here, or would have one."""
        return self.mark.index + 1

    @property
    def last_term(self) -> int:
        """The last entry's term (the mark's, if there is none)."""
        return self._terms[-1] if self._terms else self.mark.term

    @property
    def last_chain(self) -> int:
        """The last entry's chain value (the mark's, if there is none)."""
        return self._entries[-1].chain if self._entries else self.mark.chain

    @property
    def all_handed(self) -> bool:
        """Has storage been given all there is?"""
        return self._handed > self.last_index

    @property
    def configuration(self) -> Configuration:
        """The latest configuration in the log, committed or not (thesis 4.1)."""
        return self._configurations[-1][1]

    def entry(self, index: int) -> Entry:
        """The entry at ``index``; raises IndexError outside ``first_index … last_index``."""
        position = index - self.mark.index - 1
        if not 0 <= position < len(self._entries):
            raise IndexError(f"the log has {self.first_index}…{self.last_index}, not {index}")
        return self._entries[position]

    def term_at(self, index: int) -> int | None:
        """The term of ``index``, the mark included; None for what isn't here."""
        if index == self.mark.index:
            return self.mark.term
        position = index - self.mark.index - 1
        return self._terms[position] if 0 <= position < len(self._terms) else None

    def chain_at(self, index: int) -> int:
        """The chain value of ``index``, the mark included."""
        return self.mark.chain if index == self.mark.index else self.entry(index).chain

    def known_chain(self, index: int) -> int | None:
        """The chain value of ``index``, the mark included; None for what isn't here."""
        return self.chain_at(index) if self.mark.index <= index <= self.last_index else None

    def mark_at(self, index: int) -> Mark:
        """The mark that a log beginning after ``index`` would have; raises IndexError for what isn't here."""
        if index == self.mark.index:
            return self.mark
        entry = self.entry(index)
        configuration = next(c for at, c in reversed(self._configurations) if at <= index)
        return Mark(index, entry.term, entry.chain, configuration)

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
            self.last_index = entry.index
            self.bytes += len(entry.data) + ENTRY_OVERHEAD_BYTES
            if entry.kind is EntryKind.CONFIGURATION:
                self._configurations.append((entry.index, Configuration.decode(entry.data)))

    def truncate_from(self, index: int) -> None:
        """Remove ``index`` and all after it; what was durable of that is so no longer."""
        position = index - self.mark.index - 1
        self.bytes -= _cost(self._entries[position:])
        del self._entries[position:]
        del self._terms[position:]
        self.last_index = index - 1
        while self._configurations[-1][0] >= index:
            self._configurations.pop()
        self.stable = min(self.stable, index - 1)
        self._handed = min(self._handed, index)
        if self._truncated_in_flight is None or index < self._truncated_in_flight:
            self._truncated_in_flight = index

    def compactable(self, last_index: int, keep_bytes: int, count_max: int) -> int:
        """Up to where entries go to leave at most ``keep_bytes``: not past ``last_index``, nor over ``count_max``."""
        excess = self.bytes - keep_bytes
        index = self.mark.index
        for entry in self._entries[: max(0, min(count_max, last_index - index))]:
            if excess <= 0:
                break
            excess -= len(entry.data) + ENTRY_OVERHEAD_BYTES
            index = entry.index
        return index

    def compact(self, mark: Mark) -> None:
        """Begin after ``mark``, which is an entry of this log; what was durable stays so."""
        count = mark.index - self.mark.index
        self.bytes -= _cost(self._entries[:count])
        del self._entries[:count]
        del self._terms[:count]
        self._configurations = [(mark.index, mark.configuration)] + [
            pair for pair in self._configurations if pair[0] > mark.index
        ]
        self.mark = mark

    def restart_after(self, mark: Mark) -> None:
        """Drop everything and begin after ``mark``, where a snapshot ends; durable once `stored_mark` is called."""
        self.stable = min(self.stable, mark.index - 1)
        # What is on its way to the disk is no longer part of this log: it must not raise `stable`.
        self._truncated_in_flight = self.stable + 1
        self.mark = mark
        self.last_index = mark.index
        self.bytes = 0
        self._entries = []
        self._terms = []
        self._configurations = [(mark.index, mark.configuration)]
        self._handed = mark.index + 1
        self._reset = True

    def take_mark(self) -> Mark | None:
        """The mark of a snapshot that storage hasn't been given yet."""
        if not self._reset:
            return None
        self._reset = False
        return self.mark

    def stored_mark(self, mark: Mark) -> None:
        """The log on disk begins after ``mark``, unless this one has begun anew since it was handed out."""
        if mark == self.mark and not self._reset:
            self.stable = max(self.stable, mark.index)

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
        """The last index up to ``index`` whose term is at most ``term``.

        Below the mark nothing is known but that it isn't here: an index before it is returned as it is, and the one
        before the mark if the mark's own term is above.
        """
        end = min(index, self.last_index) - self.mark.index
        if end < 0:
            return index
        position = bisect_right(self._terms, term, 0, end)
        if position or self.mark.term <= term:
            return self.mark.index + position
        return max(0, self.mark.index - 1)


def _cost(entries: Sequence[Entry]) -> int:
    return sum(len(entry.data) for entry in entries) + len(entries) * ENTRY_OVERHEAD_BYTES
