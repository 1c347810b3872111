"""The scenarios of MIT's course 6.5840 on Raft, part A: elections."""

from __future__ import annotations

from typing import Any

from raftzmq.core.elections import Elections
from raftzmq.core.replication import Leadership
from tests.rules.planted import Bug, fails_with
from tests.scenarios.harness import ELECTION, Lab

campaign = Elections._campaign

ELECTION_REQUESTS_MAX = 30
"""Calls that the course allows the first election of three nodes."""


def ask_again_and_again(self: Any, *, pre_vote: bool) -> None:
    campaign(self, pre_vote=pre_vote)
    self._messages = self._messages * 20


@fails_with(Bug("everybody is asked twenty times", Elections, "_campaign", ask_again_and_again))
def test_initial_election() -> None:
    """Somebody is elected with few messages, all agree on the term, and without failures it stays."""
    lab = Lab(3)
    leader = lab.one_leader()
    assert 1 <= lab.requests_sent <= ELECTION_REQUESTS_MAX
    lab.wait(50_000)
    term = lab.term()
    assert term >= 1
    lab.wait(10 * ELECTION)
    assert (lab.one_leader(), lab.term()) == (leader, term)


@fails_with(Bug("no CheckQuorum", Leadership, "quorum_heard_us", lambda self, now_us: now_us))
def test_reelection() -> None:
    """Another leads when the leader is cut off; the old one follows when it is back; a minority elects nobody."""
    lab = Lab(3)
    first = lab.one_leader()
    lab.disconnect(first)
    second = lab.one_leader()
    assert second != first
    lab.connect(first)
    lab.wait(ELECTION)
    assert lab.one_leader() == second, "whoever is back disturbs nobody"
    lab.disconnect(second, lab.after(second, 1))
    lab.wait(2 * ELECTION)
    lab.no_leader()
    assert not lab.leads(second), "a leader that hears no majority doesn't believe in itself for ever"
    lab.connect(lab.after(second, 1))
    lab.one_leader()
    lab.connect(second)
    lab.one_leader()


def only_once(self: Any, *, pre_vote: bool) -> None:
    if self.current_term == 0:
        campaign(self, pre_vote=pre_vote)


@fails_with(Bug("the first leader is the last", Elections, "_campaign", only_once))
def test_many_elections() -> None:
    """Seven nodes, three of them cut off at a time: the four others keep or find a leader, ten times."""
    lab = Lab(7)
    lab.one_leader()
    for _ in range(10):
        away = lab.rng.sample(lab.names, 3)
        lab.disconnect(*away)
        assert lab.one_leader() not in away
        lab.connect(*away)
        lab.wait(ELECTION)
    lab.one_leader()
