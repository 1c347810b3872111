"""Figure 2 of the Raft paper, receivers: what a node does with AppendEntries and RequestVote, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from raftzmq.core import Role
from raftzmq.core.log import Log
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, Message, RequestVote, RequestVoteResponse
from raftzmq.core.raft import Raft
from tests.core.support import Core, candidate, entries_of, entries_to, leader, of, terms_of
from tests.rules.planted import Bug, rule

step, on_append_entries, on_request_vote = Raft.step, Raft._on_append_entries, Raft._on_request_vote

LOG = [1, 1, 2]


def answers(core: Core, message: AppendEntries) -> list[tuple[bool, int, int]]:
    """(success, term, match_index) of what the leader hears, once the disk has worked."""
    sent = core.step(message) + core.flush()
    return [(a.success, a.term, a.match_index) for a in of(AppendEntriesResponse, sent)]


def votes(core: Core, term: int, last_index: int, last_term: int, *, by: str = "n2") -> list[tuple[bool, int]]:
    """(granted, term) of what a candidate hears, once the disk has worked."""
    sent = core.step(RequestVote(by, core.name, term, last_index, last_term, False)) + core.flush()
    return [(a.granted, a.term) for a in of(RequestVoteResponse, sent) if a.to == by]


def heed_old_terms(self: Raft, message: Message) -> None:
    step(self, replace(message, term=max(message.term, self.current_term)))


def say_nothing(self: Raft, *arguments: Any) -> None:
    pass


# --- AppendEntries


@rule(
    "append_entries_1",
    Bug("an old leader is heeded", Raft, "step", heed_old_terms),
    Bug("an old leader is told nothing", Raft, "_answer_stale", say_nothing),
)
def test_append_entries_1() -> None:
    """§5.1: entries from a leader of an older term are refused, naming the newer term; nothing else changes."""
    core = Core(terms=LOG, term=5)
    deadline = core.raft.deadline
    core.tick(deadline - 1)
    stale = entries_to(core, entries_of([3], after=core.disk[-1]), after=core.disk[-1], term=4, commit=3)
    assert answers(core, stale) == [(False, 5, 0)]
    assert (terms_of(core.raft), core.raft.commit_index, core.raft.leader) == (LOG, 0, None)
    assert core.raft.deadline == deadline, "an old leader holds back no election"


def take_any_predecessor(self: Raft, message: AppendEntries) -> None:
    term = self.log.term_at(message.prev_log_index)
    on_append_entries(self, message if term is None else replace(message, prev_log_term=term))


def agree_to_what_does_not_fit(self: Raft, follower: Any, message: AppendEntries) -> None:
    self._answer_append(follower)


PREDECESSORS = [
    # the log here, prev_log_index, prev_log_term, does it fit?
    ([], 0, 0, True),
    ([], 1, 1, False),
    ([1, 1, 2], 3, 2, True),
    ([1, 1, 2], 2, 1, True),
    ([1, 1, 2], 0, 0, True),
    ([1, 1, 2], 3, 1, False),
    ([1, 1, 2], 3, 3, False),
    ([1, 1, 2], 4, 2, False),
    ([1, 1, 2], 9, 2, False),
]


@rule(
    "append_entries_2",
    Bug("only the index counts, not the term", Raft, "_on_append_entries", take_any_predecessor),
    Bug("a gap is said to fit", Raft, "_reject_append", agree_to_what_does_not_fit),
)
def test_append_entries_2() -> None:
    """§5.3: refused, unless the log here has an entry at prev_log_index whose term is prev_log_term."""
    for terms, index, term, fits in PREDECESSORS:
        core = Core(terms=terms, term=5)
        message = AppendEntries("n2", "n1", 5, index, term, 0, 0)
        assert [success for success, _, _ in answers(core, message)] == [fits], (terms, index, term)
        assert terms_of(core.raft) == terms, "a heartbeat changes no log"


def keep_ones_own(self: Raft, message: AppendEntries) -> bool:
    self.log.append([entry for entry in message.entries if entry.index > self.log.last_index])
    return True


def drop_all_behind(self: Raft, message: AppendEntries) -> bool:
    if message.prev_log_index < self.log.last_index:
        self.log.truncate_from(message.prev_log_index + 1)
    self.log.append(message.entries)
    return True


CONFLICTS = [
    # the log here, how much of it the new entries follow, their terms, the log after
    ([1, 1, 1], 1, [2], [1, 2]),
    ([1, 1, 1], 0, [2, 2, 2, 2], [2, 2, 2, 2]),
    ([1, 1, 1, 1], 2, [3, 3], [1, 1, 3, 3]),
    ([1, 1, 1, 1], 1, [1, 3], [1, 1, 3]),
    ([1, 2, 2], 2, [4], [1, 2, 4]),
]


@rule("append_entries_3", Bug("the follower keeps its own", Raft, "_take_entries", keep_ones_own))
def test_append_entries_3() -> None:
    """§5.3: same index and another term: that entry is removed, and every one behind it, also on the disk."""
    for terms, after, new, result in CONFLICTS:
        core = Core(terms=terms, term=5)
        before = core.disk[after - 1] if after else core.mark
        message = entries_to(core, entries_of(new, after=before), after=before, term=5)
        assert answers(core, message) == [(True, 5, len(result))], (terms, after, new)
        assert (terms_of(core.raft), [e.term for e in core.disk]) == (result, result)


APPENDED = [
    # the log here, how much of it the new entries follow, their terms, the log after
    ([], 0, [1, 1], [1, 1]),
    ([1], 1, [1, 2], [1, 1, 2]),
    ([1, 1, 1], 1, [1, 1, 2], [1, 1, 1, 2]),
    ([1, 1, 1], 0, [1], [1, 1, 1]),
    ([1, 1, 1], 1, [1], [1, 1, 1]),
]


@rule(
    "append_entries_4",
    Bug("the follower takes nothing", Raft, "_take_entries", lambda self, message: True),
    Bug("a message that comes late cuts the log", Raft, "_take_entries", drop_all_behind),
)
def test_append_entries_4() -> None:
    """§5.3: what isn't in the log is appended; entries behind those of a late or repeated message stay."""
    for terms, after, new, result in APPENDED:
        core = Core(terms=terms, term=5)
        before = core.disk[after - 1] if after else core.mark
        core.step(entries_to(core, entries_of(new, after=before), after=before, term=5))
        core.flush()
        assert (terms_of(core.raft), [e.term for e in core.disk]) == (result, result), (terms, after, new)


