"""Snapshots between two nodes: a leader that has compacted, a follower that was away, and all that may happen between.

n1 leads, n3 acknowledges everything, and n2 is a real node too. What n1 sends to n2, and back, is carried by the test.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from raftzmq.codec.clients import Answer
from raftzmq.codec.peers import PeerMessage
from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk
from raftzmq.config import SNAPSHOT_WINDOW, Retention
from raftzmq.core import Role
from raftzmq.core.messages import AppendEntries
from raftzmq.core.types import Mark
from raftzmq.events import EVENT_TYPES
from raftzmq.kv.commands import StateHash
from raftzmq.node.sending import GIVE_UP_US, RETRY_US
from raftzmq.node.transfers import run_snapshot_job
from raftzmq.node.work import FinishSnapshot, ReadBatch, ReadChunk, StateJob, WriteChunk
from raftzmq.storage.memory import MemoryDisk
from tests.node.support import Rig, puts

TINY = Retention(keep_bytes=1000, bound_bytes=30_000, step_bytes=1, chunk_bytes=200)


def whole(message: PeerMessage) -> PeerMessage | None:
    """A way on which nothing happens."""
    return message


class Pair:
    """The leader and its follower. ``disk`` is what the follower's crashes leave."""

    def __init__(self, *, retention: Retention = TINY) -> None:
        self.disk = MemoryDisk()
        self.leader = Rig("n1", retention=retention)
        self.leader.node.on_subscription(b"raftzmq.", True, self.leader.now)
        self.follower = Rig("n2", disk=self.disk, retention=retention)
        self.follower.node.on_subscription(b"raftzmq.", True, self.follower.now)
        self.leader.lead("n3")
        self.session = self.leader.open_session()
        self.put(80)
        self.leader.held = set()

    def put(self, count: int) -> None:
        """Writes that n3 acknowledges, and time for the state to be committed and the log compacted."""
        for number in range(count):
            self.leader.execute(10_000 + number, puts(self.session, self.sequence(), f"key{number % 7}"))
            self.leader.settle()
            if number % 10 == 9:
                self.leader.advance(300_000)
        self.leader.advance(300_000)
        self.leader.advance(300_000)

    _sequence = 0

    def sequence(self) -> int:
        self._sequence += 1
        return self._sequence - 1

    def carry(self, on_way: Callable[[PeerMessage], PeerMessage | None] = whole) -> int:
        """Exchange what the two have sent; how many messages. ``on_way`` may change or lose each."""
        count = 0
        for source, target in ((self.leader, self.follower), (self.follower, self.leader)):
            source.settle()
            sent, source.sent = source.sent, []
            for message in sent:
                arrives = on_way(message) if message.to == target.node.name else None
                if arrives is not None:
                    target.now = max(target.now, source.now)
                    target.peer(arrives)
                    target.settle()
                    count += 1
        return count

    def together(
        self,
        rounds: int = 400,
        on_way: Callable[[PeerMessage], PeerMessage | None] = whole,
        until: Callable[[], bool] | None = None,
    ) -> None:
        """Let time pass for both until the follower has all that is committed, or ``until``."""
        done = until or self.is_level
        for _ in range(rounds):
            if done():
                return
            while self.carry(on_way) and not done():
                pass
            self.leader.advance(10_000)
            self.follower.now = self.leader.now
        raise AssertionError("they never come together")

    def is_level(self) -> bool:
        return self.follower.raft.last_applied == self.leader.raft.last_applied == self.leader.raft.commit_index

    def crash(self, retention: Retention = TINY) -> None:
        """The follower loses what it hadn't on disk, and starts again."""
        self.disk.crash()
        now = self.follower.now
        self.follower = Rig("n2", disk=self.disk, retention=retention)
        self.follower.now = now

    def hashes(self) -> list[object]:
        job = StateJob(reads=(ReadBatch(1, (StateHash(),)),))
        return [rig.state.apply(job).answers[0][1][0] for rig in (self.leader, self.follower)]


