"""A node's row of ``status --json``: stable names, plain values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from raftzmq.codec.clients import StatusAnswer, encode_header

if TYPE_CHECKING:
    from raftzmq.node.node import Node


def status_row(node: Node) -> dict[str, Any]:
    """How the node sees itself and its leader. Read without consensus: it may be out of date (see ``role``)."""
    raft = node.raft
    return {
        "node": node.name,
        "cluster": node.cluster_id,
        "role": str(raft.role),
        "term": raft.current_term,
        "voted_for": raft.voted_for,
        "leader": raft.leader,
        "commit_index": raft.commit_index,
        "last_applied": raft.last_applied,
        "last_log_index": raft.log.last_index,
        "last_log_term": raft.log.last_term,
        "stable_index": raft.log.stable,
        "durable_state_index": node.applying.durable_index,
        "revision": node.applying.revision,
        "digest": node.applying.digest,
        "voters": list(raft.voters),
        "events": next((member.events for member in node.members if member.node == node.name), ""),
        "pid": node.pid,
        "boot": node.boot,
        **node.about,
        "has_room": raft.has_room,
        "first_log_index": raft.log.first_index,
        "log_bytes": raft.log.bytes,
        "clients": len(node.door),
        "waiting_reads": len(node.reads),
        **node.proposals.counts,
        "counts": dict(sorted(node.counts.items())),
    }


def status_frames(node: Node, request: int) -> list[bytes]:
    """The answer to a `StatusRequest`: the row as JSON behind its header."""
    return [encode_header(StatusAnswer(request)), json.dumps(status_row(node)).encode()]
