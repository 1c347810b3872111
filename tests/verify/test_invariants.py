"""Each property of `Invariants`: a run that keeps it says nothing, and the smallest run that breaks it names it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from raftzmq.verify import EntryId, Invariants, Violations

NODES = ("n1", "n2", "n3")


def entry(term: int, number: int) -> EntryId:
    """An entry of ``term``; entries of different numbers have different contents."""
    return term, term * 1000 + number


BASE = [entry(0, 1)]


class Watched:
    """Three nodes that have all just started with one entry."""

    def __init__(self, nodes: Sequence[str] = NODES) -> None:
        self.violations = Violations()
        self.invariants = Invariants(nodes, self.violations)
        for node in nodes:
            self.boot(node)

    @property
    def broken(self) -> list[str]:
        """The names of the properties that broke."""
        return [violation.name for violation in self.violations.found]

    def boot(
        self,
        node: str,
        log: Sequence[EntryId] = BASE,
        term: int = 0,
        vote: str | None = None,
        applied: int = 0,
        digest: int = 0,
    ) -> None:
        """``node`` starts."""
        self.invariants.booted(node, term=term, vote=vote, log=log, applied=applied, digest=digest)

    def look(
        self,
        node: str,
        term: int,
        *,
        leader: bool = False,
        first: int | None = None,
        entries: Sequence[EntryId] = (),
        commit: int = 0,
    ) -> None:
        """``node``'s memory shows this."""
        after = self.invariants.log_of(node).last + 1
        self.invariants.observed(
            node, term=term, leader=leader, first=after if first is None else first, entries=entries, commit=commit
        )

    def store(self, node: str, first: int, *entries: EntryId) -> None:
        """``node``'s disk takes entries."""
        self.invariants.stored(node, None, first, entries)

    def vote(self, node: str, term: int, candidate: str) -> None:
        """``node`` stores a vote and tells of it."""
        self.invariants.stored(node, (term, candidate), 0, ())
        self.invariants.granted(node, term, candidate)

    def lead(self, node: str, term: int, *voters: str) -> None:
        """``node`` is elected by itself and ``voters``."""
        for voter in (node, *voters):
            self.vote(voter, term, node)
        self.look(node, term, leader=True, commit=self.commit_of(node))

    def replicate(self, leader: str, term: int, number: int, *followers: str) -> int:
        """``leader`` appends an entry, which it and ``followers`` store and acknowledge; its index."""
        index = self.invariants.log_of(leader).last + 1
        new = entry(term, number)
        self.look(leader, term, leader=True, entries=[new], commit=self.commit_of(leader))
        self.store(leader, index, new)
        for follower in followers:
            self.look(follower, term, entries=[new], commit=self.commit_of(follower))
            self.store(follower, index, new)
            self.invariants.matched(follower, term, index)
        return index

    def commit_of(self, node: str) -> int:
        """The commit index of ``node`` as last seen."""
        return self.invariants.commit_of(node)


def test_an_ordinary_run_breaks_nothing() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    index = run.replicate("n1", 1, 1, "n2", "n3")
    run.look("n1", 1, leader=True, commit=index)
    run.invariants.applied("n1", index, entry(1, 1)[1], 77)
    run.look("n2", 1, commit=index)
    run.invariants.applied("n2", index, entry(1, 1)[1], 77)
    run.invariants.stopped("n1")
    run.lead("n2", 2, "n3")
    run.boot("n1", [*BASE, entry(1, 1)], 1, "n1", 0)
    again = run.replicate("n2", 2, 2, "n1", "n3")
    run.look("n2", 2, leader=True, commit=again)
    run.look("n1", 2, commit=again)
    assert run.broken == []
    assert run.invariants.committed.entries == [*BASE, entry(1, 1), entry(2, 2)]


def test_a_follower_may_replace_what_was_never_committed() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    run.replicate("n1", 1, 1)
    run.lead("n2", 2, "n3")
    run.replicate("n2", 2, 2, "n3")
    run.look("n1", 2, first=2, entries=[entry(2, 2)])
    run.store("n1", 2, entry(2, 2))
    run.invariants.matched("n1", 2, 2)
    assert run.broken == []


