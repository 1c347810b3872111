"""A violation of Raft's rules in the stream: it is told, and the events around it are kept."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_file import recorded_files
from tests.collector.streams import boot
from tests.collector.support import Publisher, cluster, collecting

ENVELOPE = {"v", "node", "boot", "seq", "order", "ts", "mono_ns", "lamport", "term", "type"}


def test_two_leaders_in_a_term_are_told_with_a_file_that_has_the_events_around_them(tmp_path: Path) -> None:
    config = cluster(2)
    with (
        collecting(config, tmp_path) as running,
        closing(running.listener()) as listener,
        closing(Publisher(config.nodes[0], "b1")) as one,
        closing(Publisher(config.nodes[1], "b2")) as other,
    ):
        for node in (one, other):
            node.wait_for_listener()
            said = {name: value for name, value in boot(node.node).items() if name not in ENVELOPE}
            node.publish("boot", **said)
            node.publish("role", role="leader", previous="candidate", reason="planted")
        [violation] = [event for event in listener.receive_until("violation", 1) if event["type"] == "violation"]
    assert violation["nodes"] == ["n1", "n2"]
    kept = Path(violation["recording"])
    assert kept.parent == tmp_path / "kept"
    events = [merged.event for merged in Recording(kept).events()]
    assert [event["node"] for event in events if event["type"] == "role"] == ["n1", "n2"]
    assert any(event["type"] == "violation" and event["recording"] == str(kept) for event in events)
    assert kept not in recorded_files(tmp_path), "rotation leaves it alone"
