"""The scenarios of MIT's course 6.5840 on Raft, part D: snapshots, and logs that stay short."""

from __future__ import annotations

import pytest

from raftzmq.config import STATE_COMMIT_US, Retention
from raftzmq.core.snapshots import PROMISE_ELECTIONS
from tests.scenarios.harness import ELECTION, Lab

ITERATIONS = 30
"""As in the course."""
LOG_ENTRIES_MAX = 20
"""Entries that a log may have after each iteration; the course's 2,000 bytes are some forty of its commands."""
INTERVAL = 10
"""Commands from one snapshot to the next in the course: here, about what a log keeps."""


def compacting(*, unreliable: bool = False) -> Lab:
    """Three nodes that keep a few entries, and snapshots in chunks of a few rows."""
    few = Retention(keep_bytes=600, step_bytes=1, bound_bytes=2_400, entries_max=100, chunk_bytes=400)
    return Lab(3, unreliable=unreliable, retention=few)


def settle(lab: Lab) -> None:
    """Time for states to become durable and logs to be shortened after that.

    And for the promise to end that was made to a follower which was cut off just behind its snapshot.
    """
    lab.wait(STATE_COMMIT_US + PROMISE_ELECTIONS * ELECTION)


def longest(lab: Lab) -> int:
    """Entries in the longest log of those that are up."""
    logs = [lab.node(name).raft.log for name in lab.names if lab.up(name)]
    return max(log.last_index - log.mark.index for log in logs)


def commit_some(lab: Lab, count: int) -> None:
    """Give commands to the leader, so many at a time as it takes."""
    for _ in range(count):
        lab.start(lab.one_leader())


def test_snapshot_basic() -> None:
    """Nobody is away: logs stay short, and nobody needs a snapshot from another."""
    lab = compacting()
    lab.one(3)
    for _ in range(ITERATIONS):
        commit_some(lab, INTERVAL // 2 + lab.rng.randrange(INTERVAL))
        lab.one(3)
        settle(lab)
        assert longest(lab) <= LOG_ENTRIES_MAX
    assert lab.installs() == 0
    assert min(lab.node(name).raft.log.mark.index for name in lab.names) > 5 * ITERATIONS


@pytest.mark.parametrize("unreliable", [False, True], ids=["reliable", "unreliable"])
@pytest.mark.parametrize("crash", [False, True], ids=["disconnect", "crash"])
def test_snapshot_install(unreliable: bool, crash: bool) -> None:
    """A follower, or the leader, is away while the log is compacted: it gets a snapshot when it is back."""
    lab = compacting(unreliable=unreliable)
    lab.one(3)
    leader = lab.one_leader()
    for iteration in range(ITERATIONS):
        victim = leader if iteration % 3 == 1 else lab.after(leader, 1)
        if crash:
            lab.crash(victim)
        else:
            lab.disconnect(victim)
        lab.one(2)
        commit_some(lab, INTERVAL // 2 + lab.rng.randrange(INTERVAL))
        lab.one(2)
        settle(lab)
        assert longest(lab) <= LOG_ENTRIES_MAX
        if crash:
            lab.restart(victim)
        else:
            lab.connect(victim)
        lab.one(3)
        leader = lab.one_leader()
    assert lab.installs() > ITERATIONS // 4


def test_snapshot_all_crash() -> None:
    """Everybody crashes at once, again and again: snapshot and log together are what there was."""
    lab = compacting(unreliable=True)
    lab.one(3)
    for _ in range(5):
        for _ in range(INTERVAL // 2 + lab.rng.randrange(INTERVAL)):
            lab.one(3)
        before = lab.one(3)
        lab.crash(*lab.names)
        lab.restart(*lab.names)
        assert lab.one(3) > before


def test_snapshot_init() -> None:
    """What a start reads is what the next one finds: crash, one command, crash, one command."""
    lab = compacting(unreliable=True)
    lab.one(3)
    for _ in range(INTERVAL + 1):
        lab.one(3)
    for _ in range(2):
        settle(lab)
        lab.crash(*lab.names)
        lab.restart(*lab.names)
        lab.one(3)
    lab.wait(ELECTION)
    assert min(lab.node(name).raft.log.mark.index for name in lab.names) > 0
