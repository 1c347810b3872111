"""The thread-pool runtime: one loop thread owns every socket and the Node, a pool does what blocks.

Where does it block? In LMDB's commits and in files, which release the GIL: one lane of the pool for the log, one for
the state (whose write transaction is bound to its thread), one for snapshots. Completions come back through a queue and a wake-up descriptor.
The loop itself waits only in `Doorbells.wait`.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from raftzmq.core.ready import Fact
from raftzmq.node import Node
from raftzmq.node.work import LogStorage, SnapshotStorage, StateStorage
from raftzmq.runtime.doorbells import Doorbells
from raftzmq.runtime.jobs import Completion, now_us, run_log_job, run_snapshot, run_state_job
from raftzmq.runtime.wires import Wires, drain

REFUSALS_EVERY_US = 200_000
"""How often the pipes to peers are looked at for refusals that came back: no consensus waits for them."""


Lane = SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]] | None]
"""Jobs for one thread of the pool. Handing them over one by one with ``submit`` costs a future each: 20 µs more."""


class ThreadsRuntime:
    """Runs one node until `stop` is called or something fatal happens.

    ``on_facts`` is told what the core wants to be known, for the node's own log.
    """

    def __init__(
        self,
        node: Node,
        log: LogStorage,
        state: StateStorage,
        snapshots: SnapshotStorage,
        wires: Wires,
        on_facts: Callable[[list[Fact]], None],
    ) -> None:
        self._node = node
        self._log = log
        self._state = state
        self._snapshots = snapshots
        self._wires = wires
        self._on_facts = on_facts
        self._pool = ThreadPoolExecutor(3, thread_name_prefix="disk")
        self._log_lane: Lane = SimpleQueue()
        self._state_lane: Lane = SimpleQueue()
        self._snapshot_lane: Lane = SimpleQueue()
        for lane in (self._log_lane, self._state_lane, self._snapshot_lane):
            self._pool.submit(self._work_off, lane)
        self._completions: deque[Completion | BaseException] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._bells = Doorbells(wires.readable, self._wake)
        self._now = 0
        """The time of this round."""
        self._refusals_us = 0
        self._stopping = False

    def stop(self) -> None:
        """Ask the loop to end; may be called from a signal handler or another thread."""
        self._stopping = True
        os.eventfd_write(self._wake, 1)

    def run(self) -> None:
        """The loop; after `stop` it commits the state and returns. Raises the NodeError (or the bug) that ended it."""
        node, bells, takers = self._node, self._bells, self._takers()
        self._now = now_us()
        self._dispatch()
        while not self._stopping:
            rung = bells.wait(node.deadline_us - now_us())
            self._now = now_us()
            node.on_tick(self._now)
            for socket in rung:
                if socket is None:
                    self._take_completions()
                elif not drain(socket, takers[socket]):
                    bells.again(socket)
            self._take_refusals()
            self._dispatch()
        self._finish()

    def _takers(self) -> dict[Any, Callable[[list[bytes]], None]]:
        node, wires = self._node, self._wires
        return {
            wires.peers: lambda frames: node.on_peer(frames[0], frames[1:], self._now),
            wires.clients: lambda frames: node.on_client(frames[0], frames[1:], self._now),
            wires.events: self._take_subscription,
        }

    def _take_refusals(self) -> None:
        now = self._now
        if now >= self._refusals_us:
            self._refusals_us = now + REFUSALS_EVERY_US
            for dealer in self._wires.dealers.values():
                drain(dealer, lambda frames: self._node.on_peer(b"", frames, now))

    def _take_subscription(self, frames: list[bytes]) -> None:
        """An XPUB hears 1 ‖ prefix, 0 ‖ prefix, and whatever else a stranger sends, which means nothing."""
        if frames[0][:1] in (b"\x00", b"\x01"):
            self._node.on_subscription(frames[0][1:], frames[0][:1] == b"\x01", self._now)

    def _take_completions(self) -> None:
        while self._completions:
            completion = self._completions.popleft()
            if isinstance(completion, BaseException):
                raise completion
            completion.tell(self._node, self._now)

    def _dispatch(self) -> None:
        work = self._node.work(self._now)
        # Messages first: followers write while this node does.
        for kind, count in self._wires.send(work).items():
            self._node.on_dropped(kind, count, self._now)
        if work.log is not None:
            self._log_lane.put((run_log_job, (self._log, work.log, self._complete)))
        if work.state is not None:
            self._state_lane.put((run_state_job, (self._state, work.state, self._complete)))
        for job in work.snapshots:
            self._snapshot_lane.put((run_snapshot, (self._snapshots, job, self._complete)))
        if work.facts:
            self._on_facts(work.facts)
        if work.clients:
            self._bells.sent(self._wires.clients)
        if work.events:
            self._bells.sent(self._wires.events)
        if work.refusals:
            self._bells.sent(self._wires.peers)

    def _work_off(self, lane: Lane) -> None:
        """What a thread of the pool does: the jobs of one lane in order, until there is None."""
        while (job := lane.get()) is not None:
            run, arguments = job
            try:
                run(*arguments)
            except BaseException as error:  # noqa: BLE001 - whatever ended the job ends the node: the loop raises it
                self._complete(error)

    def _end_lanes(self) -> None:
        self._snapshot_lane.put(None)
        self._state_lane.put(None)
        self._log_lane.put(None)

    def _complete(self, completion: Completion | BaseException) -> None:
        self._completions.append(completion)
        os.eventfd_write(self._wake, 1)

    def _finish(self) -> None:
        """What was acknowledged is durable in the log already; committing the state saves work at the next start."""
        self._state_lane.put((self._state.commit, ()))
        self._state_lane.put((self._state.close, ()))
        self._log_lane.put((self._log.close, ()))
        self._end_lanes()
        self._pool.shutdown()
        for completion in self._completions:
            if isinstance(completion, BaseException):
                raise completion
        self._bells.close()
        self._wires.close()
