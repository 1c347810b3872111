"""Client processes that put as fast as they are answered, and remember every answer.

Each is a program of its own, as a user's would be: the shipped asyncio client, and as many coroutines as writes are to
be in flight; each of them makes one call, waits for its future, and makes the next.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import signal
import struct
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, MutableSequence, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from raftzmq.client.aio import Client
from raftzmq.errors import RaftzmqError, RequestError

REFUSED = 0
"""In the place of a revision: the put surely was not applied."""
UNKNOWN = -1
"""In the place of a revision: the put may have been applied."""

HEAD = struct.Struct(">II")
"""Every value begins with its client and sequence, so that no two are equal."""
_FILLERS = 64
READY = "ready"
"""What a client process and its parent tell each other before the clock runs."""
_REPORT_S = 0.1
_SILENCE_S = 30.0
"""Without an acknowledgement for so long a measurement has no sense any more."""


class LoadFailed(RaftzmqError):
    """A client process ended without its figures."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one client process does. Same seed, same keys and values."""

    client: int
    endpoints: tuple[str, ...]
    operations: int
    in_flight: int
    value_size: int
    keys: int
    seed: int

    def values(self) -> Callable[[int], bytes]:
        """Makes the value of a sequence number: incompressible, and unlike every other."""
        rng = random.Random(f"values {self.seed} {self.client}")
        fillers = [rng.randbytes(self.value_size - HEAD.size) for _ in range(_FILLERS)]
        client, head = self.client, HEAD.pack
        return lambda sequence: head(client, sequence) + fillers[sequence % _FILLERS]


def key_name(number: int) -> bytes:
    """The key of a number: 8 bytes."""
    return b"%08d" % number


@dataclass(slots=True)
class Record:
    """What one client was told. Position 0 is the put that warmed it up, which is not timed.

    ``begun`` and ``ended`` are seconds of the system's monotonic clock, which all processes share.
    """

    plan: Plan
    keys: array[int]
    revisions: array[int]
    latencies: array[float] = field(default_factory=lambda: array("d"))
    failures: Counter[str] = field(default_factory=Counter)
    begun: float = 0.0
    ended: float = 0.0


def run_load(plans: Sequence[Plan], on_progress: Callable[[int], None]) -> list[Record]:
    """Run the plans, each in a process of its own, begun together; tell now and then how many puts are acknowledged.

    Raises LoadFailed if a process ends without its record, or if nothing is acknowledged for long.
    """
    context = multiprocessing.get_context("spawn")
    done = context.Array("Q", len(plans), lock=False)
    pipes, processes = [], []
    try:
        for plan in plans:
            here, there = context.Pipe()
            process = context.Process(target=_client_process, args=(plan, there, done), daemon=True)
            process.start()
            there.close()
            pipes.append(here)
            processes.append(process)
        for pipe in pipes:
            _receive(pipe)
        for pipe in pipes:
            pipe.send(READY)
        records: dict[int, Record] = {}
        while len(records) < len(plans):
            on_progress(sum(done))
            for number, pipe in enumerate(pipes):
                if number not in records and pipe.poll(_REPORT_S):
                    records[number] = _receive(pipe)
        on_progress(sum(done))
        return [records[number] for number in range(len(plans))]
    finally:
        # Those that have told their record are about to end, and those that have not never will.
        for process in processes:
            process.kill()
            process.join()


def _receive(pipe: Connection) -> Any:
    """What a client process says next; raises LoadFailed if that is the reason why it cannot go on."""
    try:
        message = pipe.recv()
    except EOFError:
        raise LoadFailed("a client process ended before its work was done; its error is above") from None
    if isinstance(message, LoadFailed):
        raise message
    return message


def _client_process(plan: Plan, pipe: Connection, done: MutableSequence[int]) -> None:
    # Ctrl-C is for the program that started this one; it kills its clients.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BrokenPipeError):
        try:
            pipe.send(asyncio.run(_Driver(plan, done).run(pipe)))
        except* RaftzmqError as errors:
            pipe.send(LoadFailed(f"client {plan.client}: {errors.exceptions[0]}"))


class _Driver:
    """One client and its writers."""

    def __init__(self, plan: Plan, done: MutableSequence[int]) -> None:
        count = plan.operations + 1
        self._plan = plan
        self._done = done
        self._record = Record(plan, array("I", bytes(4 * count)), array("q", bytes(8 * count)))
        self._randrange = random.Random(f"keys {plan.seed} {plan.client}").randrange
        self._value = plan.values()

    async def run(self, pipe: Connection) -> Record:
        """Warm up, say so, wait for the word to go, and put until all is done."""
        plan, record = self._plan, self._record
        async with Client(plan.endpoints) as client:
            # Opens the connection and the session, as a program does once in its life.
            await self._write(client, iter((0,)))
            record.latencies = array("d")
            pipe.send(READY)
            await asyncio.to_thread(pipe.recv)
            sequences = iter(range(1, plan.operations + 1))
            record.begun = time.monotonic()
            async with asyncio.TaskGroup() as tasks:
                watcher = tasks.create_task(self._watch())
                async with asyncio.TaskGroup() as writers:
                    for _ in range(plan.in_flight):
                        writers.create_task(self._write(client, sequences))
                record.ended = time.monotonic()
                watcher.cancel()
        self._done[plan.client] = len(record.latencies)
        return record

    async def _write(self, client: Client, sequences: Iterator[int]) -> None:
        """What one coroutine of a user's program would do, and the notes of it."""
        put, value, randrange, clock = client.put, self._value, self._randrange, time.perf_counter
        keys, revisions, latencies, span = (
            self._record.keys,
            self._record.revisions,
            self._record.latencies,
            self._plan.keys,
        )
        for sequence in sequences:
            keys[sequence] = number = randrange(span)
            begun = clock()
            try:
                result = await put(key_name(number), value(sequence))
            except RequestError as error:
                self._record.failures[error.code] += 1
                revisions[sequence] = REFUSED if error.definite else UNKNOWN
            else:
                latencies.append(clock() - begun)
                revisions[sequence] = result.revision

    async def _watch(self) -> None:
        """Tell how far it is; raises LoadFailed when nothing moves any more."""
        latencies, last, moved = self._record.latencies, -1, time.monotonic()
        while True:
            count = len(latencies)
            if count != last:
                last, moved = count, time.monotonic()
            elif time.monotonic() - moved > _SILENCE_S:
                failures = dict(self._record.failures)
                raise LoadFailed(f"no acknowledgement for {_SILENCE_S:g} s, after {count} puts; errors: {failures}")
            self._done[self._plan.client] = count
            await asyncio.sleep(_REPORT_S)
