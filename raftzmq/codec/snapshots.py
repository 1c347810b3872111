"""How a snapshot travels: chunks from a leader, and what the follower has of it so far.

A snapshot is known by the entry that it ends with (index, term and chain), its size and its checksum: a follower that
sees another one begins anew. Neither message is Raft's; both are worth something only within the sender's term.
"""

from __future__ import annotations

from raftzmq.core.value import value


@value
class SnapshotId:
    """Which snapshot: ``index``, ``entry_term`` and ``chain`` of its last entry; ``size`` in bytes and their CRC-32."""

    index: int
    entry_term: int
    chain: int
    size: int
    checksum: int


@value
class SnapshotChunk:
    """``data`` belongs at ``offset``; without data the leader asks how far the follower is."""

    sender: str
    to: str
    term: int
    snapshot: SnapshotId
    offset: int
    checksum: int
    data: bytes


@value
class SnapshotAnswer:
    """The follower has the first ``offset`` bytes; or all, and they are ``damaged``: the leader makes another one."""

    sender: str
    to: str
    term: int
    snapshot: SnapshotId
    offset: int
    damaged: bool
