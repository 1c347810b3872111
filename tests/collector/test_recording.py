"""Reading recordings back: by position, by time, the last ones, the state anywhere; damaged and hostile files."""

from __future__ import annotations

import os
import random
import struct
import zlib
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_file import FALSE_MARKS_MAX, recorded_files
from raftzmq.collector.recording_frame import (
    FRAME_BYTES_MAX,
    HEADER_BYTES,
    MARK,
    Line,
    RecordingError,
    encode_frame,
    make_compressor,
)
from raftzmq.config import MIB
from tests.collector.recordings import Collected, record
from tests.collector.streams import BEGIN, Event, event, streams

FACTORY = pytest.TempPathFactory
VERSION_AT, RAW_AT, COMPRESSED_AT = 12, 28, 32
"""Where these stand in a header."""


def commits(number: int, *, step_ms: int = 10) -> list[Event]:
    return [event("commit", ms=index * step_ms, index=index, previous=0) for index in range(number)]


def encoded(lines: list[bytes], *, position: int = 1) -> bytes:
    return encode_frame(
        [Line(position + number, 1.0, 1, False, line) for number, line in enumerate(lines)], make_compressor()
    )


GOOD = b'{"node":"n1","type":"x","ts":1}'


def opened(factory: FACTORY, events: list[Event], **options: int) -> tuple[Collected, Recording]:
    directory = factory.mktemp("recording")
    return record(directory, events, **options), Recording(directory)


@given(streams(), st.integers(1, 15), st.integers(1, 3000), st.data())
def test_events_come_back_from_wherever_to_wherever(
    tmp_path_factory: FACTORY, events: list[Event], every: int, file_bytes: int, data: st.DataObject
) -> None:
    live, recording = opened(tmp_path_factory, events, every=every, file_bytes=file_bytes)
    total = len(live.merged)
    assert list(recording.events()) == live.merged
    first, last = data.draw(st.integers(0, total + 3)), data.draw(st.integers(0, total + 3))
    found = list(recording.events(since_position=first, until_position=last))
    assert found == live.merged[max(0, first - 1) : last]
    assert (recording.first_position, recording.last_position, recording.event_count) == (1, total, total)
    assert recording.checkpoints == [m.position for m in live.merged if m.event["type"] == "checkpoint"]
    assert recording.notes == []


@given(streams(), st.integers(0, 9), st.data())
def test_a_time_leads_to_the_first_event_that_is_not_before_it(
    tmp_path_factory: FACTORY, events: list[Event], ms: int, data: st.DataObject
) -> None:
    live, recording = opened(tmp_path_factory, events)
    ts = BEGIN + ms
    expected = next((m.position for m in live.merged if m.event["ts"] >= ts), len(live.merged) + 1)
    assert recording.position_at(ts) == expected
    assert list(recording.events(since_ts=ts)) == live.merged[expected - 1 :]
    number = data.draw(st.integers(1, 50))
    chosen = [m for m in live.merged if m.event["ts"] >= ts and m.event["node"] != "n2"]
    assert list(recording.last(number, chosen=lambda e: e["node"] != "n2", since=ts)) == chosen[-number:]
    assert list(recording.last(number)) == live.merged[-number:]


@given(streams(), st.integers(1, 15), st.data())
def test_the_state_anywhere_is_what_the_live_run_had_there(
    tmp_path_factory: FACTORY, events: list[Event], every: int, data: st.DataObject
) -> None:
    live, recording = opened(tmp_path_factory, events, every=every)
    position = data.draw(st.integers(1, len(live.merged)))
    assert recording.state_at(position).hash() == live.states[position]


def test_the_state_is_known_from_the_first_checkpoint_that_is_left(tmp_path: Path) -> None:
    live = record(tmp_path, commits(200), file_bytes=1500, files=3, every=50)
    recording = Recording(tmp_path)
    assert recording.first_position > 1
    first = recording.checkpoints[0]
    assert first > recording.first_position, "the test wants events before the first checkpoint"
    assert recording.state_at(first).hash() == live.states[first]
    assert recording.state_at(first + 3).hash() == live.states[first + 3]
    with pytest.raises(RecordingError, match=f"first checkpoint at {first}; ask for that or a later one"):
        recording.state_at(first - 1)


