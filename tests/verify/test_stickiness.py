"""`Stickiness`: who heard a leader just now doesn't help to depose it; who heard none, or an old one, may."""

from __future__ import annotations

from raftzmq.verify import Stickiness, Violations

PATIENCE = 100


class Node:
    """n1, as it is watched."""

    def __init__(self) -> None:
        self.violations = Violations()
        self.stickiness = Stickiness(self.violations, PATIENCE)

    def ask(self, now_us: int, term: int = 1) -> None:
        """n3 asks whether n1, in ``term``, would vote for it."""
        self.stickiness.asked("n1", "n3", 2, term, now_us)

    def would_vote(self) -> list[str]:
        """It would; the properties that this breaks."""
        self.stickiness.would_vote("n1", "n3", 2)
        return [violation.name for violation in self.violations.found]


def test_a_pre_vote_against_a_leader_heard_just_now() -> None:
    node = Node()
    node.stickiness.heard("n1", "n2", 1, 1_000)
    node.ask(1_000 + PATIENCE - 1)
    assert node.would_vote() == ["stickiness"]


def test_a_leader_heard_long_ago_is_given_up() -> None:
    node = Node()
    node.stickiness.heard("n1", "n2", 1, 1_000)
    node.ask(1_000 + PATIENCE)
    assert node.would_vote() == []


def test_a_leader_of_an_earlier_term_is_no_leader() -> None:
    node = Node()
    node.stickiness.heard("n1", "n2", 1, 1_000)
    node.ask(1_001, term=2)
    assert node.would_vote() == []


def test_who_starts_anew_has_heard_nobody() -> None:
    node = Node()
    node.stickiness.heard("n1", "n2", 1, 1_000)
    node.stickiness.forgets("n1")
    node.ask(1_001)
    assert node.would_vote() == []


def test_an_answer_may_be_to_the_question_that_came_before_the_leader() -> None:
    node = Node()
    node.ask(999)
    node.stickiness.heard("n1", "n2", 1, 1_000)
    node.ask(1_001)
    assert node.would_vote() == []
