"""What the collector records is valid by the published schema: what a real node said, and what it says itself."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from raftzmq.events import USUAL_TYPES
from raftzmq.kv.commands import Get
from tests.collector.support import Publisher, cluster, collecting, read_lines, wait_until
from tests.events.validity import faults
from tests.node.support import SECOND, Rig, puts


def test_a_recording_is_valid(tmp_path: Path) -> None:
    config = cluster(1)
    rig = Rig(boot="b1")
    with collecting(config, tmp_path) as running, closing(Publisher(config.nodes[0], "b1")) as node:

        def publish(lost: bytes = b"") -> None:
            """All that was said, but the first event of a type that is ``lost``."""
            for topic, payload in rig.events:
                if lost and topic.endswith(lost):
                    lost = b""
                else:
                    node.send([topic, payload])
            rig.events.clear()

        for kind in USUAL_TYPES:
            node.wait_for_listener(kind)
        node.maker = maker = rig.node.report._maker  # from here on it answers from the ring of a real node
        for prefix in sorted(node.prefixes):
            rig.node.on_subscription(prefix, True, rig.now)
        rig.lead()
        session = rig.open_session()
        publish(lost=b".commit")
        rig.execute(2, puts(session, 0, "a", "b"))
        rig.settle()
        rig.read(3, Get(b"a"))
        rig.settle()
        rig.node.on_client(b"nobody", [b"nonsense"], rig.now)
        rig.node.on_peer(b"stranger", [b"nonsense"], rig.now)
        rig.node.on_dropped("peer", 3, rig.now)
        rig.advance(2 * SECOND)
        publish()
        wait_until(lambda: running.collector.totals()["filled"] >= 1, "what was lost is had from the ring")
        maker.ring._usual.bytes_max = 1
        rig.depose("n3")
        rig.advance(SECOND)
        publish(lost=b".clock")
        wait_until(lambda: running.collector.totals()["gaps"] > 0, "a gap is told")
    events = read_lines(tmp_path)
    assert {event["type"] for event in events} >= {"boot", "role", "append", "commit", "standing", "metrics", "gap"}
    assert faults(events) == []


def test_a_fault_would_be_seen(tmp_path: Path) -> None:
    rig = Rig().lead()
    rows = rig.node.report._maker.ring.find([("role", 1, 9)])
    assert len(list(rows)) > 1
    assert faults([{"type": "nonsense"}]) == ["no type of event: 'nonsense'"]
    [missing] = faults([{"type": "room", "has_room": True}])
    assert missing.startswith("room: $: 'v' is a required property")
