"""A copy of the tree in which nothing is installed, as a new user has it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from raftzmq.config import local_cluster
from tests.live.harness import ROOT

TREE = ("raftzmq", "bin", "bench", "supervisord.conf", "pyproject.toml", "README.md", ".gitignore")


def held_ports() -> list[int]:
    """The ports of the local cluster that somebody holds."""
    cluster = local_cluster(5)
    endpoints = [e for a in cluster.nodes for e in (a.peer, a.client, a.events)]
    endpoints += [cluster.collector, cluster.web]
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

    def fill(self) -> None:
        """Copy what is committed to: sources, commands, configuration, and the directory of the logs."""
        self.path.mkdir()
        for name in TREE:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self.path / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif (ROOT / name).exists():
                shutil.copy(ROOT / name, self.path / name)
        (self.path / ".raftzmq").mkdir()
        shutil.copy(ROOT / ".raftzmq" / ".gitignore", self.path / ".raftzmq")

    def clear(self) -> None:
        """Down, purged, and nothing left running, whatever happened."""
        self.run("bin/down", "--purge")
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)

    def run(self, *command: str, directory: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of the tree, from another directory unless one is given: where it is called must not matter."""
        return subprocess.run(
            [str(self.path / command[0]), *command[1:]],
            env=self.environment,
            cwd=directory or self.path.parent,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, *command: str, directory: Path | None = None) -> str:
        """Run a command that must end with 0; what it printed."""
        result = self.run(*command, directory=directory)
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
