"""Nodes of every runtime in one cluster, the one that exists to be slow, and how a node is told which to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from raftzmq.client.sync import Client
from raftzmq.runtime.choice import COROUTINES, COROUTINES_BLOCKING, THREADS
from tests.live.harness import ENVIRONMENT, ROOT, LiveCluster, NodeProcess, eventually
from tests.live.load import Load, Told, check
from tests.live.runtimes import EITHER, MIXED

pytestmark = pytest.mark.live

CONFIGURATION = 10


def first_line(node: NodeProcess, event: str) -> dict[str, Any]:
    """The first line of a node's log that tells of ``event``."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in node.log.read_text().splitlines()]
    return next(line for line in lines if line["event"] == event)


def told_of_itself(cluster: LiveCluster, name: str) -> tuple[str, str | None]:
    """Runtime and event loop of a node, the same in its log and in its status."""
    row = eventually(lambda: cluster.status(name), f"{name} answers")
    line = first_line(cluster.nodes[name], "node starts")
    assert (row["runtime"], row.get("event_loop")) == (line["runtime"], line.get("event_loop"))
    return row["runtime"], row.get("event_loop")


def test_nodes_of_all_runtimes_are_one_cluster(tmp_path: Path) -> None:
    pytest.importorskip("uvloop")
    with LiveCluster(tmp_path, 3, runtime=MIXED) as cluster:
        cluster.start()
        leader = cluster.leader()
        assert {told_of_itself(cluster, name) for name in cluster.nodes} == {
            (THREADS, None),
            (COROUTINES, "asyncio"),
            (COROUTINES, "uvloop"),
        }
        tellings: list[Told] = []
        led = {leader}
        for number in range(2):
            term = cluster.agreed_term(leader)
            with Load(cluster.endpoints, f"mixed{number}", timeout=30.0) as load:
                load.wait_for(100)
                cluster.nodes[leader].kill()
                successor = cluster.leader(among=cluster.others(leader), above_term=term)
                load.wait_for(100, f"once {successor} leads instead of {leader}")
                cluster.start([leader])
                tellings.append(load.stop())
            leader = cluster.leader()
            led.add(leader)
        assert len(led) > 1
        cluster.agreement()
        assert len(cluster.state_hashes()) == 1
        check(cluster.endpoints, *tellings)
        assert set(cluster.stop_all().values()) == {0}


def test_even_nodes_whose_event_loop_waits_for_the_disk_agree(tmp_path: Path) -> None:
    with LiveCluster(tmp_path, 3, runtime=COROUTINES_BLOCKING) as cluster:
        cluster.start()
        leader = cluster.leader()
        term = cluster.agreed_term(leader)
        assert {told_of_itself(cluster, name) for name in cluster.nodes} == {(COROUTINES_BLOCKING, "asyncio")}
        for node in cluster.nodes.values():
            warning = "the event loop waits for the disk on purpose: elections and slow answers are to be expected"
            assert first_line(node, warning)["level"] == "warning"
        with Load(cluster.endpoints, "blocking", timeout=30.0) as load:
            load.wait_for(50)
            cluster.nodes[leader].kill()
            cluster.leader(among=cluster.others(leader), above_term=term)
            load.wait_for(50, "under another leader")
            told = load.stop()
        cluster.start([leader])
        cluster.agreement()
        assert len(cluster.state_hashes()) == 1
        check(cluster.endpoints, told)
        assert set(cluster.stop_all().values()) == {0}


def test_the_environment_chooses_a_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "RAFTZMQ_NODE_RUNTIME", COROUTINES)
    with LiveCluster(tmp_path, 1, runtime=EITHER) as cluster:
        node = cluster.nodes["n1"]
        place = node.command.index("--runtime")
        del node.command[place : place + 2]
        cluster.start()
        cluster.leader()
        assert told_of_itself(cluster, "n1") == (COROUTINES, "asyncio")
        with Client(cluster.endpoints, timeout=30) as client:
            client.put("k", "v")


def ends_with_advice(cluster: LiveCluster, *options: str) -> str:
    """What a node says that cannot be run so."""
    node = cluster.nodes["n1"]
    place = node.command.index("--runtime")
    node.command[place : place + 2] = options
    node.start()
    assert node.wait() == CONFIGURATION, node.tail()
    return str(first_line(node, "node ends")["error"])


def test_threads_have_no_event_loop_to_choose(tmp_path: Path) -> None:
    with LiveCluster(tmp_path, 1, runtime=EITHER) as cluster:
        assert "--runtime coroutines" in ends_with_advice(cluster, "--uvloop")
        assert not (cluster.data / "n1").exists(), "it is refused before anything is made"


def test_a_missing_uvloop_is_told_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = tmp_path / "away"
    away.mkdir()
    (away / "uvloop.py").write_text("raise ModuleNotFoundError('No module named uvloop', name='uvloop')\n")
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", f"{away}:{ROOT}")
    with LiveCluster(tmp_path, 1, runtime=EITHER) as cluster:
        told = ends_with_advice(cluster, "--runtime", COROUTINES, "--uvloop")
        assert "pip install 'raftzmq[uvloop]'" in told
