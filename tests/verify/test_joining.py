"""What `Invariants` says of nodes that are seen in part: from the middle on, with holes, across restarts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from raftzmq.verify import EntryId, Invariants, OpenCommit, Place, Violations

NODES = ("n1", "n2", "n3")


def entry(index: int, term: int = 1) -> EntryId:
    """The entry of ``term`` at ``index``."""
    return term, term * 1000 + index


def place(last: int = 10, term: int = 1, **fields: object) -> Place:
    """A node that has committed, stored and applied everything that it has."""
    whole = Place(
        term=term,
        vote=None,
        leader=False,
        mark_index=0,
        last_index=last,
        last=entry(last, term),
        stable_index=last,
        commit_index=last,
        commit_chain=entry(last, term)[1],
        applied_index=last,
        durable_index=last,
        digest=last,
    )
    return replace(whole, **fields)  # type: ignore[arg-type]


class Watched:
    """Three nodes that have all said that they stand at entry 10 of term 1."""

    def __init__(self) -> None:
        self.violations = Violations()
        self.invariants = Invariants(NODES, self.violations, whole=False)
        for node in NODES:
            self.invariants.stands(node, place(), joining=True)
        assert self.broken == []

    @property
    def broken(self) -> list[str]:
        """The names of the properties that broke."""
        return [violation.name for violation in self.violations.found]

    def replicate(self, leader: str, first: int, *followers: str, term: int = 1) -> EntryId:
        """``leader`` and ``followers`` append an entry at ``first`` and say that their disks have it."""
        new = entry(first, term)
        for node in (leader, *followers):
            self.invariants.appended(node, first, [new])
            self.invariants.durable(node, term, None, first, new[1])
        return new


def test_who_joins_in_the_middle_is_followed_from_there() -> None:
    watched = Watched()
    watched.invariants.in_term("n1", 2, leader=True)
    for index in (11, 12):
        new = watched.replicate("n1", index, "n2", term=2)
        for node in ("n1", "n2"):
            watched.invariants.commits(node, 2, index, new)
    assert watched.broken == []
    assert watched.invariants.committed.get(12) == entry(12, 2)
    assert watched.violations.checks["durable_commit"] == 2


def test_nothing_is_missing_of_a_node_that_never_said_where_it_stands() -> None:
    watched = Watched()
    watched.invariants.lost("n3")
    watched.invariants.in_term("n3", 2, leader=True)
    watched.invariants.appended("n3", 50, [entry(50, 2)])
    watched.invariants.commits("n3", 2, 50, entry(50, 2))
    assert watched.broken == []
    assert [opened.index for opened in watched.invariants.open_commits] == [50]


@pytest.mark.parametrize(
    "now", [{"term": 0}, {"commit_index": 9, "commit_chain": None}, {"applied_index": 9, "digest": 9}], ids=str
)
def test_what_a_node_says_of_itself_never_goes_back(now: dict[str, object]) -> None:
    watched = Watched()
    watched.invariants.stands("n1", place(**now), joining=False)  # type: ignore[arg-type]
    assert watched.broken == ["monotonic"]


def test_a_standing_that_does_not_agree_is_taken_for_what_was_missed() -> None:
    watched = Watched()
    watched.invariants.stands("n1", place(20), joining=False)
    seen = watched.invariants.node("n1")
    assert (seen.log.last, seen.disk.last, seen.commit) == (20, 20, 20)
    assert watched.broken == []


def test_a_leader_proves_how_long_its_log_was_with_its_first_entry() -> None:
    watched = Watched()
    for index in (11, 12):
        new = watched.replicate("n1", index, "n2")
        watched.invariants.commits("n1", 1, index, new)
    watched.invariants.in_term("n3", 2, leader=True)
    assert watched.broken == []
    watched.invariants.appended("n3", 11, [entry(11, 2)])
    assert set(watched.broken) == {"leader_completeness"}


def test_a_leader_whose_entries_were_missed_may_have_had_them_all() -> None:
    watched = Watched()
    for index in (11, 12):
        new = watched.replicate("n1", index, "n2")
        watched.invariants.commits("n1", 1, index, new)
    watched.invariants.in_term("n3", 2, leader=True)
    watched.invariants.appended("n3", 13, [entry(13, 2)])
    assert watched.broken == []
    assert watched.violations.skipped["leader_completeness"]


def opened_commit(watched: Watched) -> OpenCommit:
    """n1 commits entry 11, which its own disk has and nobody else's is known to have."""
    new = watched.replicate("n1", 11)
    watched.invariants.commits("n1", 1, 11, new)
    [opened] = watched.invariants.open_commits
    assert (opened.having, opened.awaited, watched.broken) == (["n1"], {"n2", "n3"}, [])
    return opened


