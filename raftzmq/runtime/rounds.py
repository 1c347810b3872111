"""What a node does in each round, whatever waits between the rounds: a thread's poll or an event loop.

A round: the time, what the disk has done, what has arrived, a look around now and then; then all that follows from it,
at once. Who runs the rounds owns only how to wait between them. There is no other logic in a runtime, so both run the
same consensus, and a comparison of the two compares nothing else.

What blocks is LMDB's commits and files, which release the GIL: one lane for the log, one for the state (whose write
transaction is bound to its thread), one for snapshots, one that looks for room. Completions come back through a queue
and a wake-up descriptor. To run the log's and the state's jobs in the round itself would save four changes of threads
for a put that travels alone, and a disk that hangs would hang the node. It was tried, and isn't faster: 1.08 of the
puts in four pairs of runs, 0.87 in five.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import zmq

from raftzmq.config import CLIENT_FRAMES_MAX, PEER_FRAMES_MAX
from raftzmq.core.ready import Fact
from raftzmq.errors import StorageError
from raftzmq.node import Node
from raftzmq.node.work import NodeStorage
from raftzmq.resident import resident_bytes
from raftzmq.runtime.answers import RETRY_US
from raftzmq.runtime.blocking_lane import BlockingLane
from raftzmq.runtime.doorbells import Doorbells
from raftzmq.runtime.inbox import Inbox
from raftzmq.runtime.jobs import Completion, now_us, run_log_job, run_snapshot, run_space, run_state_job
from raftzmq.runtime.lane import Lane
from raftzmq.runtime.wires import Wires

LOOK_EVERY_US = 200_000
"""How often pipes to peers are looked at for refusals that came back, and the disk for room: no consensus waits."""

GATHER_US = 25_000
"""How long events wait for others: each time some leave, ZeroMQ's thread wakes and writes to each subscriber, and the
code that sends them is cold. Nobody who watches sees so little, and one put at a time costs a leader with a collector
1.09 of the processor time, instead of 1.14 with ten milliseconds (medians of 24 and 30 pairs)."""

END_S = 5.0
"""How long a node that is to stop waits for its disk, which may never answer: half of what supervisord gives it."""

WOKEN = [None]
"""What `Doorbells.wait` gives when another thread alone rang."""

OnFacts = Callable[[list[Fact]], None]
"""Is told what the core wants to be known, for the node's own log."""


