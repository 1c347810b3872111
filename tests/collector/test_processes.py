"""What a real supervisord says about its processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from raftzmq.collector import processes as module
from raftzmq.collector.changes import State
from raftzmq.collector.processes import Processes
from raftzmq.errors import ConfigurationError
from tests.collector.support import PATIENCE_S, wait_until

CONFIGURATION = """
[supervisord]
logfile=%(here)s/s.log
pidfile=%(here)s/s.pid
nodaemon=true
[unix_http_server]
file=%(here)s/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:lasting]
command="{python}" -c "import signal; signal.pause()"
startsecs=0
[program:node]
command="{python}" -c "raise SystemExit(10)"
process_name=n%(process_num)d
numprocs=1
numprocs_start=1
startsecs=0
autorestart=unexpected
exitcodes=10
"""


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    """A supervisord's socket; it ends with the test."""
    (tmp_path / "s.conf").write_text(CONFIGURATION.format(python=sys.executable))
    process = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(tmp_path / "s.conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    try:
        yield tmp_path / "s.sock"
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


class Seen:
    """All changes so far."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self.changes: list[State] = []

    def states(self, name: str) -> list[str]:
        """The states that a process went through."""
        self.changes += self.processes.take()
        return [change["state"] for change in self.changes if change["name"] == name]


@pytest.mark.parametrize("url", ["{}", "unix://{}"])
def test_changes_of_processes_are_told_once(socket: Path, url: str) -> None:
    with closing(Processes(url.format(socket), poll_s=0.02)) as processes:
        seen = Seen(processes)
        wait_until(lambda: seen.states("lasting")[-1:] == ["RUNNING"], "it runs")
        wait_until(lambda: seen.states("node:n1")[-1:] == ["EXITED"], "the other has ended")
        first = next(change for change in seen.changes if change["name"] == "lasting")
        assert first["previous"] is None
        ended = [change for change in seen.changes if change["name"] == "node:n1"][-1]
        assert (ended["exit_status"], ended["pid"]) == (10, 0)
        running = [change for change in seen.changes if change["state"] == "RUNNING" and change["name"] == "lasting"]
        os.kill(running[0]["pid"], 9)
        wait_until(lambda: len({c["pid"] for c in running_now(seen)}) == 2, "supervisord has started it again")
    names = [(c["name"], c["state"], c["pid"]) for c in seen.changes]
    assert len(names) == len(set(names)), "the same isn't told again"


def running_now(seen: Seen) -> list[State]:
    seen.states("")
    return [change for change in seen.changes if change["name"] == "lasting" and change["state"] == "RUNNING"]


def test_a_supervisord_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    with closing(Processes(str(tmp_path / "none.sock"), poll_s=0.01)) as processes:
        assert processes.take() == []
        assert processes._thread.is_alive()


def test_changes_that_nobody_takes_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "CHANGES_MAX", 3)
    monkeypatch.setattr(module, "PROCESSES_MAX", 5)
    processes = Processes(str(tmp_path / "none.sock"), poll_s=60)
    processes.close()
    rows = [{"group": f"p{n}", "name": f"p{n}", "statename": "RUNNING", "pid": n, "exitstatus": 0} for n in range(9)]
    processes._compare([*rows, None, {}, {"group": 1}])
    assert [change["name"] for change in processes.take()] == ["p2", "p3", "p4"]
    assert processes.changes_lost == 2


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no address of supervisord"):
        Processes("ftp://x")
