"""Scenarios for planted bugs that chance meets too rarely: each a course of events that a test brings about."""

from __future__ import annotations

from raftzmq.config import Retention
from raftzmq.storage.memory import all_tables
from raftzmq.storage.memory_table import MemoryTable
from tests.scenarios.harness import SECOND, Lab

KEEP_NOTHING = Retention(keep_bytes=1, bound_bytes=2, step_bytes=1, entries_max=1_000, chunk_bytes=1_000)


def a_deposed_leader_with_a_long_tail() -> Lab:
    """A leader that is cut off takes more than the others commit, who compact it away; it gets a snapshot from them."""
    lab = Lab(3, retention=KEEP_NOTHING)
    lab.one(3)
    old = lab.one_leader()
    lab.disconnect(old)
    for _ in range(6):
        lab.start(old)
    lab.wait(2 * SECOND)
    lab.one(2)
    lab.wait(SECOND)
    lab.connect(old)
    return lab


def a_leader_that_sends_what_its_disk_damaged() -> Lab:
    """A bit of an old row turns over at the leader, which nobody reads; then a follower needs a snapshot."""
    lab = Lab(3, retention=KEEP_NOTHING, revisions_max=1_000)
    lab.one(3)
    leader = lab.one_leader()
    follower = lab.after(leader, 1)
    lab.disconnect(follower)
    for _ in range(5):
        lab.one(2)
        lab.wait(2 * SECOND)
    history = all_tables(lab.host(leader).disk._disk)["state.history"]
    assert isinstance(history, MemoryTable)
    key = next(iter(history.rows))
    history.rows[key] = bytes([history.rows[key][0] ^ 1]) + history.rows[key][1:]
    lab.damaged[leader] = "state.history"
    lab.connect(follower)
    return lab
