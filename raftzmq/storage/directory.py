"""A node's data directory: who holds it, what lies under it, and how its files reach the disk.

::

    DIR/lock       flock, held for the life of the process; names its pid
    DIR/log/       LMDB: the log, term and vote
    DIR/state/     LMDB: what the log has built (elsewhere once a snapshot was installed: `raftzmq.storage.pointer`)
    DIR.identity   beside it, written last: this node existed, so an empty DIR must not start as new
"""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

from raftzmq.errors import ConfigurationError, DirectoryInUse, IdentityError, StorageError
from raftzmq.storage.environment import DATA_FILE, LOCK_FILE

LOG_DIRECTORY = "log"
STATE_DIRECTORY = "state"
LOCK_NAME = "lock"

SAFE_FILE_SYSTEMS = frozenset({"ext4", "ext3", "ext2", "xfs", "btrfs", "overlay"})
"""File systems whose fsync and memory maps are known to do what LMDB needs.

ext2 and ext3 are mounted by ext4's own code. An overlay, which is what a container's own files lie on, hands fsync and
maps to its upper layer, where every file made in the container lies; unless it is mounted ``volatile``, which turns
fsync off. Network file systems break LMDB's lock file, and tmpfs forgets everything, vote included.
"""

_OCTAL = re.compile(r"\\([0-7]{3})")


class DirectoryLock:
    """The exclusive right to a data directory, for the life of this object.

    The kernel drops it with the process, however that ends, so a lock is never stale.
    """

    def __init__(self, data: Path) -> None:
        """Take the lock of ``data``, which must exist.

        Raises DirectoryInUse, naming the process that has it, and StorageError.
        """
        try:
            self._descriptor = os.open(data / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"{data} cannot be used as a data directory: {error}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            process = f"process {holder}" if holder else "another process"
            raise DirectoryInUse(f"{data} is in use by {process}: stop it, or use another data directory") from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give the directory back; harmless to repeat."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def file_system(path: Path, mounts: str | None = None) -> tuple[str, frozenset[str]]:
    """Type and options of the file system that ``path`` is or would be on, as ``/proc/self/mountinfo`` has them.

    ``mounts`` is the text of such a file. Raises ConfigurationError where the system has none.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            raise ConfigurationError(f"the file system of {path} cannot be told: {error}") from error
    target = os.path.realpath(path)
    best, found = -1, ("unknown", frozenset[str]())
    for line in mounts.splitlines():
        # See proc(5): "36 35 98:0 /root /mount/point options [optional ...] - type source super-options".
        left, _, right = line.partition(" - ")
        fields, tail = left.split(), right.split()
        if len(fields) < 6 or len(tail) < 3:
            continue
        mount = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4])
        inside = mount == "/" or target == mount or target.startswith(mount + "/")
        # Of two mounts at one point the later hides the earlier.
        if inside and len(mount) >= best:
            best = len(mount)
            found = (tail[0], frozenset(fields[5].split(",") + tail[2].split(",")))
    return found


def check_file_system(path: Path, mounts: str | None = None) -> None:
    """Raise ConfigurationError unless ``path`` lies where a synced write survives a power cut."""
    kind, options = file_system(path, mounts)
    if kind not in SAFE_FILE_SYSTEMS:
        raise ConfigurationError(
            f"{path} is on {kind}, where a synced write isn't known to survive: put the data on ext4, xfs or btrfs, "
            "or allow any file system where losing it does no harm"
        )
    if kind == "overlay" and "volatile" in options:
        raise ConfigurationError(f"{path} is on an overlay mounted volatile, which never syncs: put the data elsewhere")


def disk_bytes(path: Path) -> tuple[int, int]:
    """Bytes that an ordinary user may still write on the file system of ``path``, and its size; raises StorageError."""
    try:
        status = os.statvfs(path)
    except OSError as error:
        raise StorageError(f"the file system of {path} cannot be asked: {error}") from error
    return status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize


def free_bytes(path: Path) -> int:
    """The first of `disk_bytes`."""
    return disk_bytes(path)[0]


def sync_path(path: Path) -> None:
    """fsync a file or a directory; raises StorageError. A directory's fsync makes the names in it durable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageError(f"{path} cannot be synced: {error}") from error


def make_directory(path: Path) -> None:
    """Make ``path`` and its missing parents, each durable in its own parent; raises StorageError, naming ``path``."""
    missing = []
    try:
        directory = path
        while not directory.exists():
            missing.append(directory)
            directory = directory.parent
        for directory in reversed(missing):
            directory.mkdir(mode=0o700, exist_ok=True)
            sync_path(directory.parent)
    except OSError as error:
        raise StorageError(
            f"directory {path} cannot be made: {error}; use another place, or see to this one first"
        ) from error


def write_durably(path: Path, content: bytes) -> None:
    """Write a small file so that after a crash it is there whole or not at all; raises StorageError."""
    temporary = path.with_name(path.name + ".new")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error}") from error
    sync_path(path.parent)


def clear_partial(environment: Path) -> None:
    """Remove what a creation that a crash cut short left in ``environment``, and nothing else.

    Raises IdentityError if there are files that aren't LMDB's: then it is no directory of ours.
    """
    if not environment.exists():
        return
    strangers = sorted(entry.name for entry in environment.iterdir() if entry.name not in (DATA_FILE, LOCK_FILE))
    if strangers:
        raise IdentityError(f"{environment} holds files of something else: {', '.join(strangers[:5])}")
    try:
        for name in (DATA_FILE, LOCK_FILE):
            (environment / name).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{environment} cannot be cleared: {error}") from error
