"""What the collector enters and says by itself: checkpoints that fit what is recorded, violations, the past."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

import pytest

from raftzmq.collector import books
from raftzmq.collector.books import past_of
from raftzmq.collector.progress import Progress
from raftzmq.collector.recording import Recording
from raftzmq.events.logs import json_log
from tests.collector.support import Publisher, cluster, collecting


def test_checkpoints_say_what_everything_before_them_adds_up_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "CHECKPOINT_EVENTS", 50)
    config = cluster(1)
    with closing(Publisher(config.nodes[0], "b1")) as node:
        for _ in range(2):  # the second goes on where the first ended
            with collecting(config, tmp_path) as running, closing(running.listener()) as listener:
                node.wait_for_listener()
                for _ in range(4):
                    node.publish("commit", 40)
                    listener.receive_until("commit", 40)
    recording = Recording(tmp_path)
    found = [merged for merged in recording.events() if merged.event["type"] == "checkpoint"]
    assert found[0].position == 1
    assert len(found) >= 2 * (1 + 2)
    assert len({merged.event["boot"] for merged in found}) == 2
    progress = Progress()
    for merged in recording.events():
        if merged.event["type"] == "checkpoint":
            assert merged.event["position"] == merged.position - 1
            assert merged.event["streams"] == progress.to_json()
            if merged.position > 1:
                assert merged.event["state_hash"] == recording.state_at(merged.position - 1).hash()
        progress.fold(merged.event)


def test_the_past_is_what_the_recording_ends_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "CHECKPOINT_EVENTS", 50)
    config = cluster(1)
    with (
        collecting(config, tmp_path) as running,
        closing(Publisher(config.nodes[0], "b1")) as node,
        closing(running.listener()) as listener,
    ):
        node.wait_for_listener()
        for count in (60, 60, 7):
            node.publish("commit", count)
            listener.receive_until("commit", count)
    recording = Recording(tmp_path)
    assert recording.last_position - recording.checkpoints[-1] >= 7, "the end is behind the last checkpoint"
    past = past_of(tmp_path, json_log(io.BytesIO()))
    whole = Progress()
    for merged in recording.events():
        whole.fold(merged.event)
    assert past.position == recording.last_position
    assert past.progress.to_json() == whole.to_json()
    assert past.progress.nodes["n1"].seqs["commit"] == 127
    assert past.state.hash() == recording.state_at(recording.last_position).hash()


def test_without_a_recording_there_is_no_past(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "none"):
        past = past_of(directory, json_log(io.BytesIO()))
        assert (past.position, past.progress.nodes) == (0, {})
