"""The log in memory: a naive model, tables for its questions, and `stable` under truncation."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from raftzmq.config import ENTRY_OVERHEAD_BYTES, local_cluster
from raftzmq.core.log import Log
from raftzmq.core.types import Configuration, Entry, EntryKind, Mark, make_entry
from raftzmq.errors import InvariantViolation
from tests.core.support import configuration, empty_mark, entries_of


def log_of(*terms: int, mark: Mark | None = None) -> Log:
    """A log whose entries, from the mark on, have these terms; all durable."""
    mark = empty_mark(3) if mark is None else mark
    return Log(mark, entries_of(terms, after=mark))


@dataclass
class NaiveLog:
    """The same log as a dict of terms, and the disk's own view of it: what each write left there."""

    mark: int
    mark_term: int
    terms: dict[int, int] = field(default_factory=dict)
    names: dict[int, int] = field(default_factory=dict)
    disk: dict[int, int] = field(default_factory=dict)
    """index → the entry's name (each entry made gets a new one)."""

    @property
    def last(self) -> int:
        return max(self.terms, default=self.mark)

    def term(self, index: int) -> int | None:
        return self.mark_term if index == self.mark else self.terms.get(index)

    def stable(self) -> int:
        """The highest index up to which the disk holds exactly what stands in the log."""
        index = self.mark
        while index + 1 in self.names and self.disk.get(index + 1) == self.names[index + 1]:
            index += 1
        return index


class LogAgainstModel(RuleBasedStateMachine):
    """Appends, truncations and writes in any interleaving."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0
        self.in_flight: tuple[Entry, ...] | None = None
        self.in_flight_names: dict[int, int] = {}

    @initialize(index=st.integers(0, 5), term=st.integers(0, 2), count=st.integers(0, 4))
    def begin(self, index: int, term: int, count: int) -> None:
        mark = Mark(index, term if index else 0, 99, configuration(3))
        entries = entries_of([mark.term] * count, after=mark)
        self.log = Log(mark, entries)
        self.naive = NaiveLog(index, mark.term)
        self.entries: dict[int, Entry] = {}
        self._note(entries)
        self.naive.disk = dict(self.naive.names)

    def _note(self, entries: tuple[Entry, ...]) -> None:
        for entry in entries:
            self.made += 1
            self.naive.terms[entry.index] = entry.term
            self.naive.names[entry.index] = self.made
            self.entries[entry.index] = entry

    @rule(count=st.integers(1, 4), newer=st.integers(0, 2))
    def append(self, count: int, newer: int) -> None:
        term = self.log.last_term + newer
        after = Mark(self.log.last_index, self.log.last_term, self.log.last_chain)
        entries = entries_of([term] * count, after=after, tag=f"{self.made}.")
        self.log.append(entries)
        self._note(entries)

    @precondition(lambda self: self.log.last_index > self.log.mark.index)
    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(self.log.first_index, self.log.last_index))
        self.log.truncate_from(index)
        for at in [at for at in self.naive.terms if at >= index]:
            del self.naive.terms[at], self.naive.names[at], self.entries[at]

    @precondition(lambda self: self.in_flight is None)
    @rule()
    def hand_to_storage(self) -> None:
        before = {at: name for at, name in self.naive.names.items() if self.naive.disk.get(at) != name}
        entries = self.log.take_unstored()
        assert all(at in {e.index for e in entries} for at in before), "storage was not given what it lacks"
        assert list(entries) == [self.entries[e.index] for e in entries]
        if entries:
            self.in_flight = entries
            self.in_flight_names = {e.index: self.naive.names[e.index] for e in entries}

    @precondition(lambda self: self.in_flight is not None)
    @rule()
    def written(self) -> None:
        assert self.in_flight is not None
        first = self.in_flight[0].index
        assert first - 1 <= max(self.naive.disk, default=self.naive.mark), "a gap on disk"
        self.naive.disk = {at: name for at, name in self.naive.disk.items() if at < first} | self.in_flight_names
        self.log.stored(self.in_flight)
        self.in_flight = None

    @precondition(lambda self: self.log.stable > self.log.mark.index)
    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        """Only what is durable is ever compacted: the log on disk may keep it, the one in memory forgets it."""
        index = data.draw(st.integers(self.log.first_index, self.log.stable))
        mark = self.log.mark_at(index)
        assert (mark.term, mark.chain) == (self.entries[index].term, self.entries[index].chain)
        self.log.compact(mark)
        self.naive.mark, self.naive.mark_term = index, mark.term
        for at in [at for at in self.entries if at <= index]:
            del self.naive.terms[at], self.naive.names[at], self.entries[at]
            self.naive.disk.pop(at, None)
            self.in_flight_names.pop(at, None)

    @invariant()
    def its_cost_is_that_of_its_entries(self) -> None:
        assert self.log.bytes == sum(len(e.data) + ENTRY_OVERHEAD_BYTES for e in self.entries.values())

    @invariant()
    def they_agree(self) -> None:
        log, naive = self.log, self.naive
        assert (log.last_index, log.last_term) == (naive.last, naive.term(naive.last))
        for index in range(naive.mark - 1, naive.last + 2):
            assert log.term_at(index) == naive.term(index)
        assert [log.entry(index) for index in sorted(self.entries)] == [self.entries[k] for k in sorted(self.entries)]
        assert log.mark.index <= log.stable <= log.last_index
        assert log.stable <= naive.stable(), "stable claims what the disk doesn't have"
        if self.in_flight is None:
            handed = self.log._handed - 1
            assert log.stable == min(handed, naive.stable()), "after a write, all that was handed over counts"

    @rule(index=st.integers(0, 20), term=st.integers(0, 8))
    def asks(self, index: int, term: int) -> None:
        naive = self.naive
        fits = [at for at, its in naive.terms.items() if at <= index and its <= term]
        if index < naive.mark:
            expected = index
        elif fits or (naive.term(naive.mark) or 0) <= term:
            expected = max(fits, default=naive.mark)
        else:
            expected = max(0, naive.mark - 1)
        assert self.log.last_with_term_at_most(index, term) == expected
        last = (naive.term(naive.last) or 0, naive.last)
        assert self.log.up_to_date(index, term) is ((term, index) >= last)

    @rule(data=st.data(), bytes_max=st.integers(0, 30), count_max=st.integers(1, 5))
    def takes_some(self, data: st.DataObject, bytes_max: int, count_max: int) -> None:
        first = data.draw(st.integers(self.log.first_index, self.log.last_index + 1))
        last = data.draw(st.integers(first - 1, self.log.last_index))
        expected: list[Entry] = []
        for index in range(first, last + 1):
            size = sum(len(e.data) for e in expected) + len(self.entries[index].data)
            if len(expected) == count_max or (expected and size > bytes_max):
                break
            expected.append(self.entries[index])
        assert list(self.log.between(first, last, bytes_max, count_max)) == expected


TestLogAgainstModel = LogAgainstModel.TestCase
TestLogAgainstModel.settings = settings(max_examples=120, stateful_step_count=30)


@pytest.mark.parametrize(
    ("terms", "index", "term", "up_to_date"),
    [
        # The later term wins, whatever the lengths.
        ([1, 1, 1], 1, 2, True),
        ([1, 2], 9, 1, False),
        # The same term: the longer log wins, and an equal one does.
        ([1, 2], 3, 2, True),
        ([1, 2], 2, 2, True),
        ([1, 2], 1, 2, False),
        # Before the first entry.
        ([], 0, 0, True),
        ([1], 0, 0, False),
    ],
)
def test_up_to_dateness(terms: list[int], index: int, term: int, up_to_date: bool) -> None:
    """Raft §5.4.1: compare the last entries' terms; only if they are the same, the lengths of the logs."""
    assert log_of(*terms).up_to_date(index, term) is up_to_date


