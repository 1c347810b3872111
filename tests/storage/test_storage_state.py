"""The state in LMDB: visible at once, durable at the commit, and never half."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from raftzmq.core.ready import Append
from raftzmq.core.types import EntryKind, make_entry
from raftzmq.errors import CorruptionError, InvariantViolation, StorageError
from raftzmq.kv.commands import CompareAndSwap, Get, Parcel, Put, StateHash, encode_batch
from raftzmq.kv.rows import META_KEY, history_key, results_key, session_key
from raftzmq.node.work import LogJob, ReadBatch, StateJob
from raftzmq.storage import OpenedNode, state
from tests.kv.replica import LogMaker
from tests.storage.node_on_disk import append, flip, opened, some_entries, write_some


def read(storage: OpenedNode, *keys: bytes) -> list[object]:
    [(token, answers)] = storage.state.apply(StateJob(reads=(ReadBatch(7, tuple(map(Get, keys))),))).answers
    assert token == 7
    return answers


@contextmanager
def crashing(data: Path) -> Iterator[OpenedNode]:
    """The node's storage, released at the end as a killed process would: nothing open is committed."""
    with opened(data) as storage:
        try:
            yield storage
        finally:
            storage.state._failure = "killed"


def test_what_is_applied_is_visible_at_once_and_durable_at_the_commit(tmp_path: Path) -> None:
    with crashing(tmp_path / "n1") as storage:
        first = storage.loaded.entries[0]
        entries = some_entries(first)
        storage.log.write(append(*entries))
        result = storage.state.apply(StateJob((first, *entries[:2]), (ReadBatch(1, (Get(b"key"),)),)))
        assert (result.applied_index, result.revision, result.suppressed) == (3, 1, 0)
        assert result.results == ([], [[2]], [[1]])
        assert result.answers == ((1, [(b"key", b"value" * 20, 1, 1, 1, 0)]),)
        assert storage.state.commit().index == 3
        result = storage.state.apply(StateJob((entries[2],)))
        assert (result.applied_index, result.revision) == (4, 2)
        assert read(storage, b"other") == [(b"other", b"value" * 20, 2, 2, 1, 0)]
    with opened(tmp_path / "n1") as storage:
        assert (storage.loaded.applied_index, storage.loaded.revision, storage.loaded.log_time_us) == (3, 1, 2000)
        assert read(storage, b"key", b"other") == [(b"key", b"value" * 20, 1, 1, 1, 0), None]
        # Applied again from the log, it comes to the same.
        assert storage.state.apply(StateJob((entries[2],))).digest == result.digest
        assert storage.state.commit().index == 4


