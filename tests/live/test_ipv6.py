"""A cluster whose addresses are those of IPv6: nodes, collector, clients and subscribers reach one another."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from raftzmq import Client
from raftzmq.benchmarks.local_cluster import free_cluster
from raftzmq.config import Address, ClusterConfig
from tests.live import harness
from tests.live.collecting import CollectorProcess, Listener
from tests.live.harness import LAUNCHER, LiveCluster, eventually

pytestmark = pytest.mark.live


def sixth(endpoint: str) -> str:
    """The same port of IPv6's loopback address."""
    return endpoint.replace("127.0.0.1", "[::1]")


def ipv6_cluster(count: int, name: str = "ipv6") -> ClusterConfig:
    """What `free_cluster` gives, with other addresses."""
    given = free_cluster(count, name)
    nodes = tuple(Address(a.node, sixth(a.peer), sixth(a.client), sixth(a.events)) for a in given.nodes)
    return replace(given, nodes=nodes, collector=sixth(given.collector))


@pytest.fixture(autouse=True)
def _has_ipv6() -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")


def test_a_cluster_on_ipv6(tmp_path: Path, runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "free_cluster", ipv6_cluster)
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster, CollectorProcess(cluster, tmp_path):
        with Listener(cluster) as listener:
            cluster.start()
            cluster.leader()
            with Client(cluster.endpoints) as client:
                revision = client.put("colour", "blue").revision
            eventually(lambda: any(e["type"] == "apply" for e in listener.events), "the collector tells of the put")
        endpoint = cluster.endpoints[0].removeprefix("tcp://")
        command = [*LAUNCHER, "get", "colour", "--endpoints", endpoint, "--json"]
        found = subprocess.run(command, env=harness.ENVIRONMENT, capture_output=True, text=True, timeout=60, check=True)
        assert f'"mod_revision":{revision}' in found.stdout