def steps(rig: Rig) -> list[str]:
    events = [json.loads(payload) for _, payload in rig.events]
    for event in events:
        assert set(EVENT_TYPES[event["type"]].fields) <= set(event)
    return [event["step"] for event in events if event["type"] == "snapshot"]


def test_events_say_which_snapshot_it_is_and_what_it_made_of_the_state() -> None:
    pair = Pair()
    pair.together()
    found = [json.loads(payload) for rig in (pair.leader, pair.follower) for _, payload in rig.events]
    told = [event for event in found if event["type"] == "snapshot"]
    [sent] = [event for event in told if event["step"] == "send"]
    [receiving, installing, installed] = [event for event in told if event["node"] == "n2"]
    assert (sent["peer"], receiving["peer"], installed["peer"]) == ("n2", "n1", "n1")
    which = [(event["index"], event["entry_term"], event["chain"]) for event in (receiving, installing, installed)]
    assert len(set(which)) == 1
    index, term, chain = which[0]
    [applied] = [e for e in found if e["type"] == "apply" and e["node"] == "n1" and e["last"] == index]
    assert (applied["chain"], applied["digest"]) == (chain, installed["digest"])
    assert term == pair.leader.raft.current_term
    assert [event["digest"] for event in (sent, receiving, installing)] == [None] * 3
    [restarted] = [e for e in found if e["type"] == "storage" and e["restarted_after"] is not None]
    assert (restarted["node"], restarted["restarted_after"], restarted["last"]) == ("n2", index, index)
    assert restarted["chain"] == chain


def test_a_follower_that_needs_what_is_compacted_gets_the_state() -> None:
    pair = Pair()
    log = pair.leader.raft.log
    assert log.first_index > 20
    assert log.bytes <= TINY.bound_bytes // 2
    pair.together()
    assert pair.follower.raft.log.first_index >= log.first_index
    assert pair.hashes()[0] == pair.hashes()[1]
    assert steps(pair.leader) == ["send"]
    assert steps(pair.follower) == ["receive", "install", "installed"]
    assert "compact" in {json.loads(payload)["type"] for _, payload in pair.leader.events}
    pair.put(3)
    pair.together()
    assert steps(pair.leader) == ["send"], "from then on it follows by entries"
    assert len(pair.leader.node.transfers._sending) == 0
    assert pair.leader.snapshots._outgoing is None, "a copy that nobody needs is dropped"


def test_its_sessions_come_with_it() -> None:
    """A retry that reaches the follower once it leads finds the kept result, and is not executed again."""
    pair = Pair()
    pair.together()
    [(_, leading)] = [(0, session) for session in pair.leader.state.machine.sessions.snapshot()]
    assert pair.follower.state.machine.sessions.snapshot() == [leading]


@pytest.mark.parametrize("lost", range(8))
def test_lost_and_repeated_chunks_are_sent_again(lost: int) -> None:
    pair = Pair()
    count = 0

    def way(message: PeerMessage) -> PeerMessage | None:
        nonlocal count
        if isinstance(message, (SnapshotChunk, SnapshotAnswer)):
            count += 1
            if count % (lost + 2) == 0:
                return None
            if isinstance(message, SnapshotChunk) and count % 5 == 0:
                pair.follower.peer(message)
        return message

    pair.together(on_way=way, rounds=4000)
    assert count > 8
    assert pair.hashes()[0] == pair.hashes()[1]


def test_a_damaged_chunk_is_not_stored() -> None:
    pair = Pair()
    harmed = 0

    def way(message: PeerMessage) -> PeerMessage | None:
        nonlocal harmed
        if isinstance(message, SnapshotChunk) and message.data and harmed < 3:
            harmed += 1
            return replace(message, data=bytes([message.data[0] ^ 1]) + message.data[1:])
        return message

    pair.together(on_way=way)
    assert harmed == 3
    assert steps(pair.follower) == ["receive", "install", "installed"]


