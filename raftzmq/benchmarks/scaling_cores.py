"""Work that waits for nothing: a loop in Python, shared out to threads, which share one GIL, and to processes.

More workers than cores would only measure the scheduler, so these sweeps end at the number of cores.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Self

from raftzmq.benchmarks.scaling_laws import ScalingFailed
from raftzmq.benchmarks.starting import start

_WORKERS_MAX = 16


def cores() -> int:
    """How many this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_counts(count: int) -> tuple[int, ...]:
    """1, 2, 4, … up to the number of cores, and that number itself; at most 16."""
    most = min(count, _WORKERS_MAX)
    return tuple(sorted({*(2**k for k in range(most.bit_length()) if 2**k <= most), most}))


def burn(steps: int) -> int:
    """Keep an interpreter busy for so many steps; the result is only there so that nothing can be left out."""
    total = 0
    for step in range(steps):
        total += step * step % 7
    return total


def thread_rate(workers: int, steps: int) -> float:
    """Steps per second of so many threads that share ``steps``; starting them is not timed."""
    meeting, share = threading.Barrier(workers), steps // workers

    def work() -> tuple[float, float]:
        meeting.wait()
        begun = time.perf_counter()
        burn(share)
        return begun, time.perf_counter()

    with ThreadPoolExecutor(workers) as pool:
        spans = [each.result() for each in [pool.submit(work) for _ in range(workers)]]
    return share * workers / (max(end for _, end in spans) - min(begin for begin, _ in spans))


class Burners:
    """Processes that burn when told to. A context manager: entering starts them, leaving ends them."""

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        pipes = [context.Pipe() for _ in range(count)]
        self._pipes = [here for here, _ in pipes]
        self._there = [there for _, there in pipes]
        self._processes = [context.Process(target=_burner, args=(there,), daemon=True) for there in self._there]

    def __enter__(self) -> Self:
        for process in self._processes:
            start(process)
        for pipe in self._there:
            pipe.close()
        for pipe in self._pipes:  # they have started when they have done nothing once
            pipe.send(0)
        self._done(self._pipes)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def rate(self, workers: int, steps: int) -> float:
        """Steps per second of so many processes that share ``steps``. Raises ScalingFailed if one has ended."""
        share = steps // workers
        begun = time.perf_counter()
        for pipe in self._pipes[:workers]:
            pipe.send(share)
        self._done(self._pipes[:workers])
        return share * workers / (time.perf_counter() - begun)

    def _done(self, pipes: Sequence[Connection]) -> None:
        for pipe in pipes:
            try:
                pipe.recv()
            except EOFError:
                raise ScalingFailed("a process that should compute has ended; its error is above") from None


def _burner(pipe: Connection) -> None:
    while True:
        try:
            steps = pipe.recv()
        except EOFError:
            return
        pipe.send(burn(steps))
