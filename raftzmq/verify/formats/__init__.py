"""Reading histories: which format a file has, and its operations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from raftzmq.verify.formats import jepsen, porcupine, recording
from raftzmq.verify.history import History, HistoryError

FORMATS: Final = (recording.NAME, jepsen.NAME, porcupine.NAME)
_LOOK_AT: Final = 20
"""Lines at the front of a file that tell its format."""


def read_history(path: Path, format: str | None = None, *, empty: bool = False) -> History:  # noqa: A002
    """The history in the file at ``path``, of ``format`` (None: whichever it looks like).

    ``empty``: a store whose clients were recorded held nothing at the beginning (other formats say so themselves).
    Raises HistoryError for a file that can't be read, or isn't what it should be.
    """
    file = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HistoryError(file, 0, f"cannot be read: {error.strerror}") from None
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if not lines:
        raise HistoryError(file, 0, "the file is empty: nothing to judge")
    found = format or detect(lines)
    if found == recording.NAME:
        return recording.read_recording(file, lines, empty=empty)
    if found is None:
        raise HistoryError(file, 0, f"no known format ({', '.join(FORMATS)}); is this a history?")
    read = jepsen.read_jepsen if found == jepsen.NAME else porcupine.read_porcupine
    return read(file, _decoded(file, lines))


def detect(lines: Sequence[bytes]) -> str | None:
    """The format that the first lines look like; None if none."""
    for line in lines[:_LOOK_AT]:
        text = line.decode("utf-8", "replace")
        if text.startswith('{"'):
            return recording.NAME
        if text.startswith(("{:", "#")):
            return porcupine.NAME if ":key " in text else jepsen.NAME
        if jepsen.LOG_LINE.match(text):
            return jepsen.NAME
    return None


def _decoded(file: str, lines: Sequence[bytes]) -> list[str]:
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(line.decode())
        except UnicodeDecodeError as error:
            raise HistoryError(file, number, f"this line is no UTF-8: {error.reason}") from None
    return found
