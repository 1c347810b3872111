"""The hash of the whole state, over many jobs: of one moment, whatever is applied meanwhile, and never for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from raftzmq.config import KIB
from raftzmq.core.types import Entry
from raftzmq.errors import CorruptionError
from raftzmq.kv.commands import Command, Delete, Get, Parcel, Put, StateHash
from raftzmq.kv.hashing import STEP_BYTES
from raftzmq.node.work import ReadBatch, StateJob
from raftzmq.storage import OpenedNode, hashes
from raftzmq.storage import tables as state_tables
from tests.kv.replica import LogMaker, Replica
from tests.storage.node_on_disk import flip, opened, some_entries, write_some

STEPS = 3


@pytest.fixture(autouse=True)
def _short_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "HASH_STEPS_MAX", STEPS)
    # A segment of the history begins with nearly each batch.
    monkeypatch.setattr(state_tables, "SEGMENT_PAGES", 1)


def ask(storage: OpenedNode, *tokens: int, entries: tuple[Entry, ...] = ()) -> list[list[Any]]:
    """The results that one job gives each of these reads of the hash."""
    reads = tuple(ReadBatch(token, (StateHash(),)) for token in tokens)
    answers = storage.state.apply(StateJob(entries, reads)).answers
    assert tuple(token for token, _ in answers) == tokens
    return [results for _, results in answers]


def batches(first: Entry) -> Iterator[Entry]:
    """Entries from ``first`` on, each of them with new, changed and deleted keys."""
    log = LogMaker(first)
    yield log.open()
    for number in range(100):
        commands: list[Command] = [
            Put(b"key %d" % number, b"v" * 3000),
            Put(b"changed", b"%d" % number),
            Delete(b"key %d" % (number - 5)),
        ]
        yield log.batch(Parcel(2, 3 * number, 3 * number, commands))


def of_a_replica(*entries: Entry) -> Any:
    """The hash that a replica in memory comes to after ``entries``, in one piece."""
    replica = Replica()
    for entry in entries:
        replica.machine.apply(entry)
    return replica.hash()


def test_a_hash_is_of_the_moment_when_it_began_whatever_is_applied_meanwhile(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        [first] = storage.loaded.entries
        entries = batches(first)
        applied = [first, *(next(entries) for _ in range(10))]
        # Nothing of this is committed yet, and the hash must have it.
        [results] = ask(storage, 1, entries=tuple(applied))
        jobs = 1
        expected = of_a_replica(*applied)
        while not results:
            after = next(entries)
            applied.append(after)
            [results] = ask(storage, 1, entries=(after,))
            jobs += 1
            if jobs % 4 == 0:
                storage.state.commit()
        assert results == [expected]
        assert jobs > 10
        assert len(storage.state._tables["history"]._segments) > 2  # type: ignore[union-attr]
        while not results[1:]:
            results += ask(storage, 2)[0]
        assert results[1] == of_a_replica(*applied)
        assert storage.state.commit().index == applied[-1].index


def test_what_is_committed_for_a_hash_is_committed_once(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        before = write_some(storage)
        entry = LogMaker(before[-1]).batch(Parcel(2, 3, 3, [Put(b"new", b"")]))
        transactions = storage.state._environment.info()["last_txnid"]
        for token in range(1, 20):
            ask(storage, token, entries=(entry,) if token == 1 else ())
        assert storage.state._environment.info()["last_txnid"] == transactions + 1


def test_queries_before_and_after_a_hash_are_answered_in_order(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        write_some(storage)
        left: tuple[Any, ...] = (Get(b"key"), StateHash(), Get(b"none"))
        counts = []
        given: list[Any] = []
        while left:
            [(_, results)] = storage.state.apply(StateJob(reads=(ReadBatch(1, left),))).answers
            counts.append(len(results))
            given += results
            left = left[len(results) :]
        assert counts[0] == 1
        assert set(counts[1:-1]) == {0}
        assert counts[-1] == 2
        assert given[0][0] == b"key"
        assert given[1][:2] == [4, 2]
        assert given[2] is None


def test_one_hash_is_under_way_at_a_time_and_the_next_read_has_its_own(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        entries = write_some(storage)
        log = LogMaker(entries[-1])
        answered: dict[int, Any] = {}
        for _ in range(50):
            waiting = [token for token in (1, 2) if token not in answered]
            if not waiting:
                break
            after = log.batch(Parcel(2, 3, 3, [Put(b"new", b"")])) if len(waiting) == 2 else None
            for token, results in zip(waiting, ask(storage, *waiting, entries=(after,) if after else ()), strict=True):
                if results:
                    answered[token] = results[0]
        assert answered[1][0] == 5, "it began after the first of the entries"
        assert answered[2][0] == storage.state.machine.applied_index > 5


def test_a_read_that_was_given_up_keeps_no_transaction_and_holds_up_no_other(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        write_some(storage)
        assert ask(storage, 1) == [[]]
        jobs = 0
        while ask(storage, 2) == [[]]:
            jobs += 1
            assert jobs < 2 * hashes.PATIENCE_JOBS
        assert jobs >= hashes.PATIENCE_JOBS
        assert ask(storage, 3) == [[]]
        for _ in range(hashes.PATIENCE_JOBS + 1):
            assert storage.state._hashes.busy
            storage.state.apply(StateJob())
        assert not storage.state._hashes.busy


def test_an_installed_snapshot_ends_a_hash_and_it_begins_anew(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as source, opened(tmp_path / "n2", node="n2") as target:
        write_some(source)
        file = source.snapshots.make()
        target.snapshots.write(file.id, 0, source.snapshots.read(file.id, 0, file.size))
        mark = target.snapshots.finish(file.id)
        assert mark is not None
        first = target.loaded.entries[0]
        assert ask(target, 1, entries=(first, *some_entries(first)[:2])) == [[]]
        target.state.install(mark)
        results: list[Any] = []
        while not results:
            [results] = ask(target, 1)
        expected: list[Any] = []
        while not expected:
            [expected] = ask(source, 1)
        assert results == expected


def test_damage_far_behind_fails_the_query_alone(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        write_some(storage)
    flip(tmp_path / "n1" / "state", "keys", b"other", 8)
    with opened(tmp_path / "n1") as storage:
        results: list[Any] = []
        while not results:
            [results] = ask(storage, 1)
        assert results[0]["error"] == "corrupted"
        assert not storage.state._hashes.busy
        entry = LogMaker(storage.loaded.entries[-1]).batch(Parcel(2, 3, 3, [Put(b"other", b"")]))
        with pytest.raises(CorruptionError):
            storage.state.apply(StateJob((entry,)))


def test_a_large_row_counts_as_many() -> None:
    replica = Replica()
    replica.fill([(b"a", b"x" * 64 * KIB), (b"b", b"x" * 64 * KIB)])
    expected = replica.hash()
    hashing = replica.machine.hashing()
    parts = 0
    while (digest := hashing.go_on(10)) is None:
        parts += 1
    assert digest == expected[2]
    assert 2 <= parts <= hashing.steps // 10
    assert hashing.steps > 2 * 64 * KIB // STEP_BYTES
