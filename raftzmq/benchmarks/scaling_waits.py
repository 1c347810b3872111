"""A process that answers after a while: what a worker waits for when it asks a disk or another machine.

The wait is real I/O, over a socket, and it needs no processor of the worker's: sixteen workers can wait at once on a
machine with one core. The delay is the same for coroutines and for threads, because neither makes it: asyncio's own
timers would be rounded to the clock of its selector, and a thread's sleep would not.
"""

from __future__ import annotations

import heapq
import multiprocessing
import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import Self

from raftzmq.benchmarks.starting import start

REQUEST = struct.Struct("<d")
"""The seconds to wait."""
ANSWER = b"."


class Waits:
    """The process, and a line to it for each worker. A context manager: entering starts it, leaving ends it."""

    def __init__(self, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        pairs = [socket.socketpair() for _ in range(workers)]
        self.lines = [here for here, _ in pairs]
        self._there = [there for _, there in pairs]
        self._process = context.Process(target=_answer, args=(self._there,), daemon=True)

    def __enter__(self) -> Self:
        start(self._process)
        for line in self._there:
            line.close()
        # The first answer comes when the process has started, which is nothing to measure.
        self.lines[0].sendall(REQUEST.pack(0.0))
        self.lines[0].recv(1)
        return self

    def __exit__(self, *_: object) -> None:
        for line in self.lines:
            line.close()
        self._process.kill()
        self._process.join()


def _answer(lines: Sequence[socket.socket]) -> None:
    """Answer each request when its time has come, until nobody asks any more."""
    due: list[tuple[float, int]] = []
    clock = time.monotonic
    places = {line: place for place, line in enumerate(lines)}
    while True:
        # `select` because its time-out is exact to microseconds; that of `epoll` is rounded to milliseconds.
        readable, _, _ = select.select(lines, (), (), max(0.0, due[0][0] - clock()) if due else None)
        for line in readable:
            request = line.recv(REQUEST.size)
            if not request:
                return
            heapq.heappush(due, (clock() + REQUEST.unpack(request)[0], places[line]))
        while due and due[0][0] <= clock():
            lines[heapq.heappop(due)[1]].send(ANSWER)
