"""Many seeds, on as many processes as there are processors; what comes out doesn't depend on how many."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial

from raftzmq.simulation.cluster import Outcome, simulate

WORTH_A_PROCESS = 20_000
"""Events below which starting processes takes longer than they save."""
CHUNK = 8
"""Seeds handed to a process at a time: few, so that progress shows and none is left with all the work at the end."""


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def run_seeds(seeds: Sequence[int], events: int, workers: int = 0, *, audited: bool = False) -> Iterator[Outcome]:
    """Run each seed for ``events`` events; the outcomes come in the order of ``seeds``.

    ``workers`` 0: one process per processor, or none for little work. ``audited``: see `simulate`.
    """
    run = partial(simulate, events=events, audited=audited)
    if workers < 1:
        workers = processors() if len(seeds) * events > WORTH_A_PROCESS else 1
    if workers == 1:
        yield from map(run, seeds)
        return
    # Spawned, not forked: the parent may have threads, such as the one that draws a progress bar.
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
    try:
        with _interrupts_blocked():
            outcomes = pool.map(run, seeds, chunksize=CHUNK)
        yield from outcomes
    except BaseException:
        # Nobody wants what they are at any more, and eight long runs may take minutes.
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C reaches every process of a terminal; the parent alone shall act on it.

    Processes that are started in here never see it, not even while they load modules: what is blocked is inherited.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
