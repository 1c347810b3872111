"""What nodes say adds up to what they are: real nodes in simulated misfortune, and the state made of their events."""

from __future__ import annotations

from typing import Any

import pytest

from raftzmq.collector.cluster_state import ClusterState
from raftzmq.collector.recording import Recording
from raftzmq.collector.replaying import check_recording
from raftzmq.node import Node
from raftzmq.simulation.audit import Audit
from raftzmq.simulation.cluster import Cluster
from tests.collector.recordings import record

SEEDS = range(1, 13)
EVENTS = 300


def truth(node: Node) -> dict[str, Any]:
    """A node's own view of itself, under the names of its state."""
    raft, log, applying = node.raft, node.raft.log, node.applying
    return {
        "boot": node.boot,
        "role": str(raft.role),
        "term": raft.current_term,
        "leader": raft.leader,
        "voted_for": raft.voted_for,
        "voters": list(raft.voters),
        "mark_index": log.mark.index,
        "last_index": log.last_index,
        "stable_index": log.stable,
        "commit_index": raft.commit_index,
        "applied_index": applying.applied_index,
        "durable_index": applying.durable_index,
        "digest": applying.digest,
        "revision": applying.revision,
        "has_room": raft.has_room,
    }


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("standings", [True, False], ids=["with standings", "without standings"])
def test_the_state_is_where_the_nodes_stand(seed: int, standings: bool) -> None:
    """Crashes, partitions, conflicting logs, snapshots: every step is said, so the standings say nothing new."""
    state = ClusterState()

    def told(event: dict[str, Any]) -> None:
        if standings or event["type"] != "standing":
            state.fold(event)

    cluster = Cluster(seed, EVENTS, audit=Audit(told))
    cluster.run()
    document = state.to_json()
    assert document["odd"] == 0
    alive = {name: host.node for name, host in cluster._hosts.items() if host.node is not None}
    assert len(alive) > 0
    for name, node in alive.items():
        said, true = document["nodes"][name], truth(node)
        assert {field: said[field] for field in true} == true, name


def test_a_recording_of_them_replays_to_every_state(tmp_path_factory: pytest.TempPathFactory) -> None:
    for seed in SEEDS[:4]:
        events: list[dict[str, Any]] = []
        Cluster(seed, EVENTS, audit=Audit(events.append)).run()
        directory = tmp_path_factory.mktemp("simulated")
        live = record(directory, events, every=100, frame=30)
        recording = Recording(directory)
        found = check_recording(recording)
        assert (found.differed, found.missing, found.agreed) == (0, 0, len(recording.checkpoints))
        for position in range(1, len(live.merged), len(live.merged) // 10):
            assert recording.state_at(position).hash() == live.states[position]
