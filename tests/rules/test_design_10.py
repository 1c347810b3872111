"""Rule 10 of the core, and of the storage under it: installing a snapshot; and what compaction may forget (rule 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from raftzmq.config import Retention, local_cluster
from raftzmq.core.log import Log
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, InstallSnapshot, Message, RequestVote
from raftzmq.core.raft import Raft
from raftzmq.core.replication import Leadership
from raftzmq.core.snapshots import Snapshots
from raftzmq.core.types import EntryKind, Mark, make_entry
from raftzmq.errors import CorruptionError
from raftzmq.storage import memory
from raftzmq.storage.memory import MemoryDisk, open_memory_node
from tests.core.support import Core, committing, configuration, entries_of, entries_to, heartbeat, leader, of, terms_of
from tests.rules.planted import Bug, rule

restart_after, take_compaction = Log.restart_after, Snapshots._take_compaction
on_install, installed = Snapshots._on_install_snapshot, Snapshots.snapshot_installed
take_committed = Raft._take_committed

TINY = Retention(keep_bytes=1, step_bytes=1, bound_bytes=2, entries_max=100)


def mark_of(terms: Sequence[int]) -> Mark:
    """Where the snapshot of a log with these terms ends."""
    last = entries_of(terms)[-1]
    return Mark(last.index, last.term, last.chain, configuration(3))


def snapshot(core: Core, terms: Sequence[int]) -> InstallSnapshot:
    """A snapshot from n2, the leader of the core's term, of a log with these terms."""
    return InstallSnapshot("n2", core.name, core.raft.current_term, mark_of(terms))


def following(terms: Sequence[int], *, term: int, commit: int) -> Core:
    """A follower of n2 whose log agrees with the leader's as far as it is committed."""
    core = Core(terms=terms, term=term)
    core.step(heartbeat(core, at=commit, commit=commit))
    assert core.raft.commit_index == commit
    return core


def answers(messages: Sequence[Message]) -> list[tuple[bool, int]]:
    return [(a.success, a.match_index) for a in of(AppendEntriesResponse, messages)]


# --- rule 10


def always(self: Raft, index: int, term: int) -> bool:
    return True


def by_the_index_alone(self: Raft, index: int, term: int) -> bool:
    return index > self.commit_index


NOT_NEEDED = [
    # the log here, how much of it is committed, the snapshot's log; what is committed then
    ([1, 1, 1, 1], 3, [1, 1], 3),
    ([1, 1, 1, 1], 3, [1, 1, 1], 3),
    ([1, 1, 1, 1, 1], 2, [1, 1, 1, 1], 4),
    ([1, 1, 2, 2], 2, [1, 1, 2, 2], 4),
]


@rule(
    "rule_10",
    Bug("every snapshot is installed", Snapshots, "wants_snapshot", always),
    Bug("the log isn't looked at", Snapshots, "wants_snapshot", by_the_index_alone),
)
def test_rule_10_a_snapshot_that_brings_nothing_is_not_installed() -> None:
    """Design 2.10, §7, figure 13 step 6: what is committed or in the log stays, and the suffix with it."""
    for terms, commit, of_snapshot, committed in NOT_NEEDED:
        core = following(terms, term=2, commit=commit)
        sent = core.step(snapshot(core, of_snapshot))
        assert core.install is None
        assert terms_of(core.raft) == list(terms)
        assert core.raft.commit_index == committed
        assert answers(sent) == [(True, committed)], "min(commit_index, stable)"


def drop_the_log_first(self: Raft, message: InstallSnapshot) -> None:
    on_install(self, message)
    if self._install is not None:
        self.log.restart_after(self._install)


def answer_first(self: Raft, message: InstallSnapshot) -> None:
    on_install(self, message)
    if self._install is not None:
        self._messages.append(
            AppendEntriesResponse(self.node, message.sender, self.current_term, True, message.mark.index, 0, 0)
        )


def never_drop_the_log(self: Raft, mark: Mark) -> None:
    self._installing = None
    self.commit_index = self.last_applied = self._handed = mark.index


@rule(
    "rule_10",
    Bug("the log is dropped before the state is there", Snapshots, "_on_install_snapshot", drop_the_log_first),
    Bug("answered before it is there", Snapshots, "_on_install_snapshot", answer_first),
    Bug("the log stays as it was", Snapshots, "snapshot_installed", never_drop_the_log),
)
def test_rule_10_the_state_first_then_the_log_then_the_answer() -> None:
    """Design 2.10, §7: each of them durable before the next: a crash in between leaves what a start can complete."""
    core = following([1, 1, 1], term=3, commit=2)
    new = [1, 1, 2, 3]
    assert answers(core.step(snapshot(core, new))) == []
    assert core.install == mark_of(new)
    assert [core.append] == [None], "the log waits for the state"
    assert terms_of(core.raft) == [1, 1, 1]
    assert answers(core.installed()) == []
    assert core.append is not None, "the log is to follow"
    assert core.append.snapshot == mark_of(new)
    assert answers(core.write()) == [(True, 4)]
    assert (core.raft.log.mark, core.raft.log.last_index, core.raft.commit_index) == (mark_of(new), 4, 4)


def keep_the_tail(self: Log, mark: Mark) -> None:
    tail = [self.entry(index) for index in range(mark.index + 1, self.last_index + 1)]
    restart_after(self, mark)
    self._entries += tail
    self._terms += [entry.term for entry in tail]


