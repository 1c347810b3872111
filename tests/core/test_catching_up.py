"""A follower that has installed a snapshot gets what the log grew by meanwhile, or the next one would begin."""

from __future__ import annotations

import pytest

from raftzmq.config import Retention
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, InstallSnapshot
from raftzmq.core.snapshots import PROMISE_ELECTIONS, STUCK_ELECTIONS
from tests.core.support import Core, leader, of

KEEP_NOTHING = Retention(keep_bytes=1, step_bytes=1, bound_bytes=2, entries_max=100)
GROWN = 5


def answer(core: Core, peer: str, index: int) -> None:
    """A follower says that it has the log up to ``index``; all that follows is done, and what is applied is durable."""
    term = core.raft.current_term
    core.step(AppendEntriesResponse(peer, "n1", term, True, index, 0, index))
    core.flush()
    if core.raft.last_applied > core.raft.log.mark.index:
        core.raft.state_durable(core.raft.log.mark_at(core.raft.last_applied))
    core.take()
    core.flush()


def grow(core: Core) -> int:
    """Entries that n2 has, too, so they are committed; the last one."""
    for _ in range(GROWN):
        core.propose()
        core.flush()
        answer(core, "n2", core.raft.log.last_index)
    return core.raft.log.last_index


@pytest.fixture
def core() -> Core:
    """A leader that keeps nothing, and sends n3 a snapshot; its log has grown since."""
    made = leader(Core(voters=3, terms=[1, 1, 1, 1]))
    made.raft.retention = KEEP_NOTHING
    term, last = made.raft.current_term, made.raft.log.last_index
    answer(made, "n2", last)
    assert made.raft.log.mark.index == last
    made.step(AppendEntriesResponse("n3", "n1", term, False, 0, 0, last, 1, 1))
    assert [m.mark.index for m in of(InstallSnapshot, made.sent)] == [last]
    grow(made)
    assert made.raft.log.mark.index == last, "what comes after a snapshot under way is kept"
    return made


def test_what_the_log_grew_by_is_kept_until_the_follower_has_it(core: Core) -> None:
    installed = core.raft.log.mark.index
    last = core.raft.log.last_index
    core.sent.clear()
    answer(core, "n3", installed)
    assert core.raft.log.mark.index == installed
    assert [m for m in of(AppendEntries, core.sent) if m.to == "n3" and m.entries], "it goes on with entries"
    answer(core, "n3", installed + 2)
    assert core.raft.log.mark.index == installed + 2
    answer(core, "n3", last)
    assert core.raft.log.mark.index == last
    assert not of(InstallSnapshot, core.sent)
    later = grow(core)
    assert core.raft.log.mark.index == later, "then it is a follower as any other"


def test_nothing_is_kept_for_a_follower_that_is_gone(core: Core) -> None:
    installed = core.raft.log.mark.index
    answer(core, "n3", installed)
    core.raft._now += PROMISE_ELECTIONS * core.raft.timing.election_max_us + 1
    answer(core, "n2", core.raft.log.last_index)
    assert core.raft.log.mark.index == core.raft.log.last_index


def test_nothing_is_kept_for_a_follower_that_is_heard_and_takes_nothing(core: Core) -> None:
    """As one whose disk is full: its heartbeats' answers would keep the leader's log growing up to its bound."""
    installed = core.raft.log.mark.index
    answer(core, "n3", installed)
    interval = core.raft.timing.election_max_us // 2
    for _ in range(2 * STUCK_ELECTIONS - 1):
        core.raft._now += interval
        answer(core, "n3", installed)
        assert core.raft.log.mark.index == installed, "slow lines need a while for a batch"
    core.raft._now += interval + 1
    answer(core, "n3", installed)
    answer(core, "n2", core.raft.log.last_index)
    assert core.raft.log.mark.index == core.raft.log.last_index
