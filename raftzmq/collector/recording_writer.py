"""Frames of events in numbered files of bounded size and number."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from raftzmq.collector.recording_file import RecordingFile, file_number, file_path, recorded_files
from raftzmq.collector.recording_frame import Frame, Line, RecordingError, decode_frame, encode_frame, make_compressor
from raftzmq.config import MIB
from raftzmq.errors import ConfigurationError, DirectoryInUse

FILE_BYTES_MAX = 64 * MIB
"""Some two million events, compressed: a file holds an hour of a busy cluster."""
FILES_MAX = 8
"""Half a gigabyte in all: events are for looking at, not an archive, and must never fill a disk."""


class RecordingWriter:
    """Appends frames; starts a new file when the current one is full and removes the oldest beyond ``files``.

    ``last_position`` is the last that was recorded, 0 in an empty directory. Nothing is synced: losing the last events
    in a power cut is acceptable, waiting for a disk is not. A second writer of the same directory is kept out by a
    lock. Making a writer raises ConfigurationError if the directory can't be used or the library is missing, and
    DirectoryInUse. ``notes`` then says what was found wrong with the newest file.
    """

    def __init__(self, directory: Path, *, file_bytes: int = FILE_BYTES_MAX, files: int = FILES_MAX) -> None:
        self.last_position = 0
        self.notes: list[str] = []
        self.directory = directory
        self._file_bytes = file_bytes
        self._files = files
        try:
            self._compressor = make_compressor()
        except RecordingError as error:
            raise ConfigurationError(str(error)) from None
        self._descriptor = -1
        self._size = 0
        self._lock = self._acquire()
        try:
            self._next = self._look()
        except OSError as error:
            self.close()
            raise ConfigurationError(_unusable(directory, error)) from None

    def _acquire(self) -> int:
        """Lock the directory; raises DirectoryInUse, or ConfigurationError if it can't be made or written."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ConfigurationError(_unusable(self.directory, error)) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise DirectoryInUse(
                f"another collector is recording in {self.directory}: stop it, or give this one another --directory"
            ) from None
        return lock

    def _look(self) -> tuple[Path, int]:
        """Where to go on: a file, and how much of it is whole; find the last position on the way.

        What a crash cut off is cut off for good before the first write. A file that is no recording is left alone.
        """
        paths = recorded_files(self.directory)
        number = file_number(paths[-1]) if paths else 0
        onward: tuple[Path, int] | None = None
        for path in reversed(paths):
            file = RecordingFile(path)
            try:
                file.scan()
            except (RecordingError, FileNotFoundError) as error:
                self.notes.append(f"{path.name} is left alone: {error}")
                continue
            if file.frames:
                self.last_position = max(frame.last_position for frame in file.frames)
            if path == paths[-1]:
                onward = path, self._whole(file)
            if self.last_position:
                break
        return onward or (file_path(self.directory, number + 1), 0)

    def _whole(self, file: RecordingFile) -> int:
        """How much of a file is whole at its end, where a power cut leaves zeros or halves."""
        frames = list(file.frames)
        while frames and not _intact(file, frames):
            frames.pop()
        end = frames[-1].end if frames else 0
        if end < file.size:
            self.notes.append(f"{file.path.name}: the last {file.size - end} bytes were cut off by a crash, dropped")
        return end

    def write(self, lines: Sequence[Line]) -> None:
        """Append a frame of one or more events, whose positions follow one another.

        Raises OSError (a full disk); after that the writer can go on being used, and the files hold whole frames.
        """
        data = encode_frame(lines, self._compressor)
        try:
            if self._descriptor < 0:
                self._open(*self._next)
            if self._size and self._size + len(data) > self._file_bytes:
                self._rotate()
            _write_all(self._descriptor, data)
        except OSError:
            if self._descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, self._size)
            self._close_file()
            raise
        self._size += len(data)
        self._next = self._next[0], self._size
        self.last_position = lines[-1].position

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

    def _rotate(self) -> None:
        self._close_file()
        paths = recorded_files(self.directory)
        number = max(file_number(self._next[0]), file_number(paths[-1]) if paths else 0)
        self._next = file_path(self.directory, number + 1), 0
        self._open(*self._next)
        for path in paths[: max(0, len(paths) + 1 - self._files)]:
            path.unlink(missing_ok=True)

    def _open(self, path: Path, size: int) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        found = os.fstat(self._descriptor).st_size
        if found > size:
            os.ftruncate(self._descriptor, size)
        self._size = min(size, found)  # smaller than it was: somebody has emptied it


def _intact(file: RecordingFile, frames: list[Frame]) -> bool:
    try:
        decode_frame(frames[-1], file.read(frames[-1]))
    except (ValueError, OSError):
        return False
    return True


def _unusable(directory: Path, error: OSError) -> str:
    return f"cannot record events in {directory} ({error.strerror}): name another place with --directory"


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
