"""What a run met: a test that never saw an election says nothing about elections."""

from __future__ import annotations

from collections.abc import Mapping

COUNTERS = (
    "elections",
    "leaders",
    "step_downs",
    "truncations",
    "entries_committed",
    "writes",
    "reads",
    "retries",
    "retries_over_restarts",
    "suppressed_retries",
    "sessions_evicted",
    "sessions_expired",
    "redirects",
    "outcomes_unknown",
    "crashes",
    "crashes_that_lost_writes",
    "restarts",
    "power_cuts",
    "pauses",
    "partitions",
    "partial_partitions",
    "one_way_partitions",
    "clock_jumps",
    "slow_disks",
    "little_room",
    "full_disks",
    "failed_syncs",
    "failed_syncs_kept",
    "flipped_bits",
    "halts",
    "compactions",
    "snapshots_made",
    "snapshot_chunks",
    "snapshot_chunks_lost",
    "snapshots_installed",
    "crashes_installing",
    "client_restarts",
    "messages",
    "messages_dropped",
    "messages_duplicated",
    "messages_delayed",
    "handshakes",
)
"""The counters in the order in which they are shown."""


class Coverage:
    """Counts how often each of `COUNTERS` happened."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[str, int] = dict.fromkeys(COUNTERS, 0)

    def add(self, name: str, count: int = 1) -> None:
        """``name`` happened ``count`` times more; raises KeyError for a name that isn't in `COUNTERS`."""
        self.counts[name] += count

    def merge(self, counts: Mapping[str, int]) -> None:
        """Add the counts of another run."""
        for name, count in counts.items():
            self.counts[name] += count
