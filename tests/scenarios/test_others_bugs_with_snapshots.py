"""Bugs that others had with snapshots: what is left of an old log, and states that are too old."""

from __future__ import annotations

from raftzmq.config import Retention, local_cluster
from raftzmq.core.log import Log
from raftzmq.core.ready import Append
from raftzmq.core.types import EntryKind, Mark, make_entry
from raftzmq.errors import CorruptionError
from raftzmq.node.work import LogJob, StateJob
from raftzmq.storage import loading
from raftzmq.storage.memory import MemoryDisk, open_memory_node
from tests.rules.planted import Bug, fails_with
from tests.scenarios.harness import SECOND, Lab

restart_after = Log.restart_after


def keep_the_tail(self: Log, mark: Mark) -> None:
    tail = [self.entry(index) for index in range(mark.index + 1, self.last_index + 1)]
    restart_after(self, mark)
    self._entries += tail
    self._terms += [entry.term for entry in tail]


@fails_with(Bug("the old tail stays behind the snapshot", Log, "restart_after", keep_the_tail))
def test_hashicorp_697_704_an_install_keeps_a_conflicting_tail() -> None:
    """An old leader comes back with sixty entries that nobody has, to others that have compacted what it lacks."""
    lab = Lab(3, retention=Retention(keep_bytes=600, step_bytes=1, bound_bytes=2_400, chunk_bytes=400))
    lab.one(3)
    first = lab.one_leader()
    lab.disconnect(first)
    lost = [lab.start(first) for _ in range(60)]
    for _ in range(20):
        lab.one(2)
    lab.wait(2 * SECOND)
    assert lab.node(lab.one_leader()).raft.log.mark.index > 5, "what the old leader lacks is compacted"
    lab.connect(first)
    lab.one(3)
    assert lab.installs() == 1
    assert [lab.committed(command) for command in lost if command is not None] == [0] * 60


@fails_with(Bug("the state isn't compared with its log", loading, "check_agreement", lambda log, machine: None))
def test_dragonboat_156_a_state_older_than_its_log_is_accepted() -> None:
    """A state restored from an old copy lacks entries that the log has compacted since: nobody can bring them back."""
    cluster = local_cluster(3)
    disk = MemoryDisk()
    opened = open_memory_node(disk, cluster, "n1")
    entries = list(opened.loaded.entries)
    for _ in range(3):
        last = entries[-1]
        entries.append(make_entry(last.chain, last.index + 1, 0, EntryKind.NOOP, b""))
    opened.log.write(LogJob(Append(None, tuple(entries[1:]))))
    opened.state.apply(StateJob(tuple(entries[:2])))
    opened.state.commit()
    configuration = opened.loaded.mark.configuration
    mark = Mark(entries[2].index, entries[2].term, entries[2].chain, configuration)
    opened.log.write(LogJob(Append(compact_to=mark)))
    refused = ""
    try:
        open_memory_node(disk, cluster, "n1")
    except CorruptionError as error:
        refused = str(error)
    assert "the state has applied entry 2, but the log goes from 3" in refused
