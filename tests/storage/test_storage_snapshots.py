"""A snapshot from one node's state to another's, over LMDB: copied, carried, verified, installed, or left half-way."""

from __future__ import annotations

import shutil
from pathlib import Path
from zlib import crc32

import pytest

from raftzmq.codec.snapshots import SnapshotId
from raftzmq.config import ClusterConfig, local_cluster
from raftzmq.core.ready import Append
from raftzmq.core.types import Entry, HardState, Mark
from raftzmq.errors import CorruptionError
from raftzmq.kv.commands import Get, StateHash
from raftzmq.node.transfers import run_snapshot_job
from raftzmq.node.work import LogJob, ReadBatch, SnapshotFile, StateJob, WriteChunk
from raftzmq.storage import OpenedNode
from raftzmq.storage.pointer import POINTER_NAME, StatePointer, read_pointer, state_directory, write_pointer
from tests.storage.node_on_disk import flip, opened, write_some

CHUNK = 10_000


def carry(source: OpenedNode, target: OpenedNode) -> tuple[SnapshotFile, Mark | None]:
    """Copy the state of ``source`` and bring it to ``target``, ready to be installed."""
    file = source.snapshots.make()
    for offset in range(0, file.size, CHUNK):
        target.snapshots.write(file.id, offset, source.snapshots.read(file.id, offset, CHUNK))
    return file, target.snapshots.finish(file.id)


def read_hash(storage: OpenedNode) -> object:
    [(_, [answer])] = storage.state.apply(StateJob(reads=(ReadBatch(1, (StateHash(),)),))).answers
    return answer


def fill(storage: OpenedNode) -> Entry:
    """Write and apply a few entries; the last one."""
    return write_some(storage)[-1]


def mark_of(entry: Entry, storage: OpenedNode) -> Mark:
    return Mark(entry.index, entry.term, entry.chain, storage.state.machine.configuration)


