"""A follower's side of snapshots: one arrives in chunks, is verified whole, and is put in the place of the state."""

from __future__ import annotations

from dataclasses import dataclass

from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk, SnapshotId
from raftzmq.core import Raft
from raftzmq.core.messages import InstallSnapshot
from raftzmq.core.types import Mark
from raftzmq.node.work import DropArrival, FinishSnapshot, SnapshotJob, WriteChunk


@dataclass(slots=True)
class _Arrival:
    """The snapshot that arrives. ``asked`` bytes were given to the worker, ``stored`` are there.

    ``finishing``: all are there, and the snapshot is being verified or installed.
    """

    sender: str
    snapshot: SnapshotId
    asked: int = 0
    stored: int = 0
    finishing: bool = False


class Receiving:
    """The snapshot on its way to this node, if there is one."""

    def __init__(self, raft: Raft, jobs: list[SnapshotJob]) -> None:
        """``jobs`` is where this leaves what the snapshot worker is to do, in order."""
        self._raft = raft
        self._jobs = jobs
        self._arrival: _Arrival | None = None
        self._spare_bytes: int | None = None
        self._leftover = False
        """May something lie on the disk of a snapshot that nobody completes?"""

    def room(self, spare_bytes: int) -> None:
        """So much may be written beside all else. A snapshot that fills the disk as it arrives is let go of."""
        self._spare_bytes = spare_bytes
        if not self._raft.has_room and self._arrival is not None and not self._arrival.finishing:
            self._drop()

    def _drop(self) -> None:
        self._arrival = None
        if self._leftover:
            self._leftover = False
            self._jobs.append(DropArrival())

    def chunk(self, chunk: SnapshotChunk) -> SnapshotAnswer | InstallSnapshot | None:
        """A chunk came: an answer to it, or the message to give to the core if there is nothing to be installed."""
        raft, snapshot = self._raft, chunk.snapshot
        if chunk.term != raft.current_term or chunk.sender != raft.leader or not raft.has_room:
            return None
        arrival = self._arrival
        if raft.installing is not None or (arrival is not None and arrival.finishing):
            return self._answer(chunk.sender, snapshot, snapshot.size) if self._is(snapshot) else None
        if not raft.wants_snapshot(snapshot.index, snapshot.entry_term):
            self._arrival = None
            mark = Mark(snapshot.index, snapshot.entry_term, snapshot.chain)
            return InstallSnapshot(chunk.sender, raft.node, chunk.term, mark)
        if arrival is None or not self._is(snapshot):
            if self._spare_bytes is not None and snapshot.size > self._spare_bytes:
                # Silence: the leader gives up, for a while, and keeps no log for it.
                self._drop()
                return None
            arrival = self._arrival = _Arrival(chunk.sender, snapshot)
        arrival.sender = chunk.sender
        if not chunk.data or chunk.offset != arrival.asked:
            return self._answer(chunk.sender, snapshot, arrival.stored)
        arrival.asked += len(chunk.data)
        self._leftover = True
        self._jobs.append(WriteChunk(snapshot, chunk.offset, chunk.checksum, chunk.data))
        return None

    def written(self, job: WriteChunk, sound: bool) -> SnapshotAnswer | None:
        """A chunk is stored, or was not ``sound``: then it is asked for again, with all after it."""
        arrival = self._arrival
        if arrival is None or arrival.snapshot != job.snapshot or job.offset != arrival.stored:
            return None
        if not sound:
            arrival.asked = arrival.stored
        else:
            arrival.stored += len(job.data)
            if arrival.stored == arrival.snapshot.size:
                arrival.finishing = True
                self._jobs.append(FinishSnapshot(arrival.snapshot))
        return self._answer(arrival.sender, arrival.snapshot, arrival.stored)

    def finished(self, job: FinishSnapshot, mark: Mark | None) -> SnapshotAnswer | InstallSnapshot | None:
        """The snapshot is whole and ends at ``mark``: the message for the core; None: it is damaged, and is dropped."""
        arrival = self._arrival
        if arrival is None or arrival.snapshot != job.snapshot:
            return None
        if mark is None:
            self._arrival = None
            return self._answer(arrival.sender, arrival.snapshot, 0, damaged=True)
        leader = self._raft.leader
        if leader is None or leader == self._raft.node:
            # Nobody to follow: a later leader begins anew, if it must.
            self._arrival = None
            return None
        # What it holds is committed, so it may be installed under a later leader than the one that sent it.
        return InstallSnapshot(leader, self._raft.node, self._raft.current_term, mark)

    def settled(self) -> None:
        """The core took the snapshot or didn't want it, or it is installed: nothing is left of it here."""
        self._arrival = None

    def _is(self, snapshot: SnapshotId) -> bool:
        return self._arrival is not None and self._arrival.snapshot == snapshot

    def _answer(self, to: str, snapshot: SnapshotId, offset: int, *, damaged: bool = False) -> SnapshotAnswer:
        return SnapshotAnswer(self._raft.node, to, self._raft.current_term, snapshot, offset, damaged)
