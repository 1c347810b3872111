"""A light load at a steady pace, whatever the cluster does: who waits for an answer measures only what was quick."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from raftzmq.benchmarks.verification import Ledger
from raftzmq.client import aio
from raftzmq.client.results import PutResult
from raftzmq.errors import RequestError

PERIOD_S = 0.005
"""Between two puts: a light load, two hundred a second."""
WRITERS = 4
"""Keys that are written in turn."""
VALUE = struct.Struct(">QQ")


@dataclass(frozen=True, slots=True)
class Sample:
    """One acknowledged put: when it was called, in seconds of the monotonic clock, and how long it took."""

    called_s: float
    latency_s: float


class SteadyPuts:
    """Puts on one client, each called when it is due, and what came of them."""

    def __init__(self, client: aio.Client) -> None:
        self.ledger = Ledger()
        self.samples: list[Sample] = []
        self._client = client
        self._sequence = 0

    async def put(self, writer: int) -> PutResult | None:
        """One put of a key of ``writer``; its result if it was acknowledged."""
        self._sequence += 1
        key, value = key_of(writer), VALUE.pack(writer, self._sequence)
        called = time.monotonic()
        try:
            result = await self._client.put(key, value)
        except RequestError as error:
            if not error.definite:
                self.ledger.in_doubt(key, value)
            return None
        self.samples.append(Sample(called, time.monotonic() - called))
        self.ledger.acknowledged(key, value, result.revision)
        return result

    async def acknowledged(self, writer: int) -> PutResult:
        """Put until one is acknowledged."""
        while (result := await self.put(writer)) is None:
            pass
        return result

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """A put each `PERIOD_S` while the block runs, answered or not; what is under way at its end is waited for."""
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._call(ended, tasks))
            try:
                yield
            finally:
                ended.set()

    async def _call(self, ended: asyncio.Event, tasks: asyncio.TaskGroup) -> None:
        due, number = time.monotonic(), 0
        while not ended.is_set():
            tasks.create_task(self.put(number % WRITERS))
            number += 1
            due += PERIOD_S
            # What this process was too late for isn't made up for in a burst.
            due = max(due, time.monotonic())
            await asyncio.sleep(due - time.monotonic())


def key_of(writer: int) -> bytes:
    """The key that a writer puts."""
    return f"writer/{writer}".encode()
