"""Rules 4 to 7 of the core: what is one write, what may be applied, what is visible, and what stays in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, RequestVote
from raftzmq.core.raft import Raft
from raftzmq.core.ready import Append
from raftzmq.core.types import HardState, Mark
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
    vote,
)
from tests.rules.following import following, took
from tests.rules.planted import Bug, rule

take_append, take_committed, load = Raft._take_append, Raft._take_committed, Raft.load


def entries_first(self: Raft) -> Any:
    if self._in_flight is not None:
        return None
    entries = self.log.take_unstored()
    if not entries:
        return take_append(self)
    self._in_flight = Append(None, entries)
    return self._in_flight


def always_all(self: Raft) -> Any:
    append = take_append(self)
    if append is not None:
        self._in_flight = append = replace(append, hard_state=HardState(self.current_term, self.voted_for))
    return append


def never_mind_the_disk(self: Raft) -> Any:
    stable, self.log.stable = self.log.stable, self.log.last_index
    committed = take_committed(self)
    self.log.stable = stable
    return committed


def start_over(self: Raft) -> Any:
    return tuple(self.log.entry(index) for index in range(1, min(self.commit_index, self.log.stable) + 1))


def load_from_nothing(self: Raft, hard: Any, mark: Any, entries: Any, applied: int, now: int, *more: Any) -> None:
    load(self, hard, mark, entries, mark.index, now, *more)


def load_without_entries(self: Raft, hard: Any, mark: Any, entries: Any, applied: int, now: int, *more: Any) -> None:
    load(
        self,
        hard,
        Mark(entries[-1].index, entries[-1].term, entries[-1].chain, mark.configuration),
        (),
        entries[-1].index,
        now,
        *more,
    )


def the_latest_counts(self: Raft, index: int) -> None:
    self.last_applied = index


@rule("rule_4", Bug("the entries go first", Raft, "_take_append", entries_first))
def test_rule_4_term_vote_and_entries_travel_together() -> None:
    """Design 2.4: entries of a term unknown to the disk could be followed, after a crash, by an older term's vote."""
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


@rule("rule_4", Bug("every append has term and vote", Raft, "_take_append", always_all))
def test_rule_4_a_hard_state_that_has_not_changed_is_not_written() -> None:
    """Design 2.4: what the disk has already needs no place in the transaction."""
    core = committing(Core(voters=3))
    core.propose(b"x")
    assert core.append is not None
    assert core.append.hard_state is None


@rule("rule_4", Bug("every append has term and vote", Raft, "_take_append", always_all))
def test_rule_4_a_new_leaders_no_op_is_written_in_its_term() -> None:
    """Design 2.4: the term of a leader's first entry was stored before anybody voted for it."""
    core = candidate(Core(voters=3))
    core.step(vote(core, "n2"))
    assert core.append is not None
    assert (core.append.hard_state, len(core.append.entries)) == (None, 1), "the term was stored with the vote"
    assert core.hard_state == HardState(1, "n1")


@rule("rule_5", Bug("memory is enough", Raft, "_take_committed", never_mind_the_disk))
def test_rule_5_a_follower_applies_nothing_that_its_own_log_might_lose() -> None:
    """Design 2.5: the state never leads the log: after a crash it could not be explained."""
    core = following()
    core.step(entries_to(core, entries_of([1, 1, 1]), after=core.mark, term=1, commit=2))
    assert core.raft.commit_index == 2
    assert core.committed == []
    core.write()
    assert core.committed_indices == [1, 2]


@rule("rule_5", Bug("memory is enough", Raft, "_take_committed", never_mind_the_disk))
def test_rule_5_a_leader_that_its_followers_overtook_applies_nothing_before_its_disk() -> None:
    """Design 2.5, thesis 10.2.1: a majority without the leader commits, but the leader's own state waits."""
    core = leader(Core(voters=3), flush=False)
    core.step(matched(core, "n2", 1), matched(core, "n3", 1))
    assert (core.raft.commit_index, core.raft.log.stable) == (1, 0)
    assert core.committed == []
    core.write()
    assert core.committed_indices == [1]


@rule("rule_5", Bug("memory is enough", Raft, "_take_committed", never_mind_the_disk))
def test_rule_5_a_truncation_holds_back_what_is_committed_in_memory_only() -> None:
    """Design 2.5: what replaced a durable entry is itself not durable yet."""
    core = following(1, 1, 1)
    new = entries_of([2, 2], after=core.disk[0])
    core.step(entries_to(core, new, after=core.disk[0], term=2, sender="n3", commit=3))
    assert (core.raft.commit_index, core.committed_indices) == (3, [1])
    core.write()
    assert core.committed_indices == [1, 2, 3]
    assert [e.term for e in core.committed] == [1, 2, 2]


@rule("rule_5", Bug("each commit starts over", Raft, "_take_committed", start_over))
def test_rule_5_committed_entries_are_handed_out_once() -> None:
    """Design 2.5, figure 2 (§5.3): each committed entry is applied once, in order."""
    core = following(1, 1, 1)
    for commit in (1, 1, 2, 3, 3):
        core.step(heartbeat(core, at=3, commit=commit))
    assert core.committed_indices == [1, 2, 3]


@rule("rule_5", Bug("the state's index is forgotten", Raft, "load", load_from_nothing))
def test_rule_5_after_a_crash_only_what_the_state_lacks_is_handed_out() -> None:
    """Design 2.5: the state is durable too, so a start goes on where it was."""
    core = Core(terms=[1, 1, 1], applied=2)
    assert (core.raft.commit_index, core.raft.last_applied) == (2, 2)
    core.step(heartbeat(core, at=3, commit=3))
    assert core.committed_indices == [3]


@rule("rule_6", Bug("the latest report counts", Raft, "applied", the_latest_counts))
def test_rule_6_applied_is_what_is_visible_and_never_falls() -> None:
    """Design 2.6: applied(index) says what answers and reads can see, and only rises."""
    core = Core(terms=[1, 1, 1])
    core.raft.applied(2)
    core.raft.applied(1)
    assert core.raft.last_applied == 2


@rule("rule_7", Bug("only new entries are kept", Raft, "load", load_without_entries))
def test_rule_7_a_node_goes_on_from_what_it_loaded() -> None:
    """Design 2.7: no disk is read later: what was loaded is all that a new leader replicates from."""
    core = leader(Core(voters=2, terms=[1, 1, 2], term=2))
    term = core.raft.current_term
    core.step(AppendEntriesResponse("n2", "n1", term, False, 0, 0, 3, 0, 0))
    sent = of(AppendEntries, core.sent)[-1]
    assert (sent.prev_log_index, [e.index for e in sent.entries]) == (0, [1, 2, 3, 4])
