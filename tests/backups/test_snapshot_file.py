"""Snapshot files: the bytes are as documented, every damage is found and located, and a file is there whole or not."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.backups.format import Header, SnapshotFileError
from raftzmq.backups.reading import Contents, SnapshotReader, read_contents
from raftzmq.backups.writing import SnapshotWriter
from raftzmq.kv.commands import Row

HEADER = Header("prod", 9, 31, 2, "cluster", "2026-01-02T03:04:05+00:00")
ROWS: list[Row] = [(b"a", b"one", 3, 9, 2, 0), (b"b\x00", b"", 4, 4, 1, 7)]
GOLDEN = (
    b'{"format":"raftzmq-snapshot","version":1,"cluster_id":"prod","revision":9,"index":31,"term":2,'
    b'"source":"cluster","made_at":"2026-01-02T03:04:05+00:00","crc32":"2e7e20b2"}\n'
    + bytes.fromhex(
        "4b 5d91ded0 0000000000000003 0000000000000009 0000000000000002 0000000000000000 0001 00000003 61 6f6e65"
        "4b fa322327 0000000000000004 0000000000000004 0000000000000001 0000000000000007 0002 00000000 6200"
        "45 0000000000000002 a32e5f2accd280f7635702adf447d8333f3949d41081107c5da9901f8a15d7a5"
    )
)


def write(path: Path, rows: list[Row] = ROWS, header: Header = HEADER, *, force: bool = False) -> str:
    """A file with ``rows``; its checksum."""
    with SnapshotWriter(path, header, force=force) as writer:
        for row in rows:
            writer.add([row])
        return writer.finish()


def damage(path: Path, data: bytes) -> str:
    """What is said of a file of these bytes, which isn't good."""
    path.write_bytes(data)
    with pytest.raises(SnapshotFileError) as caught:
        read_contents(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.fixture
def good(tmp_path: Path) -> bytes:
    """The bytes of a good file."""
    write(tmp_path / "good")
    return (tmp_path / "good").read_bytes()


def test_the_bytes_are_as_documented(good: bytes) -> None:
    assert good == GOLDEN


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "file"
    checksum = write(path)
    with SnapshotReader(path) as reader:
        assert reader.header == HEADER
        assert list(reader.rows()) == ROWS
    assert read_contents(path) == Contents(HEADER, 2, path.stat().st_size, checksum)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_an_empty_store_is_a_snapshot_too(tmp_path: Path) -> None:
    write(tmp_path / "file", [], Header("prod", 0, 1, 0, "cluster", ""))
    assert read_contents(tmp_path / "file").keys == 0


rows = st.dictionaries(st.binary(min_size=1, max_size=20), st.binary(max_size=300), max_size=20)


@given(rows)
def test_any_rows_are_read_back(tmp_path_factory: pytest.TempPathFactory, stored: dict[bytes, bytes]) -> None:
    path = tmp_path_factory.mktemp("any") / "file"
    given_rows: list[Row] = [(key, stored[key], n, n + 5, n, 2**63 - n) for n, key in enumerate(sorted(stored), 1)]
    write(path, given_rows, Header("ü", 100, 1, 1, "node n1", ""))
    with SnapshotReader(path) as reader:
        assert list(reader.rows()) == given_rows


def test_every_flipped_bit_is_found(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "flipped"
    for bit in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        damage(path, bytes(flipped))


def test_every_missing_end_and_every_addition_is_found(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "cut"
    for size in range(len(good)):
        damage(path, good[:size])
    assert "something follows the end" in damage(path, good + b"\n")


def test_damage_is_located(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "file"
    first = good.index(b"\n") + 1
    second = good.index(b"K", first + 1)
    end = good.rindex(b"E\x00")
    assert f"row 2, at byte {second}): it fails" in damage(path, good.replace(b"b\x00E", b"c\x00E"))
    assert f"row 1, at byte {first}): it fails" in damage(path, good.replace(b"one", b"two"))
    assert f"row 2, at byte {second}): the file ends within it" in damage(path, good[: second + 20])
    assert f"row 2, at byte {second}): the file ends there" in damage(path, good[:second])
    assert f"row 3, at byte {end}): the checksum over the whole" in damage(path, good[:-1] + b"\x00")
    swapped = good[:first] + good[second:end] + good[first:second] + good[end:]
    assert f"row 1, at byte {first}): it fails" in damage(path, swapped)
    without = good[:first] + good[first:second] + good[end:]
    assert f"row 2, at byte {second}): the checksum over the whole" in damage(path, without)
    miscounted = good[:end] + b"E" + (3).to_bytes(8, "big")
    assert "the checksum over the whole" in damage(path, miscounted + sha256(miscounted).digest())
    assert "its first line is damaged" in damage(path, good.replace(b'"revision":9', b'"revision":8'))


@pytest.mark.parametrize(
    "rows",
    [
        [ROWS[1], ROWS[0]],
        [ROWS[0], ROWS[0]],
        [(b"", b"", 1, 1, 1, 0)],
        [(b"a", b"", 1, 10, 1, 0)],
        [(b"a", b"", 5, 4, 1, 0)],
        [(b"a", b"", 0, 4, 1, 0)],
        [(b"a", b"", 4, 4, 0, 0)],
    ],
    ids=["order", "twice", "no key", "from the future", "modified before created", "never created", "a tombstone"],
)
def test_rows_that_no_store_has_are_refused(tmp_path: Path, rows: list[Row]) -> None:
    write(tmp_path / "file", rows)
    with pytest.raises(SnapshotFileError, match="cannot come from a store"):
        read_contents(tmp_path / "file")


def test_other_files_and_other_formats_are_named(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "file"
    assert "format 2; this release reads format 1" in damage(path, good.replace(b'"version":1', b'"version":2'))
    for text in (b"", b"hello\n", b"[]\n", b"7\n", b'{"format":"other","version":1}\n', b"\xff" * 10_000):
        assert "is no snapshot of raftzmq" in damage(path, text)
    with pytest.raises(SnapshotFileError, match="No such file"):
        read_contents(tmp_path / "missing")
    with pytest.raises(SnapshotFileError, match="Is a directory"):
        read_contents(tmp_path)


def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with SnapshotWriter(path, HEADER) as writer:
        writer.add(ROWS)
        assert list(tmp_path.iterdir())
        assert not path.exists()
    assert not list(tmp_path.iterdir())


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "file"
    write(path)
    with pytest.raises(SnapshotFileError, match="exists"):
        write(path)
    with SnapshotWriter(path, HEADER, force=True) as writer:
        assert path.read_bytes() == good
        writer.finish()
    assert read_contents(path).keys == 0
    with pytest.raises(SnapshotFileError, match=r"is a directory; give another name$"):
        write(tmp_path, force=True)


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_file_is_never_replaced(tmp_path: Path, force: bool) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(SnapshotFileError, match=r"is no file but a device, a pipe or a socket; give another name$"):
            write(path, force=force)
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, pipe]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SnapshotFileError, match="No such file or directory"):
        write(tmp_path / "missing" / "file")
    if os.path.exists("/dev/full"):
        path = tmp_path / "file"
        (tmp_path / f".file.{os.getpid()}.part").symlink_to("/dev/full")
        with pytest.raises(SnapshotFileError, match="No space left on device"):
            write(path)
        assert not list(tmp_path.iterdir())
