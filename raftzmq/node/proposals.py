"""Commands on their way into the log: the queue at the leader's door, batches under way, and who waits for them."""

from __future__ import annotations

from collections import deque

from raftzmq.config import (
    BATCH_BYTES_MAX,
    BATCH_COMMANDS_MAX,
    UNCOMMITTED_BATCHES_MAX,
    UNCOMMITTED_BYTES_MAX,
    UNCOMMITTED_OPENINGS_MAX,
    WAITING_BYTES_MAX,
    WAITING_OVERHEAD_BYTES,
)
from raftzmq.core.log import Log
from raftzmq.core.types import EntryKind
from raftzmq.core.value import value
from raftzmq.kv.commands import batch_log_time, encode_batch
from raftzmq.node.tracing import Visit


@value
class Waiting:
    """A client's parcel at the door: ``alone`` for one that opens a session, whose entry is its id.

    ``visit``: what is noted of it for those who trace requests.
    """

    routing: bytes
    request: int
    parcel: bytes
    commands: int
    deadline_us: int
    alone: bool
    visit: Visit | None = None


@value
class Batch:
    """A proposed entry and whom its results go to, in the order of its parcels."""

    term: int
    size: int
    owners: tuple[tuple[bytes, int], ...]


class Proposals:
    """The leader's queues. Invariant: ``waiting_bytes`` is what the parcels in the queues are charged for.

    Parcels that open sessions have a queue of their own, and go when there is no room for another batch of the others:
    a crowd of newcomers must not stand before those who are at work.
    """

    def __init__(self, log_time_us: int) -> None:
        self.waiting_bytes = 0
        self.batches_committed = 0
        """Batches of this node's proposing that were committed while it led, in this boot."""
        self._waiting: deque[Waiting] = deque()
        self._newcomers: deque[Waiting] = deque()
        self._batches: dict[int, Batch] = {}
        self._uncommitted: deque[tuple[int, int, bool]] = deque()
        self._openings = 0
        self._uncommitted_bytes = 0
        self._state_log_time_us = log_time_us
        self._log_time_us = log_time_us
        self._log_time_at_us = 0

    def lead(self, log: Log, now_us: int) -> None:
        """This node leads from now on: log time goes on from the last batch in its log (design §4)."""
        self._log_time_us = self._state_log_time_us
        for index in range(log.last_index, log.mark.index, -1):
            entry = log.entry(index)
            if entry.kind is EntryKind.COMMANDS:
                self._log_time_us = batch_log_time(entry.data)
                break
        self._log_time_at_us = now_us

    def has_room(self, size: int) -> bool:
        """Does a parcel of ``size`` bytes fit into the queue?"""
        return self.waiting_bytes + size + WAITING_OVERHEAD_BYTES <= WAITING_BYTES_MAX

    def add(self, waiting: Waiting) -> None:
        """Queue a parcel that was checked."""
        (self._newcomers if waiting.alone else self._waiting).append(waiting)
        self.waiting_bytes += len(waiting.parcel) + WAITING_OVERHEAD_BYTES

    def committed(self, commit_index: int) -> None:
        """Entries up to ``commit_index`` are committed: room for others."""
        while self._uncommitted and self._uncommitted[0][0] <= commit_index:
            _, size, opens = self._uncommitted.popleft()
            self._uncommitted_bytes -= size
            self._openings -= opens
            self.batches_committed += 1

    def has_batch(self) -> bool:
        """Is there something to propose, and room for it?"""
        if self._uncommitted_bytes >= UNCOMMITTED_BYTES_MAX:
            return False
        return self._takes_others() or (bool(self._newcomers) and self._openings < UNCOMMITTED_OPENINGS_MAX)

    def _takes_others(self) -> bool:
        return bool(self._waiting) and len(self._uncommitted) - self._openings < UNCOMMITTED_BATCHES_MAX

    def take_batch(self, now_us: int) -> tuple[bytes, list[Waiting], list[Waiting]]:
        """The payload of the next entry, the parcels in it, and those whose time ran out before (never proposed)."""
        taken: list[Waiting] = []
        expired: list[Waiting] = []
        size = commands = 0
        queue = self._newcomers if self._newcomers and not self._takes_others() else self._waiting
        while queue:
            head = queue[0]
            if head.deadline_us > now_us:
                size += len(head.parcel)
                commands += head.commands
                if taken and (size > BATCH_BYTES_MAX or commands > BATCH_COMMANDS_MAX or head.alone):
                    break
                taken.append(head)
            else:
                expired.append(head)
            queue.popleft()
            self.waiting_bytes -= len(head.parcel) + WAITING_OVERHEAD_BYTES
        if not taken:
            return b"", taken, expired
        self._log_time_us += max(0, now_us - self._log_time_at_us)
        self._log_time_at_us = now_us
        return encode_batch(self._log_time_us, [w.parcel for w in taken], len(taken)), taken, expired

    def proposed(self, index: int, term: int, size: int, taken: list[Waiting]) -> None:
        """The batch became entry ``index``."""
        self._batches[index] = Batch(term, size, tuple((w.routing, w.request) for w in taken))
        opens = taken[0].alone
        self._uncommitted.append((index, size, opens))
        self._uncommitted_bytes += size
        self._openings += opens

    def settle(self, index: int, term: int) -> tuple[tuple[bytes, int], ...]:
        """Entry ``index`` of ``term`` is applied: who waits for its results."""
        batch = self._batches.pop(index, None)
        return batch.owners if batch is not None and batch.term == term else ()

    def abandon(self) -> tuple[list[Waiting], list[tuple[bytes, int]]]:
        """Leadership is lost: parcels that were never proposed, and owners of batches whose fate isn't known."""
        waiting = [*self._waiting, *self._newcomers]
        owners = [owner for _, batch in sorted(self._batches.items()) for owner in batch.owners]
        self._waiting.clear()
        self._newcomers.clear()
        self._batches.clear()
        self._uncommitted.clear()
        self.waiting_bytes = self._uncommitted_bytes = self._openings = 0
        return waiting, owners

    def applied_log_time(self, log_time_us: int) -> None:
        """The state has reached ``log_time_us``: where log time goes on if the log holds no batch."""
        self._state_log_time_us = max(self._state_log_time_us, log_time_us)

    @property
    def pending(self) -> int:
        """Requests that wait or are under way."""
        under_way = sum([len(batch.owners) for batch in self._batches.values()])
        return len(self._waiting) + len(self._newcomers) + under_way

    @property
    def counts(self) -> dict[str, int]:
        """For status: what waits and what is under way."""
        return {
            "waiting_requests": len(self._waiting) + len(self._newcomers),
            "waiting_bytes": self.waiting_bytes,
            "uncommitted_batches": len(self._uncommitted),
        }
