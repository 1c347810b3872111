"""The clients through which the page reads and writes: made when somebody does, few, and never many calls at once.

A cluster without a majority answers nothing for as long as a call waits. So that this piles nothing up, calls that
find too many before them are refused at once; and a call counts until it has really ended, also when the browser that
asked for it has long gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from raftzmq.client.aio import Client
from raftzmq.collector.web.kv_refusal import KvRefusal, refusal_of
from raftzmq.config import ClusterConfig
from raftzmq.errors import RequestError

T = TypeVar("T")

READS_MAX: Final = 16
"""Reads of keys and histories under way at once."""
COMMANDS_MAX: Final = 8
"""Commands under way at once, each with a client of its own: its requests carry its tag and nobody else's."""
TIMEOUT_S: Final = 4.0
"""What one call may take: an election is long over by then."""
TOTAL_S: Final = 8.0
"""What all calls for one answer may take together: a connection on which nothing happens for longer is cut off."""


class Budget:
    """The time that is left for one answer. Made on the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + TOTAL_S

    @property
    def seconds(self) -> float:
        """For the next call; some, even if there is none left: then it fails with the client's own words."""
        return max(0.001, min(TIMEOUT_S, self._end - self._loop.time()))

    @property
    def over(self) -> bool:
        """Is it used up?"""
        return self._loop.time() >= self._end


@dataclass(slots=True)
class OwnClient:
    """A client that one command has to itself, and what its like have done with it before."""

    client: Client
    has_read: bool = False
    has_written: bool = False


class KvClients:
    """Connects when it is first used. Lives on one event loop, where `close` ends it."""

    def __init__(self, config: ClusterConfig) -> None:
        self._endpoints = [address.client for address in config.nodes]
        self._cluster = config.cluster_id
        self._reader: Client | None = None
        self._idle: list[OwnClient] = []
        self._running: dict[str, set[asyncio.Task[Any]]] = {"reads": set(), "commands": set()}
        self._closed = False

    async def read(self, call: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
        """What ``call`` returns, given a client that all readers share. Raises Refusal."""
        self._check("reads", READS_MAX)
        if self._reader is None:
            self._reader = self._make()
        return await self._run("reads", call(self._reader))

    async def command(self, call: Callable[[OwnClient], Awaitable[T]]) -> T:
        """What ``call`` returns, given a client that nobody else uses meanwhile. Raises Refusal."""
        self._check("commands", COMMANDS_MAX)
        return await self._run("commands", self._with_own(call))

    async def close(self) -> None:
        """End all calls and connections."""
        self._closed = True
        running = [task for tasks in self._running.values() for task in tasks]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for own in self._idle:
            await own.client.close()
        if self._reader is not None:
            await self._reader.close()

    def _make(self) -> Client:
        return Client(self._endpoints, timeout=TIMEOUT_S, cluster=self._cluster)

    async def _with_own(self, call: Callable[[OwnClient], Awaitable[T]]) -> T:
        own = self._idle.pop() if self._idle else OwnClient(self._make())
        try:
            return await call(own)
        finally:
            own.client.trace = ""
            self._idle.append(own)

    def _check(self, kind: str, most: int) -> None:
        if len(self._running[kind]) >= most or self._closed:
            raise KvRefusal(
                503,
                "overloaded",
                f"{most} {kind} of this page's viewers are under way already and wait for the cluster: this one was "
                "not sent. Try again in a moment; if it stays so, see whether a majority of the nodes is up",
                definite=True,
            )

    async def _run(self, kind: str, call: Coroutine[Any, Any, T]) -> T:
        task = asyncio.get_running_loop().create_task(call)
        tasks = self._running[kind]
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(_heard)
        try:
            # Shielded: who asked may leave, and what was sent is under way all the same.
            return await asyncio.shield(task)
        except RequestError as error:
            raise refusal_of(error) from None


def _heard(task: asyncio.Task[Any]) -> None:
    """Look at how it ended, lest the event loop complain that nobody did."""
    if not task.cancelled():
        task.exception()
