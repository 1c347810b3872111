"""Rules 1 to 7 of `raftzmq.core`: what waits for the disk, what doesn't, and what counts as durable."""

from __future__ import annotations

import pytest

from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, RequestVote, RequestVoteResponse
from raftzmq.core.ready import Append
from raftzmq.core.types import Entry, HardState
from raftzmq.errors import InvariantViolation
from tests.core.support import (
    ELECTION_MIN,
    Core,
    Highest,
    candidate,
    committing,
    entries_of,
    entries_to,
    heartbeat,
    leader,
    matched,
    of,
    pre_candidate,
    terms_of,
    vote,
)


def following(*terms: int) -> Core:
    """A follower of n2 in term 1 that has stored this term."""
    core = Core(terms=terms, term=1)
    core.step(heartbeat(core, sender="n2"))
    return core


def answers(messages: list[object]) -> list[tuple[bool, int]]:
    """(success, match_index) of the answers to AppendEntries."""
    return [(a.success, a.match_index) for a in of(AppendEntriesResponse, messages)]


def took(core: Core, entries: tuple[Entry, ...], *, term: int = 1, sender: str = "n2") -> list[tuple[bool, int]]:
    """Let the leader send entries that lie behind what the core has; the answers that leave at once."""
    first = entries[0].index
    before = core.raft.log.entry(first - 1) if first > 1 else core.mark
    return answers([*core.step(entries_to(core, entries, after=before, term=term, sender=sender))])


# --- rule 1 ---


def test_rule_1_entries_are_answered_only_once_they_are_durable() -> None:
    """Figure 2, persistent state: updated on stable storage before responding."""
    core = following()
    assert took(core, entries_of([1, 1])) == []
    assert core.append is not None
    assert [e.index for e in core.append.entries] == [1, 2]
    assert core.take() == []
    assert answers([*core.write()]) == [(True, 2)]


def test_rule_1_what_is_durable_already_is_answered_at_once() -> None:
    core = following(1, 1)
    assert took(core, entries_of([1, 1])) == [(True, 2)]


def test_rule_1_an_answer_speaks_for_what_is_durable_at_that_moment() -> None:
    core = following()
    entries = entries_of([1, 1, 1, 1])
    assert took(core, entries[:2]) == []
    assert took(core, entries[2:]) == []
    assert answers([*core.write()]) == [(True, 2)], "3 and 4 go with the next append"
    assert answers([*core.write()]) == [(True, 4)]


def test_rule_1_storage_reports_only_what_is_under_way() -> None:
    core = following()
    took(core, entries_of([1]))
    with pytest.raises(InvariantViolation, match="isn't under way"):
        core.raft.appended(Append(HardState(1, None), entries_of([1])))


# --- rule 2 (votes: see test_votes.py) ---


def test_rule_2_heartbeats_are_answered_at_once_with_what_is_durable() -> None:
    """A slow disk must not look like a dead node."""
    core = following(1)
    took(core, entries_of([1, 1, 1], after=core.mark)[1:])
    assert core.append is not None
    assert answers([*core.step(heartbeat(core, at=1))]) == [(True, 1)]
    assert answers([*core.step(heartbeat(core, at=3))]) == [(True, 1)], "3 agrees, but only 1 is durable"
    core.write()
    assert answers([*core.step(heartbeat(core, at=3))]) == [(True, 3)]


def test_rule_2_a_heartbeat_speaks_only_for_what_is_known_to_agree() -> None:
    """min(matched, stable): a durable entry that the leader hasn't confirmed may be another leader's."""
    core = following(1, 1, 1)
    assert answers([*core.step(heartbeat(core, at=2))]) == [(True, 2)]
    assert answers([*core.step(heartbeat(core, at=0))]) == [(True, 2)]


def test_rule_2_a_rejection_waits_for_nothing() -> None:
    core = following(1)
    took(core, entries_of([1, 1])[1:])
    assert core.append is not None
    [rejection] = of(AppendEntriesResponse, core.step(AppendEntries("n2", "n1", 1, 7, 1, 0, 0)))
    assert (rejection.success, rejection.match_index, rejection.hint_index) == (False, 1, 2)


