"""The store against a model that keeps a whole copy of itself for every revision."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftzmq.config import ANSWER_BYTES_MAX
from raftzmq.errors import CorruptionError, InvariantViolation
from raftzmq.kv import store as module
from raftzmq.kv.commands import Command, CompareAndSwap, Delete, Put
from raftzmq.kv.rows import HistoryRow, encode_history_row, encode_key_row, history_key
from raftzmq.kv.store import Store
from raftzmq.storage.memory_table import MemoryTable
from tests.kv.replica import Replica, memory_tables

keys = st.sampled_from([b"a", b"ab", b"b", b"ba", b"c", b"c\x00", b"\xff"])
values = st.binary(max_size=3)
puts = st.builds(Put, keys, values, st.integers(0, 3))
commands = st.one_of(
    puts,
    puts,
    st.builds(Delete, keys),
    st.builds(CompareAndSwap, keys, values, st.none() | values),
    st.builds(CompareAndSwap, keys, values, st.none(), st.integers(0, 12)),
)


class Model:
    """What the store must be: a dict, and a copy of it per revision."""

    def __init__(self) -> None:
        self.past: list[dict[bytes, tuple[bytes, int, int, int, int]]] = [{}]

    @property
    def revision(self) -> int:
        return len(self.past) - 1

    def _set(self, key: bytes, value: bytes | None, lease: int = 0) -> int:
        rows, revision = dict(self.past[-1]), len(self.past)
        if value is None:
            del rows[key]
        else:
            _, create, _, version, _ = rows.get(key, (b"", revision, 0, 0, 0))
            rows[key] = (value, create, revision, version + 1, lease)
        self.past.append(rows)
        return revision

    def run(self, command: Command) -> Any:
        now = self.past[-1]
        if isinstance(command, Put):
            return self._set(command.key, command.value, command.lease)
        if isinstance(command, Delete):
            deleted = command.key in now
            if deleted:
                self._set(command.key, None)
            return [deleted, self.revision]
        assert isinstance(command, CompareAndSwap)
        value, _, mod, _, _ = now.get(command.key, (None, 0, 0, 0, 0))
        if command.mod_revision is not None:
            holds = mod == command.mod_revision
        else:
            holds = value == command.expected
        return [True, self._set(command.key, command.value)] if holds else [False, mod]

    def rows(self, start: bytes, end: bytes | None, revision: int) -> list[Any]:
        return [
            (key, *row)
            for key, row in sorted(self.past[revision].items())
            if key >= start and (end is None or key < end)
        ]


@settings(max_examples=200)
@given(
    st.lists(st.lists(commands, min_size=1, max_size=8), max_size=8),
    st.tuples(st.binary(max_size=2), st.none() | st.binary(max_size=2), st.integers(1, 4)),
)
def test_the_store_is_the_model(batches: list[list[Command]], window: tuple[bytes, bytes | None, int]) -> None:
    model, replica = Model(), Replica()
    for batch in batches:
        assert replica.run(*batch) == [model.run(command) for command in batch]
        assert replica.machine.revision == model.revision
    start, end, limit = window
    for revision in range(1, model.revision + 1):
        for key in (b"a", b"ab", b"b", b"ba", b"c", b"c\x00", b"\xff", b"never"):
            expected = model.past[revision].get(key)
            assert replica.get(key, revision) == (None if expected is None else (key, *expected))
        pages = replica.pages(start, end, limit, revision)
        assert [row for page in pages for row in page] == model.rows(start, end, revision)
        assert all(len(page) == limit for page in pages[:-1])
    assert replica.hash() == replica.hash_after_reload()


def test_a_deleted_key_starts_again() -> None:
    replica = Replica()
    assert replica.run(Put(b"k", b"1"), Put(b"k", b"2"), Delete(b"k"), Delete(b"k"), Put(b"k", b"3")) == [
        1,
        2,
        [True, 3],
        [False, 3],
        4,
    ]
    assert replica.get(b"k") == (b"k", b"3", 4, 4, 1, 0)
    assert replica.get(b"k", 3) is None
    assert replica.get(b"k", 2) == (b"k", b"2", 1, 2, 2, 0)


def test_a_put_without_a_lease_takes_the_lease_off() -> None:
    replica = Replica()
    replica.run(Put(b"k", b"1", 9))
    assert replica.get(b"k") == (b"k", b"1", 1, 1, 1, 9)
    replica.run(Put(b"k", b"1"))
    assert replica.get(b"k")[5] == 0
    assert replica.get(b"k", 1)[5] == 9


def test_compare_and_swap_looks_at_its_own_batch_and_at_the_table() -> None:
    replica = Replica()
    assert replica.run(
        Put(b"k", b"1"),
        CompareAndSwap(b"k", b"2", b"1"),
        CompareAndSwap(b"k", b"3", b"1"),
        CompareAndSwap(b"new", b"x"),
        CompareAndSwap(b"new", b"y"),
    ) == [1, [True, 2], [False, 2], [True, 3], [False, 3]]
    assert replica.run(CompareAndSwap(b"k", b"3", b"2"), CompareAndSwap(b"k", b"4", mod_revision=4)) == [
        [True, 4],
        [True, 5],
    ]
    replica.run(Delete(b"k"))
    assert replica.run(CompareAndSwap(b"k", b"5", b"4"), CompareAndSwap(b"k", b"5", mod_revision=0)) == [
        [False, 0],
        [True, 7],
    ]


def test_a_page_ends_at_about_the_answer_limit_but_holds_a_row() -> None:
    replica = Replica()
    half = ANSWER_BYTES_MAX // 2
    replica.fill([(b"a", b"x" * ANSWER_BYTES_MAX), (b"b", b"x" * half), (b"c", b"x" * half), (b"d", b"x")])
    pages = replica.pages(b"", None, 100)
    assert [[row[0] for row in page] for page in pages] == [[b"a"], [b"b"], [b"c", b"d"]]


def test_a_range_over_many_tombstones_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCAN_STEPS_MAX", 10)
    replica = Replica()
    names = [b"%03d" % number for number in range(35)]
    replica.fill([(name, b"") for name in names])
    replica.run(*[Delete(name) for name in names[:-1]])
    pages = replica.pages(b"", None, 100)
    assert [len(page) for page in pages] == [0, 0, 0, 1]


def test_a_future_revision_is_invalid_and_a_compacted_one_is_gone() -> None:
    replica = Replica()
    replica.fill([(b"k", b"%d" % number) for number in range(5)])
    assert replica.get(b"k", 6)["error"] == "invalid"
    replica.machine._store.past.compacted_revision = 3
    assert replica.get(b"k", 2)["error"] == "compacted"
    assert replica.get(b"k", 3)[1] == b"2"


def test_a_batch_must_be_written_before_the_next() -> None:
    tables = memory_tables()
    store = Store(tables.keys, tables.history)
    store.begin()
    store.put(Put(b"k", b"v"))
    with pytest.raises(InvariantViolation):
        store.begin()


def test_rows_that_contradict_one_another_are_found() -> None:
    keys, history = MemoryTable(), MemoryTable()
    store = Store(keys, history, 3)

    def past(at: int, previous: int, key: bytes = b"k") -> None:
        history.put(history_key(at), encode_history_row(history_key(at), HistoryRow(previous, 1, 1, 0, key, b"")))

    keys.put(b"k", encode_key_row(b"k", (1, 3, 1, 0)))
    with pytest.raises(CorruptionError, match="missing"):
        store.get(b"k", 3)
    past(3, 3)
    with pytest.raises(CorruptionError, match="as its past"):
        store.get(b"k", 2)
    past(3, 1, b"other")
    with pytest.raises(CorruptionError, match="belongs to"):
        store.get(b"k", 3)
