"""Which directory holds the state: a small file, replaced in one step when a snapshot takes the state's place.

A rename is atomic, and the directory's fsync makes it durable; so after a crash the state is the old one or the new
one, whole. Without the file it is the directory that the node began with.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from raftzmq.checksum import crc32
from raftzmq.errors import CorruptionError
from raftzmq.storage.directory import STATE_DIRECTORY, write_durably

POINTER_NAME = "state.pointer"
POINTER_VERSION = 1
_NAME = re.compile(rf"{STATE_DIRECTORY}(-\d+)?")


class StatePointer(NamedTuple):
    """The state is in ``directory``. ``installed`` is the index at which it was installed, 0 if it never was."""

    directory: str
    installed: int


def state_directory(installed: int) -> str:
    """The name of the directory of a state that was installed at ``installed``."""
    return f"{STATE_DIRECTORY}-{installed:020d}"


def read_pointer(data: Path) -> StatePointer:
    """Where the state of data directory ``data`` is; raises CorruptionError if that is damaged."""
    path = data / POINTER_NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return StatePointer(STATE_DIRECTORY, 0)
    checksum, _, body = text.rstrip(b"\n").partition(b" ")
    if checksum != b"%08x" % crc32(body):
        raise CorruptionError(f"{path} fails its checksum: the disk or memory changed it")
    version, directory, installed = json.loads(body)
    if version != POINTER_VERSION:
        raise CorruptionError(f"{path} has format {version}; this release reads format {POINTER_VERSION}")
    return StatePointer(directory, installed)


def write_pointer(data: Path, pointer: StatePointer) -> None:
    """Switch to another directory, durably; raises StorageError."""
    body = json.dumps([POINTER_VERSION, pointer.directory, pointer.installed]).encode()
    write_durably(data / POINTER_NAME, b"%08x %s\n" % (crc32(body), body))


def stale_directories(data: Path, pointer: StatePointer) -> list[Path]:
    """Directories of states that the pointer has left, or never came to."""
    return sorted(
        path
        for path in data.iterdir()
        if path.is_dir() and _NAME.fullmatch(path.name) and path.name != pointer.directory
    )
