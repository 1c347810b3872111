"""The directories of runs: made where that can be, and refused in words where not."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from raftzmq.labs.runs import NoRecord, new_directory
from tests.cli.support import COMMAND, PATIENCE_S, environment, raftzmq
from tests.signals import handled


def test_each_run_has_a_directory_of_its_own(tmp_path: Path) -> None:
    home = tmp_path / "a" / "b"
    found = {new_directory(home, "split-votes") for _ in range(3)}
    assert len(found) == 3
    assert {path.parent for path in found} == {home}
    assert all(path.is_dir() and path.name.startswith("split-votes-") for path in found)


@pytest.mark.parametrize("place", ["file", "file/labs", "nowhere"])
def test_where_nothing_can_be_recorded(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    with pytest.raises(
        NoRecord, match=f"no run can be recorded in {tmp_path}/{place}: .*; --record names another place"
    ):
        new_directory(tmp_path / place, "split-votes")


@pytest.mark.live
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_ended_takes_its_processes_with_it(tmp_path: Path, number: signal.Signals) -> None:
    command = [*COMMAND, "lab", "run", "clean-election", "--record", str(tmp_path)]
    with (
        handled(number, signal.SIG_DFL),
        subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process,
    ):
        try:
            assert process.stdout is not None
            assert any(line.startswith(b"2. ") for line in process.stdout), "a second step, so all are there"
            assert len(processes(tmp_path)) == 7, "the lab, its collector and five nodes"
            process.send_signal(number)
            process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
            left = processes(tmp_path)
            for pid in left:
                os.kill(pid, signal.SIGKILL)
    assert (process.returncode, left) == (128 + number, [])


def processes(path: Path) -> list[int]:
    """All that name something below a directory on their command line and run."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(path).encode() in file.read_bytes():
                found.append(int(file.parent.name))
    return found


def test_the_command_says_so_and_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / ".raftzmq").touch()
    done = raftzmq("lab", "run", "clean-election", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1
    assert done.stderr.startswith(b"error: no run can be recorded in .raftzmq/labs: Not a directory (.raftzmq/labs); ")
