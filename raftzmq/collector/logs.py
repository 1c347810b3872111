"""The collector's own log: one JSON object a line."""

from __future__ import annotations

from typing import BinaryIO

import orjson
import structlog
from structlog.typing import FilteringBoundLogger


def json_log(file: BinaryIO, **fields: str) -> FilteringBoundLogger:
    """A logger whose lines carry ``ts`` (ISO 8601, UTC), ``level``, ``event``, ``fields`` and what each call adds."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.BytesLogger(file),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    return logger.bind(**fields)
