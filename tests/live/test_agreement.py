"""Five processes elect, replicate and apply the same."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from raftzmq.kv.commands import Get
from tests.live.harness import LiveCluster, eventually, pause
from tests.live.load import Load, check

pytestmark = pytest.mark.live


def test_five_nodes_agree_on_log_and_state(tmp_path: Path, runtime: str) -> None:
    with LiveCluster(tmp_path, runtime=runtime) as cluster:
        cluster.start()
        leader = cluster.leader()
        with Load(cluster.endpoints, "agree") as load:
            load.wait_for(300)
            told = load.stop()
        assert not told.unknown, "nothing happened that could leave an outcome open"
        rows = cluster.agreement()
        assert {row["leader"] for row in rows.values()} == {cluster.leader()}
        assert len({row["digest"] for row in rows.values()}) == 1, rows
        hashes = cluster.state_hashes()
        assert len(hashes) == 1, f"the nodes store different things: {hashes}"
        check(cluster.endpoints, told)
        # Any node serves a linearizable read, not the leader alone.
        key, value = next(iter(told.acknowledged.items()))
        for name in cluster.nodes:
            with cluster.connection(name) as connection:
                (row,) = connection.read(Get(key.encode()))
                assert row[1].decode() == value, f"{name} reads {row}; {leader} led first"


@pytest.mark.mixed
def test_heartbeats_keep_the_leader_while_nothing_is_written(tmp_path: Path, runtime: str) -> None:
    """Ten of the longest election timeouts pass without an election (Raft §5.2)."""
    with LiveCluster(tmp_path, runtime=runtime) as cluster:
        cluster.start()

        def quiet() -> bool:
            before = cluster.leader(), cluster.agreement()["n1"]["term"]
            until = time.monotonic() + 4.0
            while time.monotonic() < until:
                pause(0.1)
            return before == (cluster.leader(), cluster.agreement()["n1"]["term"])

        # A machine that stands still for 200 ms costs an election that is nobody's fault, so quiet gets several tries.
        eventually(quiet, "a time of ten election timeouts without an election")


def test_a_stop_that_is_asked_for_ends_with_0_and_loses_nothing(tmp_path: Path, runtime: str) -> None:
    with LiveCluster(tmp_path, runtime=runtime) as cluster:
        cluster.start()
        cluster.leader()
        with Load(cluster.endpoints, "stop") as load:
            load.wait_for(50)
            told = load.stop()
        assert set(cluster.stop_all().values()) == {0}
        cluster.start()
        cluster.leader()
        check(cluster.endpoints, told)
