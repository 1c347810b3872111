"""Client processes that put for as long as they are told to, and remember what verification needs and no more.

They are as those of `raftzmq.benchmarks.load`, which keep a note of every put: 20 bytes, and an object in the end. For
millions of puts these keep the newest of each key, and a bit for each revision.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from array import array
from collections import Counter
from collections.abc import Iterable, MutableSequence, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Self

from raftzmq.benchmarks.load import READY, LoadFailed, Plan, key_name
from raftzmq.benchmarks.revision_set import RevisionSet
from raftzmq.benchmarks.starting import start
from raftzmq.benchmarks.verification import Ledger
from raftzmq.client.aio import Client
from raftzmq.errors import RaftzmqError, RequestError

ENDLESS = 2**32 - 1
"""Operations of a plan that ends when it is told to: as many as its values can tell apart."""
_SILENCE_S = 30.0
"""Without an acknowledgement for so long a measurement has no sense any more."""
_PATIENCE_S = 60.0
"""How long the answers that are under way at the end may take: clients' calls end by themselves long before."""
_BACK_OFF_S = 0.02
"""After a put that failed: without a leader, calls can fail at once."""


@dataclass(slots=True)
class Summary:
    """What one client was told: of each key the acknowledged put of the highest revision, by its sequence."""

    plan: Plan
    revisions_of_keys: array[int]
    sequences_of_keys: array[int]
    acknowledged: int = 0
    revisions: RevisionSet = field(default_factory=RevisionSet)
    unknown: list[tuple[int, int]] = field(default_factory=list)
    """Key and sequence of every put whose outcome nobody knows."""
    failures: Counter[str] = field(default_factory=Counter)
    ended: float = 0.0
    """When the last put had its answer, on the monotonic clock, which all processes share."""


def make_ledger(summaries: Iterable[Summary]) -> Ledger:
    """All that the clients were told, for `raftzmq.benchmarks.verification.verify`."""
    ledger = Ledger()
    for summary in summaries:
        value = summary.plan.values()
        newest = zip(summary.revisions_of_keys, summary.sequences_of_keys, strict=True)
        for number, (revision, sequence) in enumerate(newest):
            if revision:
                ledger.acknowledged(key_name(number), value(sequence), revision)
                ledger.acknowledged_count -= 1
        ledger.acknowledged_count += summary.acknowledged
        ledger.revisions.update(summary.revisions)
        for number, sequence in summary.unknown:
            ledger.in_doubt(key_name(number), value(sequence))
    return ledger