def test_one_file_is_a_recording_too(tmp_path: Path) -> None:
    live = record(tmp_path, commits(100), file_bytes=1500)
    paths = recorded_files(tmp_path)
    assert len(paths) > 2
    found = [merged for path in paths for merged in Recording(path).events()]
    assert found == live.merged
    renamed = tmp_path / "mine.zst"
    paths[0].rename(renamed)
    assert next(Recording(renamed).events()) == live.merged[0]


def test_what_is_written_meanwhile_is_found_by_looking_again(tmp_path: Path) -> None:
    collected = Collected(tmp_path, file_bytes=3000)
    collected.flush()
    recording = Recording(tmp_path)
    seen = list(recording.events())
    assert not recording.refresh()
    for one in commits(60):
        collected.take(one)
        collected.flush()
        assert recording.refresh()
        seen += recording.events(since_position=seen[-1].position + 1)
    assert seen == collected.merged
    assert len(recorded_files(tmp_path)) > 1
    assert recording.notes == []
    collected.close()


def test_a_frame_that_is_being_written_is_not_seen_before_it_is_whole(tmp_path: Path) -> None:
    record(tmp_path, commits(20))
    [path] = recorded_files(tmp_path)
    data = path.read_bytes()
    places = Recording(tmp_path)._places
    for end in range(0, len(data), 37):
        path.write_bytes(data[:end])
        whole = [frame for _, frame in places if frame.end <= end]
        recording = Recording(tmp_path)
        assert recording.last_position == (whole[-1].last_position if whole else 0)
        assert len(list(recording.events())) == recording.last_position
        assert recording.notes == []
    path.write_bytes(data)
    assert recording.refresh()
    assert recording.last_position == places[-1][1].last_position


def test_files_that_rotation_removes_are_said_to_be_gone(tmp_path: Path) -> None:
    record(tmp_path, commits(100), file_bytes=1500)
    recording = Recording(tmp_path)
    paths = recorded_files(tmp_path)
    events = recording.events()
    next(events)
    for path in paths[:2]:
        path.unlink()
    rest = list(events)
    assert rest[-1].position == recording.last_position
    assert any("was removed as the oldest" in note for note in recording.notes)


@pytest.mark.parametrize("seed", range(20))
def test_damaged_bytes_cost_their_frame_and_are_said(tmp_path: Path, seed: int) -> None:
    live = record(tmp_path, commits(60))
    [path] = recorded_files(tmp_path)
    data = bytearray(path.read_bytes())
    rng = random.Random(seed)
    at = rng.randrange(len(data))
    data[at] ^= 1 << rng.randrange(8)
    frames = [frame for _, frame in Recording(tmp_path)._places]
    [hit] = [frame for frame in frames if frame.offset <= at < frame.end]
    path.write_bytes(data)
    recording = Recording(tmp_path)
    found = list(recording.events())
    assert found == [m for m in live.merged if not hit.position <= m.position <= hit.last_position]
    assert len(recording.notes) == 1


@given(st.data())
def test_no_bytes_bring_it_down(tmp_path_factory: FACTORY, data: st.DataObject) -> None:
    directory = tmp_path_factory.mktemp("r")
    record(directory, commits(20))
    [path] = recorded_files(directory)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content)))
        size = data.draw(st.integers(0, 200))
        content[at : at + size] = data.draw(st.binary(max_size=200))
    path.write_bytes(content)
    try:
        recording = Recording(path)
    except RecordingError:
        return
    found = [merged.position for merged in recording.events()]
    assert found == sorted(set(found))
    assert set(found) <= set(range(1, 100))


