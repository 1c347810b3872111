"""One moment of the cluster as `raftzmq top` shows it: plain values, ready to be drawn or printed as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SCHEMA = 1
"""The version of ``top --json``."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node. None is what isn't known: it has not said so yet, or the source doesn't tell."""

    node: str
    role: str | None = None
    term: int | None = None
    leader: str | None = None
    commit_index: int | None = None
    last_applied: int | None = None
    lag: int | None = None
    """Entries that the cluster has committed and this node has not applied."""
    log_bytes: int | None = None
    puts_per_s: float | None = None
    """Commands applied in the last whole second."""
    sync_p50_us: int | None = None
    sync_p99_us: int | None = None
    """How long commits of the log with their syncs took within the last ten seconds."""
    round_trip_us: int | None = None
    """The leader's last message to it and back."""
    queue: int | None = None
    """Requests that wait or are under way."""
    rss_bytes: int | None = None
    heard_s: float | None = None
    """Seconds since anything was heard of it."""
    condition: str = "unknown"
    """``up``, ``silent``, ``down`` (its process has ended) or ``unknown`` (never heard of)."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong: a name for programs, the node if it is one's, and a sentence for people."""

    what: str
    node: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The whole. ``source`` is ``events`` (the collector's stream) or ``status`` (asked node by node)."""

    source: str
    ts: float
    """Wall clock, seconds since 1970."""
    leader: str | None
    term: int | None
    leader_changes: int | None
    """How often the leader changed since the collector's record begins; None where that isn't known (yet)."""
    puts_per_s: float | None
    events_per_s: float | None
    lost: int
    nodes: tuple[NodeRow, ...]
    trouble: tuple[Trouble, ...]
    puts_history: tuple[float | None, ...] = ()
    """Commands committed in each of the last sixty whole seconds, oldest first."""
    sync_history: tuple[float | None, ...] = ()
    """The slowest node's 99th percentile of syncs in each of them, in microseconds."""
    notable: tuple[dict[str, Any], ...] = ()
    """The last events worth telling, oldest first; ``ms`` is their wall clock."""

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dictionary."""
        document = asdict(self)
        return {
            "schema": SCHEMA,
            **{name: value for name, value in document.items() if not name.endswith("history") and name != "notable"},
            "events": document["notable"],
        }
