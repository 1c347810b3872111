"""Who becomes leader, and who doesn't (Raft §5.2, figure 2 "Rules for Servers", thesis 9.6)."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from raftzmq.core import Raft, Role
from raftzmq.core.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Message,
    ReadIndex,
    ReadIndexResponse,
    RequestVote,
    RequestVoteResponse,
)
from raftzmq.core.types import EntryKind, HardState
from tests.core.support import (
    ELECTION_MAX,
    ELECTION_MIN,
    TIMING,
    Core,
    candidate,
    empty_mark,
    entries_of,
    entries_to,
    heartbeat,
    leader,
    of,
    pre_candidate,
    vote,
)


def test_a_node_starts_as_a_follower_that_knows_no_leader() -> None:
    """§5.2: when servers start up, they begin as followers."""
    core = Core(terms=[1, 2])
    assert (core.raft.role, core.raft.leader, core.raft.current_term) == (Role.FOLLOWER, None, 2)
    assert core.take() == []


def test_election_timeouts_are_drawn_anew_from_the_whole_span() -> None:
    """§5.2: timeouts are chosen at random from a fixed interval, so that split votes are rare."""
    rng = random.Random(7)
    drawn = []
    core = Core(rng=rng)
    for now in range(0, 5_000_000, 1000):
        core.raft.tick(now)
        core.step(heartbeat(core, term=1))
        drawn.append(core.raft.deadline - now)
    assert min(drawn) >= ELECTION_MIN
    assert max(drawn) < ELECTION_MAX
    assert len({*drawn}) > 0.9 * len(drawn)
    assert min(drawn) < ELECTION_MIN + 1000
    assert max(drawn) > ELECTION_MAX - 1000


@pytest.mark.parametrize("before", [1, TIMING.heartbeat_us])
def test_a_follower_waits_for_its_whole_timeout(before: int) -> None:
    core = Core()
    assert core.tick(core.raft.deadline - before) == []
    assert core.raft.role is Role.FOLLOWER


def test_a_follower_that_hears_nothing_asks_first_and_changes_nothing_by_that() -> None:
    """Figure 2, Followers: if the election timeout elapses, become a candidate. Thesis 9.6: ask first."""
    core = Core(voters=5, terms=[1, 1, 2])
    asked = of(RequestVote, core.tick_at_deadline())
    assert asked == [RequestVote("n1", peer, 3, 3, 2, True) for peer in ("n2", "n3", "n4", "n5")]
    assert (core.raft.role, core.raft.current_term, core.raft.voted_for) == (Role.PRE_CANDIDATE, 2, None)
    assert core.append is None, "a question costs no sync"


def test_what_a_leader_says_puts_the_timeout_off() -> None:
    """Figure 2, Followers: an AppendEntries from the current leader restarts the timer."""
    core = Core(terms=[1])
    for now in range(10_000, 2 * ELECTION_MAX, 10_000):
        core.tick(now)
        core.step(heartbeat(core, at=1))
        assert core.raft.deadline == now + ELECTION_MIN
    assert core.raft.role is Role.FOLLOWER


def test_what_an_old_leader_says_does_not_put_the_timeout_off() -> None:
    core = Core(terms=[1], term=3)
    core.tick(10_000)
    core.step(heartbeat(core, term=2, at=1))
    assert core.raft.deadline == ELECTION_MIN


@pytest.mark.parametrize(("granted", "put_off"), [(True, True), (False, False)])
def test_granting_a_vote_puts_the_timeout_off_and_refusing_it_does_not(granted: bool, put_off: bool) -> None:
    """Figure 2, Followers: the timer restarts for a candidate that the vote is *granted* to."""
    core = Core(terms=[1, 2], term=2)
    core.tick(10_000)
    core.step(RequestVote("n2", "n1", 3, 2 if granted else 1, 2 if granted else 1, False))
    assert core.raft.deadline == (10_000 + ELECTION_MIN if put_off else ELECTION_MIN)


def test_a_pre_vote_never_puts_the_timeout_off() -> None:
    core = Core(terms=[1])
    core.tick(10_000)
    core.step(RequestVote("n2", "n1", 2, 5, 1, True))
    assert core.raft.deadline == ELECTION_MIN


def test_a_candidate_raises_its_term_votes_for_itself_and_asks_all_others() -> None:
    """Figure 2, Candidates: increment the term, vote for self, reset the timer, send RequestVote to all."""
    core = pre_candidate(Core(voters=3, terms=[1, 4]))
    core.step(RequestVoteResponse("n2", "n1", 5, True, True))
    assert (core.raft.role, core.raft.current_term, core.raft.voted_for) == (Role.CANDIDATE, 5, "n1")
    assert core.raft.deadline == core.now + ELECTION_MIN
    assert core.write() == [RequestVote("n1", peer, 5, 2, 4, False) for peer in ("n2", "n3")]
    assert core.hard_state == HardState(5, "n1")


def test_a_candidate_that_wins_nothing_asks_again_with_a_higher_term() -> None:
    """Figure 2, Candidates: if the election timeout elapses, start a new election."""
    core = candidate(Core(voters=3, term=4))
    assert core.raft.current_term == 5
    core.tick_at_deadline()
    assert (core.raft.role, core.raft.current_term) == (Role.PRE_CANDIDATE, 5)
    core.step(RequestVoteResponse("n3", "n1", 6, True, True))
    assert (core.raft.role, core.raft.current_term) == (Role.CANDIDATE, 6)


ELECTIONS: list[tuple[int, Sequence[tuple[str, bool]], Role]] = [
    # voters, votes of others in order, role afterwards
    (1, (), Role.LEADER),
    (2, (), Role.CANDIDATE),
    (2, [("n2", True)], Role.LEADER),
    (2, [("n2", False)], Role.FOLLOWER),
    (3, [("n2", True)], Role.LEADER),
    (3, [("n2", False)], Role.CANDIDATE),
    (3, [("n2", False), ("n3", True)], Role.LEADER),
    (3, [("n2", False), ("n3", False)], Role.FOLLOWER),
    (5, [("n2", True)], Role.CANDIDATE),
    (5, [("n2", True), ("n3", True)], Role.LEADER),
    (5, [("n2", False), ("n3", False)], Role.CANDIDATE),
    (5, [("n2", False), ("n3", False), ("n4", False)], Role.FOLLOWER),
    (5, [("n2", False), ("n3", True), ("n4", False), ("n5", True)], Role.LEADER),
    # A vote counts once, and its first word stands.
    (5, [("n2", True), ("n2", True), ("n2", True)], Role.CANDIDATE),
    (5, [("n2", False), ("n2", False), ("n2", False)], Role.CANDIDATE),
    (3, [("n2", False), ("n2", True)], Role.CANDIDATE),
    # Strangers don't vote.
    (5, [("n2", True), ("n8", True), ("n9", True)], Role.CANDIDATE),
]


@pytest.mark.parametrize(("voters", "votes", "role"), ELECTIONS)
def test_counting_votes(voters: int, votes: Sequence[tuple[str, bool]], role: Role) -> None:
    """§5.2: a candidate wins with the votes of a majority of the full cluster for the same term."""
    core = Core(voters=voters)
    core.tick_at_deadline()
    if voters > 1:
        for peer in core.peers[: voters // 2]:
            core.step(RequestVoteResponse(peer, "n1", 1, True, True))
    core.flush()
    for peer, granted in votes:
        core.step(vote(core, peer, granted=granted))
    assert core.raft.role is role
    assert core.raft.current_term == 1


@pytest.mark.parametrize(("voters", "votes", "role"), [case for case in ELECTIONS if case[0] > 1])
def test_counting_answers_to_the_question_before(voters: int, votes: Sequence[tuple[str, bool]], role: Role) -> None:
    """Thesis 9.6: only who learns that a majority would vote for it raises its term."""
    core = pre_candidate(Core(voters=voters, terms=[1]))
    for peer, granted in votes:
        core.step(RequestVoteResponse(peer, "n1", 2 if granted else 1, granted, True))
    expected = {Role.LEADER: Role.CANDIDATE, Role.CANDIDATE: Role.PRE_CANDIDATE, Role.FOLLOWER: Role.FOLLOWER}
    assert core.raft.role is expected[role]
    assert core.raft.current_term == (2 if role is Role.LEADER else 1)


def test_answers_to_another_question_do_not_count() -> None:
    core = pre_candidate(Core(voters=3, term=1))
    core.step(RequestVoteResponse("n2", "n1", 1, True, False))
    assert core.raft.role is Role.PRE_CANDIDATE, "a vote of this term is no promise for the next"
    core.step(RequestVoteResponse("n2", "n1", 7, True, True))
    assert core.raft.role is Role.PRE_CANDIDATE, "a promise for another term isn't one for the next"
    assert core.raft.current_term == 1
    core = candidate(Core(voters=5, term=1))
    for peer in ("n4", "n5"):
        core.step(RequestVoteResponse(peer, "n1", 2, True, True))
    assert core.raft.role is Role.CANDIDATE, "a promise that comes late is no vote"


def test_votes_of_an_old_term_do_not_count() -> None:
    core = candidate(Core(voters=3))
    for peer in ("n2", "n3"):
        core.step(RequestVoteResponse(peer, "n1", 0, True, False))
    assert core.raft.role is Role.CANDIDATE


def test_a_new_leader_sends_at_once_and_begins_its_term_with_a_no_op() -> None:
    """Figure 2, Leaders: upon election, send AppendEntries to each server. §8: a no-op opens the term."""
    core = candidate(Core(voters=3, terms=[1, 1, 2]))
    sent = of(AppendEntries, core.step(vote(core, "n3")))
    assert core.raft.role is Role.LEADER
    assert core.raft.leader == "n1"
    noop = core.raft.log.entry(4)
    assert (noop.kind, noop.term, noop.data) == (EntryKind.NOOP, 3, b"")
    assert sent == [AppendEntries("n1", peer, 3, 3, 2, 0, 0, (noop,)) for peer in ("n2", "n3")]


def test_a_candidate_follows_a_leader_of_its_own_term() -> None:
    """Figure 2, Candidates: if AppendEntries is received from a new leader, convert to follower."""
    core = candidate(Core(voters=3))
    core.step(heartbeat(core, sender="n3"))
    assert (core.raft.role, core.raft.leader, core.raft.current_term) == (Role.FOLLOWER, "n3", 1)
    assert core.raft.voted_for == "n1", "it may still not vote again in this term"


def test_a_candidate_does_not_follow_a_leader_of_an_older_term() -> None:
    """§5.2: a leader whose term is smaller is rejected, and the candidate goes on."""
    core = candidate(Core(voters=3, term=4))
    [answer] = of(AppendEntriesResponse, core.step(AppendEntries("n3", "n1", 4, 0, 0, 0, 0)))
    assert (core.raft.role, answer.term, answer.success) == (Role.CANDIDATE, 5, False)


def test_a_pre_candidate_follows_the_leader_that_it_had_only_not_heard() -> None:
    core = Core(voters=3, terms=[1])
    core.step(heartbeat(core, sender="n2", at=1))
    pre_candidate(core)
    core.step(heartbeat(core, sender="n2", at=1))
    assert (core.raft.role, core.raft.leader, core.raft.current_term) == (Role.FOLLOWER, "n2", 1)


HIGHER: list[Message] = [
    RequestVote("n2", "n1", 9, 0, 0, False),
    RequestVoteResponse("n2", "n1", 9, False, False),
    RequestVoteResponse("n2", "n1", 9, False, True),
    RequestVoteResponse("n2", "n1", 9, True, False),
    AppendEntries("n2", "n1", 9, 0, 0, 0, 0),
    AppendEntriesResponse("n2", "n1", 9, False, 0, 0, 0),
    ReadIndex("n2", "n1", 9, 1),
    ReadIndexResponse("n2", "n1", 9, 1, 0),
]


def in_role(role: Role) -> Core:
    make = {Role.PRE_CANDIDATE: pre_candidate, Role.CANDIDATE: candidate, Role.LEADER: leader}
    core = Core(voters=3, terms=[1])
    if role is not Role.FOLLOWER:
        make[role](core)
    if role is Role.LEADER:
        # One that is answered refuses to be disturbed (thesis 4.2.3): nobody has answered this one for long.
        core.tick(core.now + ELECTION_MIN)
    return core


@pytest.mark.parametrize("role", list(Role), ids=str)
@pytest.mark.parametrize("message", HIGHER, ids=lambda m: f"{type(m).__name__}")
def test_a_higher_term_is_adopted_from_any_message_in_any_role(role: Role, message: Message) -> None:
    """Figure 2, All Servers: if a message has a term above one's own, adopt it and become a follower."""
    core = in_role(role)
    core.step(message)
    assert (core.raft.role, core.raft.current_term) == (Role.FOLLOWER, 9)
    assert core.raft.leader == ("n2" if isinstance(message, AppendEntries) else None)
    assert core.raft.voted_for is None, "a new term, a new vote"
    core.flush()
    assert core.hard_state.current_term == 9


