"""What `Invariants` says of compaction and snapshots: the smallest run that breaks each property, and one beside it."""

from __future__ import annotations

import pytest

from raftzmq.verify import EntryId, Invariants, Violations

LOG = [(0, 1), (1, 1002), (1, 1003)]


class Watched:
    """Three nodes with the same three entries; two of them are known committed, and n1 has applied as many."""

    def __init__(self) -> None:
        self.violations = Violations()
        self.invariants = Invariants(("n1", "n2", "n3"), self.violations)
        for node in ("n1", "n2", "n3"):
            self.invariants.booted(node, term=1, vote=None, log=LOG, applied=0, digest=0)
        for node in ("n1", "n2"):
            self.invariants.observed(node, term=1, leader=False, first=4, entries=(), commit=2)
        self.invariants.applied("n1", 2, LOG[1][1], 7)

    @property
    def broken(self) -> list[str]:
        """The names of the properties that broke."""
        return [violation.name for violation in self.violations.found]


@pytest.mark.parametrize(("durable", "broken"), [(2, []), (1, ["compaction"])])
def test_a_log_forgets_what_the_state_has_made_durable(durable: int, broken: list[str]) -> None:
    watched = Watched()
    watched.invariants.state_stored("n1", durable)
    watched.invariants.compacted("n1", 2)
    assert watched.broken == broken


@pytest.mark.parametrize(
    ("node", "index", "last", "broken"),
    [
        ("n3", 2, LOG[1], []),
        ("n3", 2, (1, 9), ["installed_snapshots"]),
        ("n3", 3, LOG[2], ["installed_snapshots"]),
        ("n1", 2, LOG[1], ["installed_snapshots"]),
    ],
    ids=["as it should be", "of another entry", "of what isn't committed", "of what was applied before"],
)
def test_a_snapshot_ends_at_what_is_committed_and_was_not_applied(
    node: str, index: int, last: EntryId, broken: list[str]
) -> None:
    watched = Watched()
    watched.invariants.installed(node, index, last, 7)
    assert watched.broken == broken


def test_a_snapshot_is_the_state_that_others_have_there() -> None:
    watched = Watched()
    watched.invariants.installed("n3", 2, LOG[1], 8)
    assert watched.broken == ["state_machine_safety"]


def test_a_log_begins_anew_only_where_the_state_is() -> None:
    watched = Watched()
    watched.invariants.log_restarted("n3", 2, LOG[1])
    assert watched.broken == ["state_behind_log"]


@pytest.mark.parametrize("disk", [LOG[:1], [LOG[0], (0, 77), (0, 78)]], ids=["shorter", "of other entries"])
def test_a_crash_may_come_between_the_state_and_its_log(disk: list[EntryId]) -> None:
    watched = Watched()
    watched.invariants.booted("n3", term=1, vote=None, log=disk, applied=0, digest=0)
    watched.violations.found.clear()
    watched.invariants.installed("n3", 2, LOG[1], 7)
    watched.invariants.stopped("n3")
    watched.invariants.booted("n3", term=1, vote=None, mark=(2, LOG[1]), log=[], applied=2, digest=7)
    assert watched.broken == []


@pytest.mark.parametrize(("vote", "broken"), [(None, []), ("n2", ["durability"])])
def test_then_the_term_may_be_that_of_the_snapshot_without_a_vote(vote: str | None, broken: list[str]) -> None:
    watched = Watched()
    watched.invariants.booted("n3", term=0, vote=None, log=LOG[:1], applied=0, digest=0)
    watched.violations.found.clear()
    watched.invariants.installed("n3", 2, LOG[1], 7)
    watched.invariants.stopped("n3")
    watched.invariants.booted("n3", term=1, vote=vote, mark=(2, LOG[1]), log=[], applied=2, digest=7)
    assert watched.broken == broken


def test_a_log_that_begins_where_no_snapshot_ended_has_lost_something() -> None:
    watched = Watched()
    watched.invariants.booted("n3", term=1, vote=None, log=[LOG[0], (0, 77), (0, 78)], applied=0, digest=0)
    watched.violations.found.clear()
    watched.invariants.stopped("n3")
    watched.invariants.booted("n3", term=1, vote=None, mark=(2, LOG[1]), log=[(0, 78)], applied=2, digest=7)
    assert "durability" in watched.broken


def test_an_installed_snapshot_holds_what_is_acknowledged() -> None:
    """Its log may still end elsewhere: what a crash leaves begins after the snapshot."""
    watched = Watched()
    watched.invariants.booted("n3", term=1, vote=None, log=LOG[:1], applied=0, digest=0)
    watched.violations.found.clear()
    watched.invariants.matched("n3", 1, 2)
    assert watched.broken == ["durable_promise"]
    watched.violations.found.clear()
    watched.invariants.installed("n3", 2, LOG[1], 7)
    watched.invariants.matched("n3", 1, 2)
    assert watched.broken == []
