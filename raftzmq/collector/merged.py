"""An event in its place in the merged stream."""

from __future__ import annotations

from typing import Any, NamedTuple


class Merged(NamedTuple):
    """``position`` counts the events of the merged stream from 1, over restarts of a collector that records.

    ``topic`` and ``payload`` are the frames as the node made them, ``event`` is the payload as a dictionary.
    """

    position: int
    topic: bytes
    payload: bytes
    event: dict[str, Any]
