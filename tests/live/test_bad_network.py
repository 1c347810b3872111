"""Nodes whose messages to peers are delayed and lost on purpose: they elect and serve all the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from raftzmq.client.sync import Client
from tests.live.harness import ENVIRONMENT, LiveCluster, command_line, eventually
from tests.live.runtimes import EITHER

pytestmark = pytest.mark.live

BAD = ("--delay-ms-mean", "20", "--loss", "0.1", "--seed", "7")
SLOW_TIMERS = ("--heartbeat-ms", "100", "--election-timeout-ms", "600-1200")
"""A round trip takes 40 ms on average and one in five gets no answer: heartbeats must be heard all the same."""


def test_delayed_and_lossy_nodes_elect_put_and_get(tmp_path: Path, runtime: str) -> None:
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        for node in cluster.nodes.values():
            node.command += [*BAD, *SLOW_TIMERS]
        cluster.start()
        cluster.leader()
        with Client(cluster.endpoints, timeout=60) as client:
            for number in range(20):
                client.put(f"k/{number}", str(number))
            for number in range(20):
                item = client.get(f"k/{number}")
                assert item is not None
                assert item.value == str(number).encode()
        for name in cluster.nodes:
            row = cluster.status(name)
            assert row is not None
            assert row["faults"] == {"delay_ms_mean": 20.0, "loss": 0.1, "seed": 7}
        assert command_line(cluster, "status").stderr.splitlines() == [
            f"note: {name} delays its messages to peers by 20 ms on average and loses 10% of them, on purpose"
            for name in cluster.nodes
        ]
        # The fates are decided by the seed; that they are really carried out shows in what the leader had to repeat.
        assert set(cluster.stop_all().values()) == {0}, "the threads of the channels end with the node"
        for node in cluster.nodes.values():
            [line] = [json.loads(line) for line in node.log.read_text().splitlines() if "on purpose" in line]
            assert (line["level"], line["loss"], line["delay_ms_mean"]) == ("warning", 0.1, 20.0)


def test_a_leader_that_loses_all_it_sends_is_replaced(tmp_path: Path, runtime: str) -> None:
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        cluster.start()
        leader = cluster.leader()
        term = cluster.agreed_term(leader)
        cluster.nodes[leader].kill()
        cluster.nodes[leader].command += ["--loss", "1.0"]
        cluster.nodes[leader].start()
        successor = cluster.leader(above_term=term)
        assert successor != leader
        with Client(cluster.endpoints, timeout=60) as client:
            client.put("k", "v")
        # It hears the others, but they don't hear it: nothing of the log ever counts as stored there.
        cluster.nodes[successor].kill()
        (third,) = cluster.others(leader, successor)
        eventually(
            lambda: (row := cluster.status(third)) and row["role"] in ("pre-candidate", "candidate"),
            "the last one that is heard campaigns",
        )
        assert (row := cluster.status(leader)) is not None
        assert row["role"] != "leader"
        done = command_line(cluster, "put", "k", "w", "--timeout", "1")
        assert done.returncode in (7, 8), "with one of three heard there is no majority"


def test_the_environment_of_a_supervisor_reaches_its_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "RAFTZMQ_NODE_LOSS", "0.25")
    with LiveCluster(tmp_path, 1, runtime=EITHER) as cluster:
        cluster.start()
        cluster.leader()
        assert (row := cluster.status("n1")) is not None
        assert row["faults"]["loss"] == 0.25


def test_what_no_network_does_is_a_wrong_configuration(tmp_path: Path) -> None:
    with LiveCluster(tmp_path, 1, runtime=EITHER) as cluster:
        node = cluster.nodes["n1"]
        node.command += ["--loss", "2"]
        node.start()
        assert node.wait() == 10
        assert "--loss is a probability" in node.tail()