class Rounds:
    """The rounds of one node: a context manager, to be used by one thread.

    Entering does the first round; leaving commits the state and closes everything (StorageError if the disk doesn't do
    that in time), or, with an error, only lets the threads end: after a failed sync nothing may be written any more.
    ``blocking`` has the log's and the state's jobs run in the round itself.
    """

    def __init__(
        self, node: Node, storage: NodeStorage, wires: Wires, on_facts: OnFacts, *, blocking: bool = False
    ) -> None:
        self._node = node
        node.resident_bytes = resident_bytes
        node.report.gather_us = GATHER_US
        self._storage = storage
        self._log, self._state, self._snapshots = storage.log, storage.state, storage.snapshots
        self._wires = wires
        self._on_facts = on_facts
        self._completions: deque[Completion | BaseException] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="disk")
        self._log_lane: Lane | BlockingLane = BlockingLane(self._completions) if blocking else self._lane()
        self._state_lane: Lane | BlockingLane = BlockingLane(self._completions) if blocking else self._lane()
        self._snapshot_lane = self._lane()
        # Apart from the snapshots' lane: while a copy is made, which takes minutes, room may come to an end.
        self._space_lane = self._lane()
        self.bells = Doorbells(wires.readable, self._wake)
        """Who wants a round: `take` is to be given what they say."""
        self.stopping = False
        """Is another round wanted?"""
        self._now = 0
        """The time of this round."""
        self._inboxes = self._make_inboxes()
        self._refusals = [
            Inbox(dealer, lambda frames: self._node.on_peer(b"", frames, self._now), PEER_FRAMES_MAX)
            for dealer in (*wires.dealers.values(), *wires.bulk.values())
        ]
        self._look_us = 0
        self._looking = False

    def _lane(self) -> Lane:
        return Lane(self._pool, self._completions, self._ring)

    def _ring(self) -> None:
        os.eventfd_write(self._wake, 1)

    def stop(self) -> None:
        """Let no round follow; may be called from a signal handler or another thread."""
        self.stopping = True
        self._ring()

    def __enter__(self) -> Self:
        self._now = now_us()
        self._dispatch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._finish()
        else:
            for lane in (self._space_lane, self._snapshot_lane, self._state_lane, self._log_lane):
                lane.end()

    def patience_us(self) -> int:
        """How long nobody but the bells wants a round; 0 or less: one is due."""
        if self._completions:
            return 0
        patience_us = self._node.deadline_us - now_us()
        return min(patience_us, RETRY_US) if self._wires.answers else patience_us

    def take(self, rung: list[zmq.Socket[bytes] | None]) -> None:
        """A round, after ``rung`` rang, or nobody did in time. Raises the NodeError (or the bug) that ends the node."""
        completions = self._completions
        if rung == WOKEN and not completions:
            return  # the round before has already taken what this was about
        node = self._node
        self._now = now = now_us()
        node.on_tick(now)
        while completions:
            completion = completions.popleft()
            if isinstance(completion, BaseException):
                raise completion
            completion(node, now)
        inboxes = self._inboxes
        for socket in rung:
            if socket is not None and not inboxes[socket].drain(announced=True):
                self.bells.again(socket)
        if now >= self._look_us:
            self._look_around(now)
        self._dispatch()

    def _make_inboxes(self) -> dict[Any, Inbox]:
        """By socket. The first frame is the routing id, which counts for one more."""
        node, wires = self._node, self._wires

        def from_peer(frames: list[bytes]) -> bool:
            return node.on_peer(frames[0], frames[1:], self._now)

        def from_client(frames: list[bytes]) -> bool:
            return node.on_client(frames[0], frames[1:], self._now)

        return {
            wires.peers: Inbox(wires.peers, from_peer, PEER_FRAMES_MAX + 1),
            wires.clients: Inbox(wires.clients, from_client, CLIENT_FRAMES_MAX + 1),
            wires.events: Inbox(wires.events, self._take_subscription, 1),
        }

    def _look_around(self, now: int) -> None:
        """What is worth a look now and then: refusals that came back, and the room on the disk."""
        self._look_us = now + LOOK_EVERY_US
        for refusals in self._refusals:
            refusals.drain()
        if not self._looking:
            self._looking = True
            self._space_lane.put(run_space, self._storage, self._looked)

    def _looked(self, completion: Completion) -> None:
        self._looking = False
        self._space_lane.done(completion)

    def _take_subscription(self, frames: list[bytes]) -> bool:
        """An XPUB hears 1 ‖ prefix, 0 ‖ prefix, and whatever else a stranger sends, which means nothing."""
        if frames[0][:1] not in (b"\x00", b"\x01"):
            return False
        self._node.on_subscription(frames[0][1:], frames[0][:1] == b"\x01", self._now)
        return True

    def _dispatch(self) -> None:
        work = self._node.work(self._now)
        # Messages first: followers write while this node does.
        for kind, count in self._wires.send(work).items():
            self._node.on_dropped(kind, count, self._now)
        # What was handed over in an earlier round is awaited now, whatever was said then: this round may have brought
        # something that waits for it.
        log, state = self._log_lane, self._state_lane
        log.awaited = work.log is None or work.log.awaited
        if work.log is not None:
            log.put(run_log_job, self._log, work.log, log.done)
        state.awaited = work.state is None or work.state.awaited
        if work.state is not None:
            state.put(run_state_job, self._state, work.state, state.done)
        for job in work.snapshots:
            self._snapshot_lane.put(run_snapshot, self._snapshots, job, self._snapshot_lane.done)
        if work.facts:
            self._on_facts(work.facts)
        if work.clients or self._wires.answers:
            self.bells.sent(self._wires.clients)
        if work.events:
            self.bells.sent(self._wires.events)
        if work.refusals:
            self.bells.sent(self._wires.peers)

    def _finish(self) -> None:
        """What was acknowledged is durable in the log already; committing the state saves work at the next start."""
        until = time.monotonic() + END_S

        def join(lane: Lane | BlockingLane, work: str) -> None:
            if not lane.join(until - time.monotonic()):
                raise StorageError(
                    f"the disk has not finished {work} within {END_S:g} s of the stop: it hangs, or is very slow. "
                    "What was acknowledged is durable; look at the disk before the next start"
                )

        # First, for they look at the log and the state as well.
        join(self._space_lane, "a look at its room")
        join(self._snapshot_lane, "work on a snapshot")
        self._state_lane.put(self._state.commit)
        self._state_lane.put(self._state.close)
        self._log_lane.put(self._log.close)
        join(self._state_lane, "a commit of the state")
        join(self._log_lane, "a write to the log")
        self._pool.shutdown()
        for completion in self._completions:
            if isinstance(completion, BaseException):
                raise completion
        self.bells.close()
        self._wires.close()
