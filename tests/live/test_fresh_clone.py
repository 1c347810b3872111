"""What a new user does: bin/up, bin/raftzmq, bin/down, in a copy of the tree that has nothing installed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from raftzmq.config import local_cluster
from tests.live.harness import ROOT, eventually

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

TREE = ("raftzmq", "bin", "bench", "supervisord.conf", "pyproject.toml", "README.md", ".gitignore")


def held_ports() -> list[int]:
    """The ports of the local cluster that somebody holds."""
    cluster = local_cluster(5)
    endpoints = [e for a in cluster.nodes for e in (a.peer, a.client, a.events)] + [cluster.collector]
    held = []
    for port in (int(endpoint.rpartition(":")[2]) for endpoint in endpoints):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                held.append(port)
    return held


class Clone:
    """A copy of the tree, and commands run in it with a bare environment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # The interpreter that runs the tests stands for the machine's; its packages don't.
        base = Path(sys.base_prefix) / "bin"
        self.environment = {
            "PATH": f"{base}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
        }
        passed = ("PIP_", "HTTP", "http", "SSL_", "REQUESTS_")
        self.environment |= {name: value for name, value in os.environ.items() if name.startswith(passed)}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the tree from another directory, as people do."""
        return subprocess.run(
            [str(self.path / command[0]), *command[1:]],
            env=self.environment,
            cwd=self.path.parent,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, *command: str) -> str:
        """Run a command that must end with 0; what it printed."""
        result = self.run(*command)
        assert result.returncode == 0, f"{command} ended with {result.returncode}:\n{result.stdout}{result.stderr}"
        return result.stdout

    def processes(self) -> list[int]:
        """Every process of this copy: by its interpreter."""
        mark = f"{self.path}/.venv/bin/python".encode()
        found = []
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if file.read_bytes().split(b"\0")[0] == mark:
                    found.append(int(file.parts[2]))
            except OSError:
                continue
        return found

    def supervisor(self, *arguments: str) -> str:
        """`supervisorctl`, as bin/up advises."""
        return self.done(".venv/bin/supervisorctl", "-c", str(self.path / "supervisord.conf"), *arguments)


@pytest.fixture(scope="module")
def clone() -> Iterator[Clone]:
    """The copy; down and purged at the end, whatever happened."""
    held = held_ports()
    if held:
        pytest.skip(f"the local cluster's ports are in use (bin/down?): {held}")
    home = Path(tempfile.mkdtemp(prefix="rz"))
    copy = Clone(home / "a tree")
    copy.path.mkdir()
    for name in TREE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy.path / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, copy.path / name)
    (copy.path / ".raftzmq").mkdir()
    shutil.copy(ROOT / ".raftzmq" / ".gitignore", copy.path / ".raftzmq")
    try:
        yield copy
    finally:
        copy.run("bin/down", "--purge")
        for pid in copy.processes():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(home)


def test_up_serves_and_down_leaves_nothing_running(clone: Clone) -> None:
    up = clone.done("bin/up")
    assert "Where to look next" in up
    assert all(f"n{k}" in up for k in range(1, 6)), up
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

    clone.done("bin/up")
    assert clone.done("bin/raftzmq", "get", "kept").strip() == "through a restart"
    clone.done("bin/down", "--purge")
    assert [path.name for path in (clone.path / ".raftzmq").iterdir()] == [".gitignore"]


def test_up_names_the_port_that_is_held_and_by_whom(clone: Clone) -> None:
    with socket.socket() as other:
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
    clone.done("bin/up")
    assert len(clone.processes()) == 5
    clone.done("bin/down", "--purge")
