"""Acknowledged means: on the disks of a majority. Followers' disks are slow here, and all nodes die at the answer."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from tests.live.harness import LiveCluster, eventually
from tests.live.load import Load, check
from tests.live.with_slow_log import slow_file

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

LAUNCHER = (sys.executable, "-P", str(Path(__file__).with_name("with_slow_log.py")))


@pytest.mark.mixed
def test_nothing_is_acknowledged_before_a_majority_has_written_it(tmp_path: Path, runtime: str) -> None:
    """The leader's disk is quick, and afterwards the leader is not asked: the others must have it."""
    with LiveCluster(tmp_path, launcher=LAUNCHER, runtime=runtime) as cluster:
        cluster.start()
        tellings = []
        for number in range(2):
            leader = cluster.leader()
            others = cluster.others(leader)
            killed = threading.Event()
            lock = threading.Lock()

            def at_the_answer(_: int, lock: threading.Lock = lock, killed: threading.Event = killed) -> None:
                with lock:
                    if not killed.is_set():
                        cluster.kill_all()
                        killed.set()

            for name in others:
                slow_file(cluster.data / name).touch()
            endpoints = cluster.endpoints
            with Load(endpoints, f"slow{number}", threads=2, timeout=3.0, acknowledged=at_the_answer) as load:
                eventually(killed.is_set, "the first acknowledged write")
                tellings.append(load.stop())
            for name in others:
                slow_file(cluster.data / name).unlink()
            cluster.start(others)
            cluster.leader(among=others)
            check(cluster.endpoints, *tellings)
            cluster.start([leader])
        cluster.agreement()
        assert len(cluster.state_hashes()) == 1
