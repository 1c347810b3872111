"""What strangers and careless clients pour into the leader: answered or cut off, and everybody else goes on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from raftzmq.benchmarks.floods import CLIENTS, FLOODS, GARBAGE_MESSAGES, TINY_FRAMES, VALUES, Counts, Target, command
from tests.live.harness import ENVIRONMENT, LiveCluster, eventually
from tests.live.load import Load, check
from tests.live.memory import Growth

pytestmark = pytest.mark.live

GROWTH_MIB = 50
LARGE = ("large_values", "impatient_values", "unread_answers")
LARGE_GROWTH_MIB = 150
"""Of values of 1 MiB: what waits at the door, what is under way to followers and what the log keeps is theirs."""
PATIENCE_S = 100.0


def pour(cluster: LiveCluster, name: str, flood: str) -> Counts:
    """Send a flood to a node, from a process of its own; what the sender saw."""
    address = cluster.nodes[name].address
    target = Target(address.peer, address.client, tuple(cluster.endpoints))
    done = subprocess.run(
        command(flood, target),
        input="\n",
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    counts: Counts = json.loads(done.stdout)
    print(f"{flood}: {counts}")
    return counts


@pytest.mark.mixed
@pytest.mark.parametrize("flood", [flood for flood in FLOODS if flood not in LARGE])
def test_the_leader_is_flooded_and_others_go_on(tmp_path: Path, flood: str, runtime: str) -> None:
    flood_the_leader(tmp_path, flood, runtime)


@pytest.mark.mixed
@pytest.mark.parametrize("flood", LARGE)
def test_the_leader_is_flooded_with_large_values(tmp_path: Path, flood: str, runtime: str) -> None:
    flood_the_leader(tmp_path, flood, runtime)


def flood_the_leader(tmp_path: Path, flood: str, runtime: str) -> None:
    """Somebody floods it while others write, and they are told no lie."""
    with LiveCluster(tmp_path, 3, runtime=runtime) as cluster:
        cluster.start()
        leader = cluster.leader()
        with Load(cluster.endpoints, flood, threads=2, timeout=30.0) as load:
            load.wait_for(200)
            with Growth(cluster) as growth:
                counts = pour(cluster, leader, flood)
                load.wait_for(20, "after the flood")
            told = load.stop()
        cluster.check_running()
        row = eventually(lambda: cluster.status(leader), f"{leader} answers")
        growth.check(LARGE_GROWTH_MIB if flood in LARGE else GROWTH_MIB)
        match flood:
            case "garbage":
                assert counts["answers"] == GARBAGE_MESSAGES, "garbage at the clients' port was met with silence"
                assert counts["peer_answers"]
                assert row["counts"]["refused_requests"] == row["counts"]["refused_peers"] == GARBAGE_MESSAGES
            case "tiny_frames":
                assert counts == {"answers": 1, "peer_answers": 1}
            case "tiny_messages":
                # A sender that doesn't listen loses answers, as far as they pass what is kept for one client.
                assert counts["answers"]
                assert counts["peer_answers"]
                assert row["counts"]["refused_requests"] == row["counts"]["refused_peers"] == TINY_FRAMES
            case "vanishing_clients":
                assert counts["greeted"] == CLIENTS
            case "large_values":
                assert sum(counts.values()) == VALUES
                assert counts["acknowledged"]
            case "impatient_values":
                assert counts["answers"] == VALUES
        check(cluster.endpoints, told)
        cluster.agreement()
        assert len(cluster.state_hashes()) == 1
