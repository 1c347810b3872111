"""Giving votes: to whom (Raft §5.2, §5.4.1, thesis 4.2.3, 9.6), and when the vote may leave (rule 2)."""

from __future__ import annotations

import pytest

from raftzmq.core import Role
from raftzmq.core.messages import AppendEntries, RequestVote, RequestVoteResponse
from raftzmq.core.types import HardState
from tests.core.support import (
    ELECTION_MIN,
    HEARTBEAT,
    Core,
    Highest,
    candidate,
    heartbeat,
    leader,
    matched,
    of,
    pre_candidate,
)


def ask(core: Core, *, by: str = "n2", term: int, index: int = 9, last: int = 9, pre: bool = False) -> bool | None:
    """Ask ``core`` for its vote, let its disk work, and return the answer."""
    answers = core.step(RequestVote(by, core.name, term, index, last, pre)) + core.flush()
    votes = [a for a in of(RequestVoteResponse, answers) if a.to == by]
    assert len(votes) <= 1
    return votes[0].granted if votes else None


# --- whom to vote for ---

LOGS = [
    # own log's terms, the candidate's last index, its last term, granted
    ([], 0, 0, True),
    ([], 1, 1, True),
    ([1], 1, 1, True),
    ([1], 0, 0, False),
    ([1, 1], 1, 2, True),
    ([1, 1], 1, 1, False),
    ([1, 1], 2, 1, True),
    ([1, 1], 3, 1, True),
    ([1, 2], 9, 1, False),
    ([1, 2], 1, 2, False),
    ([1, 2], 2, 2, True),
    ([1, 2], 1, 3, True),
    ([1, 2, 2, 2], 3, 2, False),
    ([1, 2, 2, 2], 1, 4, True),
]


@pytest.mark.parametrize("pre", [False, True], ids=["vote", "pre-vote"])
@pytest.mark.parametrize(("terms", "index", "last", "granted"), LOGS)
def test_a_vote_goes_only_to_a_log_that_is_up_to_date(
    terms: list[int], index: int, last: int, granted: bool, pre: bool
) -> None:
    """Figure 2, RequestVote 2, and §5.4.1: refuse a candidate whose log is less complete than one's own."""
    core = Core(terms=terms, term=5)
    assert ask(core, term=6, index=index, last=last, pre=pre) is granted


def test_one_vote_a_term() -> None:
    """§5.2: at most one vote per term, first come, first served."""
    core = Core()
    assert ask(core, by="n2", term=1) is True
    assert ask(core, by="n3", term=1) is False
    assert ask(core, by="n2", term=1) is True, "the same question again gets the same answer"
    assert core.raft.voted_for == "n2"
    assert ask(core, by="n3", term=2) is True, "a new term, a new vote"


def test_one_vote_a_term_across_a_crash() -> None:
    """Figure 2, persistent state: the term and the vote in it are on disk before the vote is given."""
    core = Core()
    assert ask(core, by="n2", term=1) is True
    core = core.restarted()
    assert ask(core, by="n3", term=1) is False
    assert ask(core, by="n2", term=1) is True


def test_no_vote_for_others_in_the_term_of_its_own_campaign() -> None:
    core = candidate(Core())
    assert ask(core, by="n2", term=1) is False
    core = leader(Core())
    assert ask(core, by="n2", term=1) is False
    assert core.raft.role is Role.LEADER


def test_no_vote_in_an_old_term() -> None:
    """Figure 2, RequestVote 1: refuse a term below one's own, and name the newer one."""
    core = Core(term=4)
    [answer] = core.step(RequestVote("n2", "n1", 3, 9, 9, False))
    assert answer == RequestVoteResponse("n1", "n2", 4, False, False)
    assert core.raft.voted_for is None


@pytest.mark.parametrize(("term", "granted"), [(3, False), (4, False), (5, True), (9, True)])
def test_a_pre_vote_is_for_a_term_that_is_new(term: int, granted: bool) -> None:
    """Thesis 9.6: the campaign would be in a term above one's own, or it is pointless."""
    core = Core(term=4)
    [answer] = core.step(RequestVote("n2", "n1", term, 9, 9, True))
    assert answer == RequestVoteResponse("n1", "n2", term if granted else 4, granted, True)