@pytest.mark.parametrize(
    ("index", "term"),
    [(5, 2), (3, 2), (4, 1)],
    ids=["a gap", "an index that exists", "an older term"],
)
def test_what_does_not_continue_the_log_is_refused(index: int, term: int) -> None:
    log = log_of(1, 2, 2)
    with pytest.raises(InvariantViolation, match="doesn't continue"):
        log.append((make_entry(0, index, term, EntryKind.NOOP, b""),))
    assert log.last_index == 3


def test_entries_outside_of_the_log_are_an_error() -> None:
    log = log_of(3, 3, mark=Mark(4, 2, 7, configuration(3)))
    assert [log.entry(index).term for index in (5, 6)] == [3, 3]
    for index in (0, 4, 7):
        with pytest.raises(IndexError, match="5…6"):
            log.entry(index)
    assert (log.term_at(3), log.term_at(4), log.term_at(7)) == (None, 2, None)
    assert log.chain_at(4) == 7
    assert log.chain_at(5) == log.entry(5).chain


def test_the_latest_configuration_in_the_log_is_in_force_and_goes_with_its_entry() -> None:
    """Thesis 4.1: a server uses the latest configuration in its log, committed or not; it may be taken back."""
    log = log_of(1)
    bigger = Configuration(local_cluster(5).nodes)
    log.append((make_entry(log.last_chain, 2, 1, EntryKind.CONFIGURATION, bigger.encode()),))
    counts = [len(log.configuration.voters)]
    for index in (2, 1):
        log.truncate_from(index)
        counts.append(len(log.configuration.voters))
    assert counts == [5, 3, 3], "at last the mark's configuration is left"


# Truncation while entries 3 … 6 are on their way to the disk; entries 1 and 2 are durable.


def log_with_four_in_flight() -> tuple[Log, tuple[Entry, ...]]:
    log = log_of(1, 1)
    log.append(entries_of([2, 2, 2, 2], after=log.entry(2)))
    return log, log.take_unstored()


def replace_from(log: Log, index: int, term: int, count: int) -> None:
    log.truncate_from(index)
    after = Mark(log.last_index, log.last_term, log.last_chain)
    log.append(entries_of([term] * count, after=after, tag="new"))


@pytest.mark.parametrize(
    ("truncations", "meanwhile", "afterwards"),
    [
        ([], 2, 6),
        ([5], 2, 4),
        ([6], 2, 5),
        ([3], 2, 2),
        ([2], 1, 1),
        ([1], 0, 0),
        ([5, 4], 2, 3),
        # What replaced the tail was truncated in its turn, higher up: the lowest truncation counts.
        ([4, 6], 2, 3),
        ([2, 5], 1, 1),
    ],
)
def test_stable_when_the_log_is_truncated_under_an_append(
    truncations: list[int], meanwhile: int, afterwards: int
) -> None:
    """A write that ends after a truncation proves only what lies below it: above, the disk has what was replaced."""
    log, in_flight = log_with_four_in_flight()
    for term, index in enumerate(truncations, 3):
        replace_from(log, index, term, 4)
    assert log.stable == meanwhile
    log.stored(in_flight)
    assert log.stable == afterwards
    rest = log.take_unstored()
    if truncations:
        assert rest[0].index == min(truncations), "storage replaces everything from the lowest change on"
        log.stored(rest)
    assert log.stable == log.last_index
