"""What a node counts in one boot, and how much it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raftzmq.node.node import Node


@dataclass(slots=True)
class Tally:
    """What has been done in this boot: entries applied, commands in them, reads answered."""

    entries: int = 0
    commands: int = 0
    reads: int = 0


def metrics(node: Node) -> dict[str, Any]:
    """The fields of a ``metrics`` event."""
    counts, proposals = node.counts, node.proposals
    return {
        "proposals_pending": proposals.pending,
        "proposals_committed": proposals.batches_committed,
        "proposals_applied": node.tally.entries,
        "commands_applied": node.tally.commands,
        "proposals_refused": counts["refused_requests"] + counts["overloaded"],
        "reads_pending": len(node.reads),
        "reads_answered": node.tally.reads,
        "waiting_bytes": proposals.waiting_bytes,
        "log_bytes": node.raft.log.bytes,
        "lag_bytes": node.applying.lag_bytes,
        "clients": len(node.door),
        "round_trip_us": dict(node.round_trips.last_us) if node.raft.leadership is not None else {},
        "dropped": {k.removeprefix("dropped_"): n for k, n in sorted(counts.items()) if k.startswith("dropped_")},
        "rss_bytes": node.resident_bytes(),
        "events_ring_bytes": node.report.ring.bytes,
    }