def test_a_copy_that_is_damaged_as_a_whole_is_made_anew() -> None:
    pair = Pair()
    real = pair.leader.snapshots.read
    harmed: list[int] = []

    def read(snapshot: object, offset: int, size: int) -> bytes:
        data = real(snapshot, offset, size)  # type: ignore[arg-type]
        if offset == 400 and not harmed:
            harmed.append(offset)
            return bytes([data[0] ^ 1]) + data[1:]
        return data

    pair.leader.snapshots.read = read  # type: ignore[method-assign]
    pair.together()
    assert harmed
    assert steps(pair.follower) == ["receive", "damaged", "receive", "install", "installed"] or steps(
        pair.follower
    ) == ["receive", "damaged", "install", "installed"]


def test_no_more_chunks_are_under_way_than_the_window() -> None:
    pair = Pair()
    pair.together(until=lambda: any(isinstance(m, SnapshotChunk) for m in pair.leader.sent))
    for _ in range(5):
        pair.leader.settle()
    chunks = [m for m in pair.leader.sent if isinstance(m, SnapshotChunk)]
    assert len(chunks) == SNAPSHOT_WINDOW


@pytest.mark.parametrize("after", [WriteChunk, FinishSnapshot, "installing", "installed"])
def test_a_follower_that_crashes_on_the_way_gets_there_all_the_same(after: type | str) -> None:
    pair = Pair()
    seen: list[type] = []

    def reached() -> bool:
        rig = pair.follower
        if after == "installing":
            rig.held.add("state")
            return rig.state_job is not None and rig.state_job.install is not None
        if after == "installed":
            rig.held.add("log")
            return rig.raft.log.mark.index > 0
        rig.held.add("snapshots")
        while rig.snapshot_jobs:
            job = rig.snapshot_jobs.pop(0)
            seen.append(type(job))
            rig.node.on_snapshot(job, run_snapshot_job(rig.snapshots, job), rig.now)
            if after in seen and seen.count(WriteChunk) >= 3:
                rig.snapshot_jobs.clear()
        return after in seen and seen.count(WriteChunk) >= 3

    pair.together(until=reached)
    pair.crash()
    pair.together(rounds=2000)
    assert pair.hashes()[0] == pair.hashes()[1]
    assert pair.follower.raft.log.mark.index > 0


def test_a_silent_follower_is_given_up_and_its_log_forgotten() -> None:
    """Raft's own heartbeats are answered, only the snapshot gets nowhere: after a while it is tried anew."""
    pair = Pair()
    pair.together(until=lambda: len(pair.leader.node.transfers._sending) == 1)
    pair.leader.advance(GIVE_UP_US + RETRY_US)
    assert "failed" in steps(pair.leader)
    pair.together()
    assert steps(pair.leader)[-1] == "send"


def test_what_is_needed_after_the_snapshot_is_kept_while_it_travels() -> None:
    pair = Pair()
    pair.together(until=lambda: len(pair.leader.node.transfers._sending) == 1)
    leadership = pair.leader.raft.leadership
    assert leadership is not None
    ends = leadership.peers["n2"].snapshot
    assert ends is not None
    for _ in range(8):
        pair.put(5)
        pair.carry(lambda m: None if isinstance(m, SnapshotChunk) and m.data else m)
    assert pair.leader.raft.log.first_index <= ends + 1
    assert pair.leader.raft.log.bytes > TINY.keep_bytes
    pair.together()
    assert steps(pair.leader) == ["send"], "one snapshot was enough"


def test_a_leader_whose_log_cannot_shrink_slows_down_and_then_stops() -> None:
    pair = Pair(retention=replace(TINY, bound_bytes=12_000))
    pair.together(until=lambda: len(pair.leader.node.transfers._sending) == 1)

    def lose(message: PeerMessage) -> PeerMessage | None:
        return None if isinstance(message, SnapshotChunk) and message.data else message

    paces = []
    for number in range(80):
        pair.leader.taken()
        pair.leader.execute(50_000 + number, puts(pair.session, pair.sequence(), "k"), timeout_us=10**7)
        pair.leader.settle()
        begun = pair.leader.now
        while not (told := pair.leader.taken()):
            pair.carry(lose)
            pair.leader.advance(5_000)
        paces.append(pair.leader.now - begun)
        if getattr(told[0][0], "code", "") == "overloaded":
            break
    else:
        raise AssertionError("the log grows without bound")
    assert pair.leader.raft.log.bytes >= 12_000
    assert paces[0] == 0, "nobody waits while there is room"
    assert max(paces) >= 50_000
    pair.together(rounds=2000)
    pair.leader.advance(600_000)
    pair.leader.taken()
    pair.leader.execute(90_000, puts(pair.session, pair.sequence(), "k"), timeout_us=10**7)
    pair.leader.settle()
    pair.leader.advance(600_000)
    [(answer, _)] = pair.leader.taken()
    assert answer == Answer(90_000, 0, True), "once there is room again, it goes on"


