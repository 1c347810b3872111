"""Scenarios for planted bugs that chance meets too rarely: each a course of events that a test brings about."""

from __future__ import annotations

from raftzmq.config import Retention
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
