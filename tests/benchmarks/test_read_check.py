"""What gets returned is held against the puts: every kind of lie is noticed."""

from __future__ import annotations

from array import array

import pytest

from raftzmq.benchmarks.plan import HEAD, Plan
from raftzmq.benchmarks.read_check import check_readings
from raftzmq.benchmarks.record import REFUSED, UNKNOWN, Readings, Record
from raftzmq.benchmarks.verification import VerificationFailed
from raftzmq.client.results import KeyValue

TWO_KEYS = (0, 2)
KEYS = 4


def item(client: int, sequence: int, revision: int) -> KeyValue:
    """What a get returns of the put that was that client's so-and-so-many-th."""
    return KeyValue(b"any", HEAD.pack(client, sequence) + b"rest", 1, revision, 1, 0)


@pytest.fixture
def records() -> list[Record]:
    """Client 0 put keys 0 and 1 beforehand at revisions 2 and 3, and 1 again at 5; client 1 put 3, but never knew."""
    plans = [Plan(0, (), 1, 1, 16, KEYS, 1, 0.5, preload=TWO_KEYS), Plan(1, (), 1, 1, 16, KEYS, 1, 0.5)]
    return [
        Record(plans[0], array("I", [2, 0, 1, 1]), array("q", [1, 2, 3, 5])),
        Record(plans[1], array("I", [0, 3]), array("q", [4, UNKNOWN])),
    ]


def read(records: list[Record], number: int, found: KeyValue | None) -> None:
    """Client 1 reads a key."""
    records[1].readings.note(number, found, 0)


def test_what_was_put_there_may_be_read(records: list[Record]) -> None:
    read(records, 0, item(0, 1, 2))
    read(records, 1, item(0, 3, 5))
    read(records, 3, item(1, 1, 17))
    read(records, 2, None)
    assert check_readings(records) == 4


@pytest.mark.parametrize(
    ("number", "found", "reason"),
    [
        (0, None, "as of 0, and put at 2 before"),
        (1, item(0, 1, 2), "as of 2, and put at 3 before"),
        (0, item(0, 2, 3), "revision 3, which nobody put there"),
        (1, item(0, 3, 6), "revision 6, which nobody put there"),
        (0, item(0, 9, 9), "revision 9, which nobody put there"),
        (0, item(7, 1, 2), "revision 2, which nobody put there"),
    ],
    ids=["vanished", "older than the beginning", "of another key", "other revision", "never called", "unknown client"],
)
def test_a_lie_is_noticed(records: list[Record], number: int, found: KeyValue | None, reason: str) -> None:
    read(records, number, found)
    with pytest.raises(VerificationFailed, match=reason):
        check_readings(records)


def test_a_put_that_was_refused_is_never_read(records: list[Record]) -> None:
    records[0].revisions[3] = REFUSED
    read(records, 1, item(0, 3, 5))
    with pytest.raises(VerificationFailed, match="nobody put there"):
        check_readings(records)


def test_a_get_that_goes_back_is_stale() -> None:
    readings = Readings()
    assert readings.note(1, item(0, 1, 7), 7) == 7
    assert readings.stale == 0
    assert readings.note(1, item(0, 1, 6), 7) == 6
    assert readings.stale == 1


def test_stale_gets_are_told(records: list[Record]) -> None:
    records[1].readings.note(0, item(0, 1, 2), 3)
    with pytest.raises(VerificationFailed, match="client 1 read 1 stale"):
        check_readings(records)
