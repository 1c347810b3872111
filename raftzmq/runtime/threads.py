"""The thread-pool runtime: one loop thread owns every socket and the Node, a pool does what blocks.

Where does it block? In LMDB's commits and in files, which release the GIL: one `Lane` of the pool for the log, one for
the state (whose write transaction is bound to its thread), one for snapshots. Completions come back through a queue and
a wake-up descriptor. The loop itself waits only in `Doorbells.wait`.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from raftzmq.config import CLIENT_FRAMES_MAX, PEER_FRAMES_MAX
from raftzmq.core.ready import Fact
from raftzmq.node import Node
from raftzmq.node.work import NodeStorage
from raftzmq.runtime.answers import RETRY_US
from raftzmq.runtime.doorbells import Doorbells
from raftzmq.runtime.inbox import Inbox
from raftzmq.runtime.jobs import Completion, now_us, run_log_job, run_snapshot, run_space, run_state_job
from raftzmq.runtime.lane import Lane
from raftzmq.runtime.wires import Wires

LOOK_EVERY_US = 200_000
"""How often pipes to peers are looked at for refusals that came back, and the disk for room: no consensus waits."""


WOKEN = [None]
"""What `Doorbells.wait` gives when another thread alone rang."""


class ThreadsRuntime:
    """Runs one node until `stop` is called or something fatal happens.

    ``on_facts`` is told what the core wants to be known, for the node's own log.
    """

    def __init__(
        self,
        node: Node,
        storage: NodeStorage,
        wires: Wires,
        on_facts: Callable[[list[Fact]], None],
    ) -> None:
        self._node = node
        self._storage = storage
        self._log, self._state, self._snapshots = storage.log, storage.state, storage.snapshots
        self._wires = wires
        self._on_facts = on_facts
        self._completions: deque[Completion | BaseException] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._pool = ThreadPoolExecutor(3, thread_name_prefix="disk")
        self._log_lane = Lane(self._pool, self._completions, self._ring)
        self._state_lane = Lane(self._pool, self._completions, self._ring)
        self._snapshot_lane = Lane(self._pool, self._completions, self._ring)
        self._bells = Doorbells(wires.readable, self._wake)
        self._now = 0
        """The time of this round."""
        self._refusals = [
            Inbox(dealer, lambda frames: self._node.on_peer(b"", frames, self._now), PEER_FRAMES_MAX)
            for dealer in (*wires.dealers.values(), *wires.bulk.values())
        ]
        self._look_us = 0
        self._looking = False
        self._stopping = False

    def stop(self) -> None:
        """Ask the loop to end; may be called from a signal handler or another thread."""
        self._stopping = True
        self._ring()

    def _ring(self) -> None:
        os.eventfd_write(self._wake, 1)

    def run(self) -> None:
        """The loop; after `stop` it commits the state and returns. Raises the NodeError (or the bug) that ended it."""
        node, bells, inboxes, completions = self._node, self._bells, self._inboxes(), self._completions
        answers = self._wires.answers
        self._now = now_us()
        self._dispatch()
        while not self._stopping:
            patience_us = 0 if completions else node.deadline_us - now_us()
            rung = bells.wait(min(patience_us, RETRY_US) if answers else patience_us)
            if rung == WOKEN and not completions:
                continue  # the round before has already taken what this was about
            self._now = now = now_us()
            node.on_tick(now)
            while completions:
                completion = completions.popleft()
                if isinstance(completion, BaseException):
                    raise completion
                completion(node, now)
            for socket in rung:
                if socket is not None and not inboxes[socket].drain(announced=True):
                    bells.again(socket)
            if now >= self._look_us:
                self._look_around(now)
            self._dispatch()
        self._finish()

    def _inboxes(self) -> dict[Any, Inbox]:
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
            self._snapshot_lane.put(run_space, self._storage, self._looked)

    def _looked(self, completion: Completion) -> None:
        self._looking = False
        self._snapshot_lane.done(completion)

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
            self._bells.sent(self._wires.clients)
        if work.events:
            self._bells.sent(self._wires.events)
        if work.refusals:
            self._bells.sent(self._wires.peers)

    def _finish(self) -> None:
        """What was acknowledged is durable in the log already; committing the state saves work at the next start."""
        # Behind all that the snapshot worker has been given: it looks at the log and the state as well.
        self._snapshot_lane.put(self._close_storage)
        self._snapshot_lane.end()
        self._pool.shutdown()
        for completion in self._completions:
            if isinstance(completion, BaseException):
                raise completion
        self._bells.close()
        self._wires.close()

    def _close_storage(self) -> None:
        self._state_lane.put(self._state.commit)
        self._state_lane.put(self._state.close)
        self._log_lane.put(self._log.close)
        for lane in (self._state_lane, self._log_lane):
            lane.end()