@pytest.mark.parametrize("size", [1, 100, MIB - 5, MIB, MIB + 1, 3 * MIB + 7])
@pytest.mark.parametrize("filler", [b"\0", MARK], ids=["zeros", "false headers"])
def test_behind_junk_of_any_size_the_next_frame_is_found(tmp_path: Path, size: int, filler: bytes) -> None:
    junk = bytes(max(0, size - MIB // 3)) + (filler * (size // len(filler) + 1))[: min(size, MIB // 3)]
    path = tmp_path / "x.zst"
    path.write_bytes(encoded([GOOD]) + junk + encoded([GOOD], position=7) + junk + encoded([GOOD], position=9))
    recording = Recording(path)
    assert [merged.position for merged in recording.events()] == [1, 7, 9]
    assert len(recording.notes) == 2
    assert f"{size:,} bytes from byte" in recording.notes[0]


def test_a_file_of_false_headers_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "x.zst"
    path.write_bytes(encoded([GOOD]) + MARK * (FALSE_MARKS_MAX + 1) + encoded([GOOD], position=7))
    recording = Recording(path)
    assert [merged.position for merged in recording.events()] == [1]
    left = path.stat().st_size - recording._files[0].end
    assert recording.notes == [f"x.zst: the last {left:,} bytes are damaged and left out"]


def resealed(header: bytes) -> bytes:
    return header[: HEADER_BYTES - 4] + struct.pack("<I", zlib.crc32(header[: HEADER_BYTES - 4]))


def bomb() -> bytes:
    """A header that tells of little before a frame that would become a gigabyte."""
    compressor = zstandard.ZstdCompressor().compressobj(size=1 << 30)
    data = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(1 << 10)) + compressor.flush()
    header = bytearray(encoded([GOOD])[:HEADER_BYTES])
    struct.pack_into("<I", header, COMPRESSED_AT, len(data))
    return resealed(bytes(header)) + data


def sizeless() -> bytes:
    """The same, without a word about its size."""
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    data = compressor.compress(bytes(1 << 24)) + compressor.flush()
    header = bytearray(encoded([GOOD])[:HEADER_BYTES])
    struct.pack_into("<I", header, COMPRESSED_AT, len(data))
    return resealed(bytes(header)) + data


HOSTILE: dict[str, Callable[[], bytes]] = {
    "bomb": bomb,
    "bomb without a size": sizeless,
    "no event": lambda: encoded([b"[1,2]"]),
    "no JSON": lambda: encoded([b"{"]),
    "deep JSON": lambda: encoded([b"[" * 100_000]),
    "no time": lambda: encoded([b'{"node":"n1","type":"x","ts":"now"}']),
    "too many lines": lambda: encoded([GOOD + b"\n" + GOOD]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_frame_is_left_out_and_said(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.zst"
    path.write_bytes(HOSTILE[name]() + encoded([GOOD], position=50))
    recording = Recording(path)
    assert [merged.position for merged in recording.events()] == [50]
    [note] = recording.notes
    assert "is damaged, positions 1 to 1 are left out" in note
    assert not name.startswith("bomb") or "another amount of data than its header says" in note, "no room made for it"


def test_a_header_that_wants_too_much_is_none(tmp_path: Path) -> None:
    header = bytearray(encoded([GOOD])[:HEADER_BYTES])
    struct.pack_into("<I", header, RAW_AT, FRAME_BYTES_MAX + 1)
    path = tmp_path / "x.zst"
    path.write_bytes(resealed(bytes(header)) + encoded([GOOD], position=50))
    assert [merged.position for merged in Recording(path).events()] == [50]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04" + bytes(300), "is no recording of events"),
        (zstandard.compress(b"{}\n" * 100), "is no recording of events"),
        (b'{"node":"n1"}\n' * 100, "is no recording of events"),
    ],
    ids=["zip", "plain zstd", "JSON lines"],
)
def test_a_foreign_file_is_refused_with_a_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content + bytes(HEADER_BYTES))
    with pytest.raises(RecordingError, match=message):
        Recording(path)


def test_what_is_not_there_or_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no such file or directory"):
        Recording(tmp_path / "nothing")
    with pytest.raises(RecordingError, match="no events are recorded in"):
        Recording(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordingError, match="is no file"):
        Recording(tmp_path / "pipe")


def test_a_recording_of_a_newer_release_is_said_to_be_one(tmp_path: Path) -> None:
    header = bytearray(encoded([GOOD])[:HEADER_BYTES])
    header[VERSION_AT] = 2
    (tmp_path / "x.zst").write_bytes(resealed(bytes(header)) + bytes(100))
    with pytest.raises(RecordingError, match="format version 2, this release reads 1"):
        Recording(tmp_path / "x.zst")


def test_frames_that_repeat_positions_are_left_out(tmp_path: Path) -> None:
    numbers = count(1)
    path = tmp_path / "x.zst"
    path.write_bytes(b"".join(encoded([GOOD], position=next(numbers)) for _ in range(3)) * 2)
    recording = Recording(path)
    assert [merged.position for merged in recording.events()] == [1, 2, 3]
    assert len(recording.notes) == 3
