"""Rule 3 of the core: one append at a time, and what a truncation under it does."""

from __future__ import annotations

from collections.abc import Sequence

from raftzmq.core.log import Log
from raftzmq.core.types import Entry
from tests.core.support import Core, committing, entries_of, heartbeat, terms_of
from tests.rules.following import answers, following, took
from tests.rules.planted import Bug, rule

take_unstored, truncate_from = Log.take_unstored, Log.truncate_from


def one_by_one(self: Log) -> tuple[Entry, ...]:
    taken = take_unstored(self)
    if len(taken) > 1:
        self._handed = taken[1].index
    return taken[:1]


def keep_stable(self: Log, index: int) -> None:
    stable = self.stable
    truncate_from(self, index)
    self.stable = stable


def count_it_whole(self: Log, entries: Sequence[Entry]) -> None:
    self.stable = entries[-1].index


def the_last_counts(self: Log, index: int) -> None:
    truncate_from(self, index)
    self._truncated_in_flight = index


@rule("rule_3", Bug("an append per entry", Log, "take_unstored", one_by_one))
def test_rule_3_one_append_at_a_time_and_the_next_takes_all_that_came_meanwhile() -> None:
    """Design 2.3: at most one append is under way; the next takes all that came meanwhile."""
    core = committing(Core(voters=3))
    core.propose(b"1")
    first = core.append
    for data in (b"2", b"3", b"4"):
        core.propose(data)
    assert core.append is first
    assert first is not None
    assert [e.data for e in first.entries] == [b"1"]
    core.write()
    assert core.append is not None
    assert [e.data for e in core.append.entries] == [b"2", b"3", b"4"]


@rule("rule_3", Bug("what was durable stays so", Log, "truncate_from", keep_stable))
def test_rule_3_a_truncation_takes_durability_back_at_once() -> None:
    """Design 2.3: truncating from k leaves stable below k at once, though the disk still has the old entries."""
    core = following(1, 1, 1)
    assert core.raft.log.stable == 3
    took(core, entries_of([2], after=core.disk[0]), term=2)
    assert (core.raft.log.stable, core.raft.log.last_index) == (1, 2)
    assert answers(core.step(heartbeat(core, at=2))) == [(True, 1)]
    assert answers(core.write()) == [(True, 2)]


@rule("rule_3", Bug("an append counts whole", Log, "stored", count_it_whole))
def test_rule_3_an_append_that_is_overtaken_by_a_truncation_counts_only_below_it() -> None:
    """Design 2.3: the disk writes 2 … 4 of the old leader; meanwhile the new one has replaced 3 and 4."""
    core = following(1)
    took(core, entries_of([1, 1, 1, 1])[1:])
    in_flight = core.append
    assert in_flight is not None
    after = core.raft.log.entry(2)
    new = entries_of([2, 2, 2], after=after)
    assert took(core, new, term=2, sender="n3") == []
    assert core.append is in_flight
    assert core.raft.log.stable == 1
    assert answers(core.write()) == [(True, 2)], "3 and 4 on this disk are the old leader's"
    assert core.raft.log.stable == 2
    assert [e.term for e in core.disk] == [1, 1, 1, 1]
    assert answers(core.write()) == [(True, 5)]
    assert [e.term for e in core.disk] == [1, 1, 2, 2, 2]


@rule(
    "rule_3",
    Bug("an append counts whole", Log, "stored", count_it_whole),
    Bug("what was durable stays so", Log, "truncate_from", keep_stable),
)
def test_rule_3_a_truncation_below_the_append_under_way() -> None:
    """Design 2.3: everything that is being written has been replaced, so nothing of it counts."""
    core = following(1, 1)
    took(core, entries_of([1, 1, 1, 1])[2:])
    took(core, entries_of([2], after=core.disk[0]), term=2, sender="n3")
    assert core.raft.log.stable == 1
    assert answers(core.write()) == [(True, 1)]
    assert core.raft.log.stable == 1
    assert answers(core.write()) == [(True, 2)]
    assert [e.term for e in core.disk] == [1, 2]


@rule("rule_3", Bug("the last truncation counts", Log, "truncate_from", the_last_counts))
def test_rule_3_two_truncations_under_one_append() -> None:
    """Design 2.3: the lowest index truncated while an append is under way is what counts."""
    core = following(1)
    took(core, entries_of([1, 1, 1, 1])[1:])
    took(core, entries_of([2, 2], after=core.raft.log.entry(2)), term=2, sender="n3")
    took(core, entries_of([3, 3, 3], after=core.raft.log.entry(3)), term=3, sender="n2")
    assert terms_of(core.raft) == [1, 1, 2, 3, 3, 3]
    assert answers(core.write()) == [(True, 2)]
    assert answers(core.write()) == [(True, 6)]
    assert [e.term for e in core.disk] == [1, 1, 2, 3, 3, 3]


@rule("rule_3", Bug("an append counts whole", Log, "stored", count_it_whole))
def test_rule_3_entries_that_return_after_a_truncation_must_be_written_again() -> None:
    """Design 2.3: cut off at 3 and grown back to 4 while 3 and 4 were being written: they aren't the same entries."""
    core = following(1)
    took(core, entries_of([1, 1, 1, 1])[1:])
    took(core, entries_of([2, 2], after=core.raft.log.entry(2)), term=2, sender="n3")
    assert core.raft.log.last_index == 4
    core.write()
    assert core.raft.log.stable == 2
    assert [(e.index, e.term) for e in (core.append.entries if core.append else ())] == [(3, 2), (4, 2)]
