"""Files of frames: rotation, crashes, positions that go on, one writer only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_file import recorded_files
from raftzmq.collector.recording_frame import HEADER_BYTES, Line
from raftzmq.collector.recording_writer import RecordingWriter
from raftzmq.errors import ConfigurationError, DirectoryInUse


def lines(first: int, last: int) -> list[Line]:
    return [
        Line(number, float(number), number, False, b'{"node":"n1","type":"x","ts":%d,"seq":%d}' % (number, number))
        for number in range(first, last + 1)
    ]


def write(directory: Path, *batches: list[Line], file_bytes: int = 1 << 20, files: int = 9) -> RecordingWriter:
    writer = RecordingWriter(directory, file_bytes=file_bytes, files=files)
    for batch in batches:
        writer.write(batch)
    writer.close()
    return writer


def positions(directory: Path) -> list[int]:
    recording = Recording(directory)
    found = list(recording.events())
    assert [merged.event["seq"] for merged in found] == [merged.position for merged in found]
    return [merged.position for merged in found]


def test_a_full_file_is_followed_by_the_next_and_the_oldest_goes(tmp_path: Path) -> None:
    write(tmp_path, *(lines(n, n) for n in range(1, 6)), file_bytes=1, files=2)
    assert [path.name for path in recorded_files(tmp_path)] == [
        "events-00000004.events.jsonl.zst",
        "events-00000005.events.jsonl.zst",
    ]
    assert positions(tmp_path) == [4, 5]


def test_files_stay_within_their_size(tmp_path: Path) -> None:
    write(tmp_path, *(lines(n, n) for n in range(1, 101)), file_bytes=1000, files=100)
    sizes = [path.stat().st_size for path in recorded_files(tmp_path)]
    assert len(sizes) > 5
    assert max(sizes) <= 1000
    assert positions(tmp_path) == list(range(1, 101))


def test_it_goes_on_in_the_last_file_where_it_ended(tmp_path: Path) -> None:
    assert write(tmp_path).last_position == 0
    assert write(tmp_path, lines(1, 5)).last_position == 5
    writer = RecordingWriter(tmp_path)
    assert (writer.last_position, writer.notes) == (5, [])
    writer.write(lines(6, 7))
    writer.close()
    assert len(recorded_files(tmp_path)) == 1
    assert positions(tmp_path) == list(range(1, 8))


def test_positions_go_on_when_the_newest_file_is_empty(tmp_path: Path) -> None:
    write(tmp_path, lines(1, 5))
    (tmp_path / "events-00000002.events.jsonl.zst").touch()
    assert RecordingWriter(tmp_path).last_position == 5


@pytest.mark.parametrize("damage", ["cut", "half a header", "zeros", "zeroed frame"])
def test_what_a_crash_left_unfinished_is_cut_off_and_said(tmp_path: Path, damage: str) -> None:
    write(tmp_path, lines(1, 5), lines(6, 9))
    [path] = recorded_files(tmp_path)
    whole = path.read_bytes()
    second = Recording(tmp_path)._places[1][1].offset
    path.write_bytes(
        {
            "cut": whole[:-3],
            "half a header": whole[: second + HEADER_BYTES // 2],
            "zeros": whole + bytes(1000),
            "zeroed frame": whole[: second + HEADER_BYTES] + bytes(len(whole) - second - HEADER_BYTES),
        }[damage]
    )
    writer = RecordingWriter(tmp_path)
    assert "cut off by a crash" in writer.notes[0]
    following = writer.last_position + 1
    assert following == {"cut": 6, "half a header": 6, "zeros": 10, "zeroed frame": 10}[damage]
    writer.write(lines(following, following + 3))
    writer.close()
    kept = list(range(1, 10 if damage == "zeros" else 6))
    assert positions(tmp_path) == kept + list(range(following, following + 4))
    assert Recording(tmp_path).notes == []


def test_a_file_that_is_no_recording_is_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "events-00000007.events.jsonl.zst"
    foreign.write_bytes(b"mine" * 100)
    write(tmp_path, lines(1, 2))
    assert foreign.read_bytes() == b"mine" * 100
    assert [path.name for path in recorded_files(tmp_path)] == [foreign.name, "events-00000008.events.jsonl.zst"]


def test_other_files_in_the_directory_are_left_alone(tmp_path: Path) -> None:
    names = ("events-1.events.jsonl.zst", "notes.jsonl", "events-00000001.events.jsonl.zst.bak")
    for name in names:
        (tmp_path / name).write_text("mine")
    write(tmp_path, *(lines(n, n) for n in range(1, 9)), file_bytes=1, files=1)
    assert len(recorded_files(tmp_path)) == 1
    assert sorted(os.listdir(tmp_path)) == sorted([*names, "lock", "events-00000008.events.jsonl.zst"])


def test_one_writer_to_a_directory(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path)
    with pytest.raises(DirectoryInUse):
        RecordingWriter(tmp_path)
    writer.close()
    RecordingWriter(tmp_path).close()


def test_a_directory_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="--directory"):
        RecordingWriter(tmp_path / "file" / "events")


def test_zstdcat_prints_the_events(tmp_path: Path) -> None:
    if shutil.which("zstdcat") is None:
        pytest.skip("zstdcat is not installed")
    write(tmp_path, lines(1, 5), lines(6, 9))
    done = subprocess.run(["zstdcat", *recorded_files(tmp_path)], capture_output=True, check=True)
    assert done.stdout.splitlines() == [line.payload for line in lines(1, 9)]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(1, 2000), st.data())
def test_whatever_is_cut_off_the_rest_is_whole_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], file_bytes: int, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("events")
    total = 0
    for size in batches:
        write(directory, lines(total + 1, total + size), file_bytes=file_bytes, files=1000)
        total += size
    assert positions(directory) == list(range(1, total + 1))
    newest = recorded_files(directory)[-1]
    frames = [frame for file, frame in Recording(directory)._places if file.path == newest]
    size = data.draw(st.integers(0, newest.stat().st_size))
    os.truncate(newest, size)
    writer = RecordingWriter(directory)
    kept = writer.last_position
    assert kept == max([frame.last_position for frame in frames if frame.end <= size], default=frames[0].position - 1)
    writer.write(lines(kept + 1, kept + 2))
    writer.close()
    assert positions(directory) == list(range(1, kept + 3))
