"""The data directory: one holder at a time, only on file systems that keep their word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from raftzmq.errors import ConfigurationError, DirectoryInUse, IdentityError, StorageError
from raftzmq.storage.directory import (
    DirectoryLock,
    check_file_system,
    clear_partial,
    file_system,
    free_bytes,
    make_directory,
    sync_path,
    write_durably,
)
from tests.storage.node_on_disk import ROOT

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:22 / /tmp rw,nosuid shared:2 master:1 - tmpfs tmpfs rw
25 22 0:40 / /net/share rw - nfs4 host:/share rw
26 22 8:2 / /data\\040dir rw - xfs /dev/sda2 rw
27 22 0:50 / /box rw - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w
28 22 0:51 / /box/fast rw - overlay overlay rw,volatile,lowerdir=/l,upperdir=/u,workdir=/w
29 22 0:52 / /hidden rw - tmpfs tmpfs rw
30 22 8:3 / /hidden rw - btrfs /dev/sda3 rw
a line that is none
"""

HOLDER = """
import sys
from pathlib import Path
from raftzmq.storage.directory import DirectoryLock
lock = DirectoryLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/n1", "ext4"),
        ("/tmp/n1", "tmpfs"),
        ("/tmpfoo", "ext4"),
        ("/tmp", "tmpfs"),
        ("/net/share/n1", "nfs4"),
        ("/data dir/n1", "xfs"),
        ("/box/n1", "overlay"),
        ("/hidden/n1", "btrfs"),
    ],
)
def test_the_file_system_of_a_path(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS)[0] == kind


def test_only_file_systems_that_keep_their_word() -> None:
    for path in ("/var/n1", "/data dir/n1", "/box/n1", "/hidden/n1"):
        check_file_system(Path(path), MOUNTS)
    for path, said in (("/tmp/n1", "tmpfs"), ("/net/share/n1", "nfs4"), ("/box/fast/n1", "volatile")):
        with pytest.raises(ConfigurationError, match=said):
            check_file_system(Path(path), MOUNTS)
    with pytest.raises(ConfigurationError, match="unknown"):
        check_file_system(Path("/x"), "")


def test_this_machine_has_a_file_system() -> None:
    assert file_system(Path("/proc/self"))[0] == "proc"
    with pytest.raises(ConfigurationError, match="proc"):
        check_file_system(Path("/proc/self"))


def test_a_link_counts_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc")
    assert file_system(tmp_path / "link" / "n1")[0] == "proc"


@contextmanager
def holder(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of ``data``."""
    command = [sys.executable, "-c", HOLDER, str(data)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_process_is_kept_out_and_told_who_is_in(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        with pytest.raises(DirectoryInUse, match=f"in use by process {process.pid}:") as caught:
            DirectoryLock(tmp_path)
        assert caught.value.exit_code == 12
        process.send_signal(signal.SIGKILL)
        process.wait()
        # The kernel gives a killed process's lock back.
        lock = DirectoryLock(tmp_path)
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    with pytest.raises(DirectoryInUse):
        DirectoryLock(tmp_path)
    lock.release()
    lock.release()
    DirectoryLock(tmp_path).release()


def test_a_lock_whose_holder_has_not_signed_yet(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    os.truncate(tmp_path / "lock", 0)
    with pytest.raises(DirectoryInUse, match="another process"):
        DirectoryLock(tmp_path)
    lock.release()


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    (tmp_path / "n1").write_text("")
    with pytest.raises(StorageError, match="data directory"):
        DirectoryLock(tmp_path / "n1")
    for wanted in (tmp_path / "n1" / "x", tmp_path / "n1" / "x" / "y"):
        with pytest.raises(StorageError, match=f"directory {wanted} cannot be made: .*Not a directory"):
            make_directory(wanted)


def test_directories_and_small_files(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    make_directory(deep)
    make_directory(deep)
    assert deep.stat().st_mode & 0o777 == 0o700
    write_durably(deep / "file", b"one")
    write_durably(deep / "file", b"two")
    assert [(path.name, path.read_bytes()) for path in deep.iterdir()] == [("file", b"two")]
    with pytest.raises(StorageError, match="cannot be written"):
        write_durably(deep / "none" / "file", b"x")
    with pytest.raises(StorageError, match="cannot be synced"):
        sync_path(deep / "none")


def test_clearing_takes_only_what_lmdb_left(tmp_path: Path) -> None:
    clear_partial(tmp_path / "none")
    for name in ("data.mdb", "lock.mdb"):
        (tmp_path / name).write_bytes(b"x")
    clear_partial(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "data.mdb").write_bytes(b"x")
    (tmp_path / "thesis.txt").write_bytes(b"x")
    with pytest.raises(IdentityError, match=r"thesis\.txt"):
        clear_partial(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_free_space_is_what_the_file_system_says(tmp_path: Path) -> None:
    status = os.statvfs(tmp_path)
    assert 0 < free_bytes(tmp_path) <= status.f_blocks * status.f_frsize
