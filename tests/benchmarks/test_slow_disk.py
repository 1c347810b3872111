"""A disk that is made slow by a file: nothing is acknowledged before it is synced, and only a blocking loop stops."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from raftzmq.benchmarks.lag_probe import LagProbe
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.slow_disk import launcher
from raftzmq.client.sync import Client
from raftzmq.errors import RequestError
from tests.live.harness import eventually

pytestmark = pytest.mark.live

FOR_EVER_MS = 3_600_000.0


@pytest.mark.parametrize(("kind", "answers"), [("threads", True), ("coroutines", True), ("coroutines-blocking", False)])
def test_a_sync_waits_from_the_moment_the_file_exists(tmp_path: Path, kind: str, answers: bool) -> None:
    slow = tmp_path / "slow"
    with (
        LocalCluster(1, tmp_path, runtime=kind, launcher=launcher(FOR_EVER_MS, slow)) as cluster,
        Client(cluster.endpoints) as client,
    ):
        assert client.put("key", "before").revision == 1
        slow.touch()
        # The state commits within a second or so; from then on nobody can read it.
        eventually(lambda: not readable(client) or None, "the state's commit waits")
        with pytest.raises(RequestError) as caught:
            client.put("key", "while the log waits", timeout=1.0)
        assert not caught.value.definite
        (row,) = client.status()
        assert row["reachable"] is answers


def readable(client: Client) -> bool:
    """Is a linearizable read answered soon?"""
    try:
        client.get("key", timeout=0.5)
    except RequestError:
        return False
    return True


def test_a_probe_hears_each_node_again_and_again(tmp_path: Path) -> None:
    with LocalCluster(3, tmp_path) as cluster:
        begun = time.monotonic()
        with LagProbe({address.node: address.client for address in cluster.configuration.nodes}, 0.001) as probe:
            eventually(lambda: all(len(seconds) >= 20 for seconds in probe.seconds.values()) or None, "20 answers each")
        ended = time.monotonic()
    assert set(probe.seconds) == {"n1", "n2", "n3"}
    assert all(0 < lag < ended - begun for seconds in probe.seconds.values() for lag in seconds)
