"""Whose data it is: a node starts as new once, and never with another's data or without its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from zlib import crc32

import pytest

from raftzmq.config import local_cluster
from raftzmq.core.types import first_entry
from raftzmq.errors import ConfigurationError, CorruptionError, DirectoryInUse, IdentityError
from raftzmq.kv.commands import StateHash
from raftzmq.node.work import ReadBatch, StateJob
from raftzmq.storage import open_node
from raftzmq.storage.identity import Identity, marker_path, read_marker, write_marker
from tests.storage.node_on_disk import CLUSTER, flip, opened, raw, write_some


def start(data: Path, node: str = "n1") -> str:
    """Open and close; the incarnation."""
    with opened(data, node=node) as storage:
        assert storage.loaded.entries[0] == first_entry(CLUSTER.nodes)
        return storage.loaded.incarnation


def test_the_first_start_makes_everything_and_the_second_finds_it(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "n1"
    incarnation = start(data)
    assert len(incarnation) == 32
    assert sorted(path.name for path in data.iterdir()) == ["lock", "log", "state"]
    assert read_marker(data) == Identity("local", "n1", incarnation)
    assert start(data) == incarnation
    assert start(tmp_path / "deep" / "n2", "n2") != incarnation
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "log" / "data.mdb").stat().st_mode & 0o777 == 0o600


def test_a_path_is_the_same_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    incarnation = start(tmp_path / "n1")
    monkeypatch.chdir(tmp_path / "n1")
    for path in (Path("."), Path("../n1"), Path("log/..")):
        assert start(path) == incarnation


def test_an_emptied_directory_of_a_known_node_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    start(data)
    shutil.rmtree(data)
    for left in (tmp_path, data, data / "log"):
        left.mkdir(parents=True, exist_ok=True)
        with pytest.raises(IdentityError, match="its vote is lost") as caught:
            start(data)
        assert caught.value.exit_code == 10
        shutil.rmtree(data)
    assert not (data / "log" / "data.mdb").exists()


@pytest.mark.parametrize("gone", ["log", "state"])
@pytest.mark.parametrize("marked", [True, False])
def test_half_of_the_data_is_not_enough(tmp_path: Path, gone: str, marked: bool) -> None:
    data = tmp_path / "n1"
    with opened(data) as storage:
        write_some(storage)
    shutil.rmtree(data / gone)
    if not marked:
        marker_path(data).unlink()
    with pytest.raises(IdentityError):
        start(data)


def test_data_of_another_node_or_cluster_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    start(data)
    for marked in (True, False):
        with pytest.raises(IdentityError, match="node 'n1', not to 'n2'"):
            start(data, "n2")
        with (
            pytest.raises(IdentityError, match="cluster 'local', not to 'other'"),
            opened(data, local_cluster(3, "other")),
        ):
            pass
        if marked:
            marker_path(data).unlink()
    assert start(data)


def test_a_marker_that_is_no_file_is_an_error_of_identity(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    marker_path(data).mkdir()
    with pytest.raises(
        IdentityError, match=f"{marker_path(data)} should be the file .*Is a directory.*bring"
    ) as caught:
        start(data)
    assert caught.value.exit_code == 10
    marker_path(data).rmdir()
    assert start(data) == read_marker(data).incarnation  # type: ignore[union-attr]


def test_a_copy_under_another_marker_is_refused(tmp_path: Path) -> None:
    start(tmp_path / "one" / "n1")
    start(tmp_path / "two" / "n1")
    shutil.rmtree(tmp_path / "two" / "n1")
    shutil.copytree(tmp_path / "one" / "n1", tmp_path / "two" / "n1")
    with pytest.raises(IdentityError, match="another incarnation"):
        start(tmp_path / "two" / "n1")


def test_log_and_state_of_different_nodes_are_refused(tmp_path: Path) -> None:
    start(tmp_path / "n1")
    start(tmp_path / "n2", "n2")
    shutil.rmtree(tmp_path / "n1" / "state")
    shutil.copytree(tmp_path / "n2" / "state", tmp_path / "n1" / "state")
    with pytest.raises(IdentityError, match="than the log beside it"):
        start(tmp_path / "n1")


def test_a_start_cut_short_before_the_marker_is_finished(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    incarnation = start(data)
    marker_path(data).unlink()
    assert start(data) == incarnation
    assert read_marker(data) == Identity("local", "n1", incarnation)


@pytest.mark.parametrize("content", [None, b"", bytes(8192), bytes(20000), "metas"])
@pytest.mark.parametrize("state", ["whole", "partial"])
def test_a_start_cut_short_before_the_log_is_begun_again(
    tmp_path: Path, content: bytes | str | None, state: str
) -> None:
    data = tmp_path / "n1"
    incarnation = start(data)
    marker_path(data).unlink()
    damaged = [data / "log" / "data.mdb"] + ([data / "state" / "data.mdb"] if state == "partial" else [])
    for path in damaged:
        if content is None:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:8192] if content == "metas" else content)  # type: ignore[arg-type]
    assert start(data) != incarnation
    assert start(data) == read_marker(data).incarnation  # type: ignore[union-attr]


def test_only_what_lmdb_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / "n1" / "log").mkdir(parents=True)
    (tmp_path / "n1" / "log" / "diary.txt").write_text("mine")
    with pytest.raises(IdentityError, match=r"diary\.txt"):
        start(tmp_path / "n1")
    assert (tmp_path / "n1" / "log" / "diary.txt").read_text() == "mine"


def test_a_damaged_log_without_a_marker_is_not_cleared(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    start(data)
    marker_path(data).unlink()
    (data / "log" / "data.mdb").write_bytes(b"x" * 20000)
    with pytest.raises(CorruptionError):
        start(data)
    assert (data / "log" / "data.mdb").stat().st_size == 20000


def test_damaged_identities_are_found(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    start(data)
    text = marker_path(data).read_bytes()
    marker_path(data).write_bytes(text.replace(b"n1", b"n2"))
    with pytest.raises(CorruptionError, match="checksum"):
        start(data)
    marker_path(data).write_bytes(text)
    flip(data / "log", "meta", b"identity", 50)
    with pytest.raises(CorruptionError, match="log's identity"):
        start(data)
    flip(data / "log", "meta", b"identity", 50)
    with raw(data / "state", "meta") as (transaction, database):
        transaction.delete(b"identity", db=database)
    with pytest.raises(CorruptionError, match="lacks the identity"):
        start(data)


def test_a_missing_table_is_damage(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    start(data)
    with raw(data / "log", "peers") as (transaction, database):
        transaction.drop(database)
    with pytest.raises(CorruptionError, match="lacks a table"):
        start(data)


def test_formats_of_another_release_are_refused(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    start(data)
    write_marker(data, Identity("local", "n1", "x"))
    text = marker_path(data).read_bytes()
    assert text.endswith(b'[1, "local", "n1", "x"]\n')
    body = b'[2, "local"]'
    marker_path(data).write_bytes(b"%08x %s\n" % (crc32(body), body))
    with pytest.raises(CorruptionError, match="format 2"):
        start(data)


def test_a_node_must_be_named_by_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no node 'n4'"):
        start(tmp_path / "n4", "n4")
    assert list(tmp_path.iterdir()) == []


def test_an_unfit_file_system_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is on proc") as caught:
        open_node(Path("/proc/self/n1"), CLUSTER, "n1")
    assert caught.value.exit_code == 10


def test_an_open_node_keeps_others_out(tmp_path: Path) -> None:
    with opened(tmp_path / "n1"), pytest.raises(DirectoryInUse, match=str(os.getpid())):
        start(tmp_path / "n1")
    start(tmp_path / "n1")


def test_a_failed_start_lets_go(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    start(data)
    for _ in range(2):
        with pytest.raises(IdentityError):
            start(data, "n2")
    assert start(data)


def test_state_and_log_must_agree(tmp_path: Path) -> None:
    data = tmp_path / "n1"
    start(data)
    shutil.copytree(data / "log", tmp_path / "kept")
    with opened(data) as storage:
        write_some(storage)
        before = storage.state.apply(StateJob(reads=(ReadBatch(1, (StateHash(),)),))).answers
    shutil.copytree(data / "log", tmp_path / "new")
    shutil.rmtree(data / "log")
    shutil.copytree(tmp_path / "kept", data / "log")
    with pytest.raises(CorruptionError, match="applied entry 4, but the log goes from 0 to 1"):
        start(data)
    shutil.rmtree(data / "log")
    shutil.copytree(tmp_path / "new", data / "log")
    with opened(data) as storage:
        assert storage.state.apply(StateJob(reads=(ReadBatch(1, (StateHash(),)),))).answers == before
