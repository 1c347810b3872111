"""The scenarios of MIT's course 6.5840 on Raft, part B: the log, agreement, and what it may cost."""

from __future__ import annotations

from typing import Any

from raftzmq.core.log import Log
from raftzmq.core.replication import Leadership
from tests.rules.planted import Bug, fails_with
from tests.scenarios.harness import ELECTION, Lab, Started

replicate = Leadership.replicate

BYTES_OVERHEAD = 50_000
"""Bytes beside the commands' own that the course allows for ten entries."""
BACKUP_REQUESTS_MAX = 30
"""Calls until a follower with fifty wrong entries agrees: the course bounds its time instead, which is virtual here.

Heartbeats included; an entry at a time would take a hundred.
"""


def started(lab: Lab, name: str, count: int) -> list[Started]:
    """Give ``count`` commands to a leader."""
    taken = [lab.start(name) for _ in range(count)]
    assert None not in taken, f"{name} doesn't lead"
    return [command for command in taken if command is not None]


def test_basic_agree() -> None:
    """Three commands are committed in the order in which they came, none before it was proposed."""
    lab = Lab(3)
    last = lab.one(3)
    for index in range(last + 1, last + 4):
        assert lab.observer.invariants.committed.last < index
        assert lab.one(3, retry=False) == index


def repeat(self: Leadership, *arguments: Any) -> list[Any]:
    return replicate(self, *arguments) * 20


@fails_with(Bug("every message is sent twenty times", Leadership, "replicate", repeat))
def test_rpc_bytes() -> None:
    """A command travels to each node once."""
    lab = Lab(3)
    last = lab.one(3)
    before = lab.bytes_sent
    for index in range(last + 1, last + 11):
        assert lab.one(3, lab.rng.randbytes(5_000), retry=False) == index
    assert lab.bytes_sent - before <= 3 * 10 * 5_000 + BYTES_OVERHEAD


def test_follower_failure() -> None:
    """Without one follower the others agree, at once and after a while; without both nothing is committed."""
    lab = Lab(3)
    lab.one(3)
    leader = lab.one_leader()
    lab.disconnect(lab.after(leader, 1))
    lab.one(2, retry=False)
    lab.wait(ELECTION)
    last = lab.one(2, retry=False)
    leader = lab.one_leader()
    lab.disconnect(lab.after(leader, 1), lab.after(leader, 2))
    [command] = started(lab, leader, 1)
    assert command.index == last + 1
    lab.wait(2 * ELECTION)
    assert lab.committed(command) == 0


def test_leader_failure() -> None:
    """The same with leaders: after the first is lost the others agree; after the second nothing is committed."""
    lab = Lab(3)
    lab.one(3)
    lab.disconnect(lab.one_leader())
    lab.one(2)
    lab.wait(ELECTION)
    last = lab.one(2)
    second = lab.one_leader()
    lab.disconnect(second)
    commands = [command for command in map(lab.start, lab.names) if command is not None]
    assert commands, "the one that was just cut off believes in itself yet"
    lab.wait(2 * ELECTION)
    assert [lab.committed(command) for command in commands] == [0] * len(commands)
    assert lab.observer.invariants.committed.last == last


def test_fail_agree() -> None:
    """A follower that was away catches up, and the cluster goes on with it."""
    lab = Lab(3)
    lab.one(3)
    away = lab.after(lab.one_leader(), 1)
    lab.disconnect(away)
    lab.one(2, retry=False)
    lab.one(2, retry=False)
    lab.wait(ELECTION)
    lab.one(2, retry=False)
    lab.one(2, retry=False)
    lab.connect(away)
    lab.one(3)
    lab.wait(ELECTION)
    lab.one(3)


def test_fail_no_agree() -> None:
    """Three of five are away: nothing is committed; when they are back, a leader of theirs may have other plans."""
    lab = Lab(5)
    last = lab.one(5)
    leader = lab.one_leader()
    away = [lab.after(leader, k) for k in (1, 2, 3)]
    lab.disconnect(*away)
    [command] = started(lab, leader, 1)
    assert command.index == last + 1
    lab.wait(2 * ELECTION)
    assert lab.committed(command) == 0
    lab.connect(*away)
    [again] = started(lab, lab.one_leader(), 1)
    assert last + 2 <= again.index <= last + 4, "behind what is there, and the new leader's first entry"
    lab.one(5)


def test_concurrent_starts() -> None:
    """Five commands at once, in one term: all of them are committed, each in a place of its own."""
    lab = Lab(3)
    lab.one(3)
    commands = started(lab, lab.one_leader(), 5)
    assert len({command.term for command in commands}) == 1
    assert lab.until(lambda: [lab.committed(command) for command in commands] == [3] * 5, 2 * ELECTION)
    assert len({command.index for command in commands}) == 5


def test_rejoin() -> None:
    """An old leader comes back with entries that nobody has, while the new one is cut off: they go."""
    lab = Lab(3)
    lab.one(3)
    first = lab.one_leader()
    lab.disconnect(first)
    lost = started(lab, first, 3)
    lab.one(2)
    second = lab.one_leader()
    lab.disconnect(second)
    lab.connect(first)
    lab.one(2)
    lab.connect(second)
    lab.one(3)
    assert [lab.committed(command) for command in lost] == [0, 0, 0]


@fails_with(Bug("an entry at a time", Log, "last_with_term_at_most", lambda self, index, term: index - 1))
def test_backup() -> None:
    """Two groups take turns in gathering fifty entries that never commit; each backs up over the other's quickly."""
    lab = Lab(5)
    lab.one(5)
    first = lab.one_leader()
    group = [lab.after(first, k) for k in (2, 3, 4)]
    lab.disconnect(*group)
    lost = started(lab, first, 50)
    lab.wait(ELECTION // 2)
    lab.disconnect(first, lab.after(first, 1))
    lab.connect(*group)
    for _ in range(50):
        lab.one(3)
    second = lab.one_leader()
    other = next(name for name in group if name != second)
    lab.disconnect(other)
    lost += started(lab, second, 50)
    lab.wait(ELECTION // 2)
    lab.disconnect(*lab.names)
    lab.connect(first, lab.after(first, 1), other)
    lab.one_leader()
    before = lab.requests_sent
    lab.one(3)
    assert lab.requests_sent - before <= BACKUP_REQUESTS_MAX
    for _ in range(50):
        lab.one(3)
    lab.connect(*lab.names)
    lab.one(5)
    assert not any(lab.committed(command) for command in lost)


@fails_with(Bug("every message is sent twenty times", Leadership, "replicate", repeat))
def test_count() -> None:
    """The course's bounds on calls: 30 for the first election, 42 for twelve entries, 60 for an idle second."""
    lab = Lab(3)
    lab.one_leader()
    assert 1 <= lab.requests_sent <= 30
    lab.one(3)
    leader, before = lab.one_leader(), lab.requests_sent
    commands = started(lab, leader, 12)
    assert [command.index for command in commands] == list(range(commands[0].index, commands[0].index + 12))
    assert lab.until(lambda: all(lab.committed(command) == 3 for command in commands), 2 * ELECTION)
    assert lab.requests_sent - before <= (10 + 1 + 3) * 3
    before = lab.requests_sent
    lab.wait(ELECTION)
    assert lab.requests_sent - before <= 3 * 20
