"""Files of JSON lines: rotation, crashes, full disks, one writer only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.collector.recorded import last_events
from raftzmq.collector.writer import RotatingWriter, recorded_files
from raftzmq.errors import ConfigurationError, DirectoryInUse


def lines(first: int, last: int) -> bytes:
    return b"".join(b'{"n":%d}\n' % number for number in range(first, last + 1))


def content(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in recorded_files(directory))


def test_a_full_file_is_followed_by_the_next_and_the_oldest_goes(tmp_path: Path) -> None:
    writer = RotatingWriter(tmp_path, file_bytes=40, files=2)
    for number in range(100, 120):
        writer.write(lines(number, number))
    writer.close()
    assert [path.name for path in recorded_files(tmp_path)] == ["events-00000004.jsonl", "events-00000005.jsonl"]
    assert content(tmp_path) == lines(112, 119)


def test_more_than_a_file_holds_is_cut_between_lines(tmp_path: Path) -> None:
    writer = RotatingWriter(tmp_path, file_bytes=35, files=100)
    writer.write(lines(100, 119) + b'{"n":"' + b"x" * 50 + b'"}\n' + lines(121, 122))
    writer.close()
    files = [path.read_bytes() for path in recorded_files(tmp_path)]
    assert all(file.endswith(b"\n") for file in files)
    assert max(len(file) for file in files) == 59, "only a line longer than a file may exceed it"
    assert b"".join(files).count(b"\n") == 23


def test_it_goes_on_with_the_last_file_and_ends_a_cut_line(tmp_path: Path) -> None:
    for count in (1, 2):
        writer = RotatingWriter(tmp_path)
        writer.write(lines(count, count))
        writer.close()
    assert content(tmp_path) == lines(1, 2)
    [path] = recorded_files(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])
    writer = RotatingWriter(tmp_path)
    writer.write(lines(3, 3))
    writer.close()
    assert content(tmp_path) == lines(1, 1) + lines(2, 2)[:-3] + b"\n" + lines(3, 3)


def test_one_writer_to_a_directory(tmp_path: Path) -> None:
    writer = RotatingWriter(tmp_path)
    with pytest.raises(DirectoryInUse):
        RotatingWriter(tmp_path)
    writer.close()
    RotatingWriter(tmp_path).close()


def test_a_directory_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="--directory"):
        RotatingWriter(tmp_path / "file" / "events")


def test_other_files_in_the_directory_are_left_alone(tmp_path: Path) -> None:
    for name in ("events-1.jsonl", "notes.jsonl", "events-00000001.jsonl.gz"):
        (tmp_path / name).write_text("mine")
    writer = RotatingWriter(tmp_path, file_bytes=10, files=1)
    for number in range(10):
        writer.write(lines(number, number))
    writer.close()
    assert len(recorded_files(tmp_path)) == 1
    assert len(os.listdir(tmp_path)) == 5


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 60))
def test_the_last_events_come_back_whatever_the_files_are(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], count: int
) -> None:
    directory = tmp_path_factory.mktemp("events")
    writer = RotatingWriter(directory, file_bytes=200, files=1000)
    total = 0
    for size in batches:
        texts = [b'{"node":"n1","type":"x","ts":%d}\n' % number for number in range(total, total + size)]
        writer.write(b"".join(texts))
        total += size
    writer.close()
    numbers = [event["ts"] for _, event in last_events(directory, count, chosen=lambda _: True)]
    assert numbers == list(range(max(0, total - count), total))
    since = [event["ts"] for _, event in last_events(directory, 1000, chosen=lambda _: True, since=total / 2)]
    assert since == [number for number in range(total) if number >= total / 2]
    odd = [event["ts"] for _, event in last_events(directory, 2, chosen=lambda event: event["ts"] % 2 == 1)]
    assert odd == [number for number in range(total) if number % 2][-2:]