def test_a_pre_vote_promises_nothing() -> None:
    """Thesis 9.6: it neither stores nor excludes anything; several may get one."""
    core = Core(term=4, voted_for="n3")
    for by in ("n2", "n3"):
        assert ask(core, by=by, term=5, pre=True) is True
    assert (core.raft.current_term, core.raft.voted_for, core.append) == (4, "n3", None)
    assert ask(core, by="n2", term=5) is True


def test_a_pre_candidate_still_votes_for_another() -> None:
    core = pre_candidate(Core())
    assert ask(core, by="n3", term=1, pre=True) is True
    assert ask(core, by="n3", term=1) is True
    assert core.raft.role is Role.FOLLOWER


# --- a leader that is near: rule 9, first half ---


@pytest.mark.parametrize("pre", [False, True], ids=["vote", "pre-vote"])
@pytest.mark.parametrize(
    ("since_us", "granted"), [(0, False), (HEARTBEAT, False), (ELECTION_MIN - 1, False), (ELECTION_MIN, True)]
)
def test_no_vote_while_a_leader_is_near(since_us: int, granted: bool, pre: bool) -> None:
    """Thesis 4.2.3: who heard a leader within the minimum election timeout neither votes nor adopts the term."""
    core = Core(rng=Highest())
    core.tick(1000)
    core.step(heartbeat(core, sender="n3", term=1))
    core.flush()
    core.tick(1000 + since_us)
    assert core.raft.role is Role.FOLLOWER
    assert ask(core, term=2, pre=pre) is granted
    assert core.raft.current_term == (2 if granted and not pre else 1)
    assert core.raft.leader == ("n3" if pre or not granted else None)


@pytest.mark.parametrize("pre", [False, True], ids=["vote", "pre-vote"])
def test_the_refusal_says_so_at_once_in_its_own_term(pre: bool) -> None:
    core = Core()
    core.step(heartbeat(core, sender="n3", term=1))
    core.flush()
    [answer] = core.step(RequestVote("n2", "n1", 2, 9, 9, pre))
    assert answer == RequestVoteResponse("n1", "n2", 1, False, pre)
    assert core.fact("disrupt_refused").fields == {"candidate": "n2", "pre_vote": pre}


@pytest.mark.parametrize(("since_us", "granted"), [(ELECTION_MIN - 1, False), (ELECTION_MIN, True)])
def test_a_leader_that_is_answered_by_a_majority_is_near_to_itself(since_us: int, granted: bool) -> None:
    """Thesis 4.2.3 with 6.2: what counts for a leader is when a majority was last heard."""
    core = leader(Core(voters=5))
    core.tick(core.now + 1000)
    core.step(matched(core, "n2", 1), matched(core, "n3", 1))
    core.tick(core.now + since_us)
    assert ask(core, by="n5", term=2) is granted
    assert core.raft.role is (Role.FOLLOWER if granted else Role.LEADER)


def test_who_has_given_a_leader_up_votes() -> None:
    """Otherwise those who noticed its death would refuse one another until the slowest had noticed it too."""
    core = Core()
    core.step(heartbeat(core, sender="n3", term=1))
    core.flush()
    pre_candidate(core)
    assert ask(core, by="n2", term=2, pre=True) is True
    assert ask(core, by="n2", term=2) is True


def test_who_has_just_started_votes() -> None:
    """It has heard no leader in this life; the disk remembers what binds it."""
    core = Core(now=5_000_000, term=3)
    assert ask(core, term=4) is True


# --- rule 2: when a vote may leave ---


def test_a_vote_leaves_only_once_it_is_durable() -> None:
    """Figure 2: updated on stable storage before responding. A vote that a crash could undo might be given twice."""
    core = Core(term=4)
    assert core.step(RequestVote("n2", "n1", 5, 0, 0, False)) == []
    assert core.append is not None
    assert core.append.hard_state == HardState(5, "n2")
    assert core.take() == []
    assert core.write() == [RequestVoteResponse("n1", "n2", 5, True, False)]
    assert core.hard_state == HardState(5, "n2")


