"""A sync that fails, for real: the kernel's calls of a running node are answered with EIO.

What was in flight then is unknown, and the next sync would succeed as if nothing had happened; so the node ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live.harness import PATIENCE, LiveCluster, eventually
from tests.live.load import Load, check
from tests.live.memory import Growth

pytestmark = pytest.mark.live

STORAGE = 11
GROWTH_MIB, GROWTH_MIB_WITHOUT_LEADER = 50, 150


@contextmanager
def failing(pid: int, call: str, log: Path) -> Iterator[None]:
    """Have every ``call`` of a running process fail with EIO from now on."""
    if shutil.which("strace") is None:
        pytest.skip("a failed sync needs strace")
    if os.geteuid() != 0:
        pytest.skip("a failed sync needs root, to attach strace to a node")
    command = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e", f"inject={call}:error=EIO"]
    tracer = subprocess.Popen([*command, "-p", str(pid)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGTERM)
        _, said = tracer.communicate(timeout=PATIENCE)
        print(f"strace: {said.decode(errors='replace')}")


@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
@pytest.mark.parametrize("role", ["leader", "follower"])
def test_a_failed_sync_ends_the_node_and_loses_nothing(tmp_path: Path, role: str, call: str, runtime: str) -> None:
    """`fdatasync` is the first of a commit's two syncs; its second is the write of a page that is opened O_DSYNC."""
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        cluster.start()
        leader = cluster.leader()
        victim = leader if role == "leader" else cluster.others(leader)[0]
        node = cluster.nodes[victim]
        assert node.process is not None
        with Load(cluster.endpoints, "sync", timeout=30.0) as load:
            load.wait_for(100)
            with Growth(cluster, cluster.others(victim)) as growth:
                with failing(node.process.pid, call, tmp_path / "strace.log"):
                    assert node.wait() == STORAGE, node.tail()
                load.wait_for(100, "after the failed sync")
            told = load.stop()
        assert "EIO" in (tmp_path / "strace.log").read_text(), "no call failed"
        last = node.tail(1)
        assert "cannot be written" in last or "cannot be committed" in last, last
        growth.check(GROWTH_MIB_WITHOUT_LEADER if role == "leader" else GROWTH_MIB)
        check(cluster.endpoints, told)
        # The disk is sound again: what it holds is whole, whatever became of the last commit.
        node.start()
        eventually(lambda: cluster.status(victim), f"{victim} starts again")
        cluster.agreement()
        assert len(cluster.state_hashes()) == 1
        check(cluster.endpoints, told)
