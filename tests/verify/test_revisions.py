"""One counter for all keys: each rule catches what no single key shows."""

from __future__ import annotations

from typing import Any

import pytest

from raftzmq.verify.history import History, Operation
from raftzmq.verify.linearizability import check
from raftzmq.verify.revisions import contradiction
from tests.verify.histories import op


def put(key: bytes, revision: int, *at: int, value: bytes = b"v", lease: int = 0) -> Operation:
    return op("put", value, lease, at=(at[0], at[1]), result=revision, key=key)


def row(revision: int, value: bytes = b"v") -> tuple[Any, ...]:
    return value, revision, revision, 1, 0


def get(key: bytes, revision: int, *at: int) -> Operation:
    return op("get", at=(at[0], at[1]), result=row(revision), key=key)


def listing(as_of: int, rows: dict[bytes, Any], *at: int, last: bytes | None = None, past: bool = False) -> Operation:
    return op("range-at" if past else "range", b"", None, at=(at[0], at[1]), result=(as_of, rows, last))


def past(key: bytes, as_of: int, result: Any, *at: int) -> Operation:
    return op("get-at", as_of, at=(at[0], at[1]), result=result, key=key)


LOST = op("delete", at=(0, None), key=b"a")

GOOD: dict[str, list[Operation]] = {
    "revisions rise": [put(b"a", 1, 0, 1), put(b"b", 2, 2, 3), get(b"a", 1, 4, 5)],
    "concurrent writes in any order": [put(b"a", 2, 0, 3), put(b"b", 1, 1, 4)],
    "a delete of nothing sees what was seen": [
        put(b"a", 1, 0, 1),
        op("delete", at=(2, 3), result=(False, 1), key=b"b"),
        op("delete", at=(4, 5), result=(True, 2), key=b"a"),
    ],
    "an old value in a get: the key's own matter": [put(b"b", 5, 0, 1), get(b"a", 1, 2, 3)],
    "a failed swap tells an old revision": [
        put(b"b", 5, 0, 1),
        op("cas", b"x", b"y", None, at=(2, 3), result=(True, 6), key=b"b"),
    ],
    "a range": [put(b"a", 1, 0, 1), put(b"b", 2, 2, 3), listing(2, {b"a": row(1), b"b": row(2)}, 4, 5)],
    "a range that was cut off": [put(b"a", 1, 0, 1), put(b"b", 2, 2, 3), listing(2, {b"a": row(1)}, 4, 5, last=b"b")],
    "a range of the past": [put(b"a", 1, 0, 1), put(b"b", 2, 2, 3), listing(1, {b"a": row(1)}, 4, 5, past=True)],
    "a get of the past": [put(b"a", 1, 0, 1), put(b"a", 2, 2, 3, value=b"w"), past(b"a", 1, row(1), 4, 5)],
    "what may be deleted may be missing": [LOST, put(b"a", 1, 1, 2), listing(2, {}, 4, 5)],
    "so may what has a lease": [put(b"a", 1, 1, 2, lease=7), listing(2, {}, 4, 5)],
    "after a delete": [
        put(b"a", 1, 1, 2),
        op("delete", at=(3, 4), result=(True, 2), key=b"a"),
        listing(2, {}, 5, 6),
        past(b"a", 2, None, 5, 6),
    ],
}

