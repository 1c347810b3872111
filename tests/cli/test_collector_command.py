"""``collector`` as a process: starts, is told apart from a second one, and ends in order."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from raftzmq.config import ClusterConfig
from tests.cli.support import COMMAND, PATIENCE_S, environment, raftzmq
from tests.collector.support import Publisher, cluster, read_lines, wait_until


@contextmanager
def running(path: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A collector that has said that it has started."""
    process = subprocess.Popen(
        [*COMMAND, "collector", "--config", str(path), *arguments], stdout=subprocess.PIPE, env=environment()
    )
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "collector started"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def config() -> ClusterConfig:
    return cluster(1)


@pytest.fixture
def path(config: ClusterConfig, tmp_path: Path) -> Path:
    path = tmp_path / "cluster.toml"
    path.write_text(config.to_toml())
    return path


def last_line(output: bytes) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(output.splitlines()[-1])
    return line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_with_all_recorded(
    number: signal.Signals, config: ClusterConfig, path: Path, tmp_path: Path
) -> None:
    with running(path, "--directory", str(tmp_path / "ev")) as process:
        with closing(Publisher(config.nodes[0], "b")) as node:
            node.wait_for_listener()
            node.publish("commit", 200)
            wait_until(lambda: 200 in seqs(tmp_path / "ev"), "the last event is recorded")
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
        assert last_line(output)["event"] == "collector stopped"
    assert seqs(tmp_path / "ev") == list(range(1, 201))


def seqs(directory: Path) -> list[int]:
    """The numbers of the commits that are recorded so far."""
    return [one["seq"] for one in read_lines(directory) if one["type"] == "commit"]


def test_a_taken_port_exits_10_and_a_taken_directory_12(path: Path, tmp_path: Path) -> None:
    with running(path, "--directory", str(tmp_path / "ev")):
        second = raftzmq("collector", "--config", str(path), "--directory", str(tmp_path / "other"))
        assert second.returncode == 10
        assert "another process has the port" in last_line(second.stdout)["error"]
        elsewhere = tmp_path / "elsewhere.toml"
        elsewhere.write_text(cluster(1).to_toml())
        third = raftzmq("collector", "--config", str(elsewhere), "--directory", str(tmp_path / "ev"))
        assert third.returncode == 12
        assert "another collector is recording" in last_line(third.stdout)["error"]


def test_a_cluster_file_that_is_wrong_exits_10(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("cluster_id = ")
    done = raftzmq("collector", "--config", str(tmp_path / "c.toml"))
    assert done.returncode == 10
    assert "is not TOML" in last_line(done.stdout)["error"]


def test_it_gathers_only_the_types_asked_for(config: ClusterConfig, path: Path, tmp_path: Path) -> None:
    with (
        running(path, "--directory", str(tmp_path / "ev"), "--topics", "role,term", "--topics", "vote"),
        closing(Publisher(config.nodes[0], "b")) as node,
    ):
        for kind in ("role", "term", "vote"):
            node.wait_for_listener(kind)
        assert not node.maker.wanted("commit")


def test_an_address_of_supervisord_that_is_none_exits_10(path: Path, tmp_path: Path) -> None:
    done = raftzmq(
        *("collector", "--config", str(path), "--directory", str(tmp_path / "ev"), "--supervisor", "ftp://localhost")
    )
    assert done.returncode == 10
    assert "is no address of supervisord" in last_line(done.stdout)["error"]
