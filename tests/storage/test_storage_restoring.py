"""New data directories out of an old cluster's keys: all nodes alike, a store that goes on, and never half of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import lmdb
import pytest

from raftzmq.config import local_cluster
from raftzmq.core.types import Configuration, Entry, EntryKind, HardState, Mark
from raftzmq.errors import CorruptionError, DirectoryInUse, IdentityError
from raftzmq.kv.commands import Command, CompareAndSwap, Delete, Parcel, Put, Range, Row
from raftzmq.kv.machine import StateMachine
from raftzmq.node.work import ReadBatch, StateJob
from raftzmq.storage import OpenedNode
from raftzmq.storage.directory import DirectoryLock
from raftzmq.storage.environment import open_environment, open_tables
from raftzmq.storage.identity import Identity, read_marker
from raftzmq.storage.restoring import INDEX_LEAP, Point, restore_nodes
from raftzmq.storage.stopped import stopped_node
from raftzmq.storage.tables import STATE_MAP_BYTES, STATE_TABLES, as_tables
from tests.kv.replica import LogMaker, Replica
from tests.storage.node_on_disk import ROOT, flip, opened, write_some

CLUSTER = local_cluster(3, "new")
POINT = Point(index=40, term=7, revision=9, chain=0x1234)
ROWS: list[Row] = [(b"a", b"one", 3, 9, 2, 0), (b"b", b"two", 4, 4, 1, 77), (b"c", b"", 5, 8, 3, 0)]


def restore(directory: Path, rows: Iterable[Row] = ROWS, point: Point = POINT) -> dict[str, Path]:
    """Directories of three nodes."""
    return restore_nodes(directory, CLUSTER, point, rows, allow_any_filesystem=True)


def everything(source: StateMachine | OpenedNode) -> list[Row]:
    """All rows of a machine or a node, as a query gives them."""
    query = Range(b"")
    if isinstance(source, OpenedNode):
        ((_, (result,)),) = source.state.apply(StateJob(reads=(ReadBatch(1, (query,)),))).answers
    else:
        result = source.query(query)
    _, more, _, rows = result
    assert not more
    return list(map(tuple, rows))


def last_of(machine: StateMachine) -> Entry:
    """An entry that the next one of the log can follow."""
    return Entry(machine.applied_index, machine.applied_term, EntryKind.NOOP, b"", machine.chain)


def test_every_node_starts_with_the_same_state_after_the_same_mark(tmp_path: Path) -> None:
    made = restore(tmp_path / "deep" / "data")
    assert list(made) == ["n1", "n2", "n3"]
    assert made["n2"] == tmp_path / "deep" / "data" / "n2"
    incarnations = set()
    for node, data in made.items():
        with opened(data, CLUSTER, node) as storage:
            loaded = storage.loaded
            mark = Mark(40 + INDEX_LEAP, 7, 0x1234, Configuration(CLUSTER.nodes))
            assert loaded.mark == mark == storage.state.machine.mark
            assert (loaded.entries, loaded.peers) == ((), {})
            assert HardState(loaded.current_term, loaded.voted_for) == HardState(7, None)
            assert (loaded.applied_index, loaded.applied_term, loaded.revision) == (mark.index, 7, 9)
            assert everything(storage) == ROWS
            assert not len(storage.state.machine.sessions)
            incarnations.add(loaded.incarnation)
        assert read_marker(data) == Identity("new", node, loaded.incarnation)
        assert (data / "state" / "data.mdb").stat().st_mode & 0o777 == 0o600
    assert len(incarnations) == 3


def test_a_store_without_keys_can_be_restored(tmp_path: Path) -> None:
    for node, data in restore(tmp_path, [], Point(1, 0, 0, 5)).items():
        with opened(data, CLUSTER, node) as storage:
            assert everything(storage) == []
            assert storage.loaded.revision == 0


def test_sessions_of_the_old_cluster_are_unknown(tmp_path: Path) -> None:
    """Thesis 6.3: for a session that isn't known nothing must be executed; and no id is ever given out twice."""
    with opened(restore(tmp_path)["n1"], CLUSTER) as storage:
        log = LogMaker(last_of(storage.state.machine))
        old, opened_anew = log.batch(Parcel(21, 0, 0, [Put(b"a", b"again")])), log.open()
        (refused,), ((session,),) = storage.state.apply(StateJob((old, opened_anew))).results
        assert refused["error"] == "session_expired"
        assert session > POINT.index + INDEX_LEAP
        assert everything(storage) == ROWS


