"""A follower's log past its bound: what it refuses while waiting for compaction, and what it must never refuse."""

from __future__ import annotations

from raftzmq.config import Retention
from raftzmq.core.messages import AppendEntriesResponse
from tests.core.support import Core, entries_of, entries_to, heartbeat, of, terms_of

FULL = Retention(keep_bytes=1, step_bytes=1, bound_bytes=2, entries_max=100)


def over_its_bound() -> Core:
    """A node that has just started with more in its log than may be there, and knows of nothing committed."""
    core = Core(terms=[1, 1, 1], term=2)
    core.raft.retention = FULL
    assert core.raft.log.bytes > FULL.bound_bytes
    return core


def test_a_new_leaders_entry_is_taken_when_nothing_is_known_committed() -> None:
    """After a power cut, logs of a majority past their bound: without the leader's first entry nothing is ever
    committed, and so nothing compacted (§8)."""
    core = over_its_bound()
    entry = entries_of([2], after=core.disk[-1])
    core.step(entries_to(core, entry, after=core.disk[-1], term=2))
    answer = of(AppendEntriesResponse, core.flush())[-1]
    assert (answer.success, answer.match_index) == (True, 4)
    assert terms_of(core.raft) == [1, 1, 1, 2]


def test_no_more_is_taken_while_something_committed_waits_to_be_compacted() -> None:
    core = over_its_bound()
    core.step(heartbeat(core, at=3, commit=2))
    assert core.raft.commit_index == 2
    entry = entries_of([2], after=core.disk[-1])
    answer = of(AppendEntriesResponse, core.step(entries_to(core, entry, after=core.disk[-1], term=2)))[-1]
    assert (answer.success, answer.match_index) == (True, 3)
    assert terms_of(core.raft) == [1, 1, 1]
