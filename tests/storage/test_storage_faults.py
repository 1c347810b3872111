"""A disk that fails, and a process that dies at any point of its first start: real system calls, made to fail."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from raftzmq.core.types import first_entry
from raftzmq.storage.identity import read_marker
from tests.storage.node_on_disk import CLUSTER, ROOT, opened

FATAL = "StorageError 11"
STEPS_MAX = 40


def strace_works() -> bool:
    """Whether strace is there and may trace a child."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not strace_works(), reason="strace is missing, or may not trace")


def doomed(data: Path, until: str, inject: str) -> tuple[int, list[str]]:
    """Run `doomed.py` on ``data`` with a system call made to fail: exit status, and what each of its steps gave."""
    command = ["strace", "-f", "-o", os.devnull, "-e", f"trace={inject.split(':')[0]}", "-e", f"inject={inject}"]
    command += [sys.executable, "-m", "tests.storage.doomed", str(data), until]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return done.returncode, json.loads(done.stdout) if done.stdout else [done.stderr]


def prepared(tmp_path: Path) -> Path:
    """The data of a node that was started once."""
    with opened(tmp_path / "n1"):
        pass
    return tmp_path / "n1"


@pytest.mark.parametrize("inject", ["fdatasync:error=EIO", "pwrite64:error=EIO", "writev:error=ENOSPC"])
def test_a_log_that_failed_once_writes_no_more(tmp_path: Path, inject: str) -> None:
    """The kernel would report the next sync as good: only one call fails here, and yet nothing may pass after it."""
    data = prepared(tmp_path)
    _, steps = doomed(data, "log", f"{inject}:when=1")
    assert steps == ["ok", FATAL, FATAL, "ok"]
    with opened(data) as storage:
        assert len(storage.loaded.entries) == 1


@pytest.mark.parametrize("inject", ["fdatasync:error=EIO", "pwrite64:error=EIO", "writev:error=ENOSPC"])
def test_a_state_that_failed_once_commits_no_more(tmp_path: Path, inject: str) -> None:
    data = prepared(tmp_path)
    # The first two are the log's.
    _, steps = doomed(data, "state", f"{inject}:when=3")
    assert steps == ["ok", "ok", "ok", "ok", FATAL, FATAL, FATAL, "ok"]
    with opened(data) as storage:
        assert len(storage.loaded.entries) == 4
        assert storage.loaded.applied_index == 0


@pytest.mark.parametrize("inject", ["fsync:error=EIO", "fdatasync:error=EIO", "pwrite64:error=EIO", "rename:error=EIO"])
def test_a_first_start_on_a_failing_disk_ends_and_can_be_repeated(tmp_path: Path, inject: str) -> None:
    for step in range(1, STEPS_MAX):
        data = tmp_path / str(step) / "n1"
        data.parent.mkdir()
        _, steps = doomed(data, "open", f"{inject}:when={step}")
        assert steps[0] in ("ok", FATAL)
        if steps[0] == FATAL:
            assert read_marker(data) is None or inject.startswith("fsync")
        with opened(data) as storage:
            assert storage.loaded.entries[0] == first_entry(CLUSTER.nodes)
        if steps[0] == "ok":
            break
    assert 1 < step < STEPS_MAX - 1


@pytest.mark.parametrize("call", ["mkdir", "fsync", "pwrite64", "writev", "fdatasync", "rename"])
def test_a_process_killed_at_any_point_of_its_first_start_can_start_again(tmp_path: Path, call: str) -> None:
    for step in range(1, STEPS_MAX):
        data = tmp_path / str(step) / "n1"
        data.parent.mkdir()
        status, _ = doomed(data, "open", f"{call}:signal=SIGKILL:when={step}")
        marker = read_marker(data)
        with opened(data) as storage:
            assert storage.loaded.entries[0] == first_entry(CLUSTER.nodes)
            # Once the marker is there, so is what it vouches for.
            assert marker is None or marker.incarnation == storage.loaded.incarnation
        if status == 0:
            break
    assert 1 < step < STEPS_MAX - 1