def test_close_commits_what_is_open(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        first = storage.loaded.entries[0]
        entries = some_entries(first)
        storage.log.write(append(*entries))
        storage.state.apply(StateJob((first, *entries)))
    with opened(tmp_path / "n1") as storage:
        assert storage.loaded.applied_index == 4


def test_a_commit_of_nothing_costs_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        write_some(storage)
        before = storage.state._environment.info()["last_txnid"]
        assert storage.state.commit().index == 4
        assert storage.state.apply(StateJob()).applied_index == 4
        assert storage.state.commit().index == 4
        assert storage.state._environment.info()["last_txnid"] == before


def test_suppressed_retries_are_counted_per_job(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        entries = write_some(storage)
        log = LogMaker(entries[-1])
        retry = log.batch(Parcel(2, 2, 2, [Put(b"other", b"value" * 20)]))
        result = storage.state.apply(StateJob((retry,)))
        assert (result.results, result.suppressed, result.revision) == (([[2]],), 1, 2)
        result = storage.state.apply(StateJob((log.entry(EntryKind.NOOP, b""),)))
        assert result.suppressed == 0
        storage.log.write(LogJob(Append(None, (retry,))))
        storage.log.write(LogJob(Append(None, (make_entry(retry.chain, 6, 1, EntryKind.NOOP, b""),))))


def test_the_open_transaction_belongs_to_its_thread(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage, ThreadPoolExecutor(1) as lane:
        first = storage.loaded.entries[0]
        lane.submit(storage.state.apply, StateJob((first,))).result()
        with pytest.raises(InvariantViolation, match="two threads"):
            storage.state.commit()
        assert lane.submit(storage.state.commit).result().index == 1
        # With nothing open any thread may go on.
        assert storage.state.commit().index == 1


def test_a_batch_cut_short_is_never_committed(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        entries = write_some(storage)
        log = LogMaker(entries[-1])
        good = log.batch(Parcel(2, 3, 3, [Put(b"key", b"new")]))
        bad = log.entry(EntryKind.COMMANDS, encode_batch(9, [b"\xc1"], 1))
        storage.log.write(append(good, bad))
        with pytest.raises(InvariantViolation, match="cannot be decoded"):
            storage.state.apply(StateJob((good, bad)))
        for call in (storage.state.commit, lambda: storage.state.apply(StateJob())):
            with pytest.raises(StorageError, match="failed before"):
                call()
    with opened(tmp_path / "n1") as storage:
        assert storage.loaded.applied_index == 4
        assert read(storage, b"key") == [(b"key", b"value" * 20, 1, 1, 1, 0)]


def test_whatever_cuts_a_job_short_ends_the_use_of_the_state(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        entries = write_some(storage)
        after = LogMaker(entries[-1]).batch(Parcel(2, 3, 3, [Put(b"key", b"new")]))
        with pytest.raises(AttributeError):
            storage.state.apply(StateJob((after, None)))  # type: ignore[arg-type]
        with pytest.raises(StorageError, match="cut short"):
            storage.state.commit()
    with opened(tmp_path / "n1") as storage:
        assert storage.loaded.applied_index == 4


def test_an_entry_out_of_order_ends_the_use_of_the_state(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        entries = some_entries(storage.loaded.entries[0])
        with pytest.raises(InvariantViolation):
            storage.state.apply(StateJob((entries[1],)))
        with pytest.raises(StorageError, match="failed before"):
            storage.state.commit()


def test_a_full_map_is_fatal_in_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path / "n1") as storage:
        entries = write_some(storage)
    monkeypatch.setattr(state, "STATE_MAP_BYTES", 1 << 19)
    with opened(tmp_path / "n1") as storage:
        log = LogMaker(entries[-1])
        small = log.batch(Parcel(2, 3, 3, [Put(b"small", b"x")]))
        large = log.batch(Parcel(2, 4, 4, [Put(b"large", b"x" * (1 << 19))]))
        storage.log.write(append(small, large))
        assert storage.state.apply(StateJob((small,))).results == ([[3]],)
        with pytest.raises(StorageError, match="MAP_FULL"):
            storage.state.apply(StateJob((large,)))
        with pytest.raises(StorageError, match="failed before"):
            storage.state.commit()
    monkeypatch.undo()
    with opened(tmp_path / "n1") as storage:
        # The batch answered before is in the log, and so not lost.
        assert storage.loaded.applied_index == 4
        assert storage.state.apply(StateJob((small, large))).results == ([[3]], [[4]])
        assert 0 < storage.state.used < 0.01


STATE_ROWS = [
    ("keys", b"key"),
    ("history/0", history_key(1)),
    ("sessions", session_key(2)),
    ("sessions", results_key(2, 2)),
    ("meta", META_KEY),
    ("meta", b"identity"),
]


@pytest.mark.parametrize(("table", "key"), STATE_ROWS)
def test_a_flipped_bit_in_any_row_is_found(tmp_path: Path, table: str, key: bytes) -> None:
    with opened(tmp_path / "n1") as storage:
        entries = write_some(storage)
    log = LogMaker(entries[-1])
    swap = log.batch(Parcel(2, 3, 3, [CompareAndSwap(b"key", b"new", b"value" * 20)]))
    for bit in (0, 31, 32, 100, 200):
        flip(tmp_path / "n1" / "state", table, key, bit)
        if table in ("sessions", "meta"):
            with pytest.raises(CorruptionError, match="checksum"), opened(tmp_path / "n1"):
                pass
        else:
            with opened(tmp_path / "n1") as storage:
                answers = storage.state.apply(StateJob(reads=(ReadBatch(1, (Get(b"key"), StateHash())),))).answers
                assert [answer["error"] for answer in answers[0][1]] == ["corrupted", "corrupted"]
                with pytest.raises(CorruptionError, match="checksum") as caught:
                    storage.state.apply(StateJob((swap,)))
                assert caught.value.exit_code == 11
        flip(tmp_path / "n1" / "state", table, key, bit)
    with opened(tmp_path / "n1") as storage:
        assert read(storage, b"key") == [(b"key", b"value" * 20, 1, 1, 1, 0)]
