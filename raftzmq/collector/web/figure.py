"""The figures of each node that `/metrics` exports: what each is called, where it comes from, and what it tells."""

from __future__ import annotations

from typing import NamedTuple

COUNTER, GAUGE = "counter", "gauge"


class Figure(NamedTuple):
    """One figure: its name (of a counter: without the ``_total`` that is added), its field, and its HELP line."""

    name: str
    kind: str
    field: str
    help: str


STANDING: tuple[Figure, ...] = (
    Figure(
        "raftzmq_term",
        GAUGE,
        "term",
        "The node's current Raft term. It rises with every election; all nodes should agree on it.",
    ),
    Figure(
        "raftzmq_commit_index",
        GAUGE,
        "commit_index",
        "The last log entry that the node knows to be committed. Its rate is the cluster's progress.",
    ),
    Figure(
        "raftzmq_applied_index",
        GAUGE,
        "applied_index",
        "The last log entry that is applied to the node's state. It follows the commit index closely.",
    ),
    Figure("raftzmq_last_log_index", GAUGE, "last_index", "The last entry of the node's log in memory."),
    Figure(
        "raftzmq_stable_index",
        GAUGE,
        "stable_index",
        "The last entry of the node's log on its disk. What it lags the last log index by waits for a sync.",
    ),
    Figure(
        "raftzmq_durable_index",
        GAUGE,
        "durable_index",
        "The last entry that the state on the node's disk contains. A restart applies again what comes after it.",
    ),
    Figure("raftzmq_revision", GAUGE, "revision", "The key-value store's revision on the node."),
    Figure(
        "raftzmq_has_room",
        GAUGE,
        "has_room",
        "1 while the node's disk has room; at 0 it takes no entries, and without a majority that has room none do.",
    ),
    Figure("raftzmq_boots", GAUGE, "boots", "Starts of the node's process that were seen in the merged stream."),
)
"""From the cluster's state."""

METRICS: tuple[Figure, ...] = (
    Figure(
        "raftzmq_proposals_pending",
        GAUGE,
        "proposals_pending",
        "Requests that wait at the node or are under way. If it stays high, the cluster can't keep up.",
    ),
    Figure(
        "raftzmq_proposals_committed",
        COUNTER,
        "proposals_committed",
        "Batches that the node proposed as leader and that were committed.",
    ),
    Figure("raftzmq_proposals_applied", COUNTER, "proposals_applied", "Log entries that the node applied."),
    Figure(
        "raftzmq_commands_applied",
        COUNTER,
        "commands_applied",
        "Commands in the entries that the node applied: puts, deletes, compare-and-swaps.",
    ),
    Figure(
        "raftzmq_proposals_refused",
        COUNTER,
        "proposals_refused",
        "Requests that were refused at the node's door: overloaded, too large, malformed, no leader.",
    ),
    Figure("raftzmq_reads_pending", GAUGE, "reads_pending", "Reads that wait at the node for a majority or the state."),
    Figure("raftzmq_reads_answered", COUNTER, "reads_answered", "Reads that the node answered."),
    Figure("raftzmq_waiting_bytes", GAUGE, "waiting_bytes", "Bytes of requests that wait at the node's door."),
    Figure(
        "raftzmq_log_memory_bytes", GAUGE, "log_bytes", "Bytes of the node's log in memory. It is bounded to 64 MiB."
    ),
    Figure(
        "raftzmq_apply_lag_bytes",
        GAUGE,
        "lag_bytes",
        "Bytes committed and not yet applied on the node: if it grows, the state's disk or thread is too slow.",
    ),
    Figure("raftzmq_clients", GAUGE, "clients", "Clients that the node remembers."),
    Figure("raftzmq_resident_memory_bytes", GAUGE, "rss_bytes", "Resident memory of the node's process."),
    Figure(
        "raftzmq_events_ring_bytes",
        GAUGE,
        "events_ring_bytes",
        "Bytes of events that the node keeps for subscribers that missed some.",
    ),
)
"""From the node's own figures, which it says once a second; counters begin anew when the node restarts."""