@rule("rule_10", Bug("the old tail stays", Log, "restart_after", keep_the_tail))
def test_rule_10_a_conflicting_tail_goes_with_the_rest() -> None:
    """Design 2.10, figure 13 step 7: where the log disagrees with the snapshot, nothing behind it can be right."""
    core = following([1, 1, 1, 1, 1, 1], term=3, commit=2)
    core.step(snapshot(core, [1, 1, 2, 3]))
    core.installed()
    core.flush()
    assert (core.raft.log.first_index, terms_of(core.raft), core.disk) == (5, [], [])
    new = entries_of([1, 1, 2, 3, 3])[-1:]
    core.step(entries_to(core, new, after=mark_of([1, 1, 2, 3]), term=3, commit=5))
    assert answers(core.flush())[-1] == (True, 5)
    assert core.committed[-1] == new[0]


def go_on(self: Raft) -> Any:
    installing, self._installing = self._installing, None
    committed = take_committed(self)
    self._installing = installing
    return committed


@rule("rule_10", Bug("the old state goes on", Raft, "_take_committed", go_on))
def test_rule_10_nothing_is_applied_to_a_state_that_is_replaced() -> None:
    """Design 2.10, §7: between the install's begin and its end there is no state that an entry could be applied to."""
    core = following([1, 1, 1, 1], term=3, commit=1)
    core.step(snapshot(core, [1, 1, 1, 1, 1, 3]))
    assert core.install is not None
    core.committed.clear()
    core.step(heartbeat(core, at=4, commit=4))
    assert core.committed == []
    core.installed()
    core.flush()
    assert (core.raft.last_applied, core.committed) == (6, [])


@rule("rule_10", Bug("nobody completes it", memory, "interrupted_install", lambda log, machine, at: None))
def test_rule_10_a_start_completes_an_install() -> None:
    """Design 2.10: a crash between the two leaves a state beyond its log; the log begins at the state's mark then."""
    cluster = local_cluster(3)
    far, behind = MemoryDisk(), MemoryDisk()
    opened = open_memory_node(far, cluster, "n1")
    entries = list(opened.loaded.entries)
    for _ in range(3):
        last = entries[-1]
        entries.append(make_entry(last.chain, last.index + 1, 1, EntryKind.NOOP, b""))
    for entry in entries:
        opened.state.machine.apply(entry)
    opened.state.commit()
    mark = opened.state.machine.mark
    open_memory_node(behind, cluster, "n2")
    # What an install leaves that a crash ended: the new state is in its place, the log knows nothing of it.
    behind.state, behind.installed = far.state, mark.index
    try:
        loaded = open_memory_node(behind, cluster, "n2").loaded
    except CorruptionError:
        loaded = None
    assert loaded is not None, "a start takes it for damage"
    assert (loaded.mark, loaded.entries, loaded.applied_index) == (mark, (), mark.index)


# --- rule 6: what compaction goes by


def by_what_is_visible(self: Raft) -> Mark | None:
    self._durable_index = self.last_applied
    return take_compaction(self)


@rule("rule_6", Bug("what is visible is forgotten", Snapshots, "_take_compaction", by_what_is_visible))
def test_rule_6_the_log_forgets_only_what_the_state_has_durably() -> None:
    """Design 2.6, §7: applied is visible, not durable: until the state is synced, a crash needs the entries again."""
    core = following([1, 1, 1, 1], term=1, commit=4)
    core.raft.retention = TINY
    assert core.raft.last_applied == 4
    core.take()
    assert (core.append, core.raft.log.first_index) == (None, 1)
    core.raft.state_durable(mark_of([1, 1]))
    core.take()
    assert core.append is not None
    assert core.append.compact_to == core.raft.log.mark == mark_of([1, 1])
    core.flush()
    assert [entry.index for entry in core.disk] == [3, 4]


@rule("rule_6", Bug("followers' needs don't count", Leadership, "needed_from", lambda self: 2**63))
def test_rule_6_a_leader_keeps_what_its_followers_lack() -> None:
    """Design 2.6, §7: up to half of the log's bound; then who is behind gets a snapshot."""
    core = leader(Core(voters=3, terms=[1, 1, 1, 1]))
    core.raft.retention = Retention(keep_bytes=1, step_bytes=1, bound_bytes=1_000_000)
    term, last = core.raft.current_term, core.raft.log.last_index
    core.step(AppendEntriesResponse("n2", "n1", term, True, last, 0, last))
    core.step(AppendEntriesResponse("n3", "n1", term, True, 2, 0, 2))
    assert core.raft.commit_index == last
    core.raft.state_durable(core.raft.log.mark_at(last))
    core.take()
    assert core.raft.log.mark.index <= 2
    core.raft.retention = TINY
    core.flush()
    core.take()
    assert core.raft.log.mark.index > 2
    sent = core.step(AppendEntriesResponse("n3", "n1", term, False, 0, 0, last, 1, 1))
    assert [m.mark.index for m in of(InstallSnapshot, sent + core.sent)] == [last]


def forget_what_was_before(self: Log) -> int:
    return self._terms[-1] if self._terms else 0


@rule("rule_7", Bug("what the mark says is forgotten", Log, "last_term", property(forget_what_was_before)))
def test_rule_7_a_log_that_begins_behind_a_mark() -> None:
    """Design 2.7: of what is compacted the mark is left: enough to be elected, to lead and to commit behind it."""
    core = Core(voters=3, mark=mark_of([1, 1, 1]), entries=(), term=1)
    core.tick_at_deadline()
    assert {(m.last_log_index, m.last_log_term) for m in of(RequestVote, core.sent)} == {(3, 1)}
    committing(core)
    assert (core.raft.log.first_index, core.committed_indices) == (4, [4])
    assert of(AppendEntries, core.sent)[-1].prev_log_index == 3
