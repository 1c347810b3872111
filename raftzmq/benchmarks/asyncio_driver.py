"""A client process with the asyncio client: as many coroutines as calls are to be in flight.

Each of them makes one call, waits for its future, and makes the next.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, MutableSequence
from multiprocessing.connection import Connection

from raftzmq.benchmarks.driver import BACK_OFF_S, PRELOAD_IN_FLIGHT, READY, REPORT_S, Driver
from raftzmq.benchmarks.open_calls import LoopClock, OpenCalls, precise_loop
from raftzmq.benchmarks.plan import Plan, key_name
from raftzmq.benchmarks.record import REFUSED, UNKNOWN, Record
from raftzmq.client.aio import Client
from raftzmq.errors import RequestError


class AsyncioDriver(Driver):
    """One client and its coroutines."""

    def __init__(self, plan: Plan, done: MutableSequence[int]) -> None:
        super().__init__(plan, done)
        self._randrange = self.randoms().randrange
        self._chance = random.Random(f"operations {plan.seed} {plan.client}").random

    def run(self, pipe: Connection) -> Record:
        """As `Driver` says; raises what a call ended with that isn't a RequestError, in a group."""
        with asyncio.Runner(loop_factory=precise_loop if self.plan.rate else None) as runner:
            return runner.run(self._run(pipe))

    async def _run(self, pipe: Connection) -> Record:
        """Warm up, say so, wait for the word to go, and call until all is done."""
        async with Client(self.plan.endpoints) as client:
            # Opens the connection and the session, as a program does once in its life.
            await self._write(client, (0,))
            await self._preload(client)
            pipe.send(READY)
            await asyncio.to_thread(pipe.recv)
            self.begin()
            async with asyncio.TaskGroup() as tasks:
                watcher = tasks.create_task(self._watch())
                await self.load(client)
                record = self.end()
                watcher.cancel()
        return record

    async def load(self, client: Client) -> None:
        """What is timed."""
        if self.plan.rate:
            await LoopClock(OpenCalls(self, client.put, client.get)).run()
            return
        sequences = self.sequences()
        share = self.plan.read_share
        work = self._mix if 0 < share < 1 else self._read if share else self._write
        async with asyncio.TaskGroup() as workers:
            for _ in range(self.plan.in_flight):
                workers.create_task(work(client, sequences))

    async def _preload(self, client: Client) -> None:
        numbers = self.preloaded()
        keys, revisions, newest = self.record.keys, self.record.revisions, self.newest

        async def put() -> None:
            for sequence, number in numbers:
                keys[sequence] = number
                try:
                    revision = (await client.put(key_name(number), self.value(sequence))).revision
                except RequestError as error:
                    self.record.failures[error.code] += 1
                    return
                revisions[sequence] = revision
                if newest:
                    newest[number] = revision

        async with asyncio.TaskGroup() as workers:
            for _ in range(PRELOAD_IN_FLIGHT):
                workers.create_task(put())

    async def _write(self, client: Client, sequences: Iterable[int]) -> None:
        """What one coroutine of a user's program would do, and the notes of it."""
        record, newest, span = self.record, self.newest, self.plan.keys
        put, value, randrange, clock = client.put, self.value, self._randrange, time.perf_counter
        keys, revisions, latencies = record.keys, record.revisions, record.latencies
        for sequence in sequences:
            keys[sequence] = number = randrange(span)
            begun = clock()
            try:
                result = await put(key_name(number), value(sequence))
            except RequestError as error:
                record.failures[error.code] += 1
                revisions[sequence] = REFUSED if error.definite else UNKNOWN
                await asyncio.sleep(BACK_OFF_S)
            else:
                latencies.append(clock() - begun)
                revisions[sequence] = revision = result.revision
                if newest and newest[number] < revision:
                    newest[number] = revision

    async def _read(self, client: Client, sequences: Iterable[int]) -> None:
        record, newest, span = self.record, self.newest, self.plan.keys
        get, note, randrange, clock = client.get, record.readings.note, self._randrange, time.perf_counter
        latencies = record.get_latencies
        for _ in sequences:
            number = randrange(span)
            least = newest[number]
            begun = clock()
            try:
                item = await get(key_name(number))
            except RequestError as error:
                record.failures[error.code] += 1
                await asyncio.sleep(BACK_OFF_S)
            else:
                latencies.append(clock() - begun)
                revision = note(number, item, least)
                if newest[number] < revision:
                    newest[number] = revision

    async def _mix(self, client: Client, sequences: Iterable[int]) -> None:
        share, chance = self.plan.read_share, self._chance
        for sequence in sequences:
            await (self._read if chance() < share else self._write)(client, (sequence,))

    async def _watch(self) -> None:
        """Raises LoadFailed when nothing moves any more."""
        while True:
            self.look()
            await asyncio.sleep(REPORT_S)