@pytest.mark.parametrize(
    "message",
    [RequestVote("n2", "n1", 9, 5, 5, True), RequestVoteResponse("n2", "n1", 9, True, True)],
    ids=["a question", "a promise"],
)
@pytest.mark.parametrize("role", list(Role), ids=str)
def test_the_term_of_a_pre_vote_is_nobodys_term_yet(role: Role, message: Message) -> None:
    """Thesis 9.6: a pre-vote names the term that *would* be campaigned in; nobody adopts it."""
    core = in_role(role)
    term = core.raft.current_term
    core.step(message)
    assert (core.raft.role, core.raft.current_term) == (role, term)


def test_a_deposed_leader_waits_for_a_whole_timeout_before_it_campaigns() -> None:
    core = leader(Core(voters=3))
    core.step(heartbeat(core, sender="n2", term=5))
    assert core.raft.deadline == core.now + ELECTION_MIN


def test_a_node_that_is_no_voter_never_campaigns() -> None:
    core = Core("n9", voters=3)
    for _ in range(5):
        assert core.tick_at_deadline() == []
    assert (core.raft.role, core.raft.current_term) == (Role.FOLLOWER, 0)


def test_a_node_does_not_load_what_contradicts_itself() -> None:
    raft = Raft("n1", TIMING, random.Random(1))
    mark, entries = empty_mark(3), entries_of([1, 3])
    with pytest.raises(Exception, match="has term 3 in term 2"):
        raft.load(HardState(2, None), mark, entries, 0, 0)
    with pytest.raises(Exception, match="has applied 3"):
        raft.load(HardState(3, None), mark, entries, 3, 0)


def test_a_pre_candidate_answers_no_append() -> None:
    """It follows nobody: entries that became durable meanwhile are spoken for at the next heartbeat."""
    core = Core()
    core.step(entries_to(core, entries_of([1]), after=core.mark, term=1))
    pre_candidate(core)
    assert of(AppendEntriesResponse, core.flush()) == []
    [answer] = of(AppendEntriesResponse, core.step(heartbeat(core, at=1)))
    assert (answer.success, answer.match_index) == (True, 1)
