"""Writers for a while, and what became of each put: also of those that were never answered.

Where a cluster stands still, the puts that were answered say too little: here every one counts, one without an answer
with the time that its caller waited for it.
"""

from __future__ import annotations

import asyncio
import struct
import time
from dataclasses import dataclass

from raftzmq.benchmarks.verification import Ledger
from raftzmq.client import aio
from raftzmq.errors import RequestError

KEYS = 1000
_HEAD = struct.Struct(">Q")
_BACK_OFF_S = 0.05
"""After an error that came at once: a caller that doesn't wait at all would only measure how fast it is refused."""


@dataclass(frozen=True, slots=True)
class Put:
    """One put: due at ``due_s`` of the system's monotonic clock, answered (or given up) ``seconds`` later."""

    due_s: float
    seconds: float
    acknowledged: bool


class TimedLoad:
    """Puts of values that are all different, on one client. ``puts`` are those that have ended."""

    def __init__(
        self, client: aio.Client, timeout_s: float, value_size: int = 256, ledger: Ledger | None = None
    ) -> None:
        """``ledger``: one that several loads of the same cluster write, one after another."""
        self.puts: list[Put] = []
        self.ledger = Ledger() if ledger is None else ledger
        self._client = client
        self._timeout_s = timeout_s
        self._filler = bytes(max(value_size - _HEAD.size, 0))
        self._count = self.ledger.acknowledged_count + self.ledger.unknown_count

    async def put(self, due_s: float) -> None:
        """One put that was due at ``due_s``. If it fails it counts with the timeout, however soon it failed."""
        self._count += 1
        key, value = b"%08d" % (self._count % KEYS), _HEAD.pack(self._count) + self._filler
        try:
            result = await self._client.put(key, value, timeout=self._timeout_s)
        except RequestError as error:
            if not error.definite:
                self.ledger.in_doubt(key, value)
            self.puts.append(Put(due_s, max(self._timeout_s, time.monotonic() - due_s), False))
            await asyncio.sleep(_BACK_OFF_S)
            return
        self.puts.append(Put(due_s, time.monotonic() - due_s, True))
        self.ledger.acknowledged(key, value, result.revision)

    async def closed(self, writers: int, seconds: float) -> None:
        """``writers`` that put as soon as they are answered, for ``seconds``; what is under way then is waited for."""
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            for _ in range(writers):
                tasks.create_task(self._write_until(end))

    async def _write_until(self, end: float) -> None:
        while (now := time.monotonic()) < end:
            await self.put(now)

    async def paced(self, every_s: float, seconds: float) -> None:
        """A put every so many seconds, answered or not, for ``seconds``; what is under way then is waited for."""
        due = time.monotonic()
        end = due + seconds
        async with asyncio.TaskGroup() as tasks:
            while due < end:
                tasks.create_task(self.put(due))
                due += every_s
                await asyncio.sleep(due - time.monotonic())
