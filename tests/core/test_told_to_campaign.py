"""An election on request: an ordinary campaign that no voter refuses because a leader is near (thesis 3.10, 4.2.3)."""

from __future__ import annotations

from raftzmq.core import Role
from raftzmq.core.messages import RequestVote, RequestVoteResponse
from tests.core.cluster import Cluster
from tests.core.support import Core, candidate, heartbeat, leader, of


def test_it_skips_the_pre_vote_and_asks_once_its_own_vote_is_on_disk() -> None:
    core = Core(terms=[1, 1])
    core.step(heartbeat(core, term=1))
    assert core.raft.campaign()
    core.take()
    assert (core.raft.role, core.raft.current_term, core.raft.voted_for) == (Role.CANDIDATE, 2, "n1")
    assert of(RequestVote, core.sent) == [], "a vote that a crash could undo might be cast twice"
    core.write()
    assert [(vote.to, vote.term, vote.told) for vote in of(RequestVote, core.sent)] == [
        ("n2", 2, True),
        ("n3", 2, True),
    ]


def test_voters_that_hear_a_leader_vote_for_who_was_told_and_for_nobody_else() -> None:
    for told in (True, False):
        core = Core("n2", terms=[1])
        core.step(heartbeat(core, term=1, sender="n1"))
        core.step(RequestVote("n3", "n2", 2, 1, 1, False, told))
        core.flush()
        answer = of(RequestVoteResponse, core.sent)[-1]
        assert (answer.granted, core.raft.current_term) == ((True, 2) if told else (False, 1))


def test_a_log_that_is_behind_wins_no_vote_for_it() -> None:
    """§5.4.1: being told to campaign is no reason to elect who lacks committed entries."""
    core = Core("n2", terms=[1, 1])
    core.step(RequestVote("n3", "n2", 2, 1, 1, False, True))
    core.flush()
    assert not of(RequestVoteResponse, core.sent)[-1].granted


def test_one_vote_a_term_also_for_who_was_told() -> None:
    core = Core("n2", terms=[1], term=2, voted_for="n1")
    core.step(RequestVote("n3", "n2", 2, 1, 1, False, True))
    core.flush()
    assert not of(RequestVoteResponse, core.sent)[-1].granted


def test_a_leader_and_a_node_without_room_do_not_campaign() -> None:
    leading = leader(Core())
    term = leading.raft.current_term
    assert not leading.raft.campaign()
    assert (leading.raft.role, leading.raft.current_term) == (Role.LEADER, term)
    full = Core()
    full.raft.set_room(False)
    assert not full.raft.campaign()
    assert full.raft.role is Role.FOLLOWER


def test_a_candidate_may_be_told_again() -> None:
    core = candidate(Core())
    term = core.raft.current_term
    assert core.raft.campaign()
    assert core.raft.current_term == term + 1


def test_the_one_that_is_told_leads_though_the_old_leader_is_heard_and_nothing_committed_is_lost() -> None:
    cluster = Cluster(3)
    old = cluster.elect("n1")
    old.propose(b"kept")
    cluster.settle()
    committed = old.raft.commit_index
    new = cluster["n3"]
    assert new.raft.campaign()
    new.take()
    cluster.settle()
    assert cluster.leader is new
    assert old.raft.role is Role.FOLLOWER
    assert new.raft.commit_index > committed
    assert new.raft.log.entry(committed).data == b"kept"