@pytest.mark.parametrize(
    ("second", "third", "broken"),
    [
        (True, None, []),
        (False, True, []),
        (False, False, ["durable_commit"]),
        (None, False, []),
        (False, None, []),
        (None, None, []),
    ],
)
def test_a_commit_waits_for_whom_may_have_had_it(second: bool | None, third: bool | None, broken: list[str]) -> None:
    watched = Watched()
    opened = opened_commit(watched)
    for node, had in (("n2", second), ("n3", third)):
        if opened in watched.invariants.open_commits:
            watched.invariants.settle(opened, node, had)
    assert watched.broken == broken
    assert watched.invariants.open_commits == []


def test_a_disk_that_drops_a_committed_entry() -> None:
    watched = Watched()
    new = watched.replicate("n1", 11, "n2")
    watched.invariants.commits("n1", 1, 11, new)
    watched.invariants.durable("n2", 1, None, 10, None)
    assert watched.broken == ["durable_commit"]


def test_a_disk_that_has_another_entry_than_the_log() -> None:
    watched = Watched()
    watched.invariants.appended("n1", 11, [entry(11)])
    watched.invariants.durable("n1", 1, None, 11, entry(11)[1] + 1)
    assert watched.broken == ["log_matching"]


@pytest.mark.parametrize(
    ("exact", "committed", "broken"),
    [(False, False, []), (True, False, ["log_matching"]), (False, True, ["durable_commit"])],
    ids=["something may be missing", "all was told", "it was committed"],
)
def test_a_disk_that_writes_an_entry_anew(exact: bool, committed: bool, broken: list[str]) -> None:
    """Nobody said that its log dropped the old one: either that wasn't heard, or its log has it still."""
    watched = Watched()
    old = watched.replicate("n1", 11, "n2")
    if committed:
        watched.invariants.commits("n1", 1, 11, old)
    watched.invariants.node("n2").exact = exact
    watched.invariants.durable("n2", 2, None, 11, entry(11, 2)[1])
    assert watched.broken == broken
    watched.invariants.node("n2").exact = True
    watched.invariants.durable("n2", 2, None, 11, entry(11, 2)[1])
    assert watched.broken == broken + (["log_matching"] if exact else []), "from there on it is known"


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({}, []),
        ({"term": 3, "vote": None}, []),
        ({"vote": None}, ["durability"]),
        ({"term": 1}, ["durability"]),
        ({"last_index": 12, "last": entry(12)}, []),
        ({"last_index": 10, "last": entry(10), "applied_index": 10, "digest": 10}, ["durability"]),
        ({"last": entry(11, 2)}, ["durability"]),
    ],
)
def test_what_a_restart_must_remember(fields: dict[str, object], broken: list[str]) -> None:
    """The end of its boot may not have been seen: more than was known is no matter."""
    watched = Watched()
    new = watched.replicate("n1", 11, "n2")
    watched.invariants.commits("n1", 1, 11, new)
    watched.invariants.durable("n2", 2, "n3", 11, new[1])
    watched.violations.found.clear()
    whole = replace(place(11), term=2, vote="n3")
    watched.invariants.rejoined("n2", replace(whole, **fields))  # type: ignore[arg-type]
    assert sorted(set(watched.broken) - {"log_matching"}) == broken


def test_another_data_directory_remembers_nothing() -> None:
    watched = Watched()
    watched.invariants.durable("n2", 5, "n3", 10, None)
    watched.invariants.replaced("n2")
    watched.invariants.rejoined("n2", place(1, commit_index=0, commit_chain=None, applied_index=0, digest=0))
    assert watched.broken == []


def test_a_vote_in_memory_binds_for_a_boot_alone() -> None:
    watched = Watched()
    watched.invariants.decided("n1", 4, "n2")
    watched.invariants.restarted("n1")
    watched.invariants.decided("n1", 4, "n3")
    assert watched.broken == []
    watched.invariants.decided("n1", 4, "n2")
    assert watched.broken == ["one_vote"]


