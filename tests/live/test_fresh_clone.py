"""What a new user does: bin/up, bin/raftzmq, bin/down, in a copy of the tree that has nothing installed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from raftzmq.config import local_cluster
from tests.live.clone import Clone, held_ports
from tests.live.harness import eventually

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]


def test_up_serves_and_down_leaves_nothing_running(clone: Clone) -> None:
    up = clone.done("bin/up")
    assert "Where to look next" in up
    assert all(f"n{k}" in up for k in range(1, 6)), up
    page = local_cluster(5).web
    assert page in up
    eventually(lambda: is_ready(page), "the collector's page knows the leader")
    rows = json.loads(clone.done("bin/raftzmq", "status", "--json"))["nodes"]
    assert sorted(row["role"] for row in rows) == ["follower"] * 4 + ["leader"]
    clone.done("bin/raftzmq", "put", "kept", "through a restart")

    # Again: nothing new is started, and what stands still is.
    pids = {row["node"]: row["pid"] for row in rows}
    clone.supervisor("stop", "node:n3")
    assert "starting n3" in clone.done("bin/up")
    rows = json.loads(clone.done("bin/raftzmq", "status", "--json"))["nodes"]
    assert {row["node"] for row in rows if row["pid"] != pids[row["node"]]} == {"n3"}

    assert "nothing of it runs" in clone.done("bin/down")
    assert clone.processes() == []
    assert held_ports() == []
    assert "Nothing was running" in clone.done("bin/down")

    # supervisord.conf by itself does the same, and bin/up finds what it started.
    clone.done(".venv/bin/supervisord", "-c", str(clone.path / "supervisord.conf"))
    assert "supervisord runs already" in clone.done("bin/up")
    assert clone.done("bin/raftzmq", "get", "kept").strip() == "through a restart"
    clone.done("bin/down", "--purge")
    assert [path.name for path in (clone.path / ".raftzmq").iterdir()] == [".gitignore"]


def is_ready(page: str) -> bool:
    """Does it say that a leader is known? Not yet, while the collector starts."""
    try:
        with urllib.request.urlopen(page + "/readyz", timeout=10) as answer:
            return json.load(answer)["ready"] is True
    except OSError:
        return False


def test_two_that_start_at_once_start_one_cluster(clone: Clone) -> None:
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(clone.done, ["bin/up"] * 3))
    assert sum("supervisord starts" in output for output in said) == 1
    assert sum("supervisord runs already" in output for output in said) == 2
    assert len(clone.processes()) == 7


def test_up_names_the_port_that_is_held_and_by_whom(clone: Clone) -> None:
    with socket.socket() as other:
        # What an earlier cluster said on this port may not have been forgotten yet (TIME_WAIT).
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 7203))
        other.listen()
        result = clone.run("bin/up")
    assert result.returncode == 1
    assert "port 7203 of n3" in result.stderr
    assert f"process {os.getpid()}" in result.stderr
    assert clone.processes() == []


def test_up_names_a_node_that_cannot_run_and_shows_its_log(clone: Clone) -> None:
    clone.done("bin/up")
    clone.done("bin/down")
    shutil.rmtree(clone.path / ".raftzmq" / "n2")
    result = clone.run("bin/up")
    assert result.returncode == 1
    assert "n2 is EXITED" in result.stderr
    assert "exit code 10" in result.stderr
    assert "node ends" in result.stderr, "the last lines of the log"
    clone.done("bin/down", "--purge")


def test_three_nodes_and_a_supervisor_that_is_killed(clone: Clone) -> None:
    up = clone.done("bin/up", "--nodes", "3")
    assert "n3" in up
    assert "n4" not in up
    assert clone.run("bin/up", "--nodes", "5").returncode == 1, "the members stand in the log"
    supervisord = int((clone.path / ".raftzmq" / "supervisord.pid").read_text())
    os.kill(supervisord, signal.SIGKILL)
    eventually(lambda: supervisord not in clone.processes(), "supervisord is gone")
    assert len(clone.processes()) == 4, "three nodes and the collector run on without it"
    clone.done("bin/down")
    assert clone.processes() == []
    assert not (clone.path / ".raftzmq" / "supervisord.pid").exists()
    assert not (clone.path / ".raftzmq" / "supervisor.sock").exists()
    clone.done("bin/up")
    assert len(clone.processes()) == 5
    clone.done("bin/down", "--purge")


def test_up_and_down_say_in_a_sentence_what_is_wrong(clone: Clone) -> None:
    for arguments in (
        ("bin/up", "--timeout", "nan"),
        ("bin/down", "--timeout", "inf"),
        ("bin/down", "--timeout", "-1"),
    ):
        refused = clone.run(*arguments)
        assert refused.returncode == 2
        assert "--timeout" in refused.stderr
    (clone.path / ".raftzmq" / "nodes").write_text("many\n")
    damaged = clone.run("bin/up")
    assert (damaged.returncode, damaged.stderr.count("\n")) == (1, 1)
    assert "nodes holds 'many', not how many nodes the data are of" in damaged.stderr
    shutil.rmtree(clone.path / ".raftzmq")
    (clone.path / ".raftzmq").touch()
    nowhere = clone.run("bin/down")
    assert (nowhere.returncode, nowhere.stderr) == (1, f"{clone.path}/.raftzmq: File exists\n")
    (clone.path / ".raftzmq").unlink()
    (clone.path / ".raftzmq").mkdir()
