"""What the results of one key of the store may be: each rule with the history that only it forbids."""

from __future__ import annotations

import pytest

from raftzmq.verify.history import Operation
from raftzmq.verify.models import MODELS
from raftzmq.verify.search import Budget, Search
from tests.verify.histories import op

Moment = tuple[int, int]


def has_order(operations: list[Operation], *, empty: bool) -> bool:
    return Search(operations, MODELS["empty-store" if empty else "store"], Budget(60)).run().linearizable


def one_after_the_other(*operations: Operation) -> list[Operation]:
    """The same, each called after the one before had returned."""
    return [
        op(o.name, *o.arguments, result=o.result, at=(3 * n, None if o.returned is None else 3 * n + 1), key=b"k")
        for n, o in enumerate(operations)
    ]


def put(value: bytes, revision: int, lease: int = 0) -> Operation:
    return op("put", value, lease, result=revision, at=(0, 1))


def lost_put(value: bytes, lease: int = 0) -> Operation:
    return op("put", value, lease, at=(0, None))


def get(value: bytes, create: int, mod: int, version: int, lease: int = 0) -> Operation:
    return op("get", result=(value, create, mod, version, lease), at=(0, 1))


def absent() -> Operation:
    return op("get", result=None, at=(0, 1))


def delete(deleted: bool, revision: int) -> Operation:
    return op("delete", result=(deleted, revision), at=(0, 1))


def lost_delete() -> Operation:
    return op("delete", at=(0, None))


def cas(expected: bytes | None, new: bytes, succeeded: bool, revision: int, wanted: int | None = None) -> Operation:
    return op("cas", expected, new, wanted, result=(succeeded, revision), at=(0, 1))


def lost_cas(expected: bytes | None, new: bytes, wanted: int | None = None) -> Operation:
    return op("cas", expected, new, wanted, at=(0, None))


FINE = {
    "a life": [absent(), put(b"x", 3), get(b"x", 3, 3, 1), put(b"y", 5), get(b"y", 3, 5, 2), delete(True, 6), absent()],
    "born again": [put(b"x", 3), delete(True, 4), put(b"y", 6), get(b"y", 6, 6, 1)],
    "nothing to delete": [delete(False, 0), put(b"x", 3), delete(True, 5), delete(False, 9)],
    "swaps": [cas(None, b"x", True, 1), cas(None, b"y", False, 1), cas(b"x", b"y", True, 2), get(b"y", 1, 2, 2)],
    "swaps by revision": [cas(None, b"x", True, 1, 0), cas(None, b"y", False, 1, 9), cas(None, b"y", True, 2, 1)],
    "swaps of what isn't there": [cas(b"x", b"y", False, 0), cas(None, b"y", False, 0, 4), absent()],
    "lost and applied": [put(b"x", 1), lost_put(b"y"), get(b"y", 1, 3, 2), put(b"z", 4), get(b"z", 1, 4, 3)],
    "lost for ever": [put(b"x", 1), lost_put(b"y"), get(b"x", 1, 1, 1), put(b"z", 2), get(b"z", 1, 2, 2)],
    "lost, then born of it": [lost_put(b"x"), get(b"x", 4, 4, 1), put(b"y", 6), get(b"y", 4, 6, 2)],
    "a lost delete": [put(b"x", 1), lost_delete(), absent(), put(b"y", 3), get(b"y", 3, 3, 1)],
    "a lost swap": [put(b"x", 1), lost_cas(b"x", b"y"), get(b"y", 1, 2, 2)],
    "a lost swap by revision": [put(b"x", 1), lost_cas(None, b"y", 1), get(b"y", 1, 2, 2)],
    "a lost swap that did nothing": [put(b"x", 1), lost_cas(b"z", b"y"), get(b"x", 1, 1, 1)],
    "a swap after a lost put": [put(b"x", 1), lost_put(b"y"), cas(b"y", b"z", True, 3), get(b"z", 1, 3, 3)],
    "a swap by the lost put's revision": [put(b"x", 1), lost_put(b"y"), cas(None, b"z", True, 4, 3)],
    "a failed swap tells the lost put's revision": [put(b"x", 1), lost_put(b"y"), cas(b"x", b"z", False, 7)],
    "a lease ends": [put(b"x", 1, 9), get(b"x", 1, 1, 1, 9), absent(), delete(False, 2), cas(None, b"y", True, 3)],
    "a lease ended unseen": [put(b"x", 1, 9), put(b"y", 4), get(b"y", 4, 4, 1)],
    "a lease that didn't end": [put(b"x", 1, 9), put(b"y", 4), get(b"y", 1, 4, 2)],
    "a lost lease": [lost_put(b"x", 9), get(b"x", 2, 2, 1, 9), absent()],
}

