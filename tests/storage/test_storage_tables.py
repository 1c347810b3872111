"""Three tables, one behaviour: LMDB's, the simulator's, and its overlay, against a dict."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftzmq.errors import InvariantViolation
from raftzmq.kv.tables import Table
from raftzmq.storage import environment as environments
from raftzmq.storage.environment import LmdbTable, create_tables, used_fraction
from raftzmq.storage.memory_table import MemoryTable, OverlayTable

keys = st.binary(min_size=1, max_size=2)
rows = st.binary(max_size=3)
steps = st.one_of(
    st.tuples(st.just("put"), keys, rows),
    st.tuples(st.just("delete"), keys),
    st.tuples(st.just("put_many"), st.dictionaries(keys, rows, max_size=5)),
    st.tuples(st.just("place"), st.lists(st.tuples(keys, st.none() | rows), max_size=4)),
    st.tuples(st.just("append"), st.dictionaries(keys, rows, min_size=1, max_size=3)),
    st.tuples(st.just("settle")),
)


@contextmanager
def lmdb_table(directory: Path) -> Iterator[LmdbTable]:
    environment = environments.open_environment(directory, 1 << 20)
    try:
        with environment.begin(write=True) as transaction:
            yield create_tables(environment, ("table",), transaction)["table"]
    finally:
        environment.close()


def change(table: Table, model: dict[bytes, bytes], step: tuple[Any, ...]) -> None:
    """Do ``step`` to table and model alike."""
    match step:
        case ("put", key, row):
            table.put(key, row)
            model[key] = row
        case ("delete", key):
            table.delete(key)
            model.pop(key, None)
        case ("place", visits):
            get, put = table.place()
            for key, row in visits:
                assert get(key) == model.get(key)
                if row is not None:
                    put(key, row)
                    model[key] = row
        case ("put_many", added):
            table.put_many(list(added.items()))
            model.update(added)
        case ("append", added):
            items = sorted(added.items())
            if not model or items[0][0] > max(model):
                table.put_many(items, append=True)
                model.update(added)
        case ("settle",) if isinstance(table, OverlayTable):
            table.settle()


def compare(table: Table, model: dict[bytes, bytes], start: bytes, end: bytes | None) -> None:
    expected = [(k, model[k]) for k in sorted(model) if k >= start and (end is None or k < end)]
    assert list(table.scan(start, end)) == expected
    assert list(table.scan(start, end, reverse=True)) == expected[::-1]
    asked = [*model, b"absent", start or b"x"]
    assert table.get_many(asked) == {key: model[key] for key in asked if key in model}
    assert all(table.get(key) == model.get(key) for key in asked)


bounds = st.tuples(st.binary(max_size=2), st.none() | st.binary(max_size=2))


@settings(max_examples=150)
@given(st.lists(steps, max_size=20), bounds)
def test_memory(steps: list[tuple[Any, ...]], bounds: tuple[bytes, bytes | None]) -> None:
    model: dict[bytes, bytes] = {}
    table = MemoryTable()
    for step in steps:
        change(table, model, step)
    compare(table, model, *bounds)


@settings(max_examples=150)
@given(st.lists(steps, max_size=20), bounds)
def test_overlay(steps: list[tuple[Any, ...]], bounds: tuple[bytes, bytes | None]) -> None:
    model: dict[bytes, bytes] = {}
    base = MemoryTable()
    table = OverlayTable(base)
    for step in steps:
        before = dict(base.rows)
        if step[0] == "append" and model and min(step[1]) <= table._highest:
            continue  # Stricter than needed: a key that was deleted still bounds what may be appended.
        change(table, model, step)
        assert base.rows == before or step[0] == "settle"
    compare(table, model, *bounds)
    table.settle()
    compare(base, model, *bounds)


@settings(max_examples=25)
@given(st.lists(steps, max_size=20), bounds)
def test_lmdb(steps: list[tuple[Any, ...]], bounds: tuple[bytes, bytes | None]) -> None:
    model: dict[bytes, bytes] = {}
    with tempfile.TemporaryDirectory() as directory, lmdb_table(Path(directory)) as table:
        for step in steps:
            change(table, model, step)
        compare(table, model, *bounds)


@pytest.mark.parametrize("kind", ["memory", "overlay", "lmdb"])
def test_nothing_is_appended_out_of_order(kind: str, tmp_path: Path) -> None:
    with lmdb_table(tmp_path) as stored:
        tables: dict[str, Table] = {"memory": MemoryTable(), "overlay": OverlayTable(MemoryTable()), "lmdb": stored}
        table = tables[kind]
        table.put_many([(b"a", b"1"), (b"c", b"2")], append=True)
        for bad in ([(b"b", b"3")], [(b"c", b"3")], [(b"d", b"3"), (b"d", b"4")], [(b"f", b"3"), (b"e", b"4")]):
            with pytest.raises(InvariantViolation):
                table.put_many(bad, append=True)


def test_a_table_outside_a_transaction_refuses(tmp_path: Path) -> None:
    with lmdb_table(tmp_path) as table:
        table.bind(None)
        with pytest.raises(InvariantViolation, match="outside a transaction"):
            table.get(b"k")


def test_how_much_of_the_map_is_used(tmp_path: Path) -> None:
    environment = environments.open_environment(tmp_path, 1 << 20)
    try:
        before = used_fraction(environment)
        with environment.begin(write=True) as transaction:
            create_tables(environment, ("table",), transaction)["table"].put(b"k", b"x" * (1 << 19))
        assert before < 0.1
        assert 0.5 < used_fraction(environment) < 0.6
    finally:
        environment.close()


def test_environments_are_opened_to_last(tmp_path: Path) -> None:
    environment = environments.open_environment(tmp_path, 1 << 20)
    try:
        flags = environment.flags()
        assert flags["sync"]
        assert flags["metasync"]
        assert flags["lock"]
        assert not flags["writemap"]
        assert not flags["map_async"]
        if hasattr(environment, "lib_version"):  # py-lmdb carries several only since 3.0
            assert environment.lib_version()[:2] == (0, 9)
    finally:
        environment.close()
