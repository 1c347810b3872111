"""What every event begins with, checked when one comes in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from raftzmq.config import LAMPORT_MAX
from raftzmq.errors import ConfigurationError

COLLECTOR_NODE = "collector"
"""The node name that the collector's own events carry; no node of a cluster may have it."""
EVENT_BYTES_MAX = 256 * 1024
"""An event describes a batch in a few hundred bytes; anything this large is no event and is not passed on."""

_loads = orjson.loads


def read_event(payload: bytes, node: str, kind: str) -> dict[str, Any] | None:
    """The event in ``payload``, or None if it is none, or not one of this node and type.

    What is returned has whole numbers above zero for ``seq`` and ``order``, from zero for ``term`` and (to
    LAMPORT_MAX) ``lamport``, a text for ``boot``, and no line break in its bytes: recordings have one event a line.
    """
    if len(payload) > EVENT_BYTES_MAX or b"\n" in payload:
        return None
    try:
        event: dict[str, Any] = _loads(payload)
        seq, order, lamport, term = event["seq"], event["order"], event["lamport"], event["term"]
        right = event["node"] == node and event["type"] == kind and type(event["boot"]) is str
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    # A bool is an int too, hence no isinstance.
    if not (right and type(seq) is type(order) is type(lamport) is type(term) is int):
        return None
    return event if seq > 0 and order > 0 and 0 <= lamport <= LAMPORT_MAX and term >= 0 else None


def check_names(nodes: Sequence[str]) -> None:
    """Raise ConfigurationError if a node's name is the collector's: their topics would be the same."""
    if COLLECTOR_NODE in nodes:
        raise ConfigurationError(
            f"a node is called {COLLECTOR_NODE!r}, the name that the collector's own events carry: rename the node"
        )
