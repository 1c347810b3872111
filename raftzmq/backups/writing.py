"""Writing a snapshot file so that it is there whole, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from raftzmq.backups.format import END_COUNT, END_KIND, Header, SnapshotFileError, encode_row
from raftzmq.config import MIB
from raftzmq.kv.commands import Row
from raftzmq.storage.directory import sync_path

FILE_MODE = 0o600
"""What is stored is its owners' alone, as a node's own files are."""


class SnapshotWriter:
    """A file that is being written, under another name. A context manager: without `finish` nothing is left of it."""

    def __init__(self, path: Path, header: Header, *, force: bool = False) -> None:
        """Begin; raises SnapshotFileError, also if there is a file and not ``force``, or anything but a file."""
        self._path = path
        if path.is_dir():
            raise SnapshotFileError(f"{path} is a directory; give another name")
        if path.exists() and not path.is_file():
            # The whole file takes the name of what is there: a device or a pipe would be gone for everybody.
            raise SnapshotFileError(f"{path} is no file but a device, a pipe or a socket; give another name")
        if path.exists() and not force:
            raise SnapshotFileError(f"{path} exists: it would be lost; give another name, or --force")
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._digest = sha256()
        self.keys = 0
        self.bytes = 0
        try:
            descriptor = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            self._file = os.fdopen(descriptor, "wb", buffering=MIB)
        except OSError as error:
            raise self._error(error) from error
        self._write(header.encode())

    def add(self, rows: list[Row]) -> None:
        """Append rows, in the order of their keys; raises SnapshotFileError."""
        number = self.keys
        self._write(b"".join([encode_row(n, row) for n, row in enumerate(rows, number + 1)]))
        self.keys = number + len(rows)

    def finish(self) -> str:
        """Write the end, sync all and give the file its name; its checksum, in hex. Raises SnapshotFileError."""
        self._write(END_KIND + END_COUNT.pack(self.keys))
        digest = self._digest.digest()
        self._write(digest)
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._partial.rename(self._path)
        except OSError as error:
            raise self._error(error) from error
        sync_path(self._path.parent)
        return digest.hex()

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self.bytes += len(data)
        try:
            self._file.write(data)
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> SnapshotFileError:
        return SnapshotFileError(f"{self._path} cannot be written: {error.strerror or error}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Closing writes what is still in the buffer, which fails again where the disk is full: the file goes anyway.
        with suppress(OSError):
            self._file.close()
        self._partial.unlink(missing_ok=True)
