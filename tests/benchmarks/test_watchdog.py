"""The watchdog notices that it was kept from running, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from raftzmq.benchmarks.watchdog import STALL_MS, Watchdog
from tests.live.harness import eventually

pytestmark = pytest.mark.live


def test_a_stall_is_noticed_and_measured() -> None:
    with Watchdog() as watchdog:
        assert watchdog.pid is not None
        os.kill(watchdog.pid, signal.SIGSTOP)
        since = time.monotonic()
        eventually(lambda: time.monotonic() > since + 2 * STALL_MS / 1000, "the time of a stall has passed")
        os.kill(watchdog.pid, signal.SIGCONT)
    assert watchdog.stalls >= 1
    assert watchdog.stall_max_ms > STALL_MS


def test_a_stall_that_lasts_until_the_end_is_noticed() -> None:
    with Watchdog() as watchdog:
        assert watchdog.pid is not None
        os.kill(watchdog.pid, signal.SIGSTOP)
        since = time.monotonic()
        eventually(lambda: time.monotonic() > since + 2 * STALL_MS / 1000, "the time of a stall has passed")
        # The process that left the block first waits for one more of its naps.
        waker = subprocess.Popen(["sh", "-c", f"sleep 0.1; kill -CONT {watchdog.pid}"])
    assert watchdog.stalls >= 1
    waker.wait()


def test_it_does_not_outlive_its_block() -> None:
    with Watchdog() as watchdog:
        pid = watchdog.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid or 0, 0)
    assert watchdog.stall_max_ms >= 0