@pytest.mark.parametrize("bound", [3, 1_000_000])
def test_the_store_goes_on_as_the_old_one_would_have(tmp_path: Path, bound: int) -> None:
    """The same commands on the old store and on the restored one, which compacts: same results, same keys."""
    old = Replica()
    old.run(*[Put(b"%d" % (n % 7), b"old %d" % n) for n in range(40)], Delete(b"3"))
    point = Point(old.machine.applied_index, 1, old.machine.revision, 1)
    data = restore(tmp_path, everything(old.machine), point)["n2"]
    environment = open_environment(data / "state", STATE_MAP_BYTES)
    tables = open_tables(environment, STATE_TABLES)
    with environment.begin(write=True) as transaction:
        for table in tables.values():
            table.bind(transaction)
        new = Replica(as_tables(tables))
        new.machine = StateMachine(as_tables(tables), revisions_max=bound)
        new.log = LogMaker(last_of(new.machine))
        assert new.get(b"1", point.revision) == old.get(b"1", point.revision)
        commands: list[Command] = [Put(b"%d" % (n % 5), b"new %d" % n) for n in range(40)]
        commands += [Delete(b"6"), Put(b"3", b"back"), CompareAndSwap(b"5", b"x", b"old 33")]
        for command in commands:
            assert new.run(command) == old.run(command)
            assert everything(new.machine) == everything(old.machine)
        kept = new.get(b"1", point.revision)
        assert isinstance(kept, dict) == (bound == 3), "what was saved can be read until it is compacted"
        assert new.get(b"1", point.revision - 1)["error"] == "compacted"
        new.hash_after_reload()
    environment.close()


def test_many_and_large_rows_take_several_transactions(tmp_path: Path) -> None:
    rows: list[Row] = [(b"%08d" % n, b"v%d" % n, n, n, 1, 0) for n in range(1, 25_001)]
    rows += [(b"z%02d" % n, bytes(900_000), 30_000 + n, 30_000 + n, 1, 0) for n in range(40)]
    made = restore(tmp_path, rows, Point(1, 1, 40_000, 1))
    with stopped_node(made["n3"]) as node:
        assert [row for page in node.pages() for row in map(tuple, page)] == rows


