"""The scenarios of MIT's course 6.5840 on Raft, part A: elections."""

from __future__ import annotations

from tests.scenarios.harness import ELECTION, Lab

ELECTION_REQUESTS_MAX = 30
"""Calls that the course allows the first election of three nodes."""


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
