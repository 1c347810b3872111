"""The whole of Raft §5 at work on a few cores: what the other files of this folder test piece by piece."""

from __future__ import annotations

import pytest

from raftzmq.core import Role
from raftzmq.core.messages import AppendEntries
from tests.core.cluster import Cluster
from tests.core.support import ELECTION_MAX, HEARTBEAT, terms_of


@pytest.mark.parametrize("voters", [1, 2, 3, 4, 5, 7])
def test_a_cluster_elects_one_leader_and_commits_what_it_proposes(voters: int) -> None:
    cluster = Cluster(voters)
    leader = cluster.elect("n1")
    leader.propose(b"one")
    leader.propose(b"two")
    cluster.settle()
    cluster.heartbeats()
    for core in cluster.up:
        assert [entry.data for entry in core.committed] == [b"", b"one", b"two"]
        assert core.raft.leader == "n1"
    assert [core.raft.role for core in cluster.up].count(Role.LEADER) == 1


def test_a_quiet_cluster_keeps_its_leader() -> None:
    cluster = Cluster(5)
    cluster.elect("n1")
    cluster.favourite = "n3"
    cluster.pass_time(100 * HEARTBEAT)
    assert cluster["n1"].raft.role is Role.LEADER
    assert {core.raft.current_term for core in cluster.up} == {1}


def test_a_leader_that_falls_silent_is_replaced_and_follows_when_it_returns() -> None:
    cluster = Cluster(3)
    cluster.elect("n1")
    cluster.isolate("n1")
    cluster["n1"].propose(b"lost")
    cluster.pass_time(3 * ELECTION_MAX)
    leader = cluster.leader
    assert leader is not None
    assert leader.name != "n1"
    assert cluster["n1"].raft.role is not Role.LEADER, "without a majority it steps down (thesis 6.2)"
    leader.propose(b"kept")
    cluster.settle()
    cluster.heal()
    cluster.pass_time(2 * ELECTION_MAX)
    assert {tuple(terms_of(core.raft)) for core in cluster.up} == {tuple(terms_of(leader.raft))}
    assert all(b"kept" in [e.data for e in core.committed] for core in cluster.up)
    assert all(b"lost" not in [e.data for e in core.committed] for core in cluster.up)


def test_a_minority_neither_commits_nor_elects() -> None:
    cluster = Cluster(5)
    cluster.elect("n1")
    cluster.down |= {"n3", "n4", "n5"}
    committed = cluster["n1"].raft.commit_index
    cluster["n1"].propose(b"waits")
    cluster.settle()
    cluster.pass_time(5 * ELECTION_MAX)
    assert all(core.raft.role in (Role.FOLLOWER, Role.PRE_CANDIDATE) for core in cluster.up)
    assert {core.raft.current_term for core in cluster.up} == {1}, "asking first costs no terms (thesis 9.6)"
    assert {core.raft.commit_index for core in cluster.up} == {committed}
    cluster.down.discard("n3")
    cluster.pass_time(3 * ELECTION_MAX)
    assert cluster.leader is not None
    assert all(b"waits" in [e.data for e in core.committed] for core in cluster.up), "the waiting work goes on"


def test_what_was_committed_survives_the_crash_of_every_node() -> None:
    cluster = Cluster(3)
    cluster.elect("n1").propose(b"kept")
    cluster.settle()
    cluster.favourite = "n3"
    for name in ("n1", "n2", "n3"):
        cluster.restart(name)
    leader = cluster.elect("n3")
    assert b"kept" in [entry.data for entry in leader.committed]


FIGURE_7 = {
    "a": [1, 1, 1, 4, 4, 5, 5, 6, 6],
    "b": [1, 1, 1, 4],
    "c": [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    "d": [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    "e": [1, 1, 1, 4, 4, 4, 4],
    "f": [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
}


@pytest.mark.parametrize("which", sorted(FIGURE_7))
def test_figure_7_a_new_leader_makes_every_log_its_own(which: str) -> None:
    """Raft §5.3, figure 7: a follower may lack entries, have extra ones, or both; the leader's log wins."""
    leaders = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
    cluster = Cluster(3, logs={"n1": leaders, "n2": FIGURE_7[which], "n3": []}, term=7)
    cluster.elect("n1")
    cluster.settle()
    cluster.heartbeats(2)
    for core in cluster.up:
        assert terms_of(core.raft) == [*leaders, 8]
        assert core.disk == cluster["n1"].disk
        assert core.raft.commit_index == len(leaders) + 1


def test_figure_8_an_old_terms_entry_is_not_committed_by_counting_it() -> None:
    """Raft §5.4.2, figure 8: an entry of an old term on a majority may still be replaced, so it isn't committed."""
    # (a) n1 led term 2 and got entry 2 to n2 only. (b) n5 led term 3, with another entry 2, on itself alone.
    cluster = Cluster(5, logs={"n1": [1, 2], "n2": [1, 2], "n3": [1], "n4": [1], "n5": [1, 3]}, term=3)
    cluster.down.add("n5")
    # (c) n1 leads term 4 and brings entry 2 to n3 — but not its own term's entry, which is lost on the way.
    cluster.lose = lambda message: any(entry.term == 4 for entry in getattr(message, "entries", ()))
    first = cluster.elect("n1")
    assert first.raft.current_term == 4
    carried = [entry for entry in cluster["n1"].disk if entry.term == 2]
    cluster.heartbeats(3)
    leadership = first.raft.leadership
    assert leadership is not None
    # The message that carried entry 2 carried entry 3 as well; let n3 have the first half of it.
    for name in ("n2", "n3"):
        core = cluster[name]
        core.step(AppendEntries("n1", name, 4, 1, 1, 0, 0, tuple(carried)))
    cluster.settle()
    assert {name: p.match_index for name, p in leadership.peers.items()} == {"n2": 2, "n3": 2, "n4": 1, "n5": 0}
    assert [terms_of(cluster[name].raft)[:2] for name in ("n1", "n2", "n3")] == [[1, 2]] * 3, "entry 2 has a majority"
    assert first.raft.commit_index == 0, "and yet it isn't committed"
    # (d) n5 can still win, with the votes of n4, n3 and n2, and replace entry 2 everywhere.
    cluster.heal()
    cluster.down = {"n1"}
    cluster.elect("n5")
    cluster.down.clear()
    cluster.heartbeats(3)
    assert {tuple(terms_of(core.raft)) for core in cluster.up} == {(1, 3, cluster["n5"].raft.current_term)}


def test_figure_8_e_its_own_terms_entry_commits_all_that_came_before() -> None:
    """Raft §5.4.2, figure 8 (e): once an entry of the leader's term is on a majority, n5 cannot win any more."""
    cluster = Cluster(5, logs={"n1": [1, 2], "n2": [1, 2], "n3": [1], "n4": [1], "n5": [1, 3]}, term=3)
    cluster.down.add("n5")
    cluster.elect("n1")
    cluster.settle()
    assert cluster["n1"].raft.commit_index == 3
    cluster.down = {"n1"}
    cluster.favourite = "n5"
    cluster.pass_time(5 * ELECTION_MAX)
    assert cluster["n5"].raft.role is not Role.LEADER
    leader = cluster.leader
    assert leader is not None
    assert terms_of(leader.raft)[:3] == [1, 2, 4]
