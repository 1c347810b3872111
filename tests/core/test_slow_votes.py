"""Votes on a disk that is slower than the election timeout: no campaign is begun before the one before it is out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from raftzmq.core import Role
from raftzmq.core.elections import DISK_PATIENCE_ELECTIONS
from raftzmq.core.messages import RequestVote, RequestVoteResponse
from tests.core.support import ELECTION_MAX, ELECTION_MIN, HEARTBEAT, Core, of, pre_candidate

PATIENCE = DISK_PATIENCE_ELECTIONS * ELECTION_MAX
ASKED = RequestVote("n2", "n1", 5, 9, 9, False)


def campaigning() -> Core:
    """n1 campaigns in term 5; its vote is on its way to the disk."""
    core = pre_candidate(Core(voters=3, term=4))
    core.step(RequestVoteResponse("n2", "n1", 5, True, True))
    assert core.raft.role is Role.CANDIDATE
    return core


def voting() -> Core:
    """n1 votes for n2 in term 5; its vote is on its way to the disk."""
    core = Core(voters=3, term=4)
    core.step(ASKED)
    return core


def pass_time(core: Core, microseconds: int) -> None:
    """Let it be later, as a driver does that wakes in time."""
    end = core.now + microseconds
    while core.raft.deadline <= end:
        core.tick_at_deadline()
    core.tick(end)


def test_a_candidate_waits_until_its_request_is_out_and_then_for_the_answers() -> None:
    core = campaigning()
    core.sent.clear()
    pass_time(core, 3 * ELECTION_MAX)
    assert (core.raft.role, core.raft.current_term, core.sent) == (Role.CANDIDATE, 5, [])
    assert [m.term for m in of(RequestVote, core.write())] == [5, 5]
    pass_time(core, 3 * ELECTION_MAX + ELECTION_MIN - 1)
    assert (core.raft.role, core.sent[2:]) == (Role.CANDIDATE, []), "others' disks may be as slow"
    pass_time(core, 1)
    assert core.raft.role is Role.PRE_CANDIDATE, "nobody answered"


def test_a_voter_waits_until_its_vote_is_out_and_then_for_its_leader() -> None:
    core = voting()
    pass_time(core, 3 * ELECTION_MAX)
    assert (core.raft.role, core.sent) == (Role.FOLLOWER, [])
    assert core.write() == [RequestVoteResponse("n1", "n2", 5, True, False)]
    pass_time(core, 3 * ELECTION_MAX + ELECTION_MIN - 1)
    assert of(RequestVote, core.sent) == []
    pass_time(core, 1)
    assert core.raft.role is Role.PRE_CANDIDATE


def test_what_was_under_way_before_the_vote_is_not_the_vote() -> None:
    """The append of the term alone becomes durable; the vote waits behind it."""
    core = Core(voters=3, terms=[1], term=4)
    core.step(RequestVote("n3", "n1", 5, 0, 0, False))
    assert core.append is not None
    core.step(ASKED)
    pass_time(core, ELECTION_MAX)
    assert core.write() == [], "it held the term alone"
    pass_time(core, ELECTION_MAX)
    assert core.raft.role is Role.FOLLOWER
    assert core.write() == [RequestVoteResponse("n1", "n2", 5, True, False)]
    assert core.raft.deadline == core.now + ELECTION_MAX + ELECTION_MIN


@pytest.mark.parametrize("make", [campaigning, voting])
def test_a_vote_of_a_term_gone_by_keeps_nobody(make: Callable[[], Core]) -> None:
    """A higher term has no vote of this node yet: its old one is void, and neither holds nor restarts the timer."""
    core = make()
    core.step(RequestVoteResponse("n3", "n1", 7, False, False))
    pass_time(core, ELECTION_MAX - HEARTBEAT)
    assert core.raft.role is Role.PRE_CANDIDATE
    deadline = core.raft.deadline
    core.write()
    assert core.raft.deadline == deadline


def test_a_pre_candidate_that_votes_ends_its_own_campaign() -> None:
    """The promises of others arrive a moment later; taken up, they would void the vote before it is out."""
    core = pre_candidate(Core(voters=3, term=5))
    core.step(ASKED)
    assert core.raft.role is Role.FOLLOWER
    assert core.facts[-1].fields["reason"] == "votes for n2"
    core.step(RequestVoteResponse("n3", "n1", 6, True, True))
    assert (core.raft.role, core.raft.current_term) == (Role.FOLLOWER, 5)
    assert core.write() == [RequestVoteResponse("n1", "n2", 5, True, False)]


def test_who_is_told_to_campaign_does_not_while_a_vote_is_stored() -> None:
    for core in (campaigning(), voting()):
        assert not core.raft.campaign()
        core.flush()
        assert core.raft.campaign()


def test_a_disk_that_hung_for_long_puts_off_no_more_than_a_slow_one() -> None:
    for core in (campaigning(), voting()):
        pass_time(core, 10 * PATIENCE)
        core.write()
        assert core.raft.deadline == core.now + PATIENCE + ELECTION_MIN
