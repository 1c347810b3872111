"""The history forgets what only readers before its bound could see, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftzmq.errors import CorruptionError
from raftzmq.kv.commands import Command, CompareAndSwap, Delete, Put
from raftzmq.kv.machine import StateMachine
from raftzmq.kv.rows import HistoryRow, encode_history_row, history_key
from raftzmq.kv.sessions import Sessions
from raftzmq.kv.tables import Tables
from tests.kv.replica import Replica, memory_tables

KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
COMMANDS = st.one_of(
    st.builds(Put, KEYS, st.binary(max_size=3)),
    st.builds(Delete, KEYS),
    st.builds(CompareAndSwap, KEYS, st.binary(max_size=3)),
)


class Bounded(Replica):
    """A replica whose history is short."""

    def __init__(self, revisions: int, size: int = 10**9) -> None:
        self.revisions = revisions
        self.size = size
        super().__init__()

    def load(self) -> StateMachine:
        sessions = Sessions(self.tables.sessions)
        return StateMachine(self.tables, sessions=sessions, revisions_max=self.revisions, history_bytes_max=self.size)

    @property
    def compacted(self) -> int:
        return self.machine._store.past.compacted_revision

    def restart(self) -> None:
        """Go on from what the tables hold."""
        self.machine.save()
        self.machine = self.load()


class Naive:
    """Every revision that ever was: key → rows, oldest first, as (revision, value or None)."""

    def __init__(self) -> None:
        self.past: dict[bytes, list[tuple[int, bytes | None]]] = {}

    def note(self, before: int, commands: list[Command], results: list[Any]) -> None:
        for command, result in zip(commands, results, strict=True):
            revision = result if isinstance(result, int) else result[1]
            if isinstance(result, int) or result[0]:
                assert revision > before
                value = None if isinstance(command, Delete) else command.value  # type: ignore[union-attr]
                self.past.setdefault(command.key, []).append((revision, value))  # type: ignore[union-attr]

    def at(self, key: bytes, revision: int) -> bytes | None:
        seen = [value for made, value in self.past.get(key, []) if made <= revision]
        return seen[-1] if seen else None


def same_rows(one: Tables, other: Tables) -> bool:
    return all(
        list(getattr(one, name).scan(b"")) == list(getattr(other, name).scan(b"")) for name in ("keys", "history")
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(COMMANDS, min_size=1, max_size=4), max_size=25), st.integers(1, 8), st.data())
def test_what_can_be_read_is_what_was_and_the_rest_is_gone(
    batches: list[list[Command]], revisions: int, data: st.DataObject
) -> None:
    replica, twin, naive = Bounded(revisions), Bounded(revisions), Naive()
    restarts = data.draw(st.sets(st.integers(0, 25)))
    for number, batch in enumerate(batches):
        before = replica.machine.revision
        results = replica.run(*batch)
        assert twin.run(*batch) == results
        naive.note(before, batch, results)
        newest = replica.machine.revision
        assert newest - revisions <= replica.compacted <= newest
        for key in (b"a", b"b", b"c", b"d"):
            for revision in range(max(1, replica.compacted), newest + 1):
                row = replica.get(key, revision)
                assert (None if row is None else row[1]) == naive.at(key, revision), (key, revision)
            if replica.compacted > 1:
                assert replica.get(key, replica.compacted - 1)["error"] == "compacted"
        if number in restarts:
            replica.restart()
        assert same_rows(replica.tables, twin.tables), "a restart changed what is forgotten"
    assert replica.hash()[1:] == twin.hash()[1:]


def test_its_rows_stay_few_at_constant_content() -> None:
    replica = Bounded(20)
    counts = []
    for number in range(300):
        replica.run(*[Put(b"%d" % (k % 5), b"v%d" % number) for k in range(10)])
        counts.append(len(list(replica.tables.history.scan(b""))))
    # 20 that can be read, half as many marked, the live ones, and a batch.
    assert max(counts) <= 20 + 10 + 5 + 10
    assert replica.machine.revision == 3000


def test_bytes_bound_it_as_well() -> None:
    replica = Bounded(10**6, size=10_000)
    for _ in range(50):
        replica.run(Put(b"k", bytes(1000)))
    past = replica.machine._store.past
    rows = list(replica.tables.history.scan(history_key(past.compacted_revision + 1)))
    assert past.bytes == sum(len(row) for _, row in rows) <= 10_000
    assert len(rows) == 9
    replica.restart()
    assert replica.machine._store.past.bounds == past.bounds


def test_a_key_deleted_long_ago_leaves_no_trace() -> None:
    replica = Bounded(5)
    replica.run(Put(b"gone", b"x"), Put(b"back", b"x"))
    replica.run(Delete(b"gone"), Delete(b"back"))
    for number in range(60):
        replica.run(Put(b"k", b"%d" % number))
        if number == 20:
            replica.run(Put(b"back", b"again"))
    assert [key for key, _ in replica.tables.keys.scan(b"")] == [b"back", b"k"]
    assert replica.get(b"gone") is None
    row = replica.get(b"back")
    assert (row[1], row[4]) == (b"again", 1), "a key set again begins anew"
    for _ in range(60):
        replica.run(Put(b"k", b"z"))
    assert replica.get(b"back")[1] == b"again"


def test_a_value_never_replaced_outlives_the_bound() -> None:
    replica = Bounded(3)
    replica.run(Put(b"old", b"still here"))
    for _ in range(100):
        replica.run(Put(b"k", b"v"))
    assert replica.compacted > 90
    assert replica.get(b"old")[1] == b"still here"
    assert replica.get(b"old", replica.compacted)[1] == b"still here"
    replica.run(Put(b"old", b"replaced"))
    for _ in range(20):
        replica.run(Put(b"k", b"v"))
    assert [at for at, row in replica.tables.history.scan(b"") if b"still here" in row] == []


@pytest.mark.parametrize("harm", ["damaged", "missing"])
def test_a_damaged_row_in_its_way_is_an_error_not_a_guess(harm: str) -> None:
    replica = Bounded(10)
    for _ in range(10):
        replica.run(Put(b"k", b"v"))
    replica.restart()
    if harm == "missing":
        replica.tables.history.delete(history_key(1))
    else:
        other = encode_history_row(history_key(2), HistoryRow(0, 1, 1, 0, b"k", b"v"))
        replica.tables.history.put(history_key(1), other)
    with pytest.raises(CorruptionError):
        replica.run(Put(b"k", b"v"))


def test_tables_without_a_history_have_nothing_to_forget() -> None:
    machine = StateMachine(memory_tables())
    assert machine._store.past.bounds == (0, 0, 0)
