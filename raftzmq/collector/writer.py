"""JSON lines in numbered files of bounded size and number."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from pathlib import Path

from raftzmq.config import MIB
from raftzmq.errors import ConfigurationError, DirectoryInUse

FILE_BYTES_MAX = 64 * MIB
"""Some 250,000 events: small enough for an editor, large enough that a file holds minutes of a busy cluster."""
FILES_MAX = 8
"""Half a gigabyte in all: events are for looking at, not an archive, and must never fill a disk."""

_NAME = re.compile(r"events-(\d{8})\.jsonl")


def recorded_files(directory: Path) -> list[Path]:
    """The files of a directory of recorded events, oldest first; none if there is no such directory."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return [directory / name for name in sorted(names) if _NAME.fullmatch(name)]


class RotatingWriter:
    """Appends whole lines; starts a new file when the current one is full and removes the oldest beyond ``files``.

    Every method may raise OSError (a full disk); after that the writer can go on being used, and the file holds
    whole lines only. Nothing is synced: losing the last events in a power cut is acceptable, waiting for a disk
    is not. A second writer of the same directory is kept out by a lock.
    """

    def __init__(self, directory: Path, *, file_bytes: int = FILE_BYTES_MAX, files: int = FILES_MAX) -> None:
        self._directory = directory
        self._file_bytes = file_bytes
        self._files = files
        self._descriptor = -1
        self._size = 0
        self._lock = self._acquire()

    def _acquire(self) -> int:
        """Lock the directory; raises DirectoryInUse, or ConfigurationError if it can't be made or written."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ConfigurationError(
                f"cannot record events in {self._directory} ({error.strerror}): name another place with --directory"
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise DirectoryInUse(
                f"another collector is recording in {self._directory}: stop it, or give this one another --directory"
            ) from None
        return lock

    def write(self, lines: bytes) -> None:
        """Append ``lines``, which end with a newline, to the current file and to new ones as it fills."""
        start = 0
        while start < len(lines):
            end = len(lines)
            if end - start > self._file_bytes:  # more than a file holds: cut behind a line, at least one
                end = lines.rfind(b"\n", start, start + self._file_bytes) + 1 or lines.index(b"\n", start) + 1
            self._append(lines[start:end])
            start = end

    def _append(self, lines: bytes) -> None:
        try:
            if self._descriptor < 0:
                self._open_last()
            if self._size and self._size + len(lines) > self._file_bytes:
                self._rotate()
            _write_all(self._descriptor, lines)
        except OSError:
            if self._descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, self._size)
            self._close_file()
            raise
        self._size += len(lines)

    def close(self) -> None:
        """Close the file and release the directory."""
        self._close_file()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _close_file(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open_last(self) -> None:
        """Go on with the newest file, after ending a line that a crash has cut."""
        paths = recorded_files(self._directory)
        self._open(paths[-1] if paths else self._path(1))
        if self._size and os.pread(self._descriptor, 1, self._size - 1) != b"\n":
            self._size += os.write(self._descriptor, b"\n")

    def _rotate(self) -> None:
        self._close_file()
        paths = recorded_files(self._directory)
        match = _NAME.fullmatch(paths[-1].name) if paths else None
        self._open(self._path(int(match[1]) + 1 if match else 1))
        for path in paths[: max(0, len(paths) + 1 - self._files)]:
            path.unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._directory / f"events-{number:08d}.jsonl"

    def _open(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._size = os.fstat(self._descriptor).st_size


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
