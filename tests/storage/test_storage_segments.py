"""The history in segments: a table like any other, against a dict; and pages that come free together."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import compress
from pathlib import Path
from random import Random

import lmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftzmq.errors import CorruptionError, InvariantViolation
from raftzmq.kv import rows
from raftzmq.kv.commands import Command, Delete, Get, Parcel, Put, StateHash
from raftzmq.kv.machine import StateMachine
from raftzmq.kv.rows import history_key
from raftzmq.node.work import ReadBatch, StateJob
from raftzmq.records import seal
from raftzmq.storage import OpenedNode
from raftzmq.storage import tables as state_tables
from raftzmq.storage.environment import create_tables, open_environment, open_tables_found, used_fraction
from raftzmq.storage.segments import SEGMENTS_MAX, SegmentedTable, segment_names
from raftzmq.storage.tables import as_tables
from tests.kv.replica import LogMaker, Replica
from tests.storage.node_on_disk import append, opened, write_some

MAP_BYTES = 1 << 24


@contextmanager
def transaction_of(environment: lmdb.Environment, pages_max: int = 1) -> Iterator[SegmentedTable]:
    """The table, in a transaction that is committed in the end."""
    made = open_tables_found(environment, segment_names("t"))
    with environment.begin(write=True) as transaction:
        base = create_tables(environment, ("t",), transaction)["t"]
        table = SegmentedTable(
            base, made.values(), lambda name, t: create_tables(environment, (name,), t)[name], pages_max=pages_max
        )
        table.bind(transaction)
        yield table


@contextmanager
def environment_at(directory: Path) -> Iterator[lmdb.Environment]:
    directory.mkdir(exist_ok=True)
    environment = open_environment(directory, MAP_BYTES)
    try:
        yield environment
    finally:
        environment.close()


@contextmanager
def written(directory: Path, pages_max: int = 1) -> Iterator[SegmentedTable]:
    """The table in ``directory``, in a transaction that is committed in the end."""
    with environment_at(directory) as environment, transaction_of(environment, pages_max) as table:
        yield table


def some(first: int, count: int, size: int = 10) -> list[tuple[bytes, bytes]]:
    return [(history_key(revision), b"%d" % revision * size) for revision in range(first, first + count)]


class Model:
    """What the table is to hold, and the revisions that come next."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.next = 1
        self.swept = 0

    def do(self, table: SegmentedTable, step: tuple[str, int, int]) -> None:
        match step:
            case ("append", count, size):
                added = some(self.next, count, size)
                table.put_many(added, append=True)
                self.rows.update(added)
                self.next += count
            case ("sweep", count, seed):
                count = min(count, self.next - self.swept - 1)
                dead = bytearray((seed >> place % 7) % 2 for place in range(count))
                keys = [history_key(self.swept + 1 + place) for place in range(count)]
                if keys:
                    table.sweep(keys[0], dead)
                for key in compress(keys, dead):
                    del self.rows[key]
                self.swept += count
            case ("put", place, seed) if self.rows:
                key = sorted(self.rows)[place % len(self.rows)]
                table.put(key, b"%d" % seed)
                self.rows[key] = b"%d" % seed
            case ("forget", place, _):
                gone = [key for key in sorted(self.rows) if key < history_key(self.swept + 1)][: place % 3]
                table.delete_many(gone)
                for key in gone:
                    del self.rows[key]

    def compare(self, table: SegmentedTable, low: int, high: int | None) -> None:
        start, end = history_key(low), None if high is None else history_key(high)
        expected = [(k, self.rows[k]) for k in sorted(self.rows) if k >= start and (end is None or k < end)]
        assert list(table.scan(start, end)) == expected
        assert list(table.scan(start, end, reverse=True)) == expected[::-1]
        assert list(table.scan(b"")) == sorted(self.rows.items())
        keys = [history_key(revision) for revision in range(self.next + 2)]
        assert table.get_many(keys) == self.rows
        get, _ = table.place()
        assert all(get(key) == self.rows.get(key) for key in keys)


steps = st.tuples(
    st.sampled_from(["append", "append", "append", "sweep", "sweep", "put", "forget"]),
    st.integers(1, 30),
    st.integers(0, 200),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(steps, max_size=12), max_size=4), st.integers(1, 4), st.integers(0, 60), st.integers(0, 200))
def test_it_is_a_table(parts: list[list[tuple[str, int, int]]], pages_max: int, low: int, high: int) -> None:
    model = Model()
    with tempfile.TemporaryDirectory() as directory:
        for part in parts:
            with written(Path(directory), pages_max) as table:
                for step in part:
                    model.do(table, step)
                    model.compare(table, low, high or None)
        with written(Path(directory), pages_max) as table:
            model.compare(table, low, high or None)


def test_what_was_written_without_segments_goes_on(tmp_path: Path) -> None:
    model = Model()
    with environment_at(tmp_path) as environment, environment.begin(write=True) as transaction:
        create_tables(environment, ("t",), transaction)["t"].put_many(some(1, 20), append=True)
    model.rows.update(some(1, 20))
    model.next = 21
    with written(tmp_path) as table:
        for step in (("append", 10, 300), ("append", 10, 300), ("sweep", 35, 0b1011), ("append", 5, 300)):
            model.do(table, step)
            model.compare(table, 5, 30)


