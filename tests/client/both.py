"""Both clients behind one face, so that one test holds for both."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from raftzmq.benchmarks.local_cluster import free_ports
from raftzmq.client import aio, sync
from tests.client.server import Decree, Node

Client = Any
"""A sync client, or something with the same blocking methods."""


class BlockingAio:
    """An asyncio client, driven by a loop in a thread of its own, with blocking methods and their ``_async`` twins."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._client = aio.Client(*arguments, **options)

    def _start(self, name: str, *arguments: Any, **options: Any) -> Future[Any]:
        begun: Future[Any] = Future()

        async def call() -> Any:
            try:
                future = getattr(self._client, name)(*arguments, **options)
            except BaseException as error:
                begun.set_exception(error)
                raise
            begun.set_result(None)
            return await future

        ended = asyncio.run_coroutine_threadsafe(call(), self._loop)
        begun.result()
        return ended

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.endswith("_async"):
            return lambda *a, **o: self._start(name.removesuffix("_async"), *a, **o)
        return lambda *a, **o: self._start(name, *a, **o).result()

    def close(self) -> None:
        if self._thread.is_alive():
            self._start("close").result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def __enter__(self) -> BlockingAio:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


BOTH: list[Callable[..., Client]] = [sync.Client, BlockingAio]
NAMES = ["sync", "aio"]


async def until(look: Callable[[], object], what: str) -> None:
    """Let other tasks run until ``look()`` is true; fails after half a minute, saying ``what``."""
    for _ in range(6000):
        if look():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"not within 30 s: {what}")


@contextmanager
def nodes(count: int, leader: str = "n1") -> Iterator[tuple[Decree, list[Node]]]:
    """Running nodes n1, n2, …, one of which leads."""
    decree = Decree()
    endpoints = [f"tcp://127.0.0.1:{port}" for port in free_ports(count)]
    decree.members = [(f"n{k}", endpoint) for k, endpoint in enumerate(endpoints, 1)]
    decree.leader = leader
    running = [Node(decree, name, endpoint) for name, endpoint in decree.members]
    try:
        yield decree, running
    finally:
        for node in running:
            node.kill()
