"""The leader's disk hangs, as a dying one does: no error, no end, and heartbeats go on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live.harness import PATIENCE, LiveCluster, NodeProcess, eventually
from tests.live.load import Load, check

pytestmark = pytest.mark.live


def strace_works() -> bool:
    """Whether strace is there and may trace a child."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True).returncode == 0


@contextmanager
def hanging_syncs(node: NodeProcess, log: Path) -> Iterator[None]:
    """Every fdatasync of the node takes ten minutes, until the context ends and lets them all through."""
    assert node.process is not None
    inject = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=600000000"]
    tracer = subprocess.Popen(
        ["strace", "-f", "-o", str(log), *inject, "-p", str(node.process.pid)], stderr=subprocess.PIPE
    )
    try:
        eventually(lambda: log.exists() and "fdatasync" in log.read_text(), "a sync of the leader hangs")
        yield
    finally:
        tracer.send_signal(signal.SIGTERM)
        tracer.communicate(timeout=PATIENCE)


@pytest.mark.skipif(not strace_works(), reason="strace is missing, or may not trace")
def test_the_leaders_disk_hangs_under_load(tmp_path: Path, runtime: str) -> None:
    """It steps down by itself, the others serve, and when its disk is back it follows with the same state."""
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        cluster.start()
        old = cluster.leader()
        with Load(cluster.endpoints, "hang") as load:
            load.wait_for(100)
            term = cluster.agreed_term(old)
            with hanging_syncs(cluster.nodes[old], tmp_path / "strace.txt"):
                new = cluster.leader(among=cluster.others(old), above_term=term)
                assert new != old
                load.wait_for(200, "while the old leader's disk hangs")
                row = cluster.status(old, timeout=PATIENCE)
                assert row is not None
                assert row["role"] == "follower", "alive, and leading nobody"
            load.wait_for(100, "after its disk came back")
            told = load.stop()
        check(cluster.endpoints, told)
        cluster.agreement()
        assert len(cluster.state_hashes()) == 1
