"""A process that a benchmark starts hears no Ctrl-C, not even before it runs a line of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.starting import start


class Interrupting:
    """Ctrl-C comes while this is packed for a new process, where it is the signal that is waited for."""

    def __reduce__(self) -> tuple[type[set[int]], tuple[list[int]]]:
        os.kill(os.getpid(), signal.SIGINT)
        return set, ([int(signal.SIGUSR1)],)


@contextmanager
def waiting(number: object) -> Iterator[BaseProcess]:
    """A process that only waits, not yet started."""
    process = multiprocessing.get_context("spawn").Process(target=signal.sigwait, args=(number,), daemon=True)
    try:
        yield process
    finally:
        if process.pid is not None:
            process.kill()
            process.join()


def blocked(pid: int) -> bool:
    """Is SIGINT blocked there?"""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = next(int(line.split()[1], 16) for line in lines if line.startswith("SigBlk:"))
    return bool(mask >> (signal.SIGINT - 1) & 1)


def test_ctrl_c_is_blocked_from_the_first_moment_on() -> None:
    with waiting({signal.SIGUSR1}) as process:
        start(process)
        assert process.pid is not None
        assert blocked(process.pid)
        assert not blocked(os.getpid()), "here it is not, afterwards"


def test_ctrl_c_during_a_start_is_not_lost_and_the_process_neither() -> None:
    with waiting(Interrupting()) as process:
        with pytest.raises(KeyboardInterrupt), ending_in_order():
            start(process)
        assert process.is_alive()