def test_a_refusal_and_a_pre_vote_wait_for_nothing() -> None:
    core = Core(term=4, terms=[3])
    assert of(RequestVoteResponse, core.step(RequestVote("n2", "n1", 5, 0, 0, False))) == [
        RequestVoteResponse("n1", "n2", 5, False, False)
    ]
    assert core.append is not None, "the new term is stored all the same"
    assert of(RequestVoteResponse, core.step(RequestVote("n3", "n1", 6, 9, 9, True)))


def test_a_vote_waits_for_its_own_append_not_for_one_that_was_under_way() -> None:
    """Rule 3: what arrives while an append is under way goes with the next one, and waits for that."""
    core = Core(rng=Highest())
    core.step(heartbeat(core, sender="n3", term=1))
    assert core.append is not None
    assert core.append.hard_state == HardState(1, None)
    core.raft.tick(ELECTION_MIN)
    assert core.step(RequestVote("n2", "n1", 2, 0, 0, False)) == []
    assert of(RequestVoteResponse, core.write()) == [], "the first append holds term 1"
    assert core.append.hard_state == HardState(2, "n2")
    assert of(RequestVoteResponse, core.write()) == [RequestVoteResponse("n1", "n2", 2, True, False)]


def test_ones_own_vote_and_request_leave_only_once_they_are_durable() -> None:
    """A candidate that forgot its own vote could vote for another in the same term."""
    core = pre_candidate(Core(voters=3))
    assert core.step(RequestVoteResponse("n2", "n1", 1, True, True)) == []
    assert core.raft.role is Role.CANDIDATE
    assert of(RequestVote, core.write()) == [RequestVote("n1", peer, 1, 0, 0, False) for peer in ("n2", "n3")]


def test_ones_own_vote_counts_only_once_it_is_durable() -> None:
    core = pre_candidate(Core(voters=2))
    core.step(RequestVoteResponse("n2", "n1", 1, True, True))
    core.step(RequestVoteResponse("n2", "n1", 1, True, False))
    assert not core.leads(), "one of two votes: its own isn't on disk yet"
    core.write()
    assert core.leads()


def test_a_single_voter_leads_only_once_its_vote_is_durable() -> None:
    core = Core(voters=1)
    core.tick_at_deadline()
    assert (core.raft.role, core.raft.current_term) == (Role.CANDIDATE, 1)
    assert core.append is not None
    assert core.append.hard_state == HardState(1, "n1")
    core.write()
    assert core.raft.role is Role.LEADER
    core = core.restarted()
    assert (core.raft.current_term, core.raft.voted_for) == (1, "n1")


@pytest.mark.parametrize("late", ["a higher term", "a leader of the term"])
def test_ones_own_vote_elects_nobody_if_the_campaign_ended_meanwhile(late: str) -> None:
    core = Core(voters=3)
    core.tick_at_deadline()
    core.step(RequestVoteResponse("n2", "n1", 1, True, True), RequestVoteResponse("n2", "n1", 1, True, False))
    term = 2 if late == "a higher term" else 1
    core.step(AppendEntries("n3", "n1", term, 0, 0, 0, 0))
    core.flush()
    assert (core.raft.role, core.raft.leader, core.raft.current_term) == (Role.FOLLOWER, "n3", term)


def test_a_vote_that_was_overtaken_by_a_higher_term_is_given_only_behind_that_term() -> None:
    """The vote for n2 in term 1 never gets to the disk; term 2 does, which excludes another vote in term 1 as well."""
    core = Core(rng=Highest())
    core.step(heartbeat(core, sender="n3", term=1))
    core.raft.tick(ELECTION_MIN)
    core.step(RequestVote("n2", "n1", 2, 0, 0, False))
    assert of(RequestVoteResponse, core.step(RequestVote("n3", "n1", 3, 0, 0, False))) == []
    assert core.append is not None
    assert of(RequestVoteResponse, core.write()) == []
    given = of(RequestVoteResponse, core.write())
    assert core.hard_state == HardState(3, "n3")
    assert RequestVoteResponse("n1", "n3", 3, True, False) in given
    assert ask(core.restarted(), by="n4", term=2) is False
