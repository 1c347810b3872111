"""The plain store that real nodes are compared with: its own behaviour, worked out by hand."""

from __future__ import annotations

from typing import Any

from raftzmq.core.types import EntryKind, make_entry
from raftzmq.kv.commands import (
    Command,
    CompareAndSwap,
    Delete,
    OpenSession,
    Parcel,
    Put,
    encode_batch,
    encode_parcel,
)
from raftzmq.simulation.model import Model, plain
from raftzmq.verify import LogTime, RealTime, Violations


class Fed:
    """A model and the log that it is fed. Entry 1 opens the session that `send` uses."""

    def __init__(self) -> None:
        violations = Violations()
        self.model = Model(RealTime(violations), LogTime(violations, lambda: 0))
        self.apply(Parcel(0, 0, 0, [OpenSession(b"c1")]))

    def apply(self, *parcels: Parcel) -> list[Any]:
        """Apply one entry with these parcels."""
        data = encode_batch(0, [encode_parcel(parcel) for parcel in parcels], len(parcels))
        index = self.model.applied + 1
        self.model.apply(make_entry(0, index, 1, EntryKind.COMMANDS, data))
        return self.model.expected[index]

    def send(self, first: int, *commands: Command, lowest: int = 0) -> Any:
        """Apply one parcel of session 1; its results."""
        return self.apply(Parcel(1, lowest, first, list(commands)))[0]


def test_each_command() -> None:
    fed = Fed()
    assert fed.send(0, Put(b"a", b"1"), Put(b"a", b"2"), Put(b"b", b"3")) == [1, 2, 3]
    assert fed.send(3, Delete(b"b"), Delete(b"b")) == [[True, 4], [False, 4]]
    assert fed.send(5, CompareAndSwap(b"a", b"4", expected=b"2"), CompareAndSwap(b"a", b"5", expected=b"2")) == [
        [True, 5],
        [False, 5],
    ]
    assert fed.send(7, CompareAndSwap(b"b", b"6"), CompareAndSwap(b"b", b"7")) == [[True, 6], [False, 6]]
    assert fed.send(9, CompareAndSwap(b"a", b"8", mod_revision=5), CompareAndSwap(b"c", b"9", mod_revision=0)) == [
        [True, 7],
        [True, 8],
    ]
    assert fed.send(11, CompareAndSwap(b"d", b"", mod_revision=3)) == [[False, 0]]
    assert fed.model.rows_at(8) == [(b"a", b"8", 1, 7, 4, 0), (b"b", b"6", 6, 6, 1, 0), (b"c", b"9", 8, 8, 1, 0)]
    assert fed.model.rows_at(4) == [(b"a", b"2", 1, 2, 2, 0)]
    assert fed.model.value(4) is None
    assert fed.model.value(6) == (b"b", b"6", 6, 6, 1, 0)
    assert fed.model.value(9) is None


def test_a_command_is_executed_once() -> None:
    fed = Fed()
    assert fed.send(0, Put(b"a", b"1"), Put(b"a", b"2")) == [1, 2]
    assert fed.send(0, Put(b"a", b"1"), Put(b"a", b"2")) == [1, 2]
    assert fed.send(1, Put(b"a", b"2"), Put(b"a", b"3")) == [2, 3]
    assert fed.model.repeated == {3: 2, 4: 1}
    assert fed.model.revision == 3
    assert fed.model.result(1, 2) == 3
    assert fed.model.result(1, 3) is None
    assert fed.model.result(2, 0) is None


def test_what_is_below_the_lowest_is_refused_and_stays_what_it_was() -> None:
    fed = Fed()
    fed.send(0, Put(b"a", b"1"))
    fed.send(2, Put(b"a", b"2"), lowest=2)
    assert fed.send(0, Put(b"a", b"1")) == [{"error": "invalid"}]
    assert fed.send(1, Put(b"a", b"3")) == [{"error": "invalid"}]
    assert fed.model.result(1, 0) == 1
    assert fed.model.result(1, 1) is None
    assert fed.model.revision == 2


def test_sessions() -> None:
    fed = Fed()
    assert fed.apply(Parcel(0, 0, 0, [OpenSession(b"c2")])) == [[2]]
    both = fed.apply(Parcel(2, 0, 0, [Put(b"a", b"1")]), Parcel(1, 0, 0, [Put(b"a", b"2")]))
    assert both == [[1], [2]]
    assert fed.apply(Parcel(99, 0, 0, [Put(b"a", b"3")])) == [{"error": "session_expired"}]
    assert fed.model.revisions == [0, 0, 0, 2, 2]


def test_entries_without_commands_give_nothing() -> None:
    fed = Fed()
    fed.model.apply(make_entry(0, 2, 1, EntryKind.NOOP, b""))
    assert fed.model.expected[2] == []


def test_results_are_compared_without_their_sentences() -> None:
    assert plain((1, [{"error": "invalid", "message": "a sentence"}], None)) == [1, [{"error": "invalid"}], None]
