"""The log of a node or collector: one JSON object a line, and never a reason to stop."""

from __future__ import annotations

import contextlib
from typing import Any, BinaryIO

import structlog
from structlog.typing import FilteringBoundLogger

from raftzmq.events.maker import encode_event


class _Tolerant:
    """A file whose failures are swallowed: no process may end because nobody can read its log.

    The reader of a pipe may be gone (a killed supervisor), the disk behind a redirection may be full.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        with contextlib.suppress(OSError, ValueError):
            return self._file.write(data)
        return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()


def json_log(file: BinaryIO, **fields: str) -> FilteringBoundLogger:
    """A logger whose lines carry ``ts`` (ISO 8601, UTC), ``level``, ``event``, ``fields`` and what each call adds."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.BytesLogger(_Tolerant(file)),  # type: ignore[arg-type]  # it asks for no more than write and flush
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.JSONRenderer(serializer=_encode),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    return logger.bind(**fields)


def _encode(line: dict[str, Any], **_: Any) -> bytes:
    return encode_event(line)
