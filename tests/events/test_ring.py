"""The ring: bounded in bytes, the oldest go first, rare ones are not flushed out, and what it gives is in order."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.config import EVENTS_RARE_BYTES, EVENTS_RING_BYTES
from raftzmq.events import EVENT_TYPES
from raftzmq.events.ring import EVENT_OVERHEAD_BYTES, Ring

EVERYTHING = [(kind, 1, 2**63 - 1) for kind in EVENT_TYPES]


class Filled:
    """A ring and all that was ever put into it."""

    def __init__(self, usual_bytes: int = EVENTS_RING_BYTES, rare_bytes: int = EVENTS_RARE_BYTES) -> None:
        self.ring = Ring(usual_bytes, rare_bytes)
        self.made: list[tuple[int, str, int, bytes]] = []
        self.sequences = dict.fromkeys(EVENT_TYPES, 0)

    def add(self, kind: str, size: int = 100) -> None:
        self.sequences[kind] += 1
        order = len(self.made) + 1
        self.made.append((order, kind, self.sequences[kind], bytes(size)))
        self.ring.add(order, kind, self.made[-1][3])

    def kept(self) -> list[tuple[int, str, int, bytes]]:
        return list(self.ring.find(EVERYTHING))


def test_an_empty_ring_names_the_number_that_comes_first() -> None:
    ring = Ring()
    assert list(ring.find(EVERYTHING)) == []
    assert {ring.oldest(kind) for kind in EVENT_TYPES} == {1}
    assert ring.bytes == 0


def test_what_was_asked_for_comes_in_the_order_in_which_it_was_made() -> None:
    filled = Filled()
    for kind in ("commit", "role", "commit", "append", "role", "commit", "commit"):
        filled.add(kind)
    found = [(kind, seq) for _, kind, seq, _ in filled.ring.find([("role", 2, 9), ("commit", 2, 3), ("vote", 1, 9)])]
    assert found == [("commit", 2), ("role", 2), ("commit", 3)]


def test_the_oldest_go_first_whatever_their_type() -> None:
    filled = Filled(usual_bytes=4 * (100 + EVENT_OVERHEAD_BYTES))
    for kind in ("commit", "append", "commit", "append", "append", "append"):
        filled.add(kind)
    assert [(kind, seq) for _, kind, seq, _ in filled.kept()] == [("commit", 2), *(("append", n) for n in (2, 3, 4))]
    assert (filled.ring.oldest("commit"), filled.ring.oldest("append")) == (2, 2)
    for _ in range(4):
        filled.add("storage")
    assert filled.ring.oldest("commit") == 3, "the next that will be made: there is none"


@pytest.mark.parametrize("flood", ["commit", "sent"])
def test_a_flood_does_not_flush_out_what_is_rare(flood: str) -> None:
    filled = Filled(usual_bytes=10_000)
    filled.add("leader")
    for _ in range(1000):
        filled.add(flood)
    assert ("leader", 1) in [(kind, seq) for _, kind, seq, _ in filled.kept()]
    assert filled.ring.oldest(flood) > 900


def test_what_is_rare_is_bounded_too() -> None:
    filled = Filled(rare_bytes=10_000)
    filled.add("commit")
    for _ in range(1000):
        filled.add("vote")
    assert filled.ring.bytes <= 10_000 + 100 + EVENT_OVERHEAD_BYTES
    assert filled.ring.oldest("commit") == 1


def test_an_event_larger_than_the_bound_is_not_kept() -> None:
    filled = Filled(usual_bytes=1000)
    filled.add("commit")
    filled.add("commit", 5000)
    assert (filled.kept(), filled.ring.bytes, filled.ring.oldest("commit")) == ([], 0, 3)
    filled.add("commit")
    assert [seq for _, _, seq, _ in filled.kept()] == [3]


numbers = st.integers(0, 40)
apart = st.lists(numbers, unique=True).map(sorted).map(lambda n: list(zip(n[::2], n[1::2], strict=False)))
"""Ranges that ascend without an overlap."""


@given(
    st.lists(st.tuples(st.sampled_from(["commit", "append", "sent", "role", "vote"]), st.integers(0, 900))),
    st.dictionaries(st.sampled_from(["commit", "append", "sent", "role"]), apart),
)
def test_what_is_kept_is_the_newest_and_bounded(
    added: list[tuple[str, int]], asked: dict[str, list[tuple[int, int]]]
) -> None:
    filled = Filled(usual_bytes=5000, rare_bytes=2000)
    for kind, size in added:
        filled.add(kind, size)
        kept = filled.kept()
        sizes = {True: 0, False: 0}
        for _, of, _, payload in kept:
            sizes[of in ("role", "vote")] += len(payload) + EVENT_OVERHEAD_BYTES
        assert sizes[True] <= 2000
        assert sizes[False] <= 5000
        assert filled.ring.bytes == sum(sizes.values())
        for level in (("role", "vote"), ("commit", "append", "sent")):
            made = [event for event in filled.made if event[1] in level]
            of_level = [event for event in kept if event[1] in level]
            assert of_level == made[len(made) - len(of_level) :], "the newest, in order"
    ranges = [(kind, first, last) for kind, found in asked.items() for first, last in found]
    expected = [e for e in filled.kept() if any(first <= e[2] <= last for first, last in asked.get(e[1], []))]
    assert list(filled.ring.find(ranges)) == expected


def test_what_lies_between_ranges_is_left_out() -> None:
    filled = Filled()
    for _ in range(12):
        filled.add("commit")
    ranges = [("commit", 2, 2), ("commit", 4, 5), ("commit", 8, 8), ("commit", 11, 99)]
    assert [seq for _, _, seq, _ in filled.ring.find(ranges)] == [2, 4, 5, 8, 11, 12]


def test_ranges_beyond_all_numbers_are_empty() -> None:
    filled = Filled()
    filled.add("commit")
    assert list(filled.ring.find([("commit", 2**63 - 1, 2**63 - 1)])) == []
    assert list(filled.ring.find([("commit", 0, 0), ("commit", 2, 2**63 - 1)])) == []
    assert [seq for _, _, seq, _ in filled.ring.find([("commit", 0, 2**63 - 1)])] == [1]


def test_it_takes_no_more_memory_than_it_says() -> None:
    ring = Ring()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(40_000):
            ring.add(number, "commit", b"%0300d" % number)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert EVENTS_RING_BYTES * 0.9 < ring.bytes <= EVENTS_RING_BYTES
    assert after - before < 1.1 * EVENTS_RING_BYTES