def test_rule_2_a_request_for_votes_waits_for_its_term_and_a_question_does_not() -> None:
    core = Core()
    assert len(of(RequestVote, core.tick_at_deadline())) == 2
    assert core.step(RequestVoteResponse("n2", "n1", 1, True, True)) == []
    assert len(of(RequestVote, core.write())) == 2


def test_rule_2_a_leaders_entries_may_overtake_its_own_disk() -> None:
    """Thesis 10.2.1: the leader writes in parallel with its followers."""
    core = leader(Core(voters=3), flush=False)
    core.step(matched(core, "n2", 0), matched(core, "n3", 0))
    sent = of(AppendEntries, core.propose(b"x"))
    assert core.raft.log.stable == 0
    assert {m.to for m in sent} == {"n2", "n3"}


# --- rule 3 ---


def test_rule_3_one_append_at_a_time_and_the_next_takes_all_that_came_meanwhile() -> None:
    """Group commit without a timer."""
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


def test_rule_3_a_truncation_takes_durability_back_at_once() -> None:
    core = following(1, 1, 1)
    assert core.raft.log.stable == 3
    took(core, entries_of([2], after=core.disk[0]), term=2)
    assert (core.raft.log.stable, core.raft.log.last_index) == (1, 2)
    assert answers([*core.step(heartbeat(core, at=2))]) == [(True, 1)]
    assert answers([*core.write()]) == [(True, 2)]


def test_rule_3_an_append_that_is_overtaken_by_a_truncation_counts_only_below_it() -> None:
    """The disk writes 2 … 4 of the old leader; meanwhile the new one has replaced 3 and 4."""
    core = following(1)
    took(core, entries_of([1, 1, 1, 1])[1:])
    in_flight = core.append
    assert in_flight is not None
    after = core.raft.log.entry(2)
    new = entries_of([2, 2, 2], after=after)
    assert took(core, new, term=2, sender="n3") == []
    assert core.append is in_flight
    assert core.raft.log.stable == 1
    assert answers([*core.write()]) == [(True, 2)], "3 and 4 on this disk are the old leader's"
    assert core.raft.log.stable == 2
    assert [e.term for e in core.disk] == [1, 1, 1, 1]
    assert answers([*core.write()]) == [(True, 5)]
    assert [e.term for e in core.disk] == [1, 1, 2, 2, 2]


def test_rule_3_a_truncation_below_the_append_under_way() -> None:
    """Everything that is being written has been replaced: nothing of it counts."""
    core = following(1, 1)
    took(core, entries_of([1, 1, 1, 1])[2:])
    took(core, entries_of([2], after=core.disk[0]), term=2, sender="n3")
    assert core.raft.log.stable == 1
    assert answers([*core.write()]) == [(True, 1)]
    assert core.raft.log.stable == 1
    assert answers([*core.write()]) == [(True, 2)]
    assert [e.term for e in core.disk] == [1, 2]


def test_rule_3_two_truncations_under_one_append() -> None:
    core = following(1)
    took(core, entries_of([1, 1, 1, 1])[1:])
    took(core, entries_of([2, 2], after=core.raft.log.entry(2)), term=2, sender="n3")
    took(core, entries_of([3, 3, 3], after=core.raft.log.entry(3)), term=3, sender="n2")
    assert terms_of(core.raft) == [1, 1, 2, 3, 3, 3]
    assert answers([*core.write()]) == [(True, 2)]
    assert answers([*core.write()]) == [(True, 6)]
    assert [e.term for e in core.disk] == [1, 1, 2, 3, 3, 3]


def test_rule_3_entries_that_return_after_a_truncation_must_be_written_again() -> None:
    """Cut off at 3 and grown back to 4 while the disk was writing the first 3 and 4: they aren't the same entries."""
    core = following(1)
    took(core, entries_of([1, 1, 1, 1])[1:])
    took(core, entries_of([2, 2], after=core.raft.log.entry(2)), term=2, sender="n3")
    assert core.raft.log.last_index == 4
    core.write()
    assert core.raft.log.stable == 2
    assert core.append is not None
    assert [(e.index, e.term) for e in core.append.entries] == [(3, 2), (4, 2)]


# --- rule 4 ---