class SteadyLoad:
    """Client processes, one for each plan. A context manager: entering starts them and waits until all are connected.

    Nothing is put before `begin`, but the first put of each, which opens its session.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        context = multiprocessing.get_context("spawn")
        self._done = context.Array("Q", len(plans), lock=False)
        self._stop = context.Value("b", 0, lock=False)
        self._pipes: list[Connection] = []
        self._processes = []
        for plan in plans:
            here, there = context.Pipe()
            arguments = (plan, there, self._done, self._stop)
            self._processes.append((context.Process(target=_client_process, args=arguments, daemon=True), there))
            self._pipes.append(here)
        self._summaries: dict[int, Summary] = {}
        self._last = 0
        self._moved = 0.0
        self.begun = 0.0
        """When clients were told to put, on the monotonic clock."""

    def __enter__(self) -> Self:
        try:
            for process, pipe in self._processes:
                start(process)
                pipe.close()
            for number in range(len(self._pipes)):
                self._receive(number)
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()

    def _kill(self) -> None:
        # Those that have told their summary are about to end, and those that have not never will.
        for process, _ in self._processes:
            if process.pid is not None:
                process.kill()
                process.join()

    def begin(self) -> None:
        """Let them put."""
        self._moved = self.begun = time.monotonic()
        for pipe in self._pipes:
            pipe.send(READY)

    @property
    def acknowledged(self) -> int:
        """How many puts are acknowledged by now, the first of each client among them."""
        return sum(self._done)

    @property
    def elapsed_s(self) -> float:
        """From `begin` to the last answer, once nothing is left to do: as the clients know it, whenever one looked."""
        return max(summary.ended for summary in self._summaries.values()) - self.begun

    def look(self) -> bool:
        """Is anything left to do? Raises LoadFailed if a client ended without its summary, or nothing moves."""
        for number, pipe in enumerate(self._pipes):
            if number not in self._summaries and pipe.poll():
                self._summaries[number] = self._receive(number)
        count = self.acknowledged
        if count != self._last:
            self._last, self._moved = count, time.monotonic()
        elif time.monotonic() - self._moved > _SILENCE_S:
            raise LoadFailed(f"no acknowledgement for {_SILENCE_S:g} s, after {count} puts")
        return len(self._summaries) < len(self._pipes)

    def stop(self) -> list[Summary]:
        """Have them finish what is under way; what each was told. Raises LoadFailed."""
        self._stop.value = 1
        for number, pipe in enumerate(self._pipes):
            if number not in self._summaries:
                if not pipe.poll(_PATIENCE_S):
                    raise LoadFailed(f"client {number} was told to end and still waits after {_PATIENCE_S:g} s")
                self._summaries[number] = self._receive(number)
        return [self._summaries[number] for number in range(len(self._pipes))]

    def _receive(self, number: int) -> Any:
        try:
            message = self._pipes[number].recv()
        except EOFError:
            raise LoadFailed(f"client {number} ended before its work was done; its error is above") from None
        if isinstance(message, LoadFailed):
            raise message
        return message


def _client_process(plan: Plan, pipe: Connection, done: MutableSequence[int], stop: Any) -> None:
    with suppress(BrokenPipeError):
        try:
            pipe.send(asyncio.run(_Driver(plan, done, stop).run(pipe)))
        except* RaftzmqError as errors:
            pipe.send(LoadFailed(f"client {plan.client}: {errors.exceptions[0]}"))


class _Driver:
    """One client and its writers."""

    def __init__(self, plan: Plan, done: MutableSequence[int], stop: Any) -> None:
        self._plan = plan
        self._done = done
        self._stop = stop
        self._summary = Summary(plan, array("q", bytes(8 * plan.keys)), array("q", bytes(8 * plan.keys)))
        self._randrange = random.Random(f"keys {plan.seed} {plan.client}").randrange
        self._value = plan.values()

    async def run(self, pipe: Connection) -> Summary:
        """Warm up, say so, wait for the word to go, and put until all is done."""
        plan, summary = self._plan, self._summary
        async with Client(plan.endpoints) as client:
            await self._write(client, iter((0,)))
            pipe.send(READY)
            await asyncio.to_thread(pipe.recv)
            sequences = iter(range(1, plan.operations + 1))
            async with asyncio.TaskGroup() as writers:
                for _ in range(plan.in_flight):
                    writers.create_task(self._write(client, sequences))
            summary.ended = time.monotonic()
        return summary

    async def _write(self, client: Client, sequences: Iterable[int]) -> None:
        """What one coroutine of a user's program would do, and the notes of it."""
        put, value, randrange = client.put, self._value, self._randrange
        span, me, done, stop, summary = self._plan.keys, self._plan.client, self._done, self._stop, self._summary
        newest, newest_sequences, note = summary.revisions_of_keys, summary.sequences_of_keys, summary.revisions.add
        for sequence in sequences:
            if stop.value:
                return
            number = randrange(span)
            try:
                revision = (await put(key_name(number), value(sequence))).revision
            except RequestError as error:
                summary.failures[error.code] += 1
                if not error.definite:
                    summary.unknown.append((number, sequence))
                await asyncio.sleep(_BACK_OFF_S)
                continue
            summary.acknowledged += 1
            note(revision)
            if revision > newest[number]:
                newest[number] = revision
                newest_sequences[number] = sequence
            done[me] += 1
