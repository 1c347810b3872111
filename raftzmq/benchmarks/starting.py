"""Starting processes of multiprocessing's so that Ctrl-C is for the program that started them, which ends them."""

from __future__ import annotations

import signal
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess

from raftzmq.benchmarks.program import undisturbed


def start(process: BaseProcess) -> None:
    """Start a process that SIGINT is blocked in, from its first moment on.

    A terminal sends Ctrl-C to the whole group, and a process that ignores it as soon as it can has imported a lot by
    then: it ended with a traceback. A signal that is blocked stays so in what is started meanwhile; what came for this
    thread comes afterwards.
    """
    # It is started with the first process otherwise, and lets SIGINT through again.
    resource_tracker.ensure_running()
    with undisturbed():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
