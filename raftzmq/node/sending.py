"""A leader's side of snapshots: copies of the state on their way to followers, in chunks that are acknowledged."""

from __future__ import annotations

from dataclasses import dataclass

from raftzmq.checksum import crc32
from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk, SnapshotId
from raftzmq.config import MICROSECONDS, SNAPSHOT_WINDOW
from raftzmq.core import Raft
from raftzmq.core.messages import InstallSnapshot
from raftzmq.node.work import DropSnapshot, MakeSnapshot, ReadChunk, SnapshotFile, SnapshotJob

RETRY_US = MICROSECONDS // 2
"""Silence after which chunks are sent again from the last acknowledged one on."""
GIVE_UP_US = 10 * MICROSECONDS
"""Silence after which the follower is given up: the core finds out anew what it has, once it is heard."""
NEVER = 2**62


@dataclass(slots=True)
class _Transfer:
    """One follower's. ``asked`` is the next byte to read, ``acknowledged`` what the follower says that it has.

    ``offered``: the copy that there is is the one that it gets.
    """

    heard_us: int
    retry_us: int
    offered: bool = False
    asked: int = 0
    acknowledged: int = 0


class Sending:
    """Every snapshot on its way from this node. There is one copy of the state at a time; followers share it."""

    def __init__(self, raft: Raft, jobs: list[SnapshotJob]) -> None:
        """``jobs`` is where this leaves what the snapshot worker is to do, in order."""
        self._raft = raft
        self._jobs = jobs
        self._chunk_bytes = raft.retention.chunk_bytes
        self._transfers: dict[str, _Transfer] = {}
        self._file: SnapshotFile | None = None
        self._making = False
        self._spare_bytes = self._state_bytes = 0
        self._looked = False

    def __len__(self) -> int:
        return len(self._transfers)

    @property
    def deadline_us(self) -> int:
        """When `tick` is wanted next."""
        if not self._transfers:
            return NEVER
        return min(transfer.retry_us for transfer in self._transfers.values())

    def room(self, spare_bytes: int, state_bytes: int) -> None:
        """So much may be written beside all else, and so much would a copy take."""
        self._spare_bytes, self._state_bytes, self._looked = spare_bytes, state_bytes, True

    def _has_room(self) -> bool:
        """Is there room for a copy, in the place of the one before? A disk that it filled would end the node."""
        before = 0 if self._file is None else self._file.size
        return not self._looked or self._state_bytes <= self._spare_bytes + before

    def begin(self, message: InstallSnapshot, now_us: int) -> bool:
        """The core wants ``message.to`` to get a snapshot: the copy that there is, if it still will do, or another.

        Followers share a copy, so one that comes later takes no copy from another that is half way through it. False:
        the disk has no room for another, and the core may ask again.
        """
        transfer = _Transfer(now_us, now_us + RETRY_US)
        if not self._making:
            transfer.offered = self._file is not None and self._raft.snapshot_offered(message.to, self._file.mark.index)
            if not transfer.offered:
                if not self._has_room():
                    self._raft.snapshot_failed(message.to)
                    return False
                self._making = True
                self._jobs.append(MakeSnapshot())
        self._transfers[message.to] = transfer
        if transfer.offered:
            self._advance(message.to)
        return True

    def made(self, file: SnapshotFile, now_us: int) -> None:
        """A copy of the state is there; it took the place of an older one."""
        self._making = False
        self._file = file
        for peer, transfer in list(self._transfers.items()):
            self._restart(transfer, now_us)
            transfer.offered = self._raft.snapshot_offered(peer, file.mark.index)
            if transfer.offered:
                self._advance(peer)
            else:
                # It asked while the copy was under way, and the log has been shortened since: it is to ask anew.
                del self._transfers[peer]
                self._raft.snapshot_failed(peer)
        self._tidy()

    def read(self, job: ReadChunk, data: bytes) -> SnapshotChunk | None:
        """A chunk was read: the message that carries it, unless nobody wants it any more."""
        file = self._file
        if file is None or file.id != job.snapshot or job.peer not in self._transfers:
            return None
        return self._chunk(job.peer, file.id, job.offset, data)

    def _chunk(self, peer: str, snapshot: SnapshotId, offset: int, data: bytes) -> SnapshotChunk:
        return SnapshotChunk(self._raft.node, peer, self._raft.current_term, snapshot, offset, crc32(data), data)

    def answered(self, answer: SnapshotAnswer, now_us: int) -> None:
        """A follower says how far it is."""
        transfer, file = self._transfers.get(answer.sender), self._file
        if transfer is None or file is None or answer.snapshot != file.id or answer.term != self._raft.current_term:
            return
        transfer.heard_us = now_us
        if answer.damaged:
            # The bytes are those that were read here, so this copy is at fault, or the state that it is a copy of.
            if not self._making:
                self._making = True
                # It takes the place of this one, whose room it has; and a damaged state is to be found out.
                self._jobs.append(MakeSnapshot(verified=True))
            return
        if answer.offset < transfer.acknowledged:
            # It has lost what it had (a restart), or an old answer comes late: what it has counts.
            self._restart(transfer, now_us)
        if answer.offset > transfer.acknowledged:
            transfer.acknowledged = min(answer.offset, file.size)
            transfer.asked = max(transfer.asked, transfer.acknowledged)
            transfer.retry_us = now_us + RETRY_US
        self._advance(answer.sender)

    def tick(self, now_us: int) -> tuple[list[SnapshotChunk], list[str]]:
        """Drop what is done, repeat what got no answer; questions to be sent, and followers that were given up."""
        questions: list[SnapshotChunk] = []
        lost: list[str] = []
        leadership = self._raft.leadership
        for peer, transfer in list(self._transfers.items()):
            progress = None if leadership is None else leadership.peers.get(peer)
            if progress is None or progress.snapshot is None:
                del self._transfers[peer]
            elif self._file is None or self._making:
                transfer.heard_us = now_us
                transfer.retry_us = now_us + RETRY_US
            elif now_us - transfer.heard_us >= GIVE_UP_US:
                del self._transfers[peer]
                lost.append(peer)
                self._raft.snapshot_failed(peer)
            elif now_us >= transfer.retry_us:
                transfer.asked = transfer.acknowledged
                transfer.retry_us = now_us + RETRY_US
                questions.append(self._chunk(peer, self._file.id, transfer.acknowledged, b""))
                self._advance(peer)
        self._tidy()
        return questions, lost

    def _restart(self, transfer: _Transfer, now_us: int) -> None:
        transfer.asked = transfer.acknowledged = 0
        transfer.retry_us = now_us + RETRY_US

    def _advance(self, peer: str) -> None:
        """Read ahead as far as the window allows."""
        transfer, file = self._transfers[peer], self._file
        if file is None or not transfer.offered:
            return
        while transfer.asked < min(file.size, transfer.acknowledged + SNAPSHOT_WINDOW * self._chunk_bytes):
            size = min(self._chunk_bytes, file.size - transfer.asked)
            self._jobs.append(ReadChunk(peer, file.id, transfer.asked, size))
            transfer.asked += size

    def _tidy(self) -> None:
        if not self._transfers and self._file is not None and not self._making:
            self._file = None
            self._jobs.append(DropSnapshot())
