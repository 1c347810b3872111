"""Messages of members whose numbers are damaged: a term out of all reason is refused, and no index ends the node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from raftzmq.codec.peers import PeerMessage
from raftzmq.codec.snapshots import SnapshotAnswer, SnapshotChunk, SnapshotId
from raftzmq.config import TERM_STEP_MAX
from raftzmq.core import Role
from raftzmq.core.messages import (
    AppendEntries,
    AppendEntriesResponse,
    ReadIndex,
    ReadIndexResponse,
    RequestVote,
    RequestVoteResponse,
)
from raftzmq.core.types import EntryKind, make_entry
from raftzmq.kv.commands import encode_batch
from tests.node.support import SECOND, Rig

HIGHEST = 2**63 - 1
"""The highest number that a message can hold."""
TERM = 1
SNAPSHOT = SnapshotId(5, TERM, 1, 100, 1)


def entry() -> Any:
    """One that continues the log of a new node."""
    first = Rig().raft.log.entry(1)
    return make_entry(first.chain, 2, TERM, EntryKind.COMMANDS, encode_batch(0, [], 0))


MESSAGES: tuple[PeerMessage, ...] = (
    RequestVote("n2", "n1", TERM, 99, 6, False),
    RequestVote("n2", "n1", TERM, 99, 6, True),
    RequestVoteResponse("n2", "n1", TERM, False, False),
    RequestVoteResponse("n2", "n1", TERM, False, True),
    AppendEntries("n2", "n1", TERM, 1, 0, 0, 0),
    AppendEntries("n2", "n1", TERM, 1, 0, 0, 0, (entry(),)),
    AppendEntriesResponse("n2", "n1", TERM, True, 1, 0, 1),
    AppendEntriesResponse("n2", "n1", TERM, False, 1, 0, 1),
    ReadIndex("n2", "n1", TERM, 1),
    ReadIndexResponse("n2", "n1", TERM, 1, 1),
    SnapshotChunk("n2", "n1", TERM, SNAPSHOT, 0, 0, b"data"),
    SnapshotAnswer("n2", "n1", TERM, SNAPSHOT, 0, False),
)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
@pytest.mark.parametrize("term", [TERM_STEP_MAX + TERM + 1, 2**53, HIGHEST])
def test_a_term_that_no_elections_lead_to_is_refused(message: PeerMessage, term: int) -> None:
    rig = Rig()
    rig.follow("n2", term=TERM)
    rig.peer(replace(message, term=term))
    rig.settle()
    [(_, reason)] = rig.refusals
    assert reason.startswith(f"n2 speaks of term {term}, and n1 is in term {TERM}: ")
    assert (rig.raft.current_term, rig.node.status()["counts"]["refused_peers"]) == (TERM, 1)


def test_a_term_that_many_elections_lead_to_is_taken() -> None:
    rig = Rig()
    rig.follow("n2", term=TERM_STEP_MAX)
    assert (rig.raft.current_term, rig.raft.leader, rig.refusals) == (TERM_STEP_MAX, "n2", [])
    rig.lead()
    assert rig.raft.current_term == TERM_STEP_MAX + 1


def damaged(message: Any) -> Iterator[Any]:
    """The message with each of its numbers, but for the term and the checksums, as high as can be."""
    for field in fields(message):
        value = getattr(message, field.name)
        if field.name in ("term", "chain", "checksum"):
            continue
        if type(value) is int:
            yield replace(message, **{field.name: HIGHEST})
        elif isinstance(value, SnapshotId):
            yield from (replace(message, **{field.name: changed}) for changed in damaged(value))
        elif field.name == "entries" and value:
            yield from (replace(message, entries=(replace(value[0], **{name: HIGHEST}),)) for name in ("index", "term"))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
@pytest.mark.parametrize("role", [Role.FOLLOWER, Role.LEADER])
def test_the_highest_index_ends_nobody(message: PeerMessage, role: Role) -> None:
    """A second leader of one term aside: that ends a node, and shall."""
    if isinstance(message, AppendEntries) and role is Role.LEADER:
        message = replace(message, term=0)
    for changed in damaged(message):
        rig = Rig().lead("n3") if role is Role.LEADER else Rig()
        if role is Role.FOLLOWER:
            rig.follow("n2", term=TERM)
        rig.peer(changed)
        rig.settle()
        rig.advance(3 * SECOND)
        assert rig.lead().raft.role is Role.LEADER
