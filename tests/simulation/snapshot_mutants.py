"""Bugs to plant in compaction and snapshots; see `tests.simulation.mutants`."""

from __future__ import annotations

from zlib import crc32

from raftzmq.core.log import Log
from raftzmq.core.progress import Progress
from raftzmq.core.snapshots import Snapshots
from raftzmq.core.types import Mark
from raftzmq.kv.machine import StateMachine
from raftzmq.node.work import SnapshotFile
from raftzmq.storage.memory_snapshots import MemorySnapshots, state_bytes
from raftzmq.storage.memory_table import MemoryTable
from tests.simulation.mutant import Mutant
from tests.simulation.named import a_deposed_leader_with_a_long_tail, a_leader_that_sends_what_its_disk_damaged

original_make = MemorySnapshots.make
original_restart_after = Log.restart_after
original_take_compaction = Snapshots._take_compaction


def leave_sessions_out(self: MemorySnapshots, *, verified: bool = False) -> SnapshotFile:
    """A snapshot has what was written, but not what was executed for whom."""
    file = original_make(self, verified=verified)
    data = state_bytes({**self._disk.state, "sessions": MemoryTable()})
    self._outgoing = SnapshotFile(file.mark, len(data), crc32(data)), data
    return self._outgoing[0]


def compact_what_is_applied(self: Snapshots) -> Mark | None:
    """The log forgets what the state has applied, durable or not."""
    durable, self._durable_index = self._durable_index, self.last_applied
    try:
        return original_take_compaction(self)
    finally:
        self._durable_index = durable


def want_all(self: Snapshots, index: int, term: int) -> bool:
    """Whatever snapshot comes is installed, over a log that is further."""
    return self._installing is None


def keep_the_tail(self: Log, mark: Mark) -> None:
    """What stood after the snapshot's last entry stays, though the entry there was another one."""
    tail = self._entries[max(0, mark.index - self.mark.index) :]
    original_restart_after(self, mark)
    self._entries += tail
    self._terms += [entry.term for entry in tail]


def wait_for_ever(self: Progress, match_index: int, agreed_index: int) -> None:
    """A follower that was sent a snapshot is sent nothing else, even when it has it."""
    if self.snapshot is None:
        original_matched(self, match_index, agreed_index)


def look_at_nothing(self: StateMachine) -> None:
    """The rows of a snapshot are installed as they come, whatever their checksums say."""


original_matched = Progress.matched

SNAPSHOT_MUTANTS: dict[str, Mutant] = {
    "session table missing from the snapshot": Mutant(
        MemorySnapshots, "make", leave_sessions_out, ("results", "exactly_once", "state_machine_safety")
    ),
    "compaction ahead of the durable state": Mutant(
        Snapshots, "_take_compaction", compact_what_is_applied, ("compaction",)
    ),
    "snapshot installed over a newer log": Mutant(
        Snapshots, "wants_snapshot", want_all, ("installed_snapshots", "durable_commit", "monotonic")
    ),
    "install keeps a conflicting tail": Mutant(
        Log,
        "restart_after",
        keep_the_tail,
        ("log_matching", "durable_commit", "state_machine_safety"),
        scenario=a_deposed_leader_with_a_long_tail,
    ),
    "snapshot installed with damaged rows": Mutant(
        StateMachine,
        "verify",
        look_at_nothing,
        ("corruption_halts",),
        scenario=a_leader_that_sends_what_its_disk_damaged,
    ),
    "flow control stays in its snapshot state": Mutant(Progress, "matched", wait_for_ever, ("progress",)),
}
