"""Figure 2, AppendEntries, receiver implementation 1 to 5; what is damaged; what Raft makes impossible (§5.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from raftzmq.core import Role
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse
from raftzmq.core.types import Entry, EntryKind, Mark, make_entry
from raftzmq.errors import InvariantViolation
from tests.core.support import (
    Core,
    candidate,
    configuration,
    empty_mark,
    entries_of,
    entries_to,
    heartbeat,
    leader,
    of,
    pre_candidate,
    terms_of,
)


def answer(core: Core, message: AppendEntries) -> AppendEntriesResponse:
    """The last answer to a message, once the disk has worked."""
    return of(AppendEntriesResponse, core.step(message) + core.flush())[-1]


# --- 1: an older term ---


def test_1_an_older_term_is_answered_with_the_newer_one() -> None:
    """Figure 2, AppendEntries 1. The old leader learns from the answer that its time is over."""
    core = Core(terms=[1, 2], term=5)
    message = entries_to(core, entries_of([4], after=core.disk[1]), after=core.disk[1], term=4)
    assert core.step(message) == [AppendEntriesResponse("n1", "n2", 5, False, 0, 0, 2)]
    assert terms_of(core.raft) == [1, 2]
    assert core.raft.leader is None


def test_1_the_old_leader_steps_down_by_that_answer() -> None:
    """§5.1: if a leader discovers that its term is out of date, it reverts to follower at once."""
    old = leader(Core(voters=3))
    old.step(AppendEntriesResponse("n2", "n1", 7, False, 0, 0, 0))
    assert (old.raft.role, old.raft.current_term, old.raft.leader) == (Role.FOLLOWER, 7, None)


# --- 2: the consistency check ---


@pytest.mark.parametrize(
    ("terms", "index", "term", "fits"),
    [
        ([1, 2], 2, 2, True),
        ([1, 2], 1, 1, True),
        ([1, 2], 0, 0, True),
        ([1, 2], 2, 1, False),
        ([1, 2], 2, 3, False),
        ([1, 2], 1, 2, False),
        ([1, 2], 3, 2, False),
        ([1, 2], 9, 3, False),
        ([], 0, 0, True),
        ([], 1, 1, False),
    ],
)
def test_2_the_entry_before_must_be_the_leaders(terms: list[int], index: int, term: int, fits: bool) -> None:
    """Figure 2, AppendEntries 2: false if the log has no entry at prev_log_index whose term is prev_log_term."""
    core = Core(terms=terms, term=4)
    got = answer(core, AppendEntries("n2", "n1", 4, index, term, 0, 0))
    assert got.success is fits
    assert got.match_index == (index if fits else 0)
    assert got.prev_log_index == index
    assert terms_of(core.raft) == terms, "an empty AppendEntries changes no log"


@pytest.mark.parametrize(
    ("terms", "index", "term", "hint"),
    [
        # Too short: its last entry could fit.
        ([1, 1], 5, 1, (2, 1)),
        ([1, 1], 5, 3, (2, 1)),
        ([], 5, 3, (0, 0)),
        # Another term at that place: the last entry whose term isn't above the leader's.
        ([1, 2, 2, 2], 4, 1, (1, 1)),
        ([1, 2, 4, 4], 4, 3, (2, 2)),
        ([3, 3, 3], 3, 2, (0, 0)),
        # A lower term at that very place: there it may be that the leader has it further down.
        ([1, 1, 1, 1], 3, 2, (3, 1)),
        ([1, 1, 2, 2], 4, 4, (4, 2)),
    ],
)
def test_2_the_hint_is_the_last_entry_that_could_fit(
    terms: list[int], index: int, term: int, hint: tuple[int, int]
) -> None:
    """§5.3, last paragraphs: a rejection carries enough to skip all the conflicting entries of a term at once."""
    core = Core(terms=terms, term=6)
    got = answer(core, AppendEntries("n2", "n1", 6, index, term, 0, 0))
    assert (got.success, got.hint_index, got.hint_term, got.prev_log_index) == (False, *hint, index)


def test_2_an_entry_that_lies_before_the_mark_is_known_to_fit() -> None:
    """What was compacted was committed, and what is committed stands in every later leader's log (§5.4)."""
    mark = Mark(5, 2, 77, configuration(3))
    core = Core(mark=mark, terms=[2], applied=5)
    got = answer(core, AppendEntries("n2", "n1", 2, 3, 1, 0, 0))
    assert (got.success, got.match_index) == (True, 5)
    got = answer(core, AppendEntries("n2", "n1", 2, 6, 2, 0, 0))
    assert (got.success, got.match_index) == (True, 6)


# --- 3 and 4: conflicts, and what is new ---

