"""Snapshots between nodes, as the node sees them: what a leader sends, what a follower receives, and who hears of it.

The core says that a follower needs a snapshot, and later that one is to be installed. In between lies this: the copy
is made and read, sent in chunks on the bulk connection, written and verified by the snapshot worker of each node.
"""

from __future__ import annotations

from raftzmq.checksum import crc32
from raftzmq.codec.peers import PeerMessage
from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk, SnapshotId
from raftzmq.core import Raft
from raftzmq.core.messages import InstallSnapshot
from raftzmq.core.types import Mark
from raftzmq.node.receiving import Receiving
from raftzmq.node.reporting import Reporter
from raftzmq.node.sending import GIVE_UP_US, Sending
from raftzmq.node.space import spare_bytes
from raftzmq.node.work import (
    DropArrival,
    FinishSnapshot,
    MakeSnapshot,
    ReadChunk,
    SnapshotFile,
    SnapshotJob,
    SnapshotStorage,
    Space,
    WriteChunk,
)

SnapshotOutcome = SnapshotFile | bytes | bool | Mark | None
"""What a `SnapshotJob` gives; see there."""


def run_snapshot_job(storage: SnapshotStorage, job: SnapshotJob) -> SnapshotOutcome:
    """Do ``job``; raises StorageError and CorruptionError, which end the node."""
    match job:
        case MakeSnapshot():
            return storage.make(verified=job.verified)
        case ReadChunk():
            return storage.read(job.snapshot, job.offset, job.size)
        case WriteChunk():
            if crc32(job.data) != job.checksum:
                return False
            storage.write(job.snapshot, job.offset, job.data)
            return True
        case FinishSnapshot():
            return storage.finish(job.snapshot)
        case DropArrival():
            storage.drop_arrival()
            return None
    storage.drop()
    return None


class Transfers:
    """``answers`` go out beside Raft's messages, ``chunks`` on the bulk connection, ``jobs`` to the snapshot worker.

    The node takes all three, in order.
    """

    def __init__(self, raft: Raft, report: Reporter) -> None:
        self._raft = raft
        self._report = report
        self.jobs: list[SnapshotJob] = []
        self._sending = Sending(raft, self.jobs)
        self._receiving = Receiving(raft, self.jobs)
        self._announced: SnapshotId | None = None
        self._complain_us = 0
        self.answers: list[PeerMessage] = []
        self.chunks: list[SnapshotChunk] = []

    @property
    def deadline_us(self) -> int:
        """When `tick` is wanted next."""
        return self._sending.deadline_us

    @property
    def has_work(self) -> bool:
        """Is there anything for the node to take?"""
        return bool(self.jobs or self.answers or self.chunks)

    def tick(self, now_us: int) -> None:
        """Repeat what got no answer, and give up who is silent for too long."""
        questions, lost = self._sending.tick(now_us)
        self.chunks += questions
        for peer in lost:
            self._report.snapshot("failed", self._raft.log.mark, peer, now_us)

    def begin(self, message: InstallSnapshot, now_us: int) -> None:
        """The core wants a follower to get a snapshot."""
        if self._sending.begin(message, now_us):
            self._report.snapshot("send", message.mark, message.to, now_us)
        elif now_us >= self._complain_us:
            # The core asks for it at each answer of the follower's, until there is room.
            self._complain_us = now_us + GIVE_UP_US
            self._report.snapshot("failed", message.mark, message.to, now_us)

    def space(self, space: Space) -> None:
        """So much room there is: for a copy of the state, or for one that arrives."""
        spare = spare_bytes(space)
        self._sending.room(spare, space.state_bytes)
        self._receiving.room(spare)

    def message(self, message: SnapshotChunk | SnapshotAnswer, now_us: int) -> None:
        """A chunk from a leader, or a follower's answer to one."""
        if isinstance(message, SnapshotAnswer):
            self._sending.answered(message, now_us)
            return
        if message.snapshot != self._announced and message.term == self._raft.current_term:
            self._announced = message.snapshot
            self._report.snapshot("receive", message.snapshot, message.sender, now_us)
        self._follow_up(self._receiving.chunk(message))

    def done(self, job: SnapshotJob, outcome: SnapshotOutcome, now_us: int) -> None:
        """The snapshot worker has done ``job``."""
        if isinstance(outcome, SnapshotFile):
            self._sending.made(outcome, now_us)
        elif isinstance(job, ReadChunk) and isinstance(outcome, bytes):
            chunk = self._sending.read(job, outcome)
            if chunk is not None:
                self.chunks.append(chunk)
        elif isinstance(job, WriteChunk):
            self._follow_up(self._receiving.written(job, outcome is True))
        elif isinstance(job, FinishSnapshot):
            mark = outcome if isinstance(outcome, Mark) else None
            if mark is None:
                self._report.snapshot("damaged", job.snapshot, self._raft.leader, now_us)
            self._follow_up(self._receiving.finished(job, mark))

    def installed(self) -> None:
        """The state is the snapshot now."""
        self._receiving.settled()

    def _follow_up(self, result: SnapshotAnswer | InstallSnapshot | None) -> None:
        if isinstance(result, InstallSnapshot):
            self._raft.step(result)
            if self._raft.installing is None:
                self._receiving.settled()
        elif result is not None:
            self.answers.append(result)
