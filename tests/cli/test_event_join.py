"""The record and the live stream as one, without a gap and without a double."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from raftzmq.cli.event_join import EventJoin


def event(number: int) -> dict[str, Any]:
    return {"node": "n1", "boot": "b", "type": "commit", "seq": number}


def pairs(numbers: range) -> list[tuple[bytes, dict[str, Any]]]:
    return [(b"", event(number)) for number in numbers]


class Record:
    """A recording that grows: positions are the events' numbers."""

    def __init__(self, last: int) -> None:
        self.last = last

    def read(self, position: int) -> Iterator[tuple[int, bytes, dict[str, Any]]]:
        for number in range(position + 1, self.last + 1):
            yield number, b"", event(number)


@given(
    recorded=st.integers(0, 30),
    lag=st.integers(0, 20),
    batches=st.lists(st.integers(1, 10), min_size=1, max_size=8),
    most=st.integers(1, 12),
    late=st.integers(0, 3),
)
def test_every_event_comes_once_and_in_order(recorded: int, lag: int, batches: list[int], most: int, late: int) -> None:
    """The stream begins behind what is recorded or within it; the record follows it with a lag."""
    record = Record(recorded)
    join = EventJoin(record.read)
    shown: list[int] = []

    def show(found: list[tuple[bytes, dict[str, Any]]]) -> None:
        shown.extend(one["seq"] for _, one in found)

    for _ in range(late):  # it reads before it hears anything
        show(join.catch_up(most)[0])
    published = max(0, recorded - lag)
    for batch in batches:
        show(join.hear(pairs(range(published + 1, published + batch + 1))))
        published += batch
        show(join.catch_up(most)[0])
        record.last = max(record.last, published - lag)
    if published < recorded:
        show(join.hear(pairs(range(published + 1, recorded + 1))))
        published = recorded
    record.last = published
    while not join.joined:
        show(join.catch_up(most)[0])
    assert shown == list(range(1, published + 1))


def test_a_record_that_does_not_follow_is_given_up() -> None:
    record = Record(5)
    join = EventJoin(record.read)
    assert [one["seq"] for _, one in join.catch_up(100)[0]] == [1, 2, 3, 4, 5]
    assert join.hear(pairs(range(9, 12))) == []
    assert join.catch_up(100) == ([], False)
    assert not join.joined
    assert join.heard
    assert [one["seq"] for _, one in join.give_up()] == [9, 10, 11]
    assert [one["seq"] for _, one in join.hear(pairs(range(12, 14)))] == [12, 13]