@pytest.mark.parametrize(
    ("last", "commit_index", "exact", "broken"),
    [
        (10, 10, True, []),
        (11, 11, True, ["acknowledged_writes"]),
        (11, 11, False, []),
        (11, 10, False, ["acknowledged_writes"]),
    ],
)
def test_answers_follow_commits(last: int, commit_index: int, exact: bool, broken: list[str]) -> None:
    watched = Watched()
    watched.invariants.node("n1").exact = exact
    watched.invariants.answered("n1", last, commit_index)
    assert watched.broken == broken


def test_a_snapshot_takes_the_place_of_a_log_that_ends_before_it() -> None:
    watched = Watched()
    watched.invariants.jumped("n3", 40, entry(40))
    assert (watched.invariants.node("n3").log.last, watched.invariants.node("n3").disk.last) == (40, 10)
    watched.invariants.jumped("n3", 40, entry(40))
    watched.invariants.jumped("n3", 5, entry(5))
    assert watched.invariants.node("n3").log.last == 0, "whether its log had that entry isn't known"


def test_what_all_have_settled_is_forgotten_and_still_judged() -> None:
    watched = Watched()
    for index in range(11, 3_011):
        new = watched.replicate("n1", index, "n2", "n3")
        for node in NODES:
            watched.invariants.commits(node, 1, index, new)
            watched.invariants.applied(node, index, new[1], index)
    watched.invariants.forget_settled(100_000)
    assert watched.invariants.committed.base == 3_009
    assert len(watched.invariants._chains) == len(watched.invariants._digests) == 0
    assert watched.broken == []
    watched.invariants.truncated("n2", 3_010)
    assert set(watched.broken) == {"state_machine_safety", "durable_commit"}
    watched.violations.found.clear()
    watched.invariants.truncated("n3", 2_000)
    assert watched.broken == ["state_machine_safety"]


def test_of_commits_long_past_the_highest_is_still_expected_of_a_leader() -> None:
    watched = Watched()
    for index in range(11, 1_511):
        term = index - 9
        new = watched.replicate("n1", index, "n2", "n3", term=term)
        for node in NODES:
            watched.invariants.commits(node, term, index, new)
            watched.invariants.applied(node, index, new[1], index)
    assert len(watched.invariants._committed_in) == 1_501
    watched.invariants.forget_settled(100_000)
    assert len(watched.invariants._committed_in) == 2
    watched.invariants.node("n3").log.truncate(1_510)
    watched.invariants.in_term("n3", 2_000, leader=True)
    watched.invariants.appended("n3", 1_510, [entry(1_510, 2_000)])
    assert "leader_completeness" in watched.broken


def test_a_node_that_hears_a_former_leader_late_may_drop_what_was_committed_meanwhile() -> None:
    """Raft's figure 8: the copy of n3 isn't the one that a later leader counted."""
    watched = Watched()
    old = watched.replicate("n1", 11, "n3", term=2)
    watched.invariants.in_term("n3", 3, leader=False)
    watched.invariants.appended("n2", 11, [old])
    watched.invariants.durable("n2", 4, None, 11, old[1])
    watched.invariants.in_term("n1", 4, leader=True)
    new = watched.replicate("n1", 12, "n2", term=4)
    watched.invariants.commits("n1", 4, 12, new)
    watched.invariants.truncated("n3", 11)
    assert watched.broken == []
    watched.invariants.spoke("n2", 4)
    watched.invariants.truncated("n2", 11)
    assert watched.broken == ["durable_commit"]


def test_what_was_committed_in_its_own_term_stays_whatever_was_not_heard() -> None:
    watched = Watched()
    new = watched.replicate("n1", 11, "n2")
    watched.invariants.commits("n1", 1, 11, new)
    watched.invariants.node("n2").doubted = True
    watched.invariants.rejoined("n2", place(10))
    assert watched.broken == ["durability"]
    assert watched.violations.doubtful == []


def test_what_was_committed_in_a_later_term_may_have_been_dropped_unheard() -> None:
    watched = Watched()
    old = watched.replicate("n1", 11, "n2")
    watched.invariants.in_term("n1", 2, leader=True)
    new = watched.replicate("n1", 12, "n3", term=2)
    watched.invariants.appended("n3", 11, [old, new])
    watched.invariants.durable("n3", 2, None, 12, new[1])
    watched.invariants.commits("n1", 2, 12, new)
    watched.invariants.spoke("n2", 2)
    watched.invariants.node("n2").doubted = True
    watched.invariants.rejoined("n2", replace(place(10, term=2), last=entry(10)))
    assert watched.broken == []
    assert [violation.name for violation in watched.violations.doubtful] == ["durability"]
