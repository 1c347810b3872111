"""How fast a leader may let its log grow while it can't be compacted.

While a follower fetches a snapshot the log after the snapshot's mark is kept for it. Past half of the log's bound
batches are let in more and more slowly, so that the follower gets there first; at the bound none is, and clients are
told so. Otherwise the log would be compacted under it, and a second snapshot would begin where the first one ends.
"""

from __future__ import annotations

from raftzmq.core import Raft

SLOWEST_US = 200_000
"""The pause between two batches where the log is nearly as long as it may be."""
NEVER = 2**62


class Pace:
    """Spaces the batches of one leader."""

    def __init__(self, raft: Raft) -> None:
        self._raft = raft
        self._bound = raft.retention.bound_bytes
        self._next_us = 0
        self.deadline_us = NEVER
        """When a batch that had to wait may go."""

    @property
    def is_full(self) -> bool:
        """Is the log as long as it may be?"""
        return self._raft.log.bytes >= self._bound

    def tick(self) -> None:
        """Time has come to `deadline_us`: a batch that waits is asked for again, if there still is one."""
        self.deadline_us = NEVER

    def allows(self, now_us: int) -> bool:
        """May a batch be proposed now? If not, ask again at `deadline_us`."""
        half = self._bound // 2
        excess = self._raft.log.bytes - half
        self.deadline_us = NEVER
        if excess <= 0:
            return True
        if now_us < self._next_us:
            self.deadline_us = self._next_us
            return False
        self._next_us = now_us + SLOWEST_US * min(excess, half) // half
        return True
