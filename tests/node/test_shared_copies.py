"""Followers that lack what the log has forgotten share one copy of the leader's state, whenever they ask for it."""

from __future__ import annotations

from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk
from raftzmq.config import Retention
from raftzmq.core.messages import AppendEntriesResponse
from raftzmq.node.transfers import run_snapshot_job
from raftzmq.node.work import MakeSnapshot, SnapshotFile
from tests.node.support import SECOND, Rig, puts

TINY = Retention(keep_bytes=1000, bound_bytes=30_000, step_bytes=1, chunk_bytes=200)


class Leader:
    """n1, of five. n4 and n5 acknowledge everything; n2 and n3, whom the test plays, were away. Copies take a while."""

    def __init__(self) -> None:
        self.rig = Rig("n1", voters=5, retention=TINY)
        self.rig.lead("n4", "n5")
        self.rig.held.add("snapshots")
        self._session = self.rig.open_session()
        self._sequence = 0
        self.received = {"n2": 0, "n3": 0}
        self.copies = 0

    def put(self, count: int) -> None:
        """Writes, and time for the state to be committed and the log compacted."""
        for _ in range(count):
            self.rig.execute(10_000 + self._sequence, puts(self._session, self._sequence, f"key{self._sequence % 7}"))
            self._sequence += 1
            self.rig.settle()
            self.rig.advance(30_000)
        self.rig.advance(1_200_000)

    def hear(self, peer: str) -> None:
        """``peer`` answers a heartbeat: nothing of its log fits."""
        progress = self.rig.raft.leadership.peers[peer]  # type: ignore[union-attr]
        previous = max(progress.next_index - 1, self.rig.raft.log.mark.index)
        for _ in range(2):
            self.rig.peer(AppendEntriesResponse(peer, "n1", self.rig.raft.current_term, False, 0, 0, previous, 1, 0))
            self.rig.settle()

    def copy(self) -> SnapshotFile:
        """The copy that was asked for is taken, and not yet told of."""
        [job] = self.rig.snapshot_jobs
        assert isinstance(job, MakeSnapshot)
        self.copies += 1
        made = run_snapshot_job(self.rig.snapshots, job)
        assert isinstance(made, SnapshotFile)
        return made

    def tell(self, made: SnapshotFile) -> None:
        """The copy is there."""
        self.rig.node.on_snapshot(self.rig.snapshot_jobs.pop(0), made, self.rig.now)
        self.rig.held.discard("snapshots")
        self.rig.settle()

    def awaited(self, peer: str) -> int | None:
        return self.rig.raft.leadership.peers[peer].snapshot  # type: ignore[union-attr]

    def carry(self, *peers: str, seconds: int = 20) -> None:
        """``peers`` take their chunks, and then follow. Others say nothing."""
        for _ in range(seconds * 20):
            sent, self.rig.sent = self.rig.sent, []
            for chunk in sent:
                if isinstance(chunk, SnapshotChunk) and chunk.to in peers:
                    self._take(chunk)
            self.rig.settle()
            self.rig.advance(50_000)

    def _take(self, chunk: SnapshotChunk) -> None:
        term, peer = self.rig.raft.current_term, chunk.to
        if chunk.data and chunk.offset == self.received[peer]:
            self.received[peer] += len(chunk.data)
        self.rig.peer(SnapshotAnswer(peer, "n1", term, chunk.snapshot, self.received[peer], False))
        if self.received[peer] == chunk.snapshot.size:
            index = chunk.snapshot.index
            self.rig.peer(AppendEntriesResponse(peer, "n1", term, True, index, 0, index))


def test_who_asks_while_the_copy_is_made_gets_it_though_the_log_has_grown() -> None:
    leader = Leader()
    leader.put(80)
    leader.hear("n2")
    made = leader.copy()
    leader.put(20)
    leader.hear("n3")
    assert leader.awaited("n3") > made.mark.index  # type: ignore[operator]
    leader.tell(made)
    assert leader.awaited("n3") == made.mark.index, "what follows it is kept from now on"
    leader.carry("n2", "n3")
    assert leader.received == {"n2": made.size, "n3": made.size}
    assert leader.awaited("n2") is leader.awaited("n3") is None
    assert leader.copies == 1


def test_who_asks_later_takes_no_copy_from_another_that_is_half_way_through_it() -> None:
    leader = Leader()
    leader.put(80)
    leader.hear("n2")
    made = leader.copy()
    leader.tell(made)
    leader.rig.held.add("snapshots")
    leader.put(20)
    leader.hear("n3")
    assert not any(isinstance(job, MakeSnapshot) for job in leader.rig.snapshot_jobs)
    assert leader.awaited("n3") == made.mark.index


def test_who_asked_for_a_copy_that_will_not_do_any_more_asks_anew() -> None:
    """n2, for whom it was made, has been gone for so long that the log was shortened beyond it."""
    leader = Leader()
    leader.put(80)
    leader.hear("n2")
    made = leader.copy()
    leader.rig.advance(2 * SECOND)
    leader.rig.raft.snapshot_failed("n2")
    leader.put(100)
    assert leader.rig.raft.log.mark.index > made.mark.index
    leader.hear("n3")
    leader.tell(made)
    assert leader.awaited("n3") == leader.rig.raft.log.last_index, "it was asked for again at once"
    leader.carry("n3")
    assert leader.received["n3"] > made.size, "another copy was made for it"
    assert leader.awaited("n3") is None
