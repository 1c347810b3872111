"""Client processes that call as fast as they are answered, or at a given rate, and remember every answer.

Each is a program of its own, as a user's would be, with one of the shipped clients: `AsyncioDriver`, `SyncDriver`.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, MutableSequence, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from raftzmq.benchmarks.asyncio_driver import AsyncioDriver
from raftzmq.benchmarks.driver import READY, REPORT_S, LoadFailed
from raftzmq.benchmarks.plan import HEAD, ClientKind, Plan, key_name
from raftzmq.benchmarks.record import REFUSED, UNKNOWN, Record
from raftzmq.benchmarks.starting import start
from raftzmq.benchmarks.sync_driver import SyncDriver
from raftzmq.errors import RaftzmqError

__all__ = [
    "HEAD",
    "READY",
    "REFUSED",
    "UNKNOWN",
    "ClientKind",
    "LoadFailed",
    "Plan",
    "Record",
    "key_name",
    "run_load",
]

_DRIVERS: dict[ClientKind, type[AsyncioDriver] | type[SyncDriver]] = {"asyncio": AsyncioDriver, "sync": SyncDriver}


def run_load(plans: Sequence[Plan], on_progress: Callable[[int], None]) -> list[Record]:
    """Run the plans, each in a process of its own, begun together; tell now and then how many calls are answered.

    Raises LoadFailed if a process ends without its record, or if nothing is acknowledged for long.
    """
    context = multiprocessing.get_context("spawn")
    done = context.Array("Q", len(plans), lock=False)
    pipes, processes = [], []
    try:
        for plan in plans:
            here, there = context.Pipe()
            process = context.Process(target=_client_process, args=(plan, there, done), daemon=True)
            start(process)
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
                if number not in records and pipe.poll(REPORT_S):
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
    with suppress(BrokenPipeError):
        try:
            pipe.send(_DRIVERS[plan.client_kind](plan, done).run(pipe))
        except* RaftzmqError as errors:
            pipe.send(LoadFailed(f"client {plan.client}: {errors.exceptions[0]}"))