def test_chunks_of_a_stranger_or_of_an_old_term_are_nothing() -> None:
    pair = Pair()
    pair.together(until=lambda: any(isinstance(m, SnapshotChunk) for m in pair.leader.sent))
    chunk = next(m for m in pair.leader.sent if isinstance(m, SnapshotChunk))
    pair.follower.sent.clear()
    for wrong in (replace(chunk, sender="n3"), replace(chunk, term=chunk.term - 1)):
        pair.follower.peer(wrong)
        pair.follower.settle()
    assert not [m for m in pair.follower.sent if isinstance(m, SnapshotAnswer)]
    assert pair.follower.snapshots._incoming == b""


def test_a_snapshot_of_what_is_known_already_is_answered_by_the_log() -> None:
    """Rule 10: not below the commit index, nor where the log holds its last entry."""
    pair = Pair()
    chunks: list[SnapshotChunk] = []

    def way(message: PeerMessage) -> PeerMessage | None:
        if isinstance(message, SnapshotChunk):
            chunks.append(message)
        return message

    pair.together(on_way=way)
    pair.follower.sent.clear()
    pair.follower.peer(chunks[0])
    pair.follower.settle()
    assert pair.follower.raft.installing is None
    assert pair.follower.snapshots._incoming == b""
    [answer] = [m for m in pair.follower.sent if not isinstance(m, SnapshotAnswer)]
    assert getattr(answer, "match_index", 0) >= chunks[0].snapshot.index


def test_room_comes_and_goes() -> None:
    rig = Rig().lead()
    rig.node.on_subscription(b"raftzmq.", True, rig.now)
    session = rig.open_session()
    rig.raft.set_room(False)
    rig.settle()
    assert rig.raft.role is Role.FOLLOWER
    rig.execute(5, puts(session, 0, "k"))
    rig.settle()
    [(failure, _)] = rig.taken()
    assert (failure.code, failure.definite) == ("not_leader", True)
    assert "nearly full" in failure.message
    rig.advance(3_000_000)
    assert rig.raft.role is Role.FOLLOWER, "it does not campaign"
    entry = rig.entries()[-1]
    rig.peer(AppendEntries("n2", "n1", 9, entry.index, entry.term, 0, 0, ()))
    rig.settle()
    assert rig.raft.leader == "n2", "it follows"
    rig.raft.set_room(True)
    rig.settle()
    kinds = [json.loads(payload) for topic, payload in rig.events if topic.endswith(b".room")]
    assert [event["has_room"] for event in kinds] == [False, True]


def test_only_jobs_of_a_copy_that_still_is_are_answered() -> None:
    pair = Pair()
    pair.together(until=lambda: any(isinstance(m, SnapshotChunk) for m in pair.leader.sent))
    old = next(m for m in pair.leader.sent if isinstance(m, SnapshotChunk)).snapshot
    gone = replace(old, checksum=old.checksum ^ 1)
    pair.leader.sent.clear()
    pair.leader.node.on_snapshot(ReadChunk("n2", gone, 0, 10), b"0123456789", pair.leader.now)
    pair.leader.node.on_snapshot(FinishSnapshot(gone), Mark(3, 1, 1), pair.leader.now)
    pair.leader.settle()
    assert not [m for m in pair.leader.sent if isinstance(m, SnapshotChunk) and m.snapshot == gone]