def test_an_installed_snapshot_is_the_state_of_its_source(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as source, opened(tmp_path / "n2", node="n2") as target:
        mark = mark_of(fill(source), source)
        file, ready = carry(source, target)
        assert (file.mark, ready) == (mark, mark)
        result = target.state.install(mark)
        assert (result.applied_index, result.revision, result.digest) == (4, 2, source.state.machine.digest)
        assert result.log_time_us == source.state.machine.log_time_us
        assert read_hash(target) == read_hash(source)
        target.log.write(LogJob(Append(snapshot=mark)))
        assert target.state.commit() == mark
    with opened(tmp_path / "n2", node="n2") as target:
        loaded = target.loaded
        assert (loaded.mark, loaded.entries, loaded.applied_index) == (mark, (), 4)
        [(_, [row])] = target.state.apply(StateJob(reads=(ReadBatch(1, (Get(b"key"),)),))).answers
        assert row[1] == b"value" * 20
        assert sorted(path.name for path in (tmp_path / "n2").iterdir() if path.is_dir()) == ["log", state_directory(4)]


def test_a_copy_is_the_state_of_the_last_commit_whatever_is_open(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as source:
        entries = source.loaded.entries
        source.state.apply(StateJob(entries, commit=True))
        source.state.commit()
        source.state.apply(StateJob())
        file = source.snapshots.make()
        assert file.mark.index == 1
        assert source.snapshots.read(file.id, 0, 100) != b""
        source.snapshots.drop()
        assert source.snapshots.read(file.id, 0, 100) == b""
        assert not (tmp_path / "n1" / "outgoing").exists()


def test_what_is_applied_and_not_committed_goes_with_the_state_it_was_applied_to(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as source, opened(tmp_path / "n2", node="n2") as target:
        mark = mark_of(fill(source), source)
        target.state.apply(StateJob(target.loaded.entries))
        assert carry(source, target)[1] == mark
        target.state.install(mark)
        assert target.state.commit() == mark


@pytest.mark.parametrize("harm", ["cut short", "changed", "of another end"])
def test_a_damaged_snapshot_is_refused_and_dropped(tmp_path: Path, harm: str) -> None:
    with opened(tmp_path / "n1") as source, opened(tmp_path / "n2", node="n2") as target:
        fill(source)
        file = source.snapshots.make()
        announced = file.id
        whole = source.snapshots.read(announced, 0, file.size)
        if harm == "cut short":
            whole = whole[:-1]
        elif harm == "changed":
            whole = whole[:9000] + bytes([whole[9000] ^ 4]) + whole[9001:]
        else:
            announced = SnapshotId(5, 1, file.mark.chain, file.size, file.checksum)
        target.snapshots.write(announced, 0, whole)
        assert target.snapshots.finish(announced) is None
        assert not (tmp_path / "n2" / "incoming").exists()
        # The next one is as welcome as if nothing had been.
        assert carry(source, target)[1] == file.mark


def test_a_damaged_beginning_is_fetched_again_with_all_that_came_after_it(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as source, opened(tmp_path / "n2", node="n2") as target:
        mark = mark_of(fill(source), source)
        file = source.snapshots.make()
        chunks = [(at, source.snapshots.read(file.id, at, CHUNK)) for at in range(0, file.size, CHUNK)]
        assert len(chunks) > 2
        # The parts after it are under way already when it is found out.
        for number, (at, data) in enumerate([*chunks[:3], *chunks]):
            checksum = crc32(data) ^ (number == 0)
            stored = run_snapshot_job(target.snapshots, WriteChunk(file.id, at, checksum, data))
            assert stored is (number != 0)
        assert target.snapshots.finish(file.id) == mark


@pytest.mark.parametrize("damaged", [True, False])
def test_the_snapshot_of_a_state_with_a_damaged_session_is_refused(tmp_path: Path, damaged: bool) -> None:
    """What is read whole at a start is looked at before it is installed, too."""
    with opened(tmp_path / "n1") as source:
        last = fill(source)
    if damaged:
        flip(tmp_path / "n1" / "state", "sessions", (2).to_bytes(8, "big"), 70)
    whole = (tmp_path / "n1" / "state" / "data.mdb").read_bytes()
    with opened(tmp_path / "n2", node="n2") as target:
        announced = SnapshotId(last.index, last.term, last.chain, len(whole), crc32(whole))
        target.snapshots.write(announced, 0, whole)
        assert (target.snapshots.finish(announced) is None) is damaged


def test_a_snapshot_of_another_cluster_is_refused(tmp_path: Path) -> None:
    foreign = ClusterConfig("foreign", local_cluster(3).nodes)
    with opened(tmp_path / "n1", cluster=foreign) as source, opened(tmp_path / "n2", node="n2") as target:
        fill(source)
        assert carry(source, target)[1] is None


def install_half(tmp_path: Path, *, until: str) -> Mark:
    """Install a snapshot at n2 and crash after a step; where it ends."""
    with opened(tmp_path / "n1") as source:
        mark = mark_of(fill(source), source)
        with opened(tmp_path / "n2", node="n2") as target:
            target.log.write(LogJob(Append(HardState(7, "n3"))))
            assert carry(source, target)[1] == mark
            if until == "pointer":
                target.state.install(mark)
            target.state._failure = "the process was killed"
    return mark


def test_a_crash_before_the_pointer_leaves_the_old_state(tmp_path: Path) -> None:
    install_half(tmp_path, until="ready")
    assert (tmp_path / "n2" / state_directory(4)).exists()
    with opened(tmp_path / "n2", node="n2") as target:
        assert (target.loaded.applied_index, target.loaded.mark.index, len(target.loaded.entries)) == (0, 0, 1)
        assert not (tmp_path / "n2" / state_directory(4)).exists(), "what was never installed is removed"


def test_a_crash_after_the_pointer_makes_the_log_follow_before_any_vote(tmp_path: Path) -> None:
    mark = install_half(tmp_path, until="pointer")
    with opened(tmp_path / "n2", node="n2") as target:
        loaded = target.loaded
        assert (loaded.applied_index, loaded.mark, loaded.entries) == (4, mark, ())
        assert (loaded.current_term, loaded.voted_for) == (7, "n3"), "the vote outlives it"
    with opened(tmp_path / "n2", node="n2") as target:
        assert target.loaded.mark == mark


def test_a_state_beyond_its_log_that_was_not_just_installed_is_damage(tmp_path: Path) -> None:
    """The log was restored from an older copy: entries that were acknowledged are gone, so the node must not vote."""
    with opened(tmp_path / "n1") as storage:
        older = tmp_path / "older"
        shutil.copytree(tmp_path / "n1" / "log", older)
        fill(storage)
    shutil.rmtree(tmp_path / "n1" / "log")
    shutil.copytree(older, tmp_path / "n1" / "log")
    with pytest.raises(CorruptionError, match="applied entry 4, but the log goes from 0 to 1"), opened(tmp_path / "n1"):
        pass
    # Nor is it, once the log has followed an install and has lost what came after.
    write_pointer(tmp_path / "n1", StatePointer("state", 2))
    with pytest.raises(CorruptionError, match="applied entry 4"), opened(tmp_path / "n1"):
        pass


def test_what_arrived_of_a_snapshot_can_be_let_go_of(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as source, opened(tmp_path / "n2", node="n2") as target:
        fill(source)
        file = source.snapshots.make()
        target.snapshots.write(file.id, 0, b"some")
        target.snapshots.drop_arrival()
        assert not (tmp_path / "n2" / "incoming").exists()
        target.snapshots.drop_arrival()
        assert file.size <= source.space().state_bytes < 64 * file.size


def test_what_an_earlier_life_left_is_removed_at_the_start(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as source, opened(tmp_path / "n2", node="n2") as target:
        fill(source)
        file = source.snapshots.make()
        target.snapshots.write(file.id, 0, b"some")
        assert (tmp_path / "n1" / "outgoing").exists()
        assert (tmp_path / "n2" / "incoming").exists()
    with opened(tmp_path / "n1"), opened(tmp_path / "n2", node="n2"):
        assert not (tmp_path / "n1" / "outgoing").exists()
        assert not (tmp_path / "n2" / "incoming").exists()


def test_a_damaged_pointer_is_said_not_guessed(tmp_path: Path) -> None:
    with opened(tmp_path / "n1"):
        pass
    assert read_pointer(tmp_path / "n1") == StatePointer("state", 0)
    write_pointer(tmp_path / "n1", StatePointer(state_directory(9), 9))
    assert read_pointer(tmp_path / "n1") == StatePointer(state_directory(9), 9)
    path = tmp_path / "n1" / POINTER_NAME
    path.write_bytes(path.read_bytes().replace(b"9]", b"8]"))
    with pytest.raises(CorruptionError, match=POINTER_NAME):
        read_pointer(tmp_path / "n1")


def test_compaction_is_what_the_next_start_finds(tmp_path: Path) -> None:
    with opened(tmp_path / "n1") as storage:
        entries = write_some(storage)
        mark = Mark(3, entries[1].term, entries[1].chain, storage.state.machine.configuration)
        storage.log.write(LogJob(Append(compact_to=mark)))
    with opened(tmp_path / "n1") as storage:
        assert storage.loaded.mark == mark
        assert [entry.index for entry in storage.loaded.entries] == [4]
        assert storage.loaded.applied_index == 4
