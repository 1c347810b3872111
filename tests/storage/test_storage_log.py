"""The durable log: what is written is read back, and nothing that was damaged is taken for good."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import lmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftzmq.core.ready import Append
from raftzmq.core.types import Entry, EntryKind, HardState, Mark, first_entry, make_entry
from raftzmq.errors import CorruptionError, InvariantViolation, StorageError
from raftzmq.kv.commands import Parcel, Put, encode_batch, encode_parcel
from raftzmq.node.work import LogJob
from raftzmq.records import encode_entry, encode_hard_state, encode_mark, log_key, seal
from raftzmq.storage import environment as environments
from raftzmq.storage import opening
from raftzmq.storage.identity import Identity
from raftzmq.storage.log import LogFull, LogTables, Span, create_log, read_identity, read_log, write_job
from raftzmq.storage.memory import MemoryDisk
from tests.storage.node_on_disk import CLUSTER, append, flip, opened, raw, some_entries, write_some

BATCH = encode_batch(7, [encode_parcel(Parcel(2, 1, 1, [Put(b"k", b"v")]))], 1)


def test_golden_bytes() -> None:
    entry = make_entry(5, 3, 2, EntryKind.COMMANDS, BATCH)
    assert BATCH.hex() == "010000000000000007dd0000000194020101919401c4016bc4017600"
    assert log_key(3).hex() == "0000000000000003"
    assert encode_entry(entry).hex() == "010100000000000000020000001cda9b9a6e" + BATCH.hex()
    assert encode_hard_state(HardState(4, "n2")) == bytes.fromhex("f30160d6") + b'[1, 4, "n2"]'
    assert encode_mark(Mark()) == bytes.fromhex("b1d45094") + b'[1, 0, 0, 0]\n{"version":1,"voters":[]}'
    assert Identity("local", "n1", "ab").encode() == bytes.fromhex("a8436c4d") + b'[1, "local", "n1", "ab"]'
    assert Identity("local", "n1", "ab").marker() == b'a8436c4d [1, "local", "n1", "ab"]\n'


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        first = storage.loaded.entries[0]
        assert (first, storage.loaded.mark) == (first_entry(CLUSTER.nodes), Mark())
        assert (storage.loaded.current_term, storage.loaded.voted_for, storage.loaded.peers) == (0, None, {})
        entries = some_entries(first)
        storage.log.write(append(*entries[:2], hard_state=HardState(1, "n2")))
        storage.log.write(LogJob(None, (("n2", "abc"), ("n3", "def"))))
        storage.log.write(append(entries[2]))
        storage.log.write(LogJob(Append(HardState(2, None))))
        storage.log.write(LogJob(None))
    with opened(tmp_path / "n1") as storage:
        loaded = storage.loaded
        assert loaded.entries == (first, *entries)
        assert (loaded.current_term, loaded.voted_for) == (2, None)
        assert loaded.peers == {"n2": "abc", "n3": "def"}


def test_a_conflicting_suffix_is_replaced_in_the_same_transaction(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        first = storage.loaded.entries[0]
        storage.log.write(append(*some_entries(first), hard_state=HardState(1, None)))
        other = make_entry(first.chain, 2, 2, EntryKind.NOOP, b"")
        storage.log.write(append(other, hard_state=HardState(2, "n3")))
        after = make_entry(other.chain, 3, 2, EntryKind.NOOP, b"")
        storage.log.write(append(after))
    with opened(tmp_path / "n1") as storage:
        assert storage.loaded.entries == (first, other, after)
        assert (storage.loaded.current_term, storage.loaded.voted_for) == (2, "n3")


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4), st.booleans()), max_size=12))
def test_any_sequence_of_writes_leaves_the_log_of_a_list(writes: list[tuple[int, int, bool]]) -> None:
    disk, model = MemoryDisk(), [first_entry(CLUSTER.nodes)]
    create_log(disk.log, Identity("c", "n", "i"), model[0])
    span = Span(1, 1)
    for term, (back, count, vote) in enumerate(writes, 1):
        del model[max(1, len(model) - back) :]
        added = []
        for _ in range(count):
            added.append(make_entry(model[-1].chain, len(model) + 1, term, EntryKind.NOOP, b""))
            model.append(added[-1])
        span = write_job(disk.log, append(*added, hard_state=HardState(term, "n" if vote else None)), span)
    contents = read_log(disk.log)
    assert (list(contents.entries), contents.span) == (model, span)


def test_a_gap_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        entries = some_entries(storage.loaded.entries[0])
        with pytest.raises(InvariantViolation, match="entry 3 was to be written into a log of entries 1 to 1"):
            storage.log.write(append(*entries[1:]))
        with pytest.raises(InvariantViolation, match="entry 4 was to be written in place 3"):
            storage.log.write(append(entries[0], entries[2]))
        storage.log.write(append(*entries))
    with opened(tmp_path / "n1") as storage:
        assert len(storage.loaded.entries) == 4


def test_a_log_must_be_loaded_before_it_is_written(tmp_path: Path) -> None:
    with opened(tmp_path / "n1"):
        pass
    log = opening._open_log(tmp_path / "n1" / "log")
    with pytest.raises(InvariantViolation, match="before it was loaded"):
        log.write(LogJob(None))
    log.close()


@pytest.mark.parametrize("index", [1, 2, 4])
def test_a_flipped_bit_in_any_record_is_found(tmp_path: Path, index: int) -> None:
    with opened(tmp_path / "n1") as storage:
        write_some(storage)
    # Version, kind, term, length, checksum, payload: one bit of each.
    for bit in (0, 8, 9, 16, 79, 80, 111, 112, 143, 144, 300):
        flip(tmp_path / "n1" / "log", "entries", log_key(index), bit)
        with pytest.raises(CorruptionError, match=f"log entry {index} "), opened(tmp_path / "n1"):
            pass
        flip(tmp_path / "n1" / "log", "entries", log_key(index), bit)
    with opened(tmp_path / "n1") as storage:
        assert len(storage.loaded.entries) == 4


@pytest.mark.parametrize(("table", "key"), [("meta", b"hard_state"), ("meta", b"mark"), ("peers", b"n2")])
def test_a_flipped_bit_beside_the_entries_is_found(tmp_path: Path, table: str, key: bytes) -> None:
    with opened(tmp_path / "n1") as storage:
        write_some(storage)
    for bit in (0, 31, 32, 47, 50):
        flip(tmp_path / "n1" / "log", table, key, bit)
        with pytest.raises(CorruptionError, match="checksum"), opened(tmp_path / "n1"):
            pass
        flip(tmp_path / "n1" / "log", table, key, bit)


def test_records_of_another_place_are_found(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        entries = write_some(storage)
    with raw(tmp_path / "n1" / "log", "entries") as (transaction, database):
        transaction.put(log_key(3), encode_entry(entries[0]), db=database)
    with pytest.raises(CorruptionError, match="log entry 3 "), opened(tmp_path / "n1"):
        pass


def test_a_missing_record_is_found(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        write_some(storage)
    with raw(tmp_path / "n1" / "log", "entries") as (transaction, database):
        transaction.delete(log_key(2), db=database)
    with pytest.raises(CorruptionError, match="entry 3 where entry 2 belongs"), opened(tmp_path / "n1"):
        pass


@pytest.mark.parametrize("key", [b"hard_state", b"mark"])
def test_a_log_without_its_own_records_is_found(tmp_path: Path, key: bytes) -> None:
    with opened(tmp_path / "n1"):
        pass
    with raw(tmp_path / "n1" / "log", "meta") as (transaction, database):
        transaction.delete(key, db=database)
    with pytest.raises(CorruptionError, match="lacks"), opened(tmp_path / "n1"):
        pass


def big_entries(first: Entry, count: int, size: int) -> Sequence[Entry]:
    entries = [first]
    for index in range(2, count + 2):
        entries.append(make_entry(entries[-1].chain, index, 1, EntryKind.NOOP, b"x" * size))
    return entries[1:]


def test_a_full_map_refuses_the_job_whole_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path / "n1") as storage:
        first = storage.loaded.entries[0]
    monkeypatch.setattr(opening, "LOG_MAP_BYTES", 1 << 19)
    with opened(tmp_path / "n1") as storage:
        small, *large = big_entries(first, 20, 1 << 16)
        storage.log.write(append(small, hard_state=HardState(1, None)))
        with pytest.raises(LogFull, match="is full"):
            storage.log.write(append(*large, hard_state=HardState(9, "n3")))
        storage.log.write(append(large[0], hard_state=HardState(2, "n2")))
        assert 0.3 < storage.log.used < 0.6
    with opened(tmp_path / "n1") as storage:
        assert storage.loaded.entries == (first, small, large[0])
        assert (storage.loaded.current_term, storage.loaded.voted_for) == (2, "n2")


def test_lmdb_errors_are_told_apart() -> None:
    assert isinstance(environments.storage_error(lmdb.CorruptedError("x"), "reading"), CorruptionError)
    for error in (lmdb.DiskError("x"), lmdb.PanicError("x"), lmdb.MapFullError("x"), lmdb.Error("x")):
        found = environments.storage_error(error, "writing")
        assert isinstance(found, StorageError)
        assert found.exit_code == 11


def test_content_without_an_identity_is_damage() -> None:
    tables: LogTables = MemoryDisk().log
    tables.peers.put(b"n2", seal(b"x"))
    with pytest.raises(CorruptionError, match="identity is missing"):
        read_identity(tables)
