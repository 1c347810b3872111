"""The HTTP side with a real cluster behind it: what it says as nodes come and go, and strangers before it."""

from __future__ import annotations

import json
import re
import resource
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from raftzmq import Client
from raftzmq.benchmarks.local_cluster import free_ports
from raftzmq.config import Address
from raftzmq.deployment.monitoring import ALERTS, DASHBOARD, monitoring_file
from tests.live.harness import LAUNCHER, LiveCluster, NodeProcess, eventually
from tests.live.runtimes import EITHER

pytestmark = pytest.mark.live


class Site:
    """The address that a collector serves."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; status 0 while nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return 0, b""

    def ready(self) -> bool:
        """Is a leader known?"""
        return self.get("/readyz")[0] == 200

    def state(self) -> dict[str, Any]:
        """The state of the cluster."""
        document: dict[str, Any] = json.loads(self.get("/v1/state")[1])
        return document

    def metrics(self) -> dict[str, float]:
        """Samples by name; of those that several nodes have, the sum."""
        found: dict[str, float] = {}
        for family in parse_text(self.get("/metrics")[1].decode()):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found


@contextmanager
def watched(cluster: LiveCluster, directory: Path) -> Iterator[tuple[Site, NodeProcess]]:
    """A collector of the cluster's that serves HTTP on a free port."""
    site = Site(free_ports(1)[0])
    file = directory / "cluster.toml"
    command = [*LAUNCHER, "collector", "--config", str(file), "--directory", str(directory / "events")]
    process = NodeProcess(Address("collector", "", "", ""), [*command, "--web", site.url], directory / "collector.log")
    process.start()
    try:
        eventually(lambda: site.get("/livez")[0] == 200, "the collector serves HTTP")
        yield site, process
    finally:
        process.kill()
        print(process.tail())


@pytest.mark.timeout(240)
def test_it_says_what_the_cluster_does(tmp_path: Path) -> None:
    with LiveCluster(tmp_path, 3, runtime=EITHER) as cluster, watched(cluster, tmp_path) as (site, process):
        status, body = site.get("/readyz")
        assert (status, json.loads(body)["ready"]) == (503, False)
        cluster.start()
        leader = cluster.leader()
        eventually(site.ready, "a leader is known")
        with Client(cluster.endpoints, timeout=30.0) as client:
            for number in range(20):
                client.put(f"k{number}", "v")

        def agrees() -> bool:
            """What its page says is what the nodes themselves say."""
            seen = {row["node"]: row for row in site.state()["nodes"]}
            told = {name: cluster.status(name) for name in cluster.nodes}
            fields = ("role", "term", "leader", "commit_index", "last_applied", "last_log_index", "pid")
            return all(row is not None and all(row[f] == seen[n][f] for f in fields) for n, row in told.items())

        eventually(agrees, "the page and the nodes say the same")
        eventually(lambda: site.metrics().get("raftzmq_commands_applied_total", 0) >= 3 * 20, "applied on all nodes")
        check_names(site)
        with closing(ask(site, b"GET /events?type=heartbeat_sent HTTP/1.0\r\n")) as stream:
            # Nodes make these only for who asks for them by name.
            eventually(lambda: b'"type":"heartbeat_sent"' in stream.recv(65_536), "single messages are told")

        for name in cluster.others(leader):
            cluster.nodes[name].kill()
        eventually(lambda: not site.ready(), "no leader without a majority")
        eventually(lambda: site.metrics()["raftzmq_node_up"] <= 1, "the dead are not heard")
        cluster.start(cluster.others(leader))
        eventually(site.ready, "a leader again")
        assert site.metrics()["raftzmq_events_lost_total"] == 0
        process.signal(signal.SIGTERM)
        assert process.wait() == 0
        assert site.get("/livez")[0] == 0, "the port is free again"


def check_names(site: Site) -> None:
    """All that the dashboard and the alerts name is there, but for what no healthy cluster without supervisord has."""
    named = set(re.findall(r"\braftzmq_[a-z0-9_]+", monitoring_file(DASHBOARD) + monitoring_file(ALERTS)))
    missing = named - set(site.metrics())
    assert missing <= {"raftzmq_process_running", "raftzmq_rule_violations_total", "raftzmq_dropped_messages_total"}


@pytest.mark.timeout(240)
def test_a_thousand_idle_connections_and_floods_harm_neither_it_nor_the_stream(tmp_path: Path) -> None:
    with LiveCluster(tmp_path, 1, runtime=EITHER) as cluster, watched(cluster, tmp_path) as (site, process):
        cluster.start()
        cluster.leader()
        eventually(site.ready, "a leader is known")
        with ExitStack() as stack:
            stream = stack.enter_context(closing(ask(site, b"GET /events?type=clock HTTP/1.0\r\n")))
            free = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - len(list(Path("/proc/self/fd").iterdir())) - 64
            for _ in range(min(1000, free)):
                stack.enter_context(closing(socket.create_connection(("127.0.0.1", site.port), timeout=10)))
            for _ in range(50):
                stack.enter_context(closing(ask(site, b"GET /events?type=" + b"x" * 100_000 + b" HTTP/1.1\r\n")))
                stack.enter_context(closing(ask(site, b"GET /metrics HTTP/1.1\r\n")))
            assert site.ready()
            assert len(list(Path(f"/proc/{process.process.pid}/fd").iterdir())) < 700  # type: ignore[union-attr]
            eventually(lambda: b'"type":"clock"' in stream.recv(65_536), "events still come")
        with Client(cluster.endpoints, timeout=30.0) as client:
            assert client.put("k", "v").revision == 1
        figures = site.metrics()
        assert (figures["raftzmq_events_lost_total"], figures["raftzmq_events_late_total"]) == (0, 0)
        assert figures["raftzmq_collector_resident_memory_bytes"] < 200e6


def ask(site: Site, request_line: bytes) -> socket.socket:
    """A connection with a request on it, whose answer nobody has read yet."""
    bare = socket.create_connection(("127.0.0.1", site.port), timeout=10)
    bare.sendall(request_line + b"Host: localhost\r\n\r\n")
    return bare