APPENDS = [
    # own terms, prev_log_index, the leader's entries from there on, terms afterwards
    ([], 0, [1, 1], [1, 1]),
    ([1, 1], 2, [2], [1, 1, 2]),
    ([1, 1], 0, [1, 1, 2], [1, 1, 2]),
    ([1, 2, 2], 1, [3], [1, 3]),
    ([1, 2, 2], 1, [3, 3, 3], [1, 3, 3, 3]),
    ([1, 2, 2], 0, [1, 3], [1, 3]),
    ([1, 1, 1], 0, [2], [2]),
    # What agrees stays, with all that follows it: the message may be an old one.
    ([1, 2, 2], 0, [1], [1, 2, 2]),
    ([1, 2, 2], 0, [1, 2], [1, 2, 2]),
    ([1, 2, 2], 1, [], [1, 2, 2]),
]


@pytest.mark.parametrize(("terms", "index", "new", "after"), APPENDS)
def test_3_and_4_conflicts_go_and_what_agrees_stays(
    terms: list[int], index: int, new: list[int], after: list[int]
) -> None:
    """Figure 2, AppendEntries 3 and 4: delete a conflicting entry and all that follow; append what isn't there."""
    core = Core(terms=terms, term=4)
    before: Entry | Mark = core.disk[index - 1] if index else core.mark
    got = answer(core, entries_to(core, entries_of(new, after=before), after=before, term=4))
    assert terms_of(core.raft) == after
    assert (got.success, got.match_index) == (True, index + len(new))
    assert [entry.term for entry in core.disk] == after, "and so it is on disk"


def test_3_a_message_that_comes_twice_or_late_changes_nothing() -> None:
    core = Core()
    entries = entries_of([1, 1, 1], after=core.mark)
    first = entries_to(core, entries[:1], after=core.mark, term=1)
    whole = entries_to(core, entries, after=core.mark, term=1)
    assert answer(core, whole).match_index == 3
    assert answer(core, whole).match_index == 3
    assert answer(core, first).match_index == 3, "what was matched in this term stays matched"
    assert terms_of(core.raft) == [1, 1, 1]
    assert core.append is None


def test_3_the_truncation_is_told() -> None:
    core = Core(terms=[1, 2, 2], term=4)
    core.step(entries_to(core, entries_of([3], after=core.disk[0]), after=core.disk[0], term=4))
    assert core.fact("truncate").fields == {"first": 2, "last": 3, "leader": "n2"}


# --- 5: the commit index ---


@pytest.mark.parametrize(
    ("index", "new", "leader_commit", "commit"),
    [
        (2, 0, 1, 1),
        (2, 0, 2, 2),
        # No further than what is known to agree: the rest of the log may be another's.
        (1, 0, 3, 1),
        (2, 0, 99, 2),
        (3, 1, 4, 4),
        (3, 2, 4, 4),
        (3, 1, 99, 4),
        (0, 0, 3, 0),
    ],
)
def test_5_the_commit_index_follows_the_leaders_as_far_as_the_logs_agree(
    index: int, new: int, leader_commit: int, commit: int
) -> None:
    """Figure 2, AppendEntries 5: commit_index = min(leader_commit, index of the last new entry)."""
    core = Core(terms=[1, 1, 1], term=2)
    before: Entry | Mark = core.disk[index - 1] if index else core.mark
    message = entries_to(core, entries_of([2] * new, after=before), after=before, term=2, commit=leader_commit)
    core.step(message)
    core.flush()
    assert core.raft.commit_index == commit
    assert core.committed_indices == list(range(1, commit + 1))


def test_5_the_commit_index_never_falls() -> None:
    core = Core(terms=[1, 1, 1])
    core.step(heartbeat(core, at=3, commit=3))
    core.step(heartbeat(core, at=3, commit=1))
    assert core.raft.commit_index == 3
    assert core.committed_indices == [1, 2, 3]


def test_5_a_rejected_message_commits_nothing() -> None:
    core = Core(terms=[1, 1], term=2)
    core.step(AppendEntries("n2", "n1", 2, 2, 2, 2, 0))
    assert core.raft.commit_index == 0


def test_what_agreed_with_an_old_leader_is_not_known_to_agree_with_the_next() -> None:
    """The count of matched entries belongs to a term: the next leader's log may differ in the uncommitted part."""
    core = Core(terms=[1], term=1)
    core.step(entries_to(core, entries_of([1, 1], after=core.disk[0]), after=core.disk[0], term=1))
    core.flush()
    got = answer(core, AppendEntries("n3", "n1", 2, 1, 1, 3, 0))
    assert (got.match_index, core.raft.commit_index) == (1, 1)


# --- damage ---


