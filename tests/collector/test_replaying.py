"""A recording checked against itself: every state again, and whatever was changed is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.collector.merged import Merged
from raftzmq.collector.recorder import as_frames
from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_frame import line_of
from raftzmq.collector.recording_writer import RecordingWriter
from raftzmq.collector.replaying import Check, check_recording
from tests.collector.recordings import Collected, record
from tests.collector.streams import Event, boot, collectors, event, merged, streams


def checked(directory: Path, **options: Any) -> Check:
    return check_recording(Recording(directory), **options)


def edited(live: Collected, directory: Path, change: Callable[[Merged], Event | None]) -> Recording:
    """The same recording with some events changed, or left out."""
    writer = RecordingWriter(directory)
    changed = [(one.position, change(one)) for one in live.merged]
    kept = [line_of(merged(position, one)) for position, one in changed if one is not None]
    for frame in as_frames(kept, 4000):
        writer.write(frame)
    writer.close()
    return Recording(directory)


def sample(number: int = 60) -> list[Event]:
    events = [boot("n1"), boot("n2"), event("role", "n2", term=2, role="leader", previous="candidate", reason="won")]
    return events + [event("commit", "n2", term=2, ms=n, index=n, previous=n - 1) for n in range(number)]


@given(streams(), st.integers(1, 10), st.data())
def test_every_state_of_the_live_run_comes_again_from_wherever_it_begins(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event], every: int, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("r")
    live = record(directory, events, every=every)
    checkpoints = Recording(directory).checkpoints
    whole = checked(directory)
    assert (whole.differed, whole.agreed, whole.begun, whole.missing) == (0, len(checkpoints), 0, 0)
    assert whole.events == len(live.merged)
    since = data.draw(st.integers(2, len(live.merged) + 1))
    part = checked(directory, since_position=since)
    left = sum(position >= since for position in checkpoints)
    assert (part.differed, part.begun, part.agreed) == (0, min(left, 1), max(0, left - 1))


@given(streams(), streams(), st.booleans())
def test_a_replay_goes_through_a_restart_of_the_collector_as_the_collector_did(
    tmp_path_factory: pytest.TempPathFactory, first: list[Event], second: list[Event], crashes: bool
) -> None:
    directory = tmp_path_factory.mktemp("r")
    lives = []
    for name, events in (("c1", first), ("c2", second)):
        live = Collected(directory, boot=name)
        live.flush()
        for one in events:
            live.take(one)
        live.checkpoint()
        if crashes:
            live.crash()
        else:
            live.close()
        lives.append(live)
    found = checked(directory)
    assert found.differed == 0
    assert found.agreed + found.begun == len(Recording(directory).checkpoints) == (2 if crashes else 4)
    recording = Recording(directory)
    last = recording.last_position
    assert recording.state_at(last).hash() == lives[1].states[last]


@pytest.mark.parametrize("lost", ["nothing", "the middle"])
def test_what_was_not_recorded_is_said_and_the_comparison_begins_again(tmp_path: Path, lost: str) -> None:
    live = Collected(tmp_path)
    for number in range(60):
        live.take(event("commit", index=number))
        if number % 10 == 9:
            live.flush(lose=lost == "the middle" and number == 29)
            live.checkpoint()
    live.close()
    found = checked(tmp_path)
    assert found.differed == 0
    if lost == "nothing":
        assert (found.agreed, found.begun, found.holes) == (7, 0, [])
    else:
        first, last = found.holes[0]
        assert (found.agreed, found.begun, found.missing) == (5, 1, 11)
        assert last - first + 1 == 11


CHANGES: dict[str, Callable[[Merged], Event]] = {
    "an event": lambda m: {**m.event, "term": 3} if m.position == 30 else m.event,
    "a checkpoint's state": lambda m: _with_state(m.event, term=9) if m.position == 43 else m.event,
    "a checkpoint's hash": lambda m: {**m.event, "state_hash": "0" * 64} if m.position == 43 else m.event,
    "a checkpoint's shape": lambda m: {**m.event, "state": [1]} if m.position == 43 else m.event,
}


def _with_state(one: Event, **fields: Any) -> Event:
    return {**one, "state": {**one["state"], **fields}}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_is_found_once(tmp_path: Path, name: str) -> None:
    live = record(tmp_path / "a", sample(), every=20)
    assert Recording(tmp_path / "a").checkpoints == [1, 22, 43, 64]
    recording = edited(live, tmp_path / "b", CHANGES[name])
    found = check_recording(recording)
    assert found.differed == 1
    assert [difference.position for difference in found.differences] == [43]
    if name == "an event":
        assert found.differences[0].what.startswith("state.term was recorded as 2, and the events give 3")
    assert found.agreed == 3


def test_an_event_that_was_taken_out_without_a_hole_is_found(tmp_path: Path) -> None:
    live = record(tmp_path / "a", sample(), every=20)
    taken = [one for one in live.merged if one.position != 30]
    shifted = Collected.__new__(Collected)
    shifted.merged = [one._replace(position=number) for number, one in enumerate(taken, 1)]
    found = check_recording(edited(shifted, tmp_path / "b", lambda m: m.event))
    assert found.differed == 0, "a commit index that the next one raises anyway leaves the same state"
    taken = [one for one in live.merged if one.event["type"] != "role"]
    shifted.merged = [one._replace(position=number) for number, one in enumerate(taken, 1)]
    assert check_recording(edited(shifted, tmp_path / "c", lambda m: m.event)).differed == 1


def test_progress_is_told(tmp_path: Path) -> None:
    record(tmp_path, sample(), every=20)
    seen: list[int] = []
    checked(tmp_path, progress=seen.append)
    assert seen == [Recording(tmp_path).event_count]


def test_a_checkpoint_that_nobody_but_the_collector_may_make_is_ignored(tmp_path: Path) -> None:
    record(tmp_path, [*sample(), {**collectors("checkpoint", state=1), "node": "n3"}])
    assert checked(tmp_path).differed == 0
