"""The backlog: bounded, in order, and never a hole that nobody notices."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from raftzmq.collector.merged import Merged
from raftzmq.collector.web import backlog as module
from raftzmq.collector.web.backlog import Backlog
from raftzmq.collector.web.selection import ALL, Selection


def stream(first: int, last: int, *, size: int = 10) -> list[Merged]:
    """Events at these positions, every third of n2."""
    return [
        Merged(k, b"t", bytes(size), {"node": "n2" if k % 3 == 0 else "n1", "type": "commit"})
        for k in range(first, last + 1)
    ]


def positions(backlog: Backlog, after: int, wanted: Selection = ALL, bytes_max: int = 10**9) -> tuple[list[int], int]:
    found, read = backlog.after(after, wanted, bytes_max)
    return [position for position, *_ in found], read


def test_an_empty_one_has_nothing() -> None:
    backlog = Backlog()
    assert (backlog.oldest, backlog.newest) == (1, 0)
    assert positions(backlog, 0) == ([], 0)
    assert positions(backlog, 17) == ([], 17), "a state may be ahead of the events"


def test_what_comes_after_a_position() -> None:
    backlog = Backlog()
    backlog.extend(stream(1, 6))
    assert positions(backlog, 0) == ([1, 2, 3, 4, 5, 6], 6)
    assert positions(backlog, 4) == ([5, 6], 6)
    assert positions(backlog, 6) == ([], 6)
    assert positions(backlog, 0, Selection(nodes=frozenset({"n2"}))) == ([3, 6], 6)
    assert positions(backlog, 3, Selection(types=frozenset({"role"}))) == ([], 6), "read, though none was wanted"


def test_a_part_ends_when_it_is_large_enough_and_the_next_goes_on_there() -> None:
    backlog = Backlog()
    backlog.extend(stream(1, 6))
    assert positions(backlog, 0, bytes_max=25) == ([1, 2, 3], 3)
    assert positions(backlog, 3, bytes_max=1) == ([4], 4)


def test_it_begins_where_the_stream_does() -> None:
    backlog = Backlog()
    backlog.extend(stream(1001, 1003))
    assert (backlog.oldest, backlog.newest) == (1001, 1003)
    assert positions(backlog, 1000) == ([1001, 1002, 1003], 1003)


def test_behind_a_hole_it_begins_anew() -> None:
    backlog = Backlog()
    backlog.extend(stream(1, 5))
    backlog.extend(stream(8, 9))
    assert (backlog.oldest, backlog.newest) == (8, 9), "readers at 5 see that they have lost something"


@given(
    st.lists(st.integers(0, 40), max_size=40),
    st.integers(1, 30),
    st.integers(1, 600),
    st.integers(1, 20),
)
def test_it_keeps_the_newest_within_its_bounds(steps: list[int], events_max: int, bytes_max: int, trim: int) -> None:
    normal = module.TRIM_EVENTS
    module.TRIM_EVENTS = trim
    try:
        backlog, newest = Backlog(bytes_max=bytes_max, events_max=events_max), 0
        for step in steps:
            backlog.extend(stream(newest + 1, newest + step))
            newest += step
            kept = min(newest, events_max, bytes_max // 10)
            assert backlog.newest == newest
            assert backlog.oldest == newest - kept + 1
            assert positions(backlog, backlog.oldest - 1)[0] == list(range(newest - kept + 1, newest + 1))
            assert len(backlog._events) <= events_max + trim + step, "what is cut off is let go"
    finally:
        module.TRIM_EVENTS = normal
