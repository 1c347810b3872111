"""Reading a snapshot file, with every checksum checked on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from raftzmq.backups.format import (
    CRC,
    DIGEST_BYTES,
    END_COUNT,
    END_KIND,
    HEADER_BYTES_MAX,
    ROW_HEAD,
    ROW_KIND,
    Header,
    SnapshotFileError,
    decode_header,
    row_checksum,
)
from raftzmq.config import KEY_BYTES_MAX, MIB, VALUE_BYTES_MAX
from raftzmq.kv.commands import Row

_HEAD_BYTES = CRC.size + ROW_HEAD.size
_PROGRESS_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a file that was found to be whole. ``checksum``: the SHA-256 at its end, in hex."""

    header: Header
    keys: int
    bytes: int
    checksum: str


class SnapshotReader:
    """A file that is being read, a context manager. Everything raises SnapshotFileError, which says where and what."""

    def __init__(self, path: Path) -> None:
        """Read the header."""
        self._path = path
        self._digest = sha256()
        self._number = 0
        self.bytes = 0
        """How far it has been read."""
        self.checksum = ""
        """The checksum over all, once it has been read to its end."""
        try:
            self._file = path.open("rb", buffering=MIB)
        except OSError as error:
            raise SnapshotFileError(f"{path} cannot be read: {error.strerror}") from None
        try:
            line = self._read(lambda: self._file.readline(HEADER_BYTES_MAX))
            self.header = decode_header(line)
        except SnapshotFileError as error:
            self._file.close()
            raise SnapshotFileError(f"{path} cannot be used: {error}") from None

    @property
    def keys(self) -> int:
        """How many rows have been read."""
        return self._number

    def rows(self) -> Iterator[Row]:
        """The rows, in the order of their keys. That the file is whole is known when they have ended, not before."""
        before = b""
        revision = self.header.revision
        while True:
            begin = self.bytes
            kind = self._read(lambda: self._file.read(1))
            if kind == END_KIND:
                self._end(begin)
                return
            if kind != ROW_KIND:
                self._damaged(begin, "the file ends there: it was cut short" if not kind else "no row begins there")
            head = self._exactly(_HEAD_BYTES, begin)
            create, mod, version, lease, key_bytes, value_bytes = ROW_HEAD.unpack_from(head, CRC.size)
            if key_bytes > KEY_BYTES_MAX or value_bytes > VALUE_BYTES_MAX:
                self._damaged(begin, "its lengths cannot be")
            rest = self._exactly(key_bytes + value_bytes, begin)
            if row_checksum(self._number + 1, head[CRC.size :] + rest) != CRC.unpack_from(head)[0]:
                self._damaged(begin, "it fails its checksum")
            key = rest[:key_bytes]
            if key <= before or not 0 < create <= mod <= revision or not version:
                self._damaged(begin, "it cannot come from a store: a key out of order, or revisions that cannot be")
            self._number += 1
            before = key
            yield key, rest[key_bytes:], create, mod, version, lease

    def _end(self, begin: int) -> None:
        (count,) = END_COUNT.unpack(self._exactly(END_COUNT.size, begin))
        wanted = self._digest.digest()
        if self._exactly(DIGEST_BYTES, begin) != wanted or count != self._number:
            self._damaged(begin, "the checksum over the whole file is wrong")
        if self._read(lambda: self._file.read(1)):
            self._damaged(begin, "something follows the end")
        self.checksum = wanted.hex()

    def _exactly(self, size: int, begin: int) -> bytes:
        data = self._read(lambda: self._file.read(size))
        if len(data) < size:
            self._damaged(begin, "the file ends within it: it was cut short")
        return data

    def _read(self, read: Callable[[], bytes]) -> bytes:
        try:
            data = read()
        except OSError as error:
            raise SnapshotFileError(f"{self._path} cannot be read at byte {self.bytes}: {error.strerror}") from None
        self._digest.update(data)
        self.bytes += len(data)
        return data

    def _damaged(self, begin: int, what: str) -> NoReturn:
        where = f"row {self._number + 1}, at byte {begin}"
        raise SnapshotFileError(f"{self._path} is damaged ({where}): {what}; nothing of it can be trusted")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def read_contents(path: Path, advance: Callable[[int], None] = lambda done: None) -> Contents:
    """Read a whole file and check all of it; ``advance`` gets the bytes read so far. Raises SnapshotFileError."""
    with SnapshotReader(path) as reader:
        for _ in reader.rows():
            if reader.keys % _PROGRESS_ROWS == 0:
                advance(reader.bytes)
        return Contents(reader.header, reader.keys, reader.bytes, reader.checksum)