def test_election_safety() -> None:
    run = Watched()
    run.look("n1", 4, leader=True)
    run.look("n2", 4, leader=True)
    assert run.broken == ["election_safety"]
    assert run.violations.found[0].nodes == ("n1", "n2")


def test_election_safety_across_a_restart_of_the_same_node() -> None:
    run = Watched()
    run.look("n1", 4, leader=True)
    run.invariants.stopped("n1")
    run.boot("n1")
    run.look("n1", 4, leader=True)
    assert run.broken == ["election_safety"]


def test_one_vote() -> None:
    run = Watched()
    run.vote("n3", 2, "n1")
    run.vote("n3", 2, "n2")
    assert "one_vote" in run.broken


def test_leader_append_only() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    run.look("n1", 1, leader=True, entries=[entry(1, 1)])
    run.look("n1", 1, leader=True, first=2, entries=[entry(1, 2)])
    assert "leader_append_only" in run.broken


def test_log_matching_of_the_same_index_and_term() -> None:
    run = Watched()
    run.look("n1", 1, entries=[entry(1, 1)])
    run.look("n2", 1, entries=[entry(1, 2)])
    assert run.broken == ["log_matching"]
    assert run.violations.found[0].nodes == ("n1", "n2")


@pytest.mark.parametrize("log", [[*BASE], [*BASE, entry(2, 9)]])
def test_leader_completeness(log: list[EntryId]) -> None:
    """A later leader lacks a committed entry, or has another in its place."""
    run = Watched()
    run.lead("n1", 1, "n2")
    index = run.replicate("n1", 1, 1, "n2")
    run.look("n1", 1, leader=True, commit=index)
    run.look("n3", 3, leader=True, entries=log[1:])
    assert run.broken == ["leader_completeness"]


def test_leader_completeness_where_the_commit_is_seen_after_the_election() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    index = run.replicate("n1", 1, 1, "n2")
    run.lead("n3", 2, "n2")
    run.look("n1", 1, leader=True, commit=index)
    assert run.broken == ["leader_completeness"]


def test_a_deposed_leader_need_not_have_what_later_ones_committed() -> None:
    run = Watched()
    run.lead("n2", 5, "n3")
    index = run.replicate("n2", 5, 1, "n3")
    run.look("n2", 5, leader=True, commit=index)
    run.look("n1", 4, leader=True)
    assert run.broken == []


def test_current_term_commit() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    index = run.replicate("n1", 1, 1, "n2")
    run.look("n1", 1)
    run.lead("n1", 3, "n2")
    run.look("n1", 3, leader=True, commit=index)
    assert run.broken == ["current_term_commit"]


def test_state_machine_safety_of_commits() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    index = run.replicate("n1", 1, 1, "n2")
    run.look("n1", 1, leader=True, commit=index)
    run.look("n3", 2, entries=[entry(2, 7)], commit=index)
    assert run.broken == ["state_machine_safety"]


def test_state_machine_safety_of_a_committed_entry_replaced() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    index = run.replicate("n1", 1, 1, "n2")
    run.look("n1", 1, leader=True, commit=index)
    run.look("n1", 2, first=index, entries=[entry(2, 7)], commit=index)
    assert "state_machine_safety" in run.broken


def test_state_machine_safety_of_states() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    index = run.replicate("n1", 1, 1, "n2")
    for node in ("n1", "n2"):
        run.look(node, 1, leader=node == "n1", commit=index)
    run.invariants.applied("n1", index, entry(1, 1)[1], 77)
    run.invariants.applied("n2", index, entry(1, 1)[1], 78)
    assert run.broken == ["state_machine_safety"]


def test_state_machine_safety_of_a_state_read_back() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    index = run.replicate("n1", 1, 1, "n2")
    run.look("n1", 1, leader=True, commit=index)
    run.invariants.applied("n1", index, entry(1, 1)[1], 77)
    run.invariants.stopped("n1")
    run.boot("n1", [*BASE, entry(1, 1)], 1, "n1", index, 12)
    assert run.broken == ["state_machine_safety"]