def damaged(entries: tuple[Entry, ...], at: int, **changes: object) -> tuple[Entry, ...]:
    return (*entries[:at], replace(entries[at], **changes), *entries[at + 1 :])  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize(
    "changes",
    [{"data": b"other"}, {"chain": 1}, {"term": 2}, {"kind": EntryKind.NOOP}, {"index": 9}, {"term": 7}],
    ids=lambda changes: next(iter(changes.items())).__repr__(),
)
def test_damaged_entries_are_neither_appended_nor_answered(at: int, changes: dict[str, object]) -> None:
    """Every receipt is checked against the chain; the leader sends again, and learns nothing false from an answer."""
    core = Core(terms=[1], term=5)
    entries = damaged(entries_of([3, 3, 3], after=core.disk[0]), at, **changes)
    assert core.step(entries_to(core, entries, after=core.disk[0], term=5)) == []
    assert core.flush() == []
    assert terms_of(core.raft) == [1]
    assert "fails its checksum" in core.fact("corrupt").fields["what"]
    assert core.raft.leader == "n2", "the leader was heard all the same"


def test_damaged_entries_truncate_nothing() -> None:
    core = Core(terms=[1, 2, 2], term=5)
    entries = damaged(entries_of([3, 3], after=core.disk[0]), 1, data=b"other")
    core.step(entries_to(core, entries, after=core.disk[0], term=5, commit=3))
    assert terms_of(core.raft) == [1, 2, 2]
    assert core.raft.commit_index == 0


def test_entries_whose_terms_fall_or_lie_above_the_leaders_are_damaged() -> None:
    """Terms in a log never fall, and no log has a term above its node's."""
    core = Core(terms=[4], term=5)
    for terms in ([3], [6], [5, 4]):
        assert core.step(entries_to(core, entries_of(terms, after=core.disk[0]), after=core.disk[0], term=5)) == []
    assert terms_of(core.raft) == [4]


def test_an_entry_that_is_here_with_another_checksum_is_damaged() -> None:
    """Log Matching: the same index and term mean the same entry, so one of the two has changed."""
    core = Core(terms=[1, 1], term=1)
    other = entries_of([1], after=core.disk[0], tag="other")
    assert core.step(entries_to(core, other, after=core.disk[0], term=1)) == []
    assert core.fact("corrupt").fields["what"].startswith("entry 2 from n2")


# --- what Raft makes impossible ---


def test_two_leaders_of_one_term_end_the_node() -> None:
    """§5.2, Election Safety: at most one leader a term. Seeing two, going on could lose data."""
    core = Core(term=1)
    core.step(heartbeat(core, sender="n2"))
    with pytest.raises(InvariantViolation, match="n3 and n2 both lead term 1"):
        core.step(heartbeat(core, sender="n3"))


def test_another_leader_of_ones_own_term_ends_the_node() -> None:
    core = leader(Core(voters=3))
    with pytest.raises(InvariantViolation, match="n3 leads term 1 as well"):
        core.step(AppendEntries("n3", "n1", 1, 0, 0, 0, 0))


def test_whoever_would_replace_a_committed_entry_ends_the_node() -> None:
    """§5.4.3, Leader Completeness: a committed entry stands in every later leader's log."""
    core = Core(terms=[1, 1, 1], term=1)
    core.step(heartbeat(core, at=3, commit=2))
    other = entries_of([2], after=core.disk[0])
    with pytest.raises(InvariantViolation, match="n3 would replace the committed entry 2"):
        core.step(entries_to(core, other, after=core.disk[0], sender="n3", term=2))
    assert terms_of(core.raft) == [1, 1, 1]


def test_an_entry_behind_the_committed_ones_may_be_replaced() -> None:
    core = Core(terms=[1, 1, 1], term=1)
    core.step(heartbeat(core, at=3, commit=2))
    core.step(entries_to(core, entries_of([2], after=core.disk[1]), after=core.disk[1], sender="n3", term=2))
    assert terms_of(core.raft) == [1, 1, 2]


@pytest.mark.parametrize("become", [lambda core: core, pre_candidate, candidate], ids=["follower", "asks", "candidate"])
def test_only_a_leader_proposes(become: Callable[[Core], Core]) -> None:
    core = become(Core(voters=3))
    with pytest.raises(InvariantViolation, match="only a leader proposes"):
        core.raft.propose(b"x")
    assert core.raft.log.last_index == 0


def test_a_configuration_in_the_log_is_in_force_at_once() -> None:
    """Thesis 4.1: as soon as it is in the log, committed or not."""
    core = Core(voters=3)
    entry = make_entry(0, 1, 1, EntryKind.CONFIGURATION, configuration(5).encode())
    core.step(entries_to(core, [entry], after=empty_mark(3), term=1))
    assert core.raft.voters == ("n1", "n2", "n3", "n4", "n5")
