"""What a leader knows of one follower (Raft figure 2, volatile state on leaders), and its flow control."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from raftzmq.config import INFLIGHT_BYTES_MAX, INFLIGHT_MESSAGES_MAX


@dataclass(slots=True)
class Progress:
    """Invariant: ``0 <= match_index < next_index``.

    While *probing* the leader doesn't know where the logs agree: it sends one message and waits for its answer or
    the next heartbeat's. While *replicating* it sends ahead and moves ``next_index`` at once; a rejection (a message
    was lost) leads back to probing. While ``snapshot`` is set, the follower lacks entries that the log no longer has:
    a snapshot up to that index or later is on its way, and nothing but heartbeats is sent until it is there.
    """

    next_index: int
    heard_us: int
    moved_us: int
    """When ``match_index`` last rose."""
    match_index: int = 0
    round: int = 0
    probing: bool = True
    paused: bool = False
    snapshot: int | None = None
    owed: int = 0
    """Up to here the log grew while a snapshot was on its way: entries that are kept until the follower has them."""
    in_flight: deque[tuple[int, int]] = field(default_factory=deque)
    in_flight_bytes: int = 0

    def can_send(self) -> bool:
        """Would another message with entries stay within the limits?"""
        if self.snapshot is not None:
            return False
        if self.probing:
            return not self.paused
        return len(self.in_flight) < INFLIGHT_MESSAGES_MAX and self.in_flight_bytes < INFLIGHT_BYTES_MAX

    def sent(self, last_index: int, size: int) -> None:
        """Entries up to ``last_index``, ``size`` bytes together, have been sent."""
        if self.probing:
            self.paused = True
            return
        self.next_index = last_index + 1
        self.in_flight.append((last_index, size))
        self.in_flight_bytes += size

    def probe_from(self, index: int) -> None:
        """The logs don't agree at ``next_index - 1``: try ``index`` next, and nothing ahead of its answer."""
        self.next_index = max(index, self.match_index + 1)
        self.probing = True
        self.paused = False
        self.in_flight.clear()
        self.in_flight_bytes = 0

    def await_snapshot(self, index: int) -> None:
        """Entries up to ``index`` can't be sent any more: a snapshot brings them."""
        self.probe_from(self.match_index + 1)
        self.snapshot = index

    def snapshot_failed(self) -> None:
        """It didn't come through: find out what the follower has."""
        if self.snapshot is not None:
            self.snapshot = None
            self.probe_from(self.match_index + 1)

    def matched(self, match_index: int, agreed_index: int) -> None:
        """The follower has ``match_index`` durably, and ``agreed_index`` at least in memory."""
        if match_index > self.match_index:
            self.match_index = match_index
            self.next_index = max(self.next_index, match_index + 1)
        if self.snapshot is not None:
            if self.match_index < self.snapshot:
                return
            self.snapshot = None
            self.probe_from(self.match_index + 1)
        while self.in_flight and self.in_flight[0][0] <= self.match_index:
            self.in_flight_bytes -= self.in_flight.popleft()[1]
        if self.probing and agreed_index >= self.next_index - 1:
            self.probing = False
            self.paused = False

    def rejected(self, prev_log_index: int, retry_index: int) -> bool:
        """The follower has no entry that fits at ``prev_log_index``; False if that is old news."""
        if prev_log_index <= self.match_index or self.snapshot is not None:
            return False
        if self.probing and prev_log_index != self.next_index - 1:
            return False
        self.probe_from(min(prev_log_index, retry_index))
        return True
