"""The directory in which runs lie, each in one of its own."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeGuard

import orjson

from raftzmq.errors import ConfigurationError

FILE = "lab.json"
"""What a run leaves beside its recording."""
FILE_BYTES_MAX = 1024 * 1024


class NoRun(ConfigurationError):
    """What lies in a directory is no run of a lab, or one that hasn't ended."""


class NoRecord(ConfigurationError):
    """A directory can't take the recording of a run."""


def new_directory(home: Path, name: str) -> Path:
    """Make the directory of a new run of a lab below ``home``: its name and the time; raises NoRecord."""
    stem = f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            path = home / (stem if number == 1 else f"{stem}-{number}")
            with suppress(FileExistsError):  # another run began in this second
                path.mkdir()
                return path
    except OSError as error:
        raise NoRecord(
            f"no run can be recorded in {home}: {error.strerror} ({error.filename}); --record names another place"
        ) from None
    raise AssertionError


def all_runs(home: Path) -> list[dict[str, Any]]:
    """The documents of all runs below ``home`` that have ended, oldest first.

    What isn't such a document is passed over: somebody may have put it there, or be writing it.
    """
    found = []
    for path in home.glob(f"*/{FILE}"):
        with suppress(NoRun):
            found.append(read_run(path.parent))
    return sorted(found, key=lambda document: int(document["began_ms"]))


def read_run(directory: Path) -> dict[str, Any]:
    """The document of the run that lies in a directory; raises NoRun."""
    path = directory / FILE
    try:
        document = orjson.loads(path.read_bytes()) if path.stat().st_size <= FILE_BYTES_MAX else None
    except (OSError, orjson.JSONDecodeError):
        document = None
    if not _is_run(document):
        raise NoRun(f"there is no run of a lab in {directory}: raftzmq lab run leaves a {FILE} beside its recording")
    return {**document, "recording": str(directory)}


def _is_run(document: Any) -> TypeGuard[dict[str, Any]]:
    if not isinstance(document, dict):
        return False
    types = {"lab": str, "began_ms": int, "verdict": dict}
    return all(isinstance(document.get(name), kind) for name, kind in types.items())


def last_runs(home: Path) -> dict[str, dict[str, Any]]:
    """Of each lab the last run: ``began_ms``, ``green``, ``recording``, ``runtime``, ``seconds``."""
    return {
        document["lab"]: {
            "began_ms": document["began_ms"],
            "green": document["verdict"].get("green") is True,
            "recording": document["recording"],
            "runtime": document.get("runtime"),
            "seconds": document.get("seconds"),
        }
        for document in all_runs(home)
    }
