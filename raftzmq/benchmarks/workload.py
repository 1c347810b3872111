"""Clients that read, write and swap a few keys at a steady pace, and record what they are told.

Every value is written at most once, so what is read tells who wrote it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from raftzmq.benchmarks.verification import Ledger
from raftzmq.client.aio import Client
from raftzmq.client.results import KeyValue
from raftzmq.errors import RecordingFailed, RequestError

MIX: Final = {"get": 4, "put": 3, "cas": 3}
"""How often each operation is chosen."""
_AIMED: Final = 0.5
"""Of the gets are put to a node chosen by chance: one that follows, or was away, is the one that may be stale."""
_AIMED_TIMEOUT_S: Final = 1.0
_TIMEOUTS_S: Final = (5.0, 0.3)
"""Clients have the one or the other: who waits longer than an election lasts is told every outcome, who doesn't is left
with some that are unknown."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What clients do. Same seed, same operations (not the same results, nor the same times)."""

    clients: int = 8
    keys: int = 10
    operations_per_second: float = 200.0
    seconds: float = 60.0
    seed: int = 1


@dataclass(slots=True)
class Told:
    """What all clients were told. ``outcomes``: result, failed (surely not executed), unknown."""

    ledger: Ledger = field(default_factory=Ledger)
    outcomes: Counter[str] = field(default_factory=Counter)
    called: Counter[str] = field(default_factory=Counter)


async def run_workload(plan: Plan, endpoints: Sequence[str], record: Path, told: Told) -> None:
    """Run the plan to its end; what is under way then is waited for. The history goes to the file ``record``."""
    async with asyncio.TaskGroup() as tasks:
        for number in range(plan.clients):
            # Each knows another node first, so that all nodes serve some.
            turned = [*endpoints[number % len(endpoints) :], *endpoints[: number % len(endpoints)]]
            tasks.create_task(_Worker(plan, number, told).run(turned, record))


class _Worker:
    """One client, which does one thing after the other."""

    def __init__(self, plan: Plan, number: int, told: Told) -> None:
        self._plan = plan
        self._number = number
        self._told = told
        self._rng = random.Random(f"client {plan.seed} {number}")
        self._endpoints: Sequence[str] = ()
        self._seen: dict[bytes, KeyValue | None] = {}
        self._written = 0

    async def run(self, endpoints: Sequence[str], record: Path) -> None:
        """At a steady pace: what a fault held up is made up for, in a hurry, when it is over."""
        self._endpoints = endpoints
        interval = self._plan.clients / self._plan.operations_per_second
        begun = time.monotonic()
        due = begun + interval * self._rng.random()
        timeout = _TIMEOUTS_S[self._number % len(_TIMEOUTS_S)]
        async with Client(endpoints, timeout=timeout, record=record) as client:
            while due < begun + self._plan.seconds:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                due += interval
                await self._one(client)
                if time.monotonic() > begun + self._plan.seconds:
                    break

    async def _one(self, client: Client) -> None:
        rng = self._rng
        key = f"key/{rng.randrange(self._plan.keys)}".encode()
        (name,) = rng.choices([*MIX], [*MIX.values()])
        self._told.called[name] += 1
        if name == "get":
            if rng.random() < _AIMED:
                asked = client.get_from(rng.choice(self._endpoints), key, timeout=_AIMED_TIMEOUT_S)
            else:
                asked = client.get(key)
            found, item = await self._outcome(asked, None)
            if found:
                self._seen[key] = item
            return
        self._written += 1
        value = f"{self._number}/{self._written}".encode()
        if name == "put":
            call: Awaitable[Any] = client.put(key, value)
        else:
            seen = self._seen.get(key)
            if seen is not None and rng.random() < 0.5:
                call = client.compare_and_swap(key, seen.value, value)
            else:
                call = client.compare_and_swap(key, None, value, mod_revision=seen.mod_revision if seen else 0)
        done, result = await self._outcome(call, (key, value))
        if done and (name == "put" or result.succeeded):
            self._told.ledger.acknowledged(key, value, result.revision)
            self._seen[key] = KeyValue(key, value, 0, result.revision, 0, 0)

    async def _outcome(self, call: Awaitable[Any], write: tuple[bytes, bytes] | None) -> tuple[bool, Any]:
        """Was there a result, and which? Raises RecordingFailed: a history with holes is none."""
        try:
            result = await call
        except RecordingFailed:
            raise
        except RequestError as error:
            self._told.outcomes["failed" if error.definite else "unknown"] += 1
            if write is not None and not error.definite:
                self._told.ledger.in_doubt(*write)
            return False, None
        self._told.outcomes["result"] += 1
        return True, result
