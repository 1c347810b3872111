"""What the collector says itself has its place in the stream like everything else, and surprises nobody there."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from raftzmq.collector import books
from raftzmq.collector.recording import Recording
from raftzmq.collector.replaying import check_recording
from tests.collector.support import Publisher, cluster, collecting


def test_the_auditor_misses_no_place_that_the_collectors_own_events_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "CHECKPOINT_EVENTS", 3)
    config = cluster(1)
    with (
        collecting(config, tmp_path) as running,
        closing(running.listener()) as listener,
        closing(Publisher(config.nodes[0], "b1")) as node,
    ):
        node.wait_for_listener("room")
        for _ in range(20):
            node.publish("room", has_room=True)
            listener.receive_until("room", 1)
    events = list(Recording(tmp_path).events())
    assert [one.position for one in events] == list(range(1, len(events) + 1))
    found = check_recording(Recording(tmp_path))
    assert found.agreed >= 4
    assert (found.differed, found.missing) == (0, 0)
    reasons = [one.event["reason"] for one in events if one.event["type"] == "verdict"]
    assert not [reason for reason in reasons if "before this place" in reason]
