"""Real time by revisions: what an answer must not miss."""

from __future__ import annotations

import pytest

from raftzmq.verify import RealTime, Violations


class Store:
    """Three changes of key a (set 1, removed 3, set 5) and one of key b (set 2)."""

    def __init__(self) -> None:
        self.violations = Violations()
        self.time = RealTime(self.violations)
        for key, revision, exists in ((b"a", 1, True), (b"b", 2, True), (b"a", 3, False), (b"a", 5, True)):
            self.time.changed(key, revision, exists=exists)

    @property
    def broken(self) -> list[str]:
        return [violation.name for violation in self.violations.found]


@pytest.mark.parametrize(
    ("key", "revision", "began", "floor"),
    [
        (b"a", 1, 0, 1),
        (b"a", 1, 2, 2),
        (b"a", 5, 4, 5),
        (b"a", 5, 9, 9),
        (b"a", None, 0, 0),
        (b"a", None, 1, 3),
        (b"a", None, 2, 3),
        (b"a", None, 4, 4),
        (b"b", 2, 2, 2),
        (b"b", 2, 5, 5),
        (b"c", None, 5, 5),
    ],
)
def test_answers_that_a_request_may_get(key: bytes, revision: int | None, began: int, floor: int) -> None:
    store = Store()
    store.time.floor = began
    store.time.read("n1", key, revision, began)
    assert store.broken == []
    assert store.time.floor == floor


@pytest.mark.parametrize(
    ("key", "revision", "began"),
    [
        (b"a", 1, 3),
        (b"a", 1, 4),
        (b"a", None, 5),
        (b"b", None, 2),
        (b"a", 2, 0),
        (b"a", 3, 0),
        (b"a", 6, 0),
        (b"c", 1, 0),
    ],
    ids=["removed", "removed before", "set again", "set", "of another key", "a removal", "to come", "never set"],
)
def test_answers_that_it_may_not_get(key: bytes, revision: int | None, began: int) -> None:
    store = Store()
    store.time.read("n1", key, revision, began)
    assert store.broken == ["linearizable_reads"]


def test_a_completed_read_raises_the_floor_for_all_keys() -> None:
    store = Store()
    began = store.time.floor
    store.time.read("n1", b"a", 5, began)
    store.time.read("n2", b"b", None, began)
    assert store.broken == [], "the second read began before the first was answered"
    store.time.read("n2", b"b", None, store.time.floor)
    assert store.broken == ["linearizable_reads"]


def test_a_write_comes_after_what_was_seen_before_it_began() -> None:
    store = Store()
    store.time.wrote("n1", b"a", 5, 4)
    assert store.broken == []
    assert store.time.floor == 5
    store.time.wrote("n1", b"b", 2, 5)
    assert store.broken == ["linearizable_reads"]


def test_an_answer_as_of_a_revision() -> None:
    store = Store()
    store.time.saw("n1", 4, 4)
    assert store.time.floor == 4
    store.time.saw("n1", 3, 4)
    assert store.broken == ["linearizable_reads"]
