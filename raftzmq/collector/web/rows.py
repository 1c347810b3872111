"""Rows in the shape of ``status --json`` from what the nodes' events add up to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raftzmq.config import ClusterConfig

STATUS_SCHEMA = 1
"""The version of ``status --json``, whose shape this is."""
STABLE = {
    "role": "role",
    "term": "term",
    "leader": "leader",
    "commit_index": "commit_index",
    "last_applied": "applied_index",
    "last_log_index": "last_index",
    "pid": "pid",
}
"""What every row has, null for a node that isn't heard, and what the state calls it."""


def status_rows(config: ClusterConfig, nodes: Mapping[str, Any], *, silent: bool) -> list[dict[str, Any]]:
    """A row per configured node: ``node endpoint reachable``, the stable fields, and what else is known.

    ``nodes`` are those of the cluster's state; ``silent``: none of them is heard any more. ``reachable`` means that
    the node's events come. What is known beside the stable fields stays when a node is gone: it is the last that was
    heard of it.
    """
    return [_row(address.node, address.client, nodes.get(address.node), silent=silent) for address in config.nodes]


def _row(name: str, endpoint: str, known: Mapping[str, Any] | None, *, silent: bool) -> dict[str, Any]:
    reachable = known is not None and known.get("condition") == "up" and not silent
    stable = {field: known.get(of_state) if known and reachable else None for field, of_state in STABLE.items()}
    rest = {field: value for field, value in (known or {}).items() if field not in STABLE.values()}
    if silent and known is not None and rest.get("condition") == "up":
        rest["condition"] = "silent"
    return {"node": name, "endpoint": endpoint, "reachable": reachable, **stable, **rest}
