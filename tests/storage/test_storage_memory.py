"""The simulator's disk: the same bytes as LMDB, and it forgets what was not committed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftzmq.config import local_cluster
from raftzmq.core.ready import Append
from raftzmq.core.types import Entry, EntryKind, HardState
from raftzmq.errors import ConfigurationError, CorruptionError, IdentityError, InvariantViolation, StorageError
from raftzmq.kv.commands import CompareAndSwap, Delete, Get, Parcel, Put, Range, StateHash
from raftzmq.node.work import LogJob, ReadBatch, StateJob, StateResult
from raftzmq.storage.memory import MemoryDisk, all_tables, open_memory_node
from tests.kv.replica import LogMaker, opening
from tests.storage.node_on_disk import CLUSTER, append, opened, some_entries

keys = st.sampled_from([b"a", b"b", b"c", b"dd"])
commands = st.one_of(
    st.builds(Put, keys, st.binary(max_size=4), st.integers(0, 2)),
    st.builds(Delete, keys),
    st.builds(CompareAndSwap, keys, st.binary(max_size=2), st.none() | st.binary(max_size=2)),
)
parcels = st.tuples(
    st.integers(0, 3), st.integers(1, 6), st.integers(1, 12), st.lists(commands, min_size=1, max_size=4)
)
batches = st.one_of(st.just("open"), st.just("noop"), st.lists(parcels, min_size=1, max_size=3))
HASH = StateJob(reads=(ReadBatch(1, (StateHash(),)),))


def make_entries(first: Entry, steps: list[Any]) -> list[Entry]:
    log, entries, sessions = LogMaker(first), [], [99]
    for step in ["open", *steps]:
        if step == "open":
            entries.append(log.batch(opening()))
            sessions.append(entries[-1].index)
        elif step == "noop":
            entries.append(log.entry(EntryKind.NOOP, b""))
        else:
            made = [Parcel(sessions[-which % len(sessions)], low, at, list(done)) for which, low, at, done in step]
            entries.append(log.batch(*made))
    return entries


def essence(result: StateResult) -> tuple[Any, ...]:
    return result.applied_index, result.digest, result.revision, result.results, result.answers, result.suppressed


@settings(max_examples=40)
@given(st.lists(batches, max_size=10), st.integers(0, 10))
def test_memory_and_lmdb_come_to_the_same_bytes(steps: list[Any], crash_at: int) -> None:
    disk = MemoryDisk()
    loaded, log, state, _ = open_memory_node(disk, CLUSTER, "n1", "0" * 32)
    entries = [loaded.entries[0], *make_entries(loaded.entries[0], steps)]
    with tempfile.TemporaryDirectory() as directory, opened(Path(directory) / "n1") as storage:
        job = LogJob(Append(HardState(1, "n2"), tuple(entries[1:])), (("n3", "abc"),))
        log.write(job)
        storage.log.write(job)
        for number, entry in enumerate(entries):
            work = StateJob((entry,), (ReadBatch(5, (Get(b"a"), Range(b"", None, 2), StateHash())),))
            assert essence(state.apply(work)) == essence(storage.state.apply(work))
            if number == crash_at:
                # One of the two forgets what it had applied since the commit, and applies it again.
                disk.crash()
                again, log, state, _ = open_memory_node(disk, CLUSTER, "n1")
                assert again.entries == tuple(entries)
                state.apply(StateJob(tuple(entries[again.applied_index : number + 1])))
            elif number % 3 == 0:
                assert state.commit() == storage.state.commit()
                assert state.commit().index == entry.index
        assert state.commit() == storage.state.commit()
        assert essence(state.apply(HASH)) == essence(storage.state.apply(HASH))
        for name, table in all_tables(disk).items():
            place, _, name = name.partition(".")
            owner = storage.log if place == "log" else storage.state
            with owner._environment.begin() as transaction:
                stored = owner._tables[name]
                stored.bind(transaction)
                rows = [(key, row) for key, row in stored.scan(b"") if key != b"identity"]
                stored.bind(None)
            assert rows == [(key, row) for key, row in table.scan(b"") if key != b"identity"]


def test_a_crash_loses_what_was_not_committed_and_nothing_else() -> None:
    disk = MemoryDisk()
    loaded, log, state, _ = open_memory_node(disk, CLUSTER, "n1")
    entries = some_entries(loaded.entries[0])
    log.write(append(*entries, hard_state=HardState(1, "n2")))
    state.apply(StateJob((loaded.entries[0], *entries[:2])))
    assert state.commit().index == 3
    before = state.apply(HASH).answers
    state.apply(StateJob((entries[2],)))
    state.crash()
    disk.crash()
    for call in (state.commit, lambda: state.apply(StateJob()), lambda: log.write(LogJob(None))):
        with pytest.raises(StorageError, match="crashed"):
            call()
    state.close()
    loaded, log, state, _ = open_memory_node(disk, CLUSTER, "n1")
    assert (loaded.applied_index, loaded.current_term, loaded.voted_for) == (3, 1, "n2")
    assert loaded.entries[1:] == tuple(entries)
    assert state.apply(HASH).answers == before
    state.apply(StateJob((entries[2],)))
    state.close()
    log.close()
    with pytest.raises(StorageError):
        log.write(LogJob(None))
    assert open_memory_node(disk, CLUSTER, "n1").loaded.applied_index == 4


def test_a_job_that_failed_never_reaches_the_disk() -> None:
    disk = MemoryDisk()
    loaded, log, state, _ = open_memory_node(disk, CLUSTER, "n1")
    maker = LogMaker(loaded.entries[0])
    good, bad = maker.open(), maker.entry(EntryKind.COMMANDS, b"")
    log.write(append(good, bad))
    with pytest.raises(InvariantViolation):
        state.apply(StateJob((loaded.entries[0], good, bad)))
    with pytest.raises(StorageError):
        state.commit()
    state.close()
    assert open_memory_node(disk, CLUSTER, "n1").loaded.applied_index == 0


def test_every_flipped_bit_on_the_disk_is_found() -> None:
    """Whatever row it hits: at the start, or when the row is read."""
    disk = MemoryDisk()
    loaded, log, state, _ = open_memory_node(disk, CLUSTER, "n1")
    entries = some_entries(loaded.entries[0])
    log.write(LogJob(Append(HardState(1, "n2"), tuple(entries)), (("n2", "abc"),)))
    state.apply(StateJob((loaded.entries[0], *entries)))
    state.commit()
    places = [(table, key) for table in all_tables(disk).values() for key, _ in table.scan(b"")]
    assert len(places) == 4 + 3 + 1 + 2 + 2 + 2 + 1
    for table, key in places:
        row = table.get(key)
        assert row is not None
        for bit in range(0, 8 * len(row), 3):
            damaged = bytearray(row)
            damaged[bit // 8] ^= 1 << bit % 8
            table.put(key, bytes(damaged))
            try:
                answers = open_memory_node(disk, CLUSTER, "n1").state.apply(HASH).answers
                assert answers[0][1][0]["error"] == "corrupted", (key, bit)
            except CorruptionError:
                pass
        table.put(key, row)
    assert open_memory_node(disk, CLUSTER, "n1").loaded.applied_index == 4


def test_a_disk_keeps_its_identity() -> None:
    disk = MemoryDisk()
    assert open_memory_node(disk, CLUSTER, "n1", "abc").loaded.incarnation == "abc"
    assert open_memory_node(disk, CLUSTER, "n1", "other").loaded.incarnation == "abc"
    assert open_memory_node(MemoryDisk(), CLUSTER, "n1").loaded.incarnation == "local-n1"
    with pytest.raises(IdentityError, match="node 'n1'"):
        open_memory_node(disk, CLUSTER, "n2")
    with pytest.raises(IdentityError, match="cluster 'local'"):
        open_memory_node(disk, local_cluster(3, "other"), "n1")
    with pytest.raises(ConfigurationError, match="no node"):
        open_memory_node(disk, CLUSTER, "n9")


def test_a_state_that_the_log_has_not_built_is_damage() -> None:
    """The state ahead of its log, and the state of another log."""
    disk, other = MemoryDisk(), MemoryDisk()
    loaded, log, state, _ = open_memory_node(disk, CLUSTER, "n1")
    entries = some_entries(loaded.entries[0])
    log.write(append(*entries))
    state.apply(StateJob((loaded.entries[0], *entries)))
    state.commit()
    _, short, _, _ = open_memory_node(other, CLUSTER, "n1")
    other.state = disk.state
    with pytest.raises(CorruptionError, match="applied entry 4, but the log goes from 0 to 1"):
        open_memory_node(other, CLUSTER, "n1")
    maker = LogMaker(loaded.entries[0])
    short.write(append(*[maker.entry(EntryKind.NOOP, b"", term=2) for _ in range(3)]))
    with pytest.raises(CorruptionError, match="the log has term 2"):
        open_memory_node(other, CLUSTER, "n1")
