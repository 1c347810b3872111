"""Figure 2 of the Raft paper, rules for servers: all of them, followers and candidates."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from raftzmq.core import Role
from raftzmq.core.elections import Elections
from raftzmq.core.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Message,
    ReadIndex,
    RequestVote,
    RequestVoteResponse,
)
from raftzmq.core.raft import Raft
from raftzmq.core.roles import Candidate
from tests.core.support import (
    ELECTION_MAX,
    ELECTION_MIN,
    Core,
    Highest,
    candidate,
    entries_of,
    entries_to,
    heartbeat,
    leader,
    of,
    pre_candidate,
    vote,
)
from tests.rules.planted import Bug, rule

step, reset_election_timer = Raft.step, Elections._reset_election_timer
on_append_entries, on_request_vote = Raft._on_append_entries, Raft._on_request_vote


def do_nothing(self: Raft, *arguments: Any, **named: Any) -> None:
    pass


# --- all servers


def apply_the_whole_log(self: Raft) -> tuple[Any, ...]:
    first, self._handed = self._handed + 1, self.log.last_index
    return tuple(self.log.entry(index) for index in range(first, self.log.last_index + 1))


@rule(
    "servers_apply",
    Bug("nothing is applied", Raft, "_take_committed", lambda self: ()),
    Bug("everything is applied", Raft, "_take_committed", apply_the_whole_log),
)
def test_all_servers_apply_what_is_committed() -> None:
    """§5.3: while commit_index is beyond last_applied, apply the next entry; nothing beyond it, and in order."""
    core = Core(terms=[1, 1, 1, 1])
    for commit, applied in ((0, []), (1, [1]), (1, [1]), (3, [1, 2, 3])):
        core.step(heartbeat(core, at=4, commit=commit))
        assert core.committed_indices == applied
    assert core.raft.last_applied == 3


def ignore_newer_terms(self: Raft, message: Message) -> None:
    if message.term <= self.current_term:
        step(self, message)


NEWER: list[Message] = [
    RequestVote("n2", "n1", 9, 99, 8, False),
    RequestVoteResponse("n2", "n1", 9, False, False),
    AppendEntries("n2", "n1", 9, 0, 0, 0, 0),
    AppendEntriesResponse("n2", "n1", 9, False, 0, 0, 1),
    ReadIndex("n2", "n1", 9, 1),
]


@rule("servers_newer_term", Bug("a newer term is ignored", Raft, "step", ignore_newer_terms))
def test_all_servers_follow_a_newer_term() -> None:
    """§5.1: a request or an answer with a newer term makes anybody a follower in that term."""
    makers: list[Callable[[Core], Core]] = [lambda core: core, pre_candidate, candidate, leader]
    for message in NEWER:
        for make in makers:
            core = make(Core())
            # Whoever leads, or hears a leader, refuses votes for a while (thesis 4.2.3): let that pass.
            core.now += ELECTION_MIN
            core.raft._now = core.now
            core.step(message)
            assert (core.raft.current_term, core.raft.role) == (9, Role.FOLLOWER), (message, make)


# --- followers


@rule(
    "followers_answer",
    Bug("leaders get no answer", Raft, "_answer_append", do_nothing),
    Bug("candidates get no answer", Raft, "_on_request_vote", do_nothing),
)
def test_followers_answer() -> None:
    """§5.2: a follower issues no requests of its own, it responds to those of candidates and leaders."""
    core = Core(term=1)
    assert [m.to for m in of(RequestVoteResponse, core.step(RequestVote("n3", "n1", 1, 0, 0, False)))] == []
    assert [m.to for m in of(RequestVoteResponse, core.flush())] == ["n3"]
    assert [m.to for m in of(AppendEntriesResponse, core.step(heartbeat(core)))] == ["n2"]


def keep_waiting(self: Raft, message: AppendEntries) -> None:
    deadline = self.deadline
    on_append_entries(self, message)
    self.deadline = deadline


def vote_and_campaign(self: Raft, message: RequestVote) -> None:
    deadline = self.deadline
    on_request_vote(self, message)
    self.deadline = deadline


def wait_for_anybody(self: Raft, message: Message) -> None:
    step(self, message)
    reset_election_timer(self)


@rule(
    "followers_campaign",
    Bug("nobody campaigns", Elections, "_campaign", do_nothing),
    Bug("a leader that is heard doesn't count", Raft, "_on_append_entries", keep_waiting),
    Bug("a vote given doesn't count", Raft, "_on_request_vote", vote_and_campaign),
    Bug("the vote counts before it is out", Elections, "_vote_stored", do_nothing),
    Bug("a refused candidate and an old leader count", Raft, "step", wait_for_anybody),
)
def test_followers_campaign_after_an_election_timeout() -> None:
    """§5.2: without AppendEntries from the current leader and without giving a vote, for an election timeout."""
    core = Core(terms=[3], term=3, rng=Highest())
    timeout = core.raft.deadline
    assert ELECTION_MIN < timeout < ELECTION_MAX
    assert core.tick(timeout - 1) == []
    core.step(heartbeat(core, at=1))
    assert core.raft.deadline == core.now + timeout, "the current leader was heard"
    core.tick(core.raft.deadline - 1)
    deadline = core.raft.deadline
    core.step(heartbeat(core, term=2), RequestVote("n3", "n1", 4, 1, 2, False))
    core.flush()
    assert core.raft.deadline == deadline, "an old leader and a candidate without one's vote put nothing off"
    core.step(RequestVote("n3", "n1", 5, 1, 3, False))
    assert core.raft.deadline == core.now + timeout, "a vote was given"
    core.tick(core.now + 1000)
    core.flush()
    assert core.raft.deadline == core.now + 1000 + timeout, "it left only now, and the disk took that time"
    assert of(RequestVote, core.sent) == []
    assert [m.to for m in of(RequestVote, core.tick_at_deadline())] == ["n2", "n3"]


# --- candidates


def stay_in_term(self: Raft, *, pre_vote: bool) -> None:
    campaign(self, pre_vote=pre_vote)
    if not pre_vote:
        self.current_term -= 1


campaign = Elections._campaign


def no_vote_of_ones_own(self: Raft, *, pre_vote: bool) -> None:
    campaign(self, pre_vote=pre_vote)
    if not pre_vote:
        self.voted_for = None


def keep_the_timer(self: Raft, *, pre_vote: bool) -> None:
    deadline = self.deadline
    campaign(self, pre_vote=pre_vote)
    self.deadline = deadline


def ask_one(self: Raft, *, pre_vote: bool) -> None:
    campaign(self, pre_vote=pre_vote)
    self._held = [message for message in self._held if message.to in (self.node, "n2")]


@rule(
    "candidates_begin",
    Bug("the term stays", Elections, "_campaign", stay_in_term),
    Bug("it doesn't vote for itself", Elections, "_campaign", no_vote_of_ones_own),
    Bug("the timer isn't reset", Elections, "_campaign", keep_the_timer),
    Bug("the timer runs while the vote is stored", Elections, "_vote_stored", do_nothing),
    Bug("it asks one node only", Elections, "_campaign", ask_one),
)
def test_candidates_begin_an_election() -> None:
    """§5.2: raise the term, vote for oneself, reset the timer, ask all others (after a pre-vote, thesis 9.6)."""
    core = pre_candidate(Core(voters=5, terms=[1, 2], term=4))
    assert core.raft.current_term == 4, "asking whether one would be elected changes nothing"
    core.tick(core.now + 1000)
    core.step(*(RequestVoteResponse(peer, "n1", 5, True, True) for peer in ("n2", "n3")))
    assert core.raft.deadline == core.now + ELECTION_MIN
    core.tick(core.now + 1000)
    asked = of(RequestVote, core.flush())
    assert [m.to for m in asked] == ["n2", "n3", "n4", "n5"]
    assert {(m.term, m.last_log_index, m.last_log_term, m.pre_vote) for m in asked} == {(5, 2, 2, False)}
    assert (core.hard_state.current_term, core.hard_state.voted_for) == (5, "n1")
    assert core.raft.deadline == core.now + 1000 + ELECTION_MIN, "all others are asked only now"


def one_vote_is_enough(self: Candidate, voter: str, granted: bool, voters: Any) -> bool:
    return granted


def all_votes_are_needed(self: Candidate, voter: str, granted: bool, voters: Any) -> bool | None:
    self.votes[voter] = granted
    return True if sum(self.votes.values()) == len(voters) else None


def count_messages(self: Candidate, voter: str, granted: bool, voters: Any) -> bool | None:
    self.votes[f"{voter}{len(self.votes)}"] = granted
    return True if sum(self.votes.values()) > len(voters) // 2 else None


WINS = [
    # voters, who votes for the candidate (it does so itself), does it win?
    (1, [], True),
    (2, [], False),
    (2, ["n2"], True),
    (3, ["n2"], True),
    (4, ["n2"], False),
    (4, ["n2", "n4"], True),
    (5, ["n2"], False),
    (5, ["n2", "n2"], False),
    (5, ["n2", "n9"], False),
    (5, ["n3", "n5"], True),
]


@rule(
    "candidates_win",
    Bug("one vote is enough", Candidate, "count", one_vote_is_enough),
    Bug("all votes are needed", Candidate, "count", all_votes_are_needed),
    Bug("messages are counted, not voters", Candidate, "count", count_messages),
)
def test_candidates_win_with_a_majority() -> None:
    """§5.2: votes of a majority of all voters, for the same term, make a leader; each voter counts once."""
    for voters, ayes, wins in WINS:
        core = pre_candidate(Core(voters=voters))
        for peer in core.peers:
            if core.raft.role is Role.PRE_CANDIDATE:
                core.step(RequestVoteResponse(peer, "n1", 1, True, True))
        core.flush()
        core.step(*(vote(core, peer) for peer in ayes))
        assert core.leads() is wins, (voters, ayes)


def campaign_on(self: Raft, message: AppendEntries) -> None:
    if not isinstance(self._state, Candidate):
        on_append_entries(self, message)


@rule("candidates_yield", Bug("a candidate heeds no leader", Raft, "_on_append_entries", campaign_on))
def test_candidates_yield_to_a_leader() -> None:
    """§5.2: AppendEntries from a leader whose term is at least as new turns a candidate into its follower."""
    for make in (pre_candidate, candidate):
        core = make(Core())
        term = core.raft.current_term
        core.step(entries_to(core, entries_of([term]), after=core.mark, sender="n3", term=term))
        assert (core.raft.role, core.raft.leader, core.raft.log.last_index) == (Role.FOLLOWER, "n3", 1)


def try_once(self: Raft, *, pre_vote: bool) -> None:
    if self.role is Role.FOLLOWER or not pre_vote:
        campaign(self, pre_vote=pre_vote)


@rule("candidates_again", Bug("a lost election is the last", Elections, "_campaign", try_once))
def test_candidates_try_again() -> None:
    """§5.2: nobody won, because votes split or were lost: an election timeout later there is another, in a new term."""
    core = candidate(Core(voters=5))
    core.step(vote(core, "n2"), vote(core, "n3", granted=False))
    assert core.raft.role is Role.CANDIDATE
    assert core.tick(core.raft.deadline - 1) == []
    core.tick_at_deadline()
    core.step(*(RequestVoteResponse(peer, "n1", 2, True, True) for peer in ("n2", "n3")))
    assert {m.term for m in of(RequestVote, core.flush()) if not m.pre_vote} == {2}


def wait_equally_long(self: Elections) -> None:
    self.deadline = self._now + self.timing.election_min_us


@rule("candidates_again", Bug("everybody waits equally long", Elections, "_reset_election_timer", wait_equally_long))
def test_timeouts_are_drawn_anew() -> None:
    """§5.2: election timeouts are random, so that one node mostly asks before all others do."""
    rng = random.Random(1)
    core = Core(rng=rng)
    waits = []
    for _ in range(20):
        core.step(heartbeat(core))
        waits.append(core.raft.deadline - core.now)
    assert len({wait // 10_000 for wait in waits}) > 8, "spread wider than messages take"
    assert all(ELECTION_MIN <= wait < ELECTION_MAX for wait in waits)


@rule(
    "candidates_win", Bug("any vote counts", Raft, "_on_request_vote_response", lambda self, m: self._become_leader())
)
def test_votes_of_another_election_count_for_nothing() -> None:
    """§5.2: votes are for the same term; nor is a promise to vote (thesis 9.6) a vote."""
    core = candidate(Core(voters=5, term=4))
    core.step(*(RequestVoteResponse(peer, "n1", 5, True, True) for peer in core.peers))
    assert core.raft.role is Role.CANDIDATE
    core.step(*(RequestVoteResponse(peer, "n1", 4, True, False) for peer in core.peers))
    assert core.raft.role is Role.CANDIDATE
