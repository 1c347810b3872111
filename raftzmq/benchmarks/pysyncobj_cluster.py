"""A cluster of PySyncObj nodes on free ports of loopback, each a process of its own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Self, TypeVar

from raftzmq.benchmarks.extra import need
from raftzmq.benchmarks.local_cluster import free_ports
from raftzmq.benchmarks.plan import Plan
from raftzmq.benchmarks.pysyncobj_node import (
    DigestNow,
    Loaded,
    LoadNow,
    Look,
    LookNow,
    Request,
    Settings,
    ValueKind,
    serve,
)
from raftzmq.benchmarks.starting import start
from raftzmq.errors import RaftzmqError

T = TypeVar("T")

_PATIENCE_S = 60.0
_ANSWER_S = 180.0
"""A load's patience with its own puts, and more."""
_PAUSE_S = 0.05


class PySyncObjFailed(RaftzmqError):
    """The cluster of PySyncObj did not become what was waited for, or a node of it ended."""


class PySyncObjCluster:
    """``count`` nodes with the same settings. A context manager: entering waits for a leader, leaving kills them."""

    def __init__(self, count: int, settings: Settings) -> None:
        need("pysyncobj", purpose="run PySyncObj beside raftzmq")
        addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes: list[tuple[SpawnProcess, Connection]] = []
        for address in addresses:
            here, there = context.Pipe()
            partners = [other for other in addresses if other != address]
            arguments = (there, address, partners, settings)
            self._processes.append((context.Process(target=serve, args=arguments, daemon=True), there))
            self._pipes.append(here)

    def __enter__(self) -> Self:
        try:
            for process, there in self._processes:
                start(process)
                there.close()
            self.leader()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()

    def _kill(self) -> None:
        for process, _ in self._processes:
            if process.pid is not None:
                process.kill()
                process.join()

    def leader(self) -> tuple[int, int]:
        """Wait until one node leads that all others follow; its number, and its term."""

        def look() -> tuple[int, int] | None:
            looks = self._looks()
            leaders = [number for number, each in enumerate(looks) if each.leads]
            agreed = len({each.term for each in looks}) == 1 and all(each.ready for each in looks)
            return (leaders[0], looks[leaders[0]].term) if len(leaders) == 1 and agreed else None

        return self._wait(look, "a leader that all its nodes follow")

    def load(self, number: int, plan: Plan, seconds: float, kind: ValueKind) -> Loaded:
        """Have node ``number`` put values of that kind for so long."""
        loaded: Loaded = self._ask(number, LoadNow(plan, seconds, kind))
        return loaded

    def agrees(self) -> bool:
        """Do all nodes hold the same, once they have applied as much as one another?"""

        def look() -> bool | None:
            return True if len({each.applied for each in self._looks()}) == 1 else None

        self._wait(look, "nodes that have applied as much as one another")
        return len({self._ask(number, DigestNow())[0] for number in range(len(self._pipes))}) == 1

    def errors(self) -> int:
        """How many errors (or worse) all nodes have logged."""
        return sum(self._ask(number, DigestNow())[1] for number in range(len(self._pipes)))

    def _looks(self) -> list[Look]:
        return [self._ask(number, LookNow()) for number in range(len(self._pipes))]

    def _wait(self, look: Callable[[], T | None], what: str) -> T:
        deadline = time.monotonic() + _PATIENCE_S
        while (value := look()) is None:
            if time.monotonic() > deadline:
                raise PySyncObjFailed(f"PySyncObj did not have within {_PATIENCE_S:g} s: {what}")
            time.sleep(_PAUSE_S)
        return value

    def _ask(self, number: int, request: Request) -> Any:
        pipe = self._pipes[number]
        try:
            pipe.send(request)
            if not pipe.poll(_ANSWER_S):
                raise PySyncObjFailed(f"a node of PySyncObj said nothing for {_ANSWER_S:g} s")
            return pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise PySyncObjFailed("a node of PySyncObj ended by itself; its error is above") from None
