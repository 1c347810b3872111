"""Where the blocking jobs of one kind run, one after another: on a thread of the pool.

Jobs that block need a thread; those of one kind must run in order, and those of the state on the same thread always,
because a write transaction of LMDB is bound to its thread. Handing each over with ``submit`` would cost a future (20 µs
more), and with asyncio's ``run_in_executor`` two.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import Any

from raftzmq.runtime.jobs import Completion

Job = tuple[Callable[..., object], tuple[Any, ...]]


class Lane:
    """Runs jobs in order. ``completions`` is where `done` leaves what the loop is to be told, and ``wake`` wakes it.

    A completion that isn't ``awaited`` wakes nobody: the loop looks through ``completions`` in each of its rounds. The
    loop sets ``awaited`` *before* it looks for the last time and waits, `done` looks at it *after* it left the
    completion: one of the two sees the other's.
    """

    def __init__(
        self, pool: ThreadPoolExecutor, completions: deque[Completion | BaseException], wake: Callable[[], None]
    ) -> None:
        self.awaited = True
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._completions = completions
        self._wake = wake
        self._worked_off = pool.submit(self._work_off)

    def put(self, run: Callable[..., object], *arguments: Any) -> None:
        """Have the thread call ``run`` after all that it was given before."""
        self._jobs.put((run, arguments))

    def end(self) -> None:
        """Have the thread end after all that it was given before."""
        self._jobs.put(None)

    def join(self, seconds: float) -> bool:
        """`end`, and wait for that for so long; False: a job still runs, and those behind it still wait."""
        self.end()
        return not wait([self._worked_off], max(0.0, seconds)).not_done

    def done(self, completion: Completion) -> None:
        """For jobs: tell the loop."""
        self._completions.append(completion)
        if self.awaited:
            self._wake()

    def _work_off(self) -> None:
        while (job := self._jobs.get()) is not None:
            run, arguments = job
            try:
                run(*arguments)
            except BaseException as error:  # noqa: BLE001 - whatever ended the job ends the node: the loop raises it
                self._completions.append(error)
                self._wake()
