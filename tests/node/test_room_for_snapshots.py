"""A snapshot is a second state on the disk: none is begun for which there is no room, on either side."""

from __future__ import annotations

import pytest

from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk, SnapshotId
from raftzmq.config import MIB
from raftzmq.core.messages import AppendEntries
from raftzmq.events import EVENT_TYPES
from raftzmq.node.sending import GIVE_UP_US
from raftzmq.node.work import DropArrival, MakeSnapshot, Space, WriteChunk
from tests.node.support import Rig
from tests.node.test_shared_copies import Leader

TOTAL = 100 * MIB
RESERVE = TOTAL // 10


def room_for(copy: int, *, state: int = 0) -> Space:
    """A disk on which ``copy`` bytes may be written at once."""
    return Space(RESERVE + copy, TOTAL, 0.0, 0.0, state)


def failed(leader: Leader) -> int:
    return sum(b'"step":"failed"' in payload for _, payload in leader.rig.events)


def test_a_leader_whose_disk_has_no_room_for_a_copy_makes_none() -> None:
    assert "snapshot" in EVENT_TYPES
    leader = Leader()
    leader.rig.node.on_subscription(b"raftzmq.", True, leader.rig.now)
    leader.put(80)
    leader.rig.node.on_space(room_for(40 * MIB - 1, state=40 * MIB))
    assert leader.rig.raft.has_room, "there is room for all else"
    for _ in range(10):
        leader.hear("n2")
    assert leader.rig.snapshot_jobs == []
    assert leader.awaited("n2") is None
    assert failed(leader) == 1, "it says so once, and not at each answer"
    mark = leader.rig.raft.log.mark.index
    leader.put(100)
    assert leader.rig.raft.log.mark.index > mark, "the log isn't kept for a copy that isn't made"
    leader.rig.advance(GIVE_UP_US)
    leader.hear("n2")
    assert failed(leader) == 2
    leader.rig.node.on_space(room_for(40 * MIB, state=40 * MIB))
    leader.hear("n2")
    leader.tell(leader.copy())
    leader.carry("n2")
    assert leader.awaited("n2") is None
    assert leader.received["n2"] > 0


class Follower:
    """n1, which hears n2 lead and gets chunks of a snapshot from it."""

    def __init__(self) -> None:
        self.rig = Rig("n1")
        self.rig.held.add("snapshots")
        self.rig.peer(AppendEntries("n2", "n1", 1, 1, 0, 1, 0, ()))
        self.rig.settle()

    def chunk(self, size: int, offset: int = 0, data: bytes = b"x" * 100) -> list[SnapshotAnswer]:
        self.rig.sent.clear()
        self.rig.peer(SnapshotChunk("n2", "n1", 1, SnapshotId(1000, 1, 7, size, 1), offset, 0, data))
        self.rig.settle()
        return [message for message in self.rig.sent if isinstance(message, SnapshotAnswer)]

    def kinds(self) -> list[type]:
        return [type(job) for job in self.rig.snapshot_jobs]


def test_a_snapshot_that_does_not_fit_is_met_with_silence() -> None:
    follower = Follower()
    follower.rig.node.on_space(room_for(5000))
    assert follower.chunk(5001) == []
    assert follower.chunk(5001, data=b"") == [], "nor is a question answered: it would keep the leader trying"
    assert follower.kinds() == []
    follower.chunk(5000)
    assert follower.kinds() == [WriteChunk]


@pytest.mark.parametrize("finds_room", [False, True])
def test_a_snapshot_during_which_room_ends_is_let_go_of(finds_room: bool) -> None:
    follower = Follower()
    follower.rig.node.on_space(room_for(5000))
    follower.chunk(5000)
    if not finds_room:
        follower.rig.node.on_space(Space(RESERVE - 1, TOTAL, 0.0, 0.0))
    else:
        follower.rig.node.on_space(room_for(1))  # it had room when it began, and goes on
    follower.rig.settle()
    assert follower.kinds() == ([WriteChunk] if finds_room else [WriteChunk, DropArrival])
    follower.rig.node.on_space(Space(RESERVE - 1, TOTAL, 0.0, 0.0))
    follower.rig.settle()
    assert follower.kinds() == [WriteChunk, DropArrival], "once"


def test_what_is_left_of_one_snapshot_makes_room_for_the_next() -> None:
    follower = Follower()
    follower.rig.node.on_space(room_for(5000))
    follower.chunk(5000)
    follower.rig.node.on_space(room_for(4900))
    follower.rig.sent.clear()
    follower.rig.peer(SnapshotChunk("n2", "n1", 1, SnapshotId(1010, 1, 7, 4950, 1), 0, 0, b"y" * 100))
    follower.rig.settle()
    assert follower.kinds() == [WriteChunk, DropArrival]
    follower.rig.node.on_space(room_for(5000))
    follower.rig.peer(SnapshotChunk("n2", "n1", 1, SnapshotId(1010, 1, 7, 4950, 1), 0, 0, b"y" * 100))
    follower.rig.settle()
    assert follower.kinds() == [WriteChunk, DropArrival, WriteChunk]


def test_a_follower_that_has_room_says_how_far_it_is() -> None:
    follower = Follower()
    follower.rig.node.on_space(room_for(5000))
    assert [answer.offset for answer in follower.chunk(5000, data=b"")] == [0]


def test_making_is_asked_for_by_type() -> None:
    leader = Leader()
    leader.put(80)
    leader.rig.node.on_space(room_for(1, state=1))
    leader.hear("n2")
    assert [type(job) for job in leader.rig.snapshot_jobs] == [MakeSnapshot]
