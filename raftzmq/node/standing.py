"""Where a node stands, whole: for who missed what came before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raftzmq.node.node import Node


def standing(node: Node, now_us: int) -> dict[str, Any]:
    """The fields of a ``standing`` event: all of Raft's state (figure 2), and how far log and state are."""
    raft, log, applying = node.raft, node.raft.log, node.applying
    leadership = raft.leadership
    peers = {} if leadership is None else leadership.peers
    return {
        "role": str(raft.role),
        "leader": raft.leader,
        "voted_for": raft.voted_for,
        "voters": list(raft.voters),
        "mark_index": log.mark.index,
        "mark_chain": log.mark.chain,
        "last_index": log.last_index,
        "last_term": log.last_term,
        "last_chain": log.last_chain,
        "stable_index": log.stable,
        "commit_index": raft.commit_index,
        "commit_chain": log.known_chain(raft.commit_index),
        "applied_index": applying.applied_index,
        "durable_index": applying.durable_index,
        "digest": applying.digest,
        "revision": applying.revision,
        "next_index": {peer: progress.next_index for peer, progress in peers.items()},
        "match_index": {peer: progress.match_index for peer, progress in peers.items()},
        # Of who doesn't lead, the core's deadline is its election timer.
        "election_due_us": None if leadership is not None else max(0, raft.deadline - now_us),
        "has_room": raft.has_room,
        "pid": node.pid,
        "lab": node.lab.enabled,
    }
