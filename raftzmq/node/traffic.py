"""Single messages between nodes, as events for those who ask for them."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from raftzmq.codec.peers import PeerMessage, Stamp
from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk
from raftzmq.core import Raft
from raftzmq.core.messages import (
    AppendEntries,
    AppendEntriesResponse,
    ReadIndex,
    ReadIndexResponse,
    RequestVote,
    RequestVoteResponse,
)
from raftzmq.events import EventMaker

_TYPES = (
    *(RequestVote, RequestVoteResponse, AppendEntries, AppendEntriesResponse, ReadIndex, ReadIndexResponse),
    *(SnapshotChunk, SnapshotAnswer),
)
_NOT_TOLD = {"sender", "to", "data"}
_FIELDS: dict[type, list[str]] = {
    kind: [field.name for field in fields(kind) if field.name not in _NOT_TOLD] for kind in _TYPES
}


class Traffic:
    """Tells of each message that leaves or is taken, if somebody wants to hear it.

    Most are beats: an AppendEntries without entries, or an answer that repeats what its sender last said to the
    same leader in the same term. Their events have types of their own, so that who watches entries travel doesn't
    have to take twenty heartbeats a second.
    """

    def __init__(self, maker: EventMaker, raft: Raft, node: str) -> None:
        self.maker = maker
        self._raft = raft
        self._node = node
        self._told: dict[str, tuple[int, int]] = {}

    def is_beat(self, message: PeerMessage) -> bool:
        """Does this message, which is about to leave, say only that this node is there? Ask once for each."""
        if isinstance(message, AppendEntries):
            return not message.entries
        if isinstance(message, AppendEntriesResponse) and message.success:
            says = (message.term, message.match_index)
            if self._told.get(message.to) == says:
                return True
            self._told[message.to] = says
        return False

    def sent(self, message: PeerMessage, number: int, beat: bool, now_us: int) -> None:
        """A message leaves."""
        maker = self.maker
        if beat:
            if maker.wanted("heartbeat_sent"):
                maker.emit("heartbeat_sent", self._raft.current_term, now_us, self._of_sent(message, number))
        elif maker.wanted("sent"):
            maker.emit("sent", self._raft.current_term, now_us, self._of_sent(message, number))

    def received(self, message: PeerMessage, stamp: Stamp, now_us: int) -> None:
        """A message was taken; what it does to this node comes after this."""
        maker = self.maker
        if stamp.beat:
            if maker.wanted("heartbeat_received"):
                maker.emit("heartbeat_received", self._raft.current_term, now_us, _of_received(message, stamp.number))
        elif maker.wanted("received"):
            maker.emit("received", self._raft.current_term, now_us, _of_received(message, stamp.number))

    def _of_sent(self, message: PeerMessage, number: int) -> dict[str, Any]:
        return _fields(message, f"{self._node}:{number}", message.to)


def _of_received(message: PeerMessage, number: int) -> dict[str, Any]:
    return _fields(message, f"{message.sender}:{number}", message.sender)


def _fields(message: PeerMessage, mid: str, peer: str) -> dict[str, Any]:
    size = 0
    body = {name: getattr(message, name) for name in _FIELDS[type(message)]}
    if isinstance(message, AppendEntries):
        entries = message.entries
        size = sum([len(entry.data) for entry in entries])
        body["entries"] = [entries[0].index, entries[-1].index] if entries else []
    elif isinstance(message, (SnapshotChunk, SnapshotAnswer)):
        body["snapshot"] = asdict(message.snapshot)
        size = len(message.data) if isinstance(message, SnapshotChunk) else 0
    return {"mid": mid, "peer": peer, "message": type(message).__name__, "bytes": size, "body": body}