def as_far_as_ones_log_goes(self: Raft, index: int) -> None:
    self.commit_index = max(self.commit_index, min(index, self.log.last_index))


COMMITS = [
    # the log here, how much of it the message follows, the terms it brings, leader_commit, the commit index after
    ([1, 1, 1], 3, [], 2, 2),
    ([1, 1, 1], 3, [], 9, 3),
    ([1, 1, 1], 1, [], 3, 1),
    ([1, 1, 1], 0, [], 3, 0),
    ([1, 1, 1], 3, [1, 1], 4, 4),
    ([1, 1, 1], 1, [1], 3, 2),
]


@rule(
    "append_entries_5",
    Bug("the follower's own tail is committed", Raft, "_commit_to", as_far_as_ones_log_goes),
    Bug("the follower commits nothing", Raft, "_commit_to", say_nothing),
)
def test_append_entries_5() -> None:
    """§5.3: the follower commits up to leader_commit, but no further than the last entry that the message is about.

    What lies behind that may be another leader's and may have to go.
    """
    for terms, after, new, commit, result in COMMITS:
        core = Core(terms=terms, term=5)
        before = core.disk[after - 1] if after else core.mark
        core.step(entries_to(core, entries_of(new, after=before), after=before, term=5, commit=commit))
        assert core.raft.commit_index == result, (terms, after, new, commit)


# --- RequestVote


@rule(
    "request_vote_1",
    Bug("an old candidate is heeded", Raft, "step", heed_old_terms),
    Bug("an old candidate is told nothing", Raft, "_answer_stale", say_nothing),
)
def test_request_vote_1() -> None:
    """§5.1: a candidate of an older term gets no vote, and learns the newer term from the refusal."""
    core = Core(terms=LOG, term=5)
    assert votes(core, 4, 9, 4) == [(False, 5)]
    assert core.raft.voted_for is None


def vote_again(self: Raft, message: RequestVote) -> None:
    self.voted_for = None
    on_request_vote(self, message)


def length_alone(self: Log, last_index: int, last_term: int) -> bool:
    return last_index >= self.last_index


def term_alone(self: Log, last_index: int, last_term: int) -> bool:
    return last_term >= self.last_term


LOGS = [
    # the log here, the candidate's last index, its last term, does it get the vote?
    ([], 0, 0, True),
    ([1, 1], 2, 1, True),
    ([1, 1], 1, 1, False),
    ([1, 1], 1, 2, True),
    ([1, 2], 9, 1, False),
    ([1, 2], 2, 2, True),
    ([1, 2, 2], 2, 2, False),
    ([1, 2, 2], 2, 3, True),
]


@rule(
    "request_vote_2",
    Bug("every candidate gets a vote", Raft, "_on_request_vote", vote_again),
    Bug("any log will do", Log, "up_to_date", lambda self, index, term: True),
    Bug("the longer log wins", Log, "up_to_date", length_alone),
    Bug("the length doesn't count", Log, "up_to_date", term_alone),
    Bug("nobody gets a vote", Log, "up_to_date", lambda self, index, term: False),
)
def test_request_vote_2() -> None:
    """§5.2, §5.4.1: the vote is free or this candidate's already, and its log is at least as up to date as one's own.

    More up to date is the log whose last term is higher; with equal last terms, the longer one.
    """
    for terms, index, term, granted in LOGS:
        core = Core(terms=terms, term=5)
        assert votes(core, 6, index, term) == [(granted, 6)], (terms, index, term)
    core = Core(term=5)
    assert votes(core, 6, 0, 0, by="n2") == [(True, 6)]
    assert votes(core, 6, 9, 5, by="n3") == [(False, 6)], "first come, first served"
    assert votes(core, 6, 0, 0, by="n2") == [(True, 6)], "the answer may have been lost"


@pytest.mark.parametrize("make", [candidate, leader])
def test_who_campaigns_has_voted(make: Any) -> None:
    """§5.2: a candidate votes for itself, so nobody else gets its vote of that term."""
    core = make(Core())
    assert votes(core, core.raft.current_term, 9, 9) == [(False, 1)]
    assert core.raft.role is (Role.LEADER if make is leader else Role.CANDIDATE)