BAD: dict[str, tuple[str, list[Operation]]] = {
    "one revision twice": ("two writes got revision 1", [put(b"a", 1, 0, 3), put(b"b", 1, 1, 4)]),
    "a later write below": ("wrote revision 4", [put(b"a", 5, 0, 1), put(b"b", 4, 2, 3)]),
    "a later write below what was read": ("wrote revision 4", [get(b"a", 5, 0, 1), put(b"b", 4, 2, 3)]),
    "a later delete below": (
        "wrote revision 4",
        [put(b"a", 5, 0, 1), op("delete", at=(2, 3), result=(True, 4), key=b"b")],
    ),
    "a later delete of nothing below": (
        "saw revision 4",
        [put(b"a", 5, 0, 1), op("delete", at=(2, 3), result=(False, 4), key=b"b")],
    ),
    "a stale range": ("saw revision 4", [put(b"a", 5, 0, 1), listing(4, {}, 2, 3)]),
    "a swap that tells of the future": (
        "saw revision 8",
        [op("cas", b"x", b"y", None, at=(0, 1), result=(False, 9), key=b"a"), listing(8, {}, 2, 3)],
    ),
    "a range of the past that was yet to come": ("saw revision 8", [past(b"a", 9, None, 0, 1), listing(8, {}, 2, 3)]),
    "a range of two instants": (
        "doesn't show what A did",
        [put(b"a", 1, 0, 9), put(b"b", 2, 0, 9), listing(2, {b"b": row(2)}, 0, 9)],
    ),
    "a range with an old row": (
        "doesn't show what A did",
        [put(b"a", 1, 0, 9), put(b"a", 2, 0, 9), listing(2, {b"a": row(1)}, 0, 9)],
    ),
    "a range with another value": (
        "doesn't show what A did",
        [put(b"a", 1, 0, 9), listing(1, {b"a": row(1, b"w")}, 0, 9)],
    ),
    "a range with what was deleted": (
        "doesn't show what A did",
        [op("delete", at=(0, 9), result=(True, 2), key=b"a"), listing(2, {b"a": row(2)}, 0, 9)],
    ),
    "a range that holds what is above it": ("holds revision 3", [listing(2, {b"a": row(3)}, 0, 9)]),
    "a past that differs": ("doesn't show what A did", [put(b"a", 1, 0, 1), past(b"a", 1, None, 2, 3)]),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_can_be(name: str) -> None:
    assert contradiction(GOOD[name]) is None


@pytest.mark.parametrize("name", BAD)
def test_what_cannot(name: str) -> None:
    reason, operations = BAD[name]
    found = contradiction(operations)
    assert found is not None
    assert reason in found.reason
    assert found.lines(timed=True)


def test_the_verdict_on_a_history_goes_by_both() -> None:
    crossed = (put(b"a", 5, 0, 1), put(b"b", 4, 2, 3))
    verdict = check(History("f", "raftzmq", "empty-store", crossed))
    assert (verdict.linearizable, verdict.decided, verdict.keys) == (False, True, 2)
    assert verdict.window is not None
    assert verdict.window.operations == crossed
    assert check(History("f", "raftzmq", "empty-store", crossed[:1])).linearizable


def test_a_range_counts_as_a_get_of_each_key_that_it_covers() -> None:
    """The counter's rules don't see it: the writes' outcomes are unknown, so they have no revisions."""
    lost = op("put", b"v", 0, at=(0, None), key=b"b")
    seen = op("get", at=(1, 2), result=row(1), key=b"b")
    missing = listing(1, {}, 3, 4)
    for last, verdict in ((None, False), (b"b", True), (b"c", False)):
        late = op("range", b"", None, at=(3, 4), result=(1, {}, last))
        assert check(History("f", "raftzmq", "empty-store", (lost, seen, late))).linearizable is verdict
    assert contradiction([lost, seen, missing]) is None
    elsewhere = op("range", b"c", b"d", at=(3, 4), result=(1, {}, None))
    assert check(History("f", "raftzmq", "empty-store", (lost, seen, elsewhere))).linearizable
    unheard = op("range", b"", None, at=(3, 4), result=(1, {b"z": row(1)}, None))
    assert not check(History("f", "raftzmq", "empty-store", (unheard,))).linearizable, "nobody wrote z"
    assert check(History("f", "raftzmq", "store", (unheard,))).linearizable, "it was there before"


def test_undecided_is_not_linearizable() -> None:
    operations = [put(b"a", n, 0, 20) for n in range(1, 12)] + [get(b"a", 99, 30, 31)]
    verdict = check(History("f", "raftzmq", "empty-store", tuple(operations)), steps_max=5)
    assert (verdict.linearizable, verdict.decided, verdict.key) == (False, False, b"a")
    assert verdict.reason == "undecided: no verdict within 5 steps"
