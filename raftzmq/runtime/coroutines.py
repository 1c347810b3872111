"""The coroutine runtime: the same rounds as `raftzmq.runtime.threads`, awaited on an asyncio event loop.

One coroutine runs the rounds, and a round takes whatever has arrived at a socket in bulk: a coroutine for each message
would cost more than the message does. The event loop watches a single descriptor, that of `Doorbells`, which is an
epoll of all of ``zmq.FD`` and of the wake-up by which the threads of the disk report: an epoll may be watched by
another. So what is edge-triggered about ``zmq.FD`` is dealt with in one place for both runtimes.

What blocks runs on threads here too: a coroutine that waits for a sync stops the whole loop. With ``blocking`` it does
so on purpose, to show what comes of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import zmq

from raftzmq.node import Node
from raftzmq.node.work import NodeStorage
from raftzmq.runtime.doorbells import Doorbells
from raftzmq.runtime.jobs import now_us
from raftzmq.runtime.rounds import OnFacts, Rounds
from raftzmq.runtime.wires import Wires

Rung = list[zmq.Socket[bytes] | None]
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


class CoroutinesRuntime:
    """Runs one node until `stop` is called or something fatal happens.

    ``loop_factory`` makes the event loop, such as ``uvloop.new_event_loop``. ``blocking`` runs the jobs of the log and
    of the state, with their commits, on the event loop.
    """

    def __init__(
        self,
        node: Node,
        storage: NodeStorage,
        wires: Wires,
        on_facts: OnFacts,
        *,
        loop_factory: LoopFactory = asyncio.new_event_loop,
        blocking: bool = False,
    ) -> None:
        self._rounds = Rounds(node, storage, wires, on_facts, blocking=blocking)
        self._loop_factory = loop_factory

    def stop(self) -> None:
        """Ask the loop to end; may be called from a signal handler or another thread."""
        self._rounds.stop()

    def run(self) -> None:
        """The loop; after `stop` it commits the state and returns. Raises the NodeError (or the bug) that ended it."""
        with self._rounds as rounds, asyncio.Runner(loop_factory=self._loop_factory) as runner:
            runner.run(_serve(rounds))


async def _serve(rounds: Rounds) -> None:
    porter = Porter(rounds.bells)
    try:
        while not rounds.stopping:
            rounds.take(await porter.wait(rounds.patience_us()))
    finally:
        porter.close()


class Porter:
    """Waits for ``bells`` on the running event loop.

    The timer is left where it is when the next wait may end later, as nearly every one does: a heartbeat that arrives
    puts off the election, and making and cancelling a timer each time would cost more than finding out at the end.
    """

    def __init__(self, bells: Doorbells) -> None:
        self._loop = asyncio.get_running_loop()
        self._bells = bells
        self._waiter: asyncio.Future[Rung] | None = None
        self._deadline_us = 0
        """When the wait under way ends."""
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_us = 0
        self._loop.add_reader(bells.fileno(), self._on_ring)

    async def wait(self, patience_us: int) -> Rung:
        """Let others run; who rang, or has messages left, as `Doorbells.wait` says it."""
        if patience_us <= 0 or self._bells.unread:
            await asyncio.sleep(0)
            return self._bells.wait(0)
        now = now_us()
        self._deadline_us = now + patience_us
        if self._alarm is None or self._alarm_us > self._deadline_us:
            self._set_alarm(now)
        self._waiter = self._loop.create_future()
        return await self._waiter

    def _on_ring(self) -> None:
        if self._waiter is None or self._waiter.done():
            return  # the round that is about to begin takes what this is about, or it rings again
        # The event loop may have looked before the last round silenced the bell: then nobody rings now.
        rung = self._bells.wait(0)
        if rung:
            self._waiter.set_result(rung)

    def _set_alarm(self, now: int) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_us = self._deadline_us
        # Full milliseconds, as epoll takes them: uvloop would round down to them, and wake up several times in the end.
        milliseconds = -((now - self._deadline_us) // 1000)
        self._alarm = self._loop.call_later(milliseconds / 1000, self._on_alarm)

    def _on_alarm(self) -> None:
        self._alarm = None
        if self._waiter is None or self._waiter.done():
            return
        now = now_us()
        if now < self._deadline_us:
            self._set_alarm(now)
        else:
            self._waiter.set_result([])

    def close(self) -> None:
        """Watch no more."""
        self._loop.remove_reader(self._bells.fileno())
        if self._alarm is not None:
            self._alarm.cancel()
