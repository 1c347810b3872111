"""The blocking work of a node: what runs in its thread pool, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable

from raftzmq.node import Node
from raftzmq.node.transfers import run_snapshot_job
from raftzmq.node.work import (
    LogJob,
    LogStorage,
    NodeStorage,
    SnapshotJob,
    SnapshotStorage,
    StateJob,
    StateResult,
    StateStorage,
    Timed,
)

Completion = Callable[[Node, int], None]
"""Tells the node that a job, or a part of one, is done; called with the driver's time."""


def now_us() -> int:
    """The monotonic clock in microseconds."""
    return time.monotonic_ns() // 1000


def run_log_job(storage: LogStorage, job: LogJob, done: Callable[[Completion], None]) -> None:
    """Make ``job`` durable."""
    begun = now_us()
    storage.write(job)
    ended = now_us()
    timed = Timed(ended - begun, ended - begun, ended)
    done(lambda node, now: node.on_logged(job, timed, now))


def run_state_job(storage: StateStorage, job: StateJob, done: Callable[[Completion], None]) -> None:
    """Apply and read, or install a snapshot; tell so at once, then commit if asked and tell that."""
    begun = now_us()
    result: StateResult = storage.apply(job) if job.install is None else storage.install(job.install)
    ended = now_us()
    applied = Timed(ended - begun, 0, ended)
    done(lambda node, now: node.on_applied(job, result, applied, now))
    if job.commit:
        begun = now_us()
        mark = storage.commit()
        ended = now_us()
        durable = Timed(ended - begun, ended - begun, ended)
        done(lambda node, now: node.on_state_durable(mark, durable, now))


def run_snapshot(storage: SnapshotStorage, job: SnapshotJob, done: Callable[[Completion], None]) -> None:
    """A step of a snapshot on its way out or in."""
    outcome = run_snapshot_job(storage, job)
    done(lambda node, now: node.on_snapshot(job, outcome, now))


def run_space(storage: NodeStorage, done: Callable[[Completion], None]) -> None:
    """See how much room there is."""
    space = storage.space()
    done(lambda node, _: node.on_space(space))
