"""What the protocol asks its driver to do: sockets to open and close, frames to send, futures to settle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from raftzmq.client.results import Convert
from raftzmq.errors import RequestError


@dataclass(slots=True)
class Outbox:
    """Filled by the protocol, emptied by its driver; each list in the order in which it is to be done."""

    wiring: list[tuple[bool, str]] = field(default_factory=list)
    """(open or close, endpoint). Done before the frames are sent."""
    frames: list[tuple[str, list[bytes]]] = field(default_factory=list)
    """(endpoint, message)."""
    answered: list[tuple[list[Any], list[Convert] | None, list[Any]]] = field(default_factory=list)
    """(futures, converters, results): see `results.settle`."""
    failed: list[tuple[list[Any], RequestError]] = field(default_factory=list)
    """(futures, the error of all of them): see `results.fail`."""
