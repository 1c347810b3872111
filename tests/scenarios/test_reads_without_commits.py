"""Reads under a leader that can commit nothing yet: they gather without an end, and little of that is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raftzmq.codec.clients import Answer, Read
from raftzmq.core.replication import WAITING_CONTEXTS_MAX
from raftzmq.kv.commands import Get, encode_queries
from raftzmq.node.work import LogJob, Timed
from tests.scenarios.harness import SECOND, Lab

QUERY = encode_queries([Get(b"key")])
STALL_US = 5 * SECOND


def stall_entries(lab: Lab, name: str) -> None:
    """While it doesn't lead, this node stores votes at once, and entries only after a long time."""
    disk = lab.host(name).disk
    write = disk.write_log

    def stalling(job: LogJob, written: Callable[[LogJob], None], report: Callable[[LogJob, Timed], None]) -> None:
        if job.append is not None and job.append.entries and not lab.leads(name):
            lab.schedule.after(STALL_US, write, job, written, report)
        else:
            write(job, written, report)

    disk.write_log = stalling  # type: ignore[method-assign]


def ask_everywhere(lab: Lab, first: int) -> list[int]:
    """A read at every node that is up; their numbers."""
    numbers = []
    for place, name in enumerate(lab.names):
        if lab.up(name):
            numbers.append(first + place)
            lab.ask(name, Read(first + place, SECOND), QUERY)
    return numbers


def answered(lab: Lab, number: int) -> Any:
    return [type(header) for _, _, header in lab.answers.get(number, [])]


def test_reads_that_wait_for_a_commit_are_few_and_answered_after_it() -> None:
    lab = Lab(3)
    lab.one(3)
    old = lab.one_leader()
    for name in lab.names:
        stall_entries(lab, name)
    lab.crash(old)
    leader = lab.one_leader()
    raft = lab.node(leader).raft
    last: list[int] = []
    kept = 0
    for number in range(10, 5_000, 10):
        if raft.commit_index == raft.log.last_index:
            break
        last = ask_everywhere(lab, number)
        lab.wait(10_000)
        assert raft.leadership is not None
        kept = max(kept, sum(map(len, raft.leadership._waiting.values())))
    assert WAITING_CONTEXTS_MAX < kept <= 2 * WAITING_CONTEXTS_MAX
    lab.wait(SECOND)
    assert len(last) == 2
    assert [answered(lab, number) for number in last] == [[Answer], [Answer]]
