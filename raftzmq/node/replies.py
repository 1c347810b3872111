"""What a node says to its clients: results, failures, and who leads instead."""

from __future__ import annotations

from collections import Counter

from raftzmq.codec.clients import Failure
from raftzmq.core import Raft
from raftzmq.node.answers import failure_frames, result_frames
from raftzmq.node.proposals import Proposals
from raftzmq.node.work import StateJob, StateResult


class Replies:
    """Gathers the frames to clients of one round. ``counts`` are the node's."""

    def __init__(self, raft: Raft, counts: Counter[str]) -> None:
        self._raft = raft
        self._counts = counts
        self._frames: list[tuple[bytes, list[bytes]]] = []

    def take(self) -> list[tuple[bytes, list[bytes]]]:
        """(Routing id, frames) of all since the last call, in order."""
        frames, self._frames = self._frames, []
        return frames

    def send(self, routing: bytes, frames: list[bytes]) -> None:
        """A message to one client."""
        self._frames.append((routing, frames))

    def fail(self, routing: bytes, request: int, code: str, message: str, *, definite: bool = True) -> None:
        """A request as a whole failed; see `raftzmq.codec.clients.Failure`."""
        self.send(routing, failure_frames(Failure(request, code, message, definite)))

    def overloaded(self, routing: bytes, request: int, message: str) -> None:
        """A request isn't taken: too much waits already."""
        self._counts["overloaded"] += 1
        self.fail(routing, request, "overloaded", message)

    def redirect(self, routing: bytes, request: int) -> None:
        """A request is for the leader, which this node isn't."""
        raft, leader = self._raft, self._raft.leader
        members = raft.log.configuration.members
        endpoint = next((member.client for member in members if member.node == leader), "")
        message = f"{raft.node} doesn't lead; " + (f"{leader} does" if leader else "it knows no leader")
        if not raft.has_room:
            message += "; its disk is nearly full"
        failure = Failure(request, "not_leader", message, True, leader or "", endpoint)
        self.send(routing, failure_frames(failure))

    def results(self, proposals: Proposals, job: StateJob, result: StateResult) -> tuple[int, int, int]:
        """Hand out the results of applied entries: the first and the last that somebody waits for, and how many do."""
        first = last = requests = 0
        for entry, results in zip(job.entries, result.results, strict=True):
            owners = proposals.settle(entry.index, entry.term)
            if owners:
                first, last = first or entry.index, entry.index
                requests += len(owners)
                for (routing, request), outcome in zip(owners, results, strict=True):
                    self.send(routing, result_frames(request, outcome))
        return first, last, requests
