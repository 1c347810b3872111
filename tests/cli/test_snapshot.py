"""``raftzmq snapshot`` without a cluster: what is said of files, and what is made of them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from raftzmq.backups.format import Header
from raftzmq.config import local_cluster
from tests.backups.test_snapshot_file import HEADER, ROWS, write
from tests.cli.support import on_terminal, raftzmq
from tests.storage.node_on_disk import opened, write_some


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A snapshot of cluster ``prod``."""
    path = tmp_path / "monday.snapshot"
    write(path)
    return path


def test_status_tells_what_is_in_a_file(file: Path) -> None:
    document = json.loads(raftzmq("snapshot", "status", str(file), "--json").stdout)
    assert document == {
        "schema": 1,
        "file": str(file),
        "cluster_id": "prod",
        "revision": 9,
        "keys": 2,
        "bytes": file.stat().st_size,
        "made_at": HEADER.made_at,
        "source": "cluster",
        "index": 31,
        "term": 2,
        "sha256": file.read_bytes()[-32:].hex(),
        "verified": True,
    }
    lines = raftzmq("snapshot", "status", str(file)).stdout.decode().splitlines()
    assert lines == [f"{name} {value}" for name, value in document.items() if name != "schema"]


def test_status_is_a_table_on_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, ROWS, Header("\x1b[31mred", 1_000_000, 1, 1, "cluster", ""))
    code, screen = on_terminal("snapshot", "status", str(path), columns=120)
    assert code == 0
    assert "1,000,000" in screen
    assert "\x1b[31m" not in screen, "what a file says must not steer the terminal"


def test_a_damaged_file_is_refused_and_the_place_named(file: Path, tmp_path: Path) -> None:
    good = file.read_bytes()
    file.write_bytes(good.replace(b"one", b"two"))
    for command in (["status"], ["restore", "--nodes", "3", "--any-file-system", "--out", str(tmp_path / "out")]):
        done = raftzmq("snapshot", *command, str(file))
        assert done.returncode == 1
        assert not done.stdout
        assert f"{file} is damaged (row 1, at byte {good.index(b'K')}): it fails its checksum" in done.stderr.decode()
    assert not (tmp_path / "out").exists()
    done = raftzmq("snapshot", "status", str(file), "--json")
    assert "is damaged" in json.loads(done.stderr)["error"]["message"]


def test_the_local_cluster_is_restored_where_bin_up_looks(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "home"
    done = raftzmq("snapshot", "restore", str(file), "--nodes", "3", "--out", str(out), "--any-file-system")
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.decode().splitlines()
    assert "2 keys as of revision 9" in first
    assert "3 nodes of cluster local" in first
    assert lines == [f"  raftzmq node --node n{n} --nodes 3 --data {out / f'n{n}'}" for n in (1, 2, 3)]
    for node in ("n1", "n2", "n3"):
        with opened(out / node, local_cluster(3), node) as storage:
            assert storage.loaded.revision == 9
    again = raftzmq("snapshot", "restore", str(file), "--nodes", "3", "--out", str(out), "--any-file-system")
    assert again.returncode == 1
    assert "a node has lived in" in again.stderr.decode()


@pytest.mark.parametrize("config", [False, True])
def test_what_is_told_to_start_can_be_copied(file: Path, tmp_path: Path, config: bool) -> None:
    out, cluster = tmp_path / "new data", tmp_path / "a 'cluster'.toml"
    cluster.write_text(local_cluster(1).to_toml().replace("7101", "7109").replace("local", "new"))
    which = ["--config", str(cluster)] if config else ["--nodes", "1"]
    done = raftzmq("snapshot", "restore", str(file), *which, "--out", str(out), "--any-file-system")
    assert done.returncode == 0, done.stderr
    first, line = done.stdout.decode().splitlines()
    assert "restored for 1 node of cluster " in first
    assert first.endswith("; start it:")
    assert shlex.split(line) == ["raftzmq", "node", "--node", "n1", *which, "--data", str(out / "n1")]


def test_a_cluster_file_needs_an_id_of_its_own_unless_it_is_not_used(tmp_path: Path) -> None:
    file, config, out = tmp_path / "file", tmp_path / "cluster.toml", tmp_path / "out"
    write(file, ROWS, Header("local", 9, 1, 1, "cluster", ""))
    config.write_text(local_cluster(1).to_toml().replace("7101", "7109"))
    arguments = ("snapshot", "restore", str(file), "--out", str(out), "--any-file-system")
    done = raftzmq(*arguments, variables={"RAFTZMQ_CONFIG": str(config)})
    assert done.returncode == 2
    assert f"{config} has the id 'local' of the cluster that was saved" in done.stderr.decode()
    assert not out.exists()
    assert raftzmq(*arguments, "--nodes", "1", variables={"RAFTZMQ_CONFIG": str(config)}).returncode == 0
    assert (out / "n1.identity").exists()


def test_a_stopped_node_is_saved(tmp_path: Path) -> None:
    data, path = tmp_path / "n1", tmp_path / "file"
    with opened(data) as storage:
        write_some(storage)
        busy = raftzmq("snapshot", "save", str(path), "--data", str(data))
        assert busy.returncode == 12
        assert "is in use by process" in busy.stderr.decode()
    done = raftzmq("snapshot", "save", str(path), "--data", str(data))
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().startswith(f"{path}: 2 keys as of revision 2, {path.stat().st_size} bytes of cluster")
    again = raftzmq("snapshot", "save", str(path), "--data", str(data))
    assert again.returncode == 1
    assert "exists" in again.stderr.decode()
    assert raftzmq("snapshot", "save", str(path), "--data", str(data), "--force").returncode == 0


def test_what_cannot_be_saved_is_said(tmp_path: Path) -> None:
    nobody = ("--endpoints", "127.0.0.1:1", "--timeout", "0.3")
    done = raftzmq("snapshot", "save", str(tmp_path / "file"), *nobody)
    assert done.returncode == 7
    assert "no node answers" in done.stderr.decode()
    done = raftzmq("snapshot", "save", str(tmp_path / "file"), "--data", str(tmp_path))
    assert done.returncode == 2
    assert "is no data directory of a node" in done.stderr.decode()
    assert not list(tmp_path.iterdir()), "not even a lock is left in a directory that is none of ours"
