"""The directories of runs: made where that can be, and refused in words where not."""

from __future__ import annotations

from pathlib import Path

import pytest

from raftzmq.labs.runs import NoRecord, new_directory
from tests.cli.support import raftzmq


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


def test_the_command_says_so_and_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / ".raftzmq").touch()
    done = raftzmq("lab", "run", "clean-election", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1
    assert done.stderr.startswith(b"error: no run can be recorded in .raftzmq/labs: Not a directory (.raftzmq/labs); ")