WRONG = {
    "another value": [put(b"x", 1), get(b"y", 1, 1, 1)],
    "another revision": [put(b"x", 2), get(b"x", 1, 1, 1)],
    "another creation": [put(b"x", 1), put(b"y", 2), get(b"y", 2, 2, 1)],
    "a version too many": [put(b"x", 1), get(b"x", 1, 1, 2)],
    "a version too few": [put(b"x", 1), put(b"y", 2), get(b"y", 1, 2, 1)],
    "another lease": [put(b"x", 1, 4), get(b"x", 1, 1, 1, 5)],
    "gone": [put(b"x", 1), absent()],
    "gone, the lease of an earlier value aside": [put(b"x", 1, 9), put(b"y", 2), absent()],
    "back": [put(b"x", 1), delete(True, 2), get(b"x", 1, 1, 1)],
    "revisions fall": [put(b"x", 2), put(b"y", 1)],
    "a revision twice": [put(b"x", 2), put(b"y", 2)],
    "a delete's revision falls": [put(b"x", 2), delete(True, 1)],
    "deleted what wasn't there": [put(b"x", 1), delete(True, 2), delete(True, 3)],
    "not deleted what was there": [put(b"x", 1), delete(False, 1)],
    "the store went back": [put(b"x", 1), delete(True, 5), delete(False, 4)],
    "swapped another value": [put(b"x", 1), cas(b"y", b"z", True, 2)],
    "swapped what was there for absent": [put(b"x", 1), cas(None, b"z", True, 2)],
    "swapped another revision": [put(b"x", 2), cas(None, b"z", True, 3, 1)],
    "swapped a revision yet to come": [put(b"x", 1), cas(None, b"z", True, 3, 2)],
    "swapped nothing": [put(b"x", 1), delete(True, 2), cas(b"x", b"z", True, 3)],
    "swapped a revision of nothing": [put(b"x", 1), delete(True, 2), cas(None, b"z", True, 3, 1)],
    "a swap's revision falls": [put(b"x", 5), cas(b"x", b"z", True, 4)],
    "not swapped though equal": [put(b"x", 1), cas(b"x", b"z", False, 1)],
    "not swapped though of this revision": [put(b"x", 1), cas(None, b"z", False, 1, 1)],
    "not swapped though absent": [put(b"x", 1), delete(True, 2), cas(None, b"z", False, 0)],
    "not swapped though absent, by revision": [put(b"x", 1), delete(True, 2), cas(None, b"z", False, 0, 0)],
    "not swapped and another revision": [put(b"x", 2), cas(b"y", b"z", False, 1)],
    "not swapped, as if absent": [put(b"x", 1), cas(b"y", b"z", False, 0)],
    "not swapped, as if there": [put(b"x", 1), delete(True, 2), cas(b"x", b"z", False, 1)],
    "no room for a lost put": [put(b"x", 1), lost_put(b"y"), cas(b"y", b"z", True, 2)],
    "no room for a lost delete": [put(b"x", 1), lost_delete(), cas(None, b"z", True, 2)],
    "a lost put's revision is below": [put(b"x", 4), lost_put(b"y"), get(b"y", 4, 3, 2)],
    "swapped by a revision below the lost put's": [put(b"x", 4), lost_put(b"y"), cas(b"q", b"z", False, 3)],
    "wanted a revision below the lost put's": [put(b"x", 4), lost_put(b"y"), cas(None, b"z", True, 9, 3)],
    "a swap told the lost put's revision": [
        put(b"x", 1),
        lost_put(b"y"),
        cas(b"q", b"z", False, 5),
        get(b"y", 1, 4, 2),
    ],
    "a swap wanted the lost put's revision, then it was another": [
        put(b"x", 1),
        lost_put(b"y"),
        cas(None, b"z", True, 7, 6),
        get(b"y", 1, 5, 2),
    ],
    "a lost swap comes after the revision that it wanted": [
        put(b"x", 1),
        lost_put(b"y"),
        lost_cas(None, b"z", 6),
        get(b"z", 1, 5, 3),
    ],
    "nobody wrote it": [get(b"x", 1, 1, 1)],
}

IMPOSSIBLE_ROWS = {
    "created after it was modified": get(b"x", 5, 4, 2),
    "no revision": get(b"x", 0, 4, 2),
    "one version of two revisions": get(b"x", 3, 4, 1),
    "two versions of one revision": get(b"x", 4, 4, 2),
    "no version": get(b"x", 3, 4, 0),
}


@pytest.mark.parametrize("name", FINE)
@pytest.mark.parametrize("empty", [True, False])
def test_what_can_be(name: str, empty: bool) -> None:
    assert has_order(one_after_the_other(*FINE[name]), empty=empty)


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot(name: str) -> None:
    assert not has_order(one_after_the_other(*WRONG[name]), empty=True)


@pytest.mark.parametrize("name", IMPOSSIBLE_ROWS)
def test_rows_that_no_store_has(name: str) -> None:
    assert not has_order([IMPOSSIBLE_ROWS[name]], empty=False)


def test_what_a_store_held_before_is_learned_once() -> None:
    """Whatever it was, it was one thing."""
    for told in (cas(b"q", b"z", False, 7), get(b"x", 7, 7, 1)):
        assert has_order(one_after_the_other(told, get(b"x", 7, 7, 1)), empty=False)
        assert not has_order(one_after_the_other(told, get(b"x", 6, 6, 1)), empty=False)
    swapped = cas(b"x", b"y", True, 8)
    assert has_order(one_after_the_other(swapped, get(b"y", 2, 8, 5)), empty=False)
    assert not has_order(one_after_the_other(get(b"w", 2, 3, 2), swapped), empty=False)


def test_a_range_says_nothing_of_keys_behind_its_cut() -> None:
    model = MODELS["empty-store"]
    wrote = op("put", b"v", 0, result=1, at=(0, 1), key=b"b")
    for last, covered in ((None, True), (b"b", False), (b"c", True)):
        listed = op("range", b"a", b"z", result=(1, {}, last), at=(2, 3))
        part = model.partition([wrote, listed])[b"b"]
        assert [operation.name for operation in part] == (["put", "get"] if covered else ["put"])