def test_rule_4_term_vote_and_entries_travel_together() -> None:
    """Entries of a term that the disk doesn't know could be followed, after a crash, by a vote in an older term."""
    core = Core(terms=[1], term=1)
    took(core, entries_of([4], after=core.disk[0]), term=4)
    assert core.append is not None
    assert (core.append.hard_state, [e.term for e in core.append.entries]) == (HardState(4, None), [4])
    core = Core(rng=Highest())
    core.step(heartbeat(core, sender="n3", term=1))
    took(core, entries_of([1]), sender="n3")
    core.raft.tick(ELECTION_MIN)
    core.step(RequestVote("n2", "n1", 2, 1, 1, False))
    core.write()
    assert core.append is not None
    assert core.append.hard_state == HardState(2, "n2")
    assert [e.index for e in core.append.entries] == [1]


def test_rule_4_a_hard_state_that_has_not_changed_is_not_written() -> None:
    core = committing(Core(voters=3))
    core.propose(b"x")
    assert core.append is not None
    assert core.append.hard_state is None


def test_rule_4_a_new_leaders_no_op_is_written_in_its_term() -> None:
    core = candidate(Core(voters=3))
    core.step(vote(core, "n2"))
    assert core.append is not None
    assert core.append.hard_state is None, "the term was stored with the vote"
    assert core.hard_state == HardState(1, "n1")


# --- rule 5 ---


def test_rule_5_a_follower_applies_nothing_that_its_own_log_might_lose() -> None:
    """The state never leads the log: after a crash it could not be explained."""
    core = following()
    core.step(entries_to(core, entries_of([1, 1, 1]), after=core.mark, term=1, commit=2))
    assert core.raft.commit_index == 2
    assert core.committed == []
    core.write()
    assert core.committed_indices == [1, 2]


def test_rule_5_a_leader_that_its_followers_overtook_applies_nothing_before_its_disk() -> None:
    core = leader(Core(voters=3), flush=False)
    core.step(matched(core, "n2", 1), matched(core, "n3", 1))
    assert (core.raft.commit_index, core.raft.log.stable) == (1, 0)
    assert core.committed == []
    core.write()
    assert core.committed_indices == [1]


def test_rule_5_a_truncation_holds_back_what_is_committed_in_memory_only() -> None:
    core = following(1, 1, 1)
    new = entries_of([2, 2], after=core.disk[0])
    core.step(entries_to(core, new, after=core.disk[0], term=2, sender="n3", commit=3))
    assert (core.raft.commit_index, core.committed_indices) == (3, [1])
    core.write()
    assert core.committed_indices == [1, 2, 3]
    assert [e.term for e in core.committed] == [1, 2, 2]


def test_rule_5_committed_entries_are_handed_out_once() -> None:
    core = following(1, 1, 1)
    for commit in (1, 1, 2, 3, 3):
        core.step(heartbeat(core, at=3, commit=commit))
    assert core.committed_indices == [1, 2, 3]


def test_rule_5_after_a_crash_only_what_the_state_lacks_is_handed_out() -> None:
    core = Core(terms=[1, 1, 1], applied=2)
    assert (core.raft.commit_index, core.raft.last_applied) == (2, 2)
    core.step(heartbeat(core, at=3, commit=3))
    assert core.committed_indices == [3]


# --- rules 6 and 7 ---


def test_rule_6_applied_is_what_is_visible_and_never_falls() -> None:
    core = Core(terms=[1, 1, 1])
    core.raft.applied(2)
    core.raft.applied(1)
    assert core.raft.last_applied == 2


def test_rule_7_a_node_goes_on_from_what_it_loaded() -> None:
    """No disk is read later: what was loaded is all that a new leader replicates from."""
    core = leader(Core(voters=2, terms=[1, 1, 2]))
    term = core.raft.current_term
    core.step(AppendEntriesResponse("n2", "n1", term, False, 0, 0, 3, 0, 0))
    sent = of(AppendEntries, core.sent)[-1]
    assert (sent.prev_log_index, [e.index for e in sent.entries]) == (0, [1, 2, 3, 4])


def test_a_pre_candidate_answers_no_append() -> None:
    """It follows nobody: entries that became durable meanwhile are spoken for at the next heartbeat."""
    core = following()
    took(core, entries_of([1]))
    pre_candidate(core)
    assert answers([*core.write()]) == []
    assert answers([*core.step(heartbeat(core, at=1))]) == [(True, 1)]
