"""supervisord.conf with a real supervisord and real nodes: what is restarted, and what must not be."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from supervisor.xmlrpc import SupervisorTransport

from raftzmq.benchmarks.local_cluster import free_cluster
from tests.live.harness import ENVIRONMENT, PATIENCE, ROOT, eventually, pause
from tests.live.wire import Connection, NoAnswer

pytestmark = pytest.mark.live

INTERPRETER = '"%(here)s/.venv/bin/python"'


class Supervised:
    """The cluster of supervisord.conf on free ports, in a directory whose name is short enough for a socket."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = home / ".raftzmq"
        self.configuration = free_cluster(5)
        self.process: subprocess.Popen[bytes] | None = None

    def write(self) -> None:
        """The project's own file; only the interpreter and the addresses are others."""
        self.state.mkdir()
        (self.home / "cluster.toml").write_text(self.configuration.to_toml())
        text = (ROOT / "supervisord.conf").read_text()
        assert text.count(INTERPRETER) == 2
        assert text.count("--nodes 5") == 2
        text = text.replace(INTERPRETER, f'"{sys.executable}"')
        text = text.replace("--nodes 5", '--config "%(here)s/cluster.toml"')
        (self.home / "supervisord.conf").write_text(text)

    def start(self) -> None:
        """In the foreground, as a child, so that it cannot be lost."""
        command = [sys.executable, "-P", "-m", "supervisor.supervisord", "--nodaemon"]
        command += ["-c", str(self.home / "supervisord.conf")]
        with (self.home / "supervisord.out").open("wb") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=ENVIRONMENT, cwd=self.home
            )
        eventually(self.answers, "supervisord answers")

    def answers(self) -> bool:
        """Does supervisord take calls yet?"""
        assert self.process is not None
        assert self.process.poll() is None, (self.home / "supervisord.out").read_text()
        try:
            return bool(self.call("getAllProcessInfo"))
        except OSError:
            return False

    def call(self, method: str, *arguments: Any) -> Any:
        """Call supervisord over its socket."""
        transport = SupervisorTransport(serverurl=f"unix://{self.state / 'supervisor.sock'}")
        try:
            proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()

    def info(self, name: str) -> dict[str, Any]:
        """The supervisor's row of a process."""
        row: dict[str, Any] = self.call("getProcessInfo", name)
        return row

    def serves(self, name: str) -> bool:
        """Does the node answer and know a leader?"""
        try:
            with Connection(self.configuration.address(name).client, timeout=1.0) as connection:
                return bool(connection.status()["leader"])
        except NoAnswer:
            return False

    def ends_with(self, name: str, code: int) -> None:
        """Start the node: it must end with ``code``, be left alone, and say why."""
        self.call("startProcess", f"node:{name}", False)
        eventually(lambda: self.info(f"node:{name}")["statename"] == "EXITED", f"{name} ends")
        row = self.info(f"node:{name}")
        until = time.monotonic() + 3.0
        while time.monotonic() < until:
            assert self.info(f"node:{name}")["start"] == row["start"], f"{name} was started again"
            pause(0.2)
        assert row["exitstatus"] == code, (self.state / f"{name}.log").read_text()[-2000:]
        assert '"node ends"' in (self.state / f"{name}.log").read_text()

    def end(self) -> None:
        """Stop everything; the children are gone when supervisord is."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


@pytest.fixture
def supervised() -> Iterator[Supervised]:
    """A running, supervised cluster."""
    home = Path(tempfile.mkdtemp(prefix="rz"))
    cluster = Supervised(home)
    try:
        cluster.write()
        cluster.start()
        for address in cluster.configuration.nodes:
            eventually(lambda node=address.node: cluster.serves(node), f"{address.node} knows a leader")  # type: ignore[misc]
        yield cluster
    finally:
        cluster.end()
        for log in sorted(cluster.state.glob("*.log")):
            print(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-20:]))
        shutil.rmtree(home)


@pytest.mark.timeout(240)
def test_crashes_are_restarted_and_refusals_to_run_are_not(supervised: Supervised) -> None:
    socket_mode = stat.S_IMODE((supervised.state / "supervisor.sock").stat().st_mode)
    assert socket_mode == 0o700, f"others may steer the cluster: {oct(socket_mode)}"
    assert supervised.info("collector")["statename"] == "RUNNING"

    before = supervised.info("node:n1")
    os.kill(before["pid"], signal.SIGKILL)
    eventually(lambda: supervised.info("node:n1")["pid"] not in (0, before["pid"]), "the killed node is started again")
    eventually(lambda: supervised.serves("n1"), "the killed node serves again")

    data = supervised.state
    for name in ("n2", "n3", "n4"):
        supervised.call("stopProcess", f"node:{name}")
        assert supervised.info(f"node:{name}")["exitstatus"] == 0
    with (data / "n2" / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        supervised.ends_with("n2", 12)
    shutil.rmtree(data / "n3")
    supervised.ends_with("n3", 10)
    with (data / "n4" / "log" / "data.mdb").open("r+b") as file:
        file.write(b"\xff" * 8192)
    supervised.ends_with("n4", 11)

    supervised.call("startProcess", "node:n2", False)
    eventually(lambda: supervised.serves("n2"), "a quorum serves again")


def test_supervisord_takes_everything_down_with_it(supervised: Supervised) -> None:
    pids = [row["pid"] for row in supervised.call("getAllProcessInfo")]
    assert all(pids), "everything runs"
    supervised.end()
    left = [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert not left, f"still running: {left}"
