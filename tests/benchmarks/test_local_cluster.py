"""The cluster of a benchmark: real nodes that serve, die, come back, and are gone at the end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
from pathlib import Path

import pytest

from raftzmq.benchmarks.local_cluster import ClusterFailed, LocalCluster, free_cluster, free_ports
from raftzmq.client.sync import Client

pytestmark = pytest.mark.live


def gone(pid: int) -> bool:
    """Is there no process of this id?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_cluster_serves_survives_a_kill_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with LocalCluster(3, tmp_path) as cluster:
        leader, term = cluster.leader()
        with Client(cluster.endpoints) as client:
            client.put("key", "value")
            cluster.kill(leader)
            assert client.put("key", "after the kill", timeout=60).revision == 2
            cluster.start(leader)
            _, new_term = cluster.leader(above_term=term)
            assert new_term > term
            row = client.get("key")
        assert row is not None
        assert row.value == b"after the kill"
        pids = [cluster.pid(node) for node in cluster.nodes]
        assert not any(map(gone, pids))
    assert all(map(gone, pids))
    assert not list(tmp_path.iterdir())


def test_a_node_that_says_why_it_ended_is_told_in_its_own_words(tmp_path: Path) -> None:
    with LocalCluster(1, tmp_path) as cluster:
        cluster.stop("n1")
        shutil.rmtree(cluster.path / "n1")
        (cluster.path / "n1").write_text("no directory")
        cluster.start("n1")
        with pytest.raises(ClusterFailed) as told:
            cluster.wait(lambda: None, "what never comes")
    (sentence,) = str(told.value).splitlines()
    assert re.match(rf"n1 ended by itself with exit code 1\d: .*{cluster.path / 'n1'}", sentence)
    assert sentence.endswith("; --directory says where the nodes' data go")


def test_a_node_that_ends_by_itself_is_told_with_its_log_and_the_files_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop_a_node_and_wait() -> None:
        with LocalCluster(1, tmp_path) as cluster:
            os.kill(cluster.pid("n1"), signal.SIGTERM)
            cluster.wait(lambda: None, "what never comes")

    with pytest.raises(ClusterFailed, match=r"n1 ended by itself with exit code 0:(.|\n)*node stops"):
        stop_a_node_and_wait()
    (kept,) = tmp_path.iterdir()
    assert (kept / "n1.log").stat().st_size > 0
    assert (kept / "n1").is_dir()
    assert str(kept) in capsys.readouterr().err


def test_ports_that_were_given_out_are_not_given_out_again() -> None:
    given = [int(address.client.rpartition(":")[2]) for address in free_cluster(3).nodes]
    for port in given:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with socket.socket() as node:
            node.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            node.bind(("127.0.0.1", port))
            node.listen()
    assert not set(given) & set(free_ports(100))


def test_what_never_comes_is_named(tmp_path: Path) -> None:
    with LocalCluster(1, tmp_path) as cluster, pytest.raises(ClusterFailed, match=r"not within 0\.1 s: a miracle"):
        cluster.wait(lambda: None, "a miracle", 0.1)
