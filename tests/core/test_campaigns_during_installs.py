"""A node whose state is being replaced by a snapshot follows and votes; it campaigns when it has a state again."""

from __future__ import annotations

from raftzmq.core import Role
from raftzmq.core.messages import InstallSnapshot, RequestVote
from raftzmq.core.types import Mark
from tests.core.support import Core, entries_of, entries_to, of


def installing() -> Core:
    """n3 gets a snapshot of n1 whole; before it is installed, n2 leads and sends all that the snapshot has, and more.

    Its log is complete then, so others would vote for it.
    """
    core = Core("n3", voters=3, term=1)
    start = core.mark
    log = entries_of([1] * 10, after=start)
    last = log[-1]
    core.step(InstallSnapshot("n1", "n3", 1, Mark(last.index, last.term, last.chain, start.configuration)))
    assert core.install is not None
    longer = log + entries_of([2], after=last)
    core.step(entries_to(core, longer, after=start, sender="n2", term=2, commit=11))
    core.flush()
    assert core.raft.log.stable == 11
    return core


def test_no_campaign_while_a_snapshot_is_installed() -> None:
    core = installing()
    core.sent.clear()
    for _ in range(5):
        core.tick_at_deadline()
    assert not of(RequestVote, core.sent)
    assert not core.raft.campaign(), "nor when it is told to"
    assert core.raft.role is Role.FOLLOWER


def test_it_campaigns_once_it_is_installed() -> None:
    core = installing()
    core.installed()
    core.sent.clear()
    core.tick_at_deadline()
    assert of(RequestVote, core.sent)
    assert core.raft.log.last_index == 11, "the log had the snapshot's mark, so it goes on behind it"