def test_more_rows_than_the_segments_take_make_the_newest_grow(tmp_path: Path) -> None:
    model = Model()
    with written(tmp_path) as table:
        for _ in range(SEGMENTS_MAX + 10):
            model.do(table, ("append", 3, 1000))
        model.compare(table, 40, None)
        assert len(table._begins) == SEGMENTS_MAX
        model.do(table, ("sweep", 3 * SEGMENTS_MAX + 20, 0b1111110))
        model.compare(table, 0, None)
        model.do(table, ("append", 3, 1000))
        assert len(table._begins) == 2, "what was swept to its end is used again"
        model.compare(table, 0, None)


def test_its_pages_come_free(tmp_path: Path) -> None:
    model, used = Model(), []
    with environment_at(tmp_path) as environment:
        for turn in range(60):
            with transaction_of(environment, 8) as table:
                model.do(table, ("append", 50, 250))
                if turn > 3:
                    model.do(table, ("sweep", 50, 0b1111111))
            used.append(used_fraction(environment))
    assert used[-1] == used[40] < 0.05, "the file grows no more"


def test_a_row_that_is_missing_or_damaged_is_told(tmp_path: Path) -> None:
    with written(tmp_path) as table:
        table.put_many(some(1, 10), append=True)
        table.put_many(some(11, 10, 1000), append=True)
        with pytest.raises(InvariantViolation, match="out of order"):
            table.put_many(some(11, 1), append=True)
        table.delete(history_key(4))
        with pytest.raises(CorruptionError, match="lacks row 000000000000000400000000"):
            table.sweep(history_key(1), bytes([1, 1, 1, 0]))
        with pytest.raises(CorruptionError, match="begins at 000000000000000100000000"):
            table.sweep(history_key(2), b"\x01")
    with environment_at(tmp_path) as environment, environment.begin(write=True) as transaction:
        create_tables(environment, ("t/1",), transaction)["t/1"].put(b"\x00", seal(history_key(11))[:-1] + b"\x01")
    with pytest.raises(CorruptionError, match="the beginning of t/1 fails its checksum"), written(tmp_path):
        pass


def test_a_new_segment_is_begun_past_all_rows_only(tmp_path: Path) -> None:
    with written(tmp_path) as table:
        table.put_many(some(5, 10, 1000), append=True)
        with pytest.raises(InvariantViolation, match="appended after 000000000000000e00000000"):
            table.put_many(some(14, 1), append=True)
    with written(tmp_path / "other") as table:
        table._base.put_many(some(5, 1), append=True)
        with pytest.raises(InvariantViolation, match="appended after"):
            table.put_many(some(4, 1), append=True)


def test_a_store_with_segments_is_the_store_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same commands, some of them deletions and keys that stay: same rows and hashes, whenever it is opened."""
    monkeypatch.setattr(state_tables, "SEGMENT_PAGES", 2)
    random = Random(1)
    plain = Replica()
    plain.machine = StateMachine(plain.tables, revisions_max=60)
    entries = [plain.log.open()]
    most = 0
    for batch in range(150):
        commands: list[Command] = [Put(b"%d" % random.randrange(30), random.randbytes(200)) for _ in range(6)]
        commands += [Delete(b"%d" % random.randrange(40)), Put(b"stays %d" % (batch // 50), b"x")]
        entries.append(plain.log.batch(Parcel(1, 8 * batch, 8 * batch, commands)))
    with environment_at(tmp_path) as environment:
        with environment.begin(write=True) as transaction:
            StateMachine(as_tables(state_tables.create_state_tables(environment, transaction))).save()
        while entries:
            tables = state_tables.open_state_tables(environment)
            with environment.begin(write=True) as transaction:
                state_tables.bind_all(tables, transaction)
                machine = StateMachine(as_tables(tables), revisions_max=60)
                for entry in entries[:10]:
                    assert machine.apply(entry) == plain.machine.apply(entry)
                assert machine.query(StateHash()) == plain.machine.query(StateHash())
                assert machine.digest == plain.machine.digest
                machine.save()
                most = max(most, len(tables["history"]._begins))  # type: ignore[union-attr]
            del entries[:10]
    assert 3 <= most <= 20
    assert plain.machine._store.past.swept_revision > 500


def hash_of(storage: OpenedNode) -> object:
    [(_, [answer])] = storage.state.apply(StateJob(reads=(ReadBatch(1, (StateHash(),)),))).answers
    return answer


def test_a_node_goes_on_from_the_format_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr(rows, "STATE_VERSION", 2)
        before.setattr(SegmentedTable, "_newest", lambda self, key: self._base)
        with opened(tmp_path / "n1") as storage:
            entries = write_some(storage)
            before_hash = hash_of(storage)
    with opened(tmp_path / "n1") as storage:
        assert hash_of(storage) == before_hash
        log = LogMaker(entries[-1])
        put = log.batch(Parcel(2, 3, 3, [Put(b"key", b"new")]))
        storage.log.write(append(put))
        assert storage.state.apply(StateJob((put,))).results == ([[3]],)
        after = hash_of(storage)
    with opened(tmp_path / "n1") as storage:
        assert hash_of(storage) == after
        [(_, answers)] = storage.state.apply(StateJob(reads=(ReadBatch(1, (Get(b"key", 2), Get(b"key"))),))).answers
        assert [answer[1] for answer in answers] == [b"value" * 20, b"new"]