def test_durable_commit_counts_disks() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    new = entry(1, 1)
    run.look("n1", 1, leader=True, entries=[new])
    run.look("n2", 1, entries=[new])
    run.store("n2", 2, new)
    run.look("n1", 1, leader=True, commit=2)
    assert run.broken == ["durable_commit"]


def test_durable_commit_of_what_is_removed_later() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    index = run.replicate("n1", 1, 1, "n2")
    run.look("n1", 1, leader=True, commit=index)
    run.store("n2", index, entry(2, 5))
    assert run.broken == ["durable_commit"]


def test_writing_a_committed_entry_again_removes_nothing() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    index = run.replicate("n1", 1, 1, "n2")
    run.look("n1", 1, leader=True, commit=index)
    run.store("n2", index, entry(1, 1))
    assert run.broken == []


def test_durable_promise_of_a_vote() -> None:
    run = Watched()
    run.invariants.granted("n2", 3, "n1")
    assert run.broken == ["durable_promise"]


def test_a_later_term_on_disk_keeps_an_earlier_vote() -> None:
    run = Watched()
    run.invariants.stored("n2", (4, None), 0, ())
    run.invariants.granted("n2", 3, "n1")
    assert run.broken == []


def test_durable_promise_of_entries_beyond_the_disk() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    run.look("n1", 1, leader=True, entries=[entry(1, 1)])
    run.look("n2", 1, entries=[entry(1, 1)])
    run.invariants.matched("n2", 1, 2)
    assert run.broken == ["durable_promise"]


def test_durable_promise_of_other_entries_than_the_leaders() -> None:
    run = Watched()
    run.look("n2", 1, entries=[entry(1, 1)])
    run.store("n2", 2, entry(1, 1))
    run.lead("n1", 2, "n3")
    run.look("n1", 2, leader=True, entries=[entry(2, 2)])
    run.invariants.matched("n2", 2, 2)
    assert run.broken == ["durable_promise"]


@pytest.mark.parametrize(
    ("log", "term", "vote"),
    [
        ([*BASE], 2, "n2"),
        ([*BASE, entry(1, 2)], 2, "n2"),
        ([*BASE, entry(1, 1)], 1, "n2"),
        ([*BASE, entry(1, 1)], 2, None),
    ],
    ids=["entry lost", "entry changed", "term lost", "vote lost"],
)
def test_durability(log: list[EntryId], term: int, vote: str | None) -> None:
    run = Watched()
    run.invariants.stored("n1", (2, "n2"), 2, [entry(1, 1)])
    run.invariants.stopped("n1")
    run.boot("n1", log, term, vote)
    assert run.broken == ["durability"]


def test_state_behind_log() -> None:
    run = Watched()
    run.lead("n1", 1, "n2")
    index = run.replicate("n1", 1, 1, "n2")
    run.invariants.applied("n1", index, entry(1, 1)[1], 77)
    assert run.broken == ["state_behind_log"]


def test_a_state_that_starts_beyond_its_log() -> None:
    run = Watched()
    run.invariants.stopped("n1")
    run.boot("n1", applied=2)
    assert run.broken == ["state_behind_log"]


def test_monotonic_term() -> None:
    run = Watched()
    run.look("n1", 3)
    run.look("n1", 2)
    assert run.broken == ["monotonic"]


def test_monotonic_commit_index_and_what_a_restart_may_lower() -> None:
    run = Watched(("n1",))
    run.lead("n1", 1)
    index = run.replicate("n1", 1, 1)
    run.look("n1", 1, leader=True, commit=index)
    run.invariants.stopped("n1")
    run.boot("n1", [*BASE, entry(1, 1)], 1, "n1")
    run.look("n1", 1, commit=1)
    assert run.broken == []
    run.look("n1", 1, commit=0)
    assert run.broken == ["monotonic"]


def test_monotonic_applied_index() -> None:
    run = Watched(("n1",))
    run.lead("n1", 1)
    index = run.replicate("n1", 1, 1)
    run.look("n1", 1, leader=True, commit=index)
    run.invariants.applied("n1", index, None, 77)
    run.invariants.applied("n1", index - 1, None, 0)
    assert run.broken == ["monotonic"]


def test_only_known_properties_can_be_reported() -> None:
    with pytest.raises(KeyError):
        Violations().report("something else", (), "")