@pytest.mark.parametrize("what", ["file", "directory", "node", "marker"])
def test_whatever_holds_anything_is_refused_and_left_alone(tmp_path: Path, what: str) -> None:
    data = tmp_path / "n2"
    if what == "file":
        data.write_text("mine")
    elif what == "directory":
        (data / "deep").mkdir(parents=True)
    else:
        with opened(data, CLUSTER, "n2"):
            pass
        if what == "marker":
            for path in sorted(data.rglob("*"), reverse=True):
                path.unlink() if path.is_file() else path.rmdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(IdentityError, match="n2"):
        restore(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_directory_will_do_unless_somebody_holds_it(tmp_path: Path) -> None:
    (tmp_path / "n2").mkdir()
    lock = DirectoryLock(tmp_path / "n2")
    with pytest.raises(DirectoryInUse):
        restore(tmp_path)
    lock.release()
    (tmp_path / "n2").mkdir(exist_ok=True)
    restore(tmp_path)


BAD = [
    ([ROWS[0], (b"b", b"", 1, 9, 1, 0)], "can't have had"),
    ([(b"a", b"", 1, 10, 1, 0)], "can't have had"),
]


@pytest.mark.parametrize(("rows", "reason"), BAD, ids=["revision twice", "from the future"])
def test_rows_that_cannot_be_leave_nothing(tmp_path: Path, rows: list[Row], reason: str) -> None:
    with pytest.raises(CorruptionError, match=reason):
        restore(tmp_path, rows)
    assert not list(tmp_path.iterdir())


def test_a_revision_taken_in_an_earlier_transaction_is_found(tmp_path: Path) -> None:
    rows: list[Row] = [(b"%08d" % n, b"", n, n, 1, 0) for n in range(1, 10_002)]
    rows[-1] = (rows[-1][0], b"", 1, 1, 1, 0)
    with pytest.raises(CorruptionError, match="claim revisions that others have"):
        restore(tmp_path, rows, Point(1, 1, 20_000, 1))


def test_whatever_fails_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    def rows() -> Iterator[Row]:
        yield from ROWS
        assert (tmp_path / "n1.identity").exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(tmp_path, rows())
    assert not list(tmp_path.iterdir())


CRASH = """
import os, sys
from pathlib import Path
from raftzmq.storage import restoring
from tests.storage.test_storage_restoring import ROWS, restore

def crashing(call, countdown=[int(sys.argv[3])]):
    def wrapped(*arguments):
        if not countdown[0]:
            os._exit(7)
        countdown[0] -= 1
        return call(*arguments)
    return wrapped

name = sys.argv[2]
setattr(restoring, name, crashing(getattr(restoring, name)))
restore(Path(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("step", "count", "whole"),
    [("_put_rows", 0, 0), ("_copy_state", 0, 0), ("_copy_state", 1, 0), ("_create_log", 0, 0), ("_create_log", 2, 2)],
)
def test_after_a_crash_no_node_starts_as_if_it_were_new(tmp_path: Path, step: str, count: int, whole: int) -> None:
    """Two empty nodes would be a majority, and the restored third would have to follow them."""
    command = [sys.executable, "-c", CRASH, str(tmp_path), step, str(count)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 7
    started = 0
    for node in ("n1", "n2", "n3"):
        with suppress(IdentityError), opened(tmp_path / node, CLUSTER, node) as storage:
            assert everything(storage) == ROWS
            started += 1
    assert started == whole


# ---- reading a stopped node


def test_a_stopped_node_is_read_and_nothing_is_changed(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    with opened(data, CLUSTER) as storage:
        write_some(storage)
    before = (data / "state" / "data.mdb").read_bytes()
    with stopped_node(data) as node:
        assert (node.identity.cluster_id, node.identity.node) == ("new", "n1")
        assert [row[0] for page in node.pages() for row in page] == [b"key", b"other"]
        assert (node.last_log_index, node.entries_not_applied) == (4, 0)
        with pytest.raises(DirectoryInUse, match="is in use"), stopped_node(data):
            pass
    assert (data / "state" / "data.mdb").read_bytes() == before
    with opened(data, CLUSTER) as storage:
        assert storage.loaded.applied_index == 4


def test_entries_that_were_not_applied_are_counted(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    with opened(data, CLUSTER) as storage:
        entries = write_some(storage)
    for old, new in pairwise(entries):
        assert new.index == old.index + 1
    with lmdb.open(str(data / "log"), max_dbs=8, map_size=1 << 24) as environment:
        table = environment.open_db(b"entries")
        with environment.begin(write=True) as transaction:
            transaction.put((6).to_bytes(8, "big"), b"written, and perhaps committed", db=table)
    with stopped_node(data) as node:
        assert node.entries_not_applied == 2


def test_a_damaged_row_of_a_stopped_node_is_not_passed_on(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    with opened(data, CLUSTER) as storage:
        write_some(storage)
    flip(data / "state", "history/0", (2).to_bytes(8, "big") + bytes(4), 300)
    with pytest.raises(CorruptionError, match="revision 2"), stopped_node(data) as node:
        list(node.pages())
