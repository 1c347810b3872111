"""What nodes say to one another (Raft figure 2 and §6.4 of the thesis).

``sender`` and ``to`` are node names; ``term`` is the sender's term, except in a pre-vote, where it is the term that
the sender would campaign in.
"""

from __future__ import annotations

from raftzmq.core.types import Entry, Mark
from raftzmq.core.value import value


@value
class RequestVote:
    """A candidate asks for a vote; with ``pre_vote`` it asks whether it would get one (thesis 9.6).

    ``told``: it was told to campaign although a leader may be near, so that no reason to refuse it is (thesis 3.10).
    """

    sender: str
    to: str
    term: int
    last_log_index: int
    last_log_term: int
    pre_vote: bool
    told: bool = False


@value
class RequestVoteResponse:
    """The answer to `RequestVote`; a granted pre-vote carries the term that was asked for."""

    sender: str
    to: str
    term: int
    granted: bool
    pre_vote: bool


@value
class AppendEntries:
    """Entries after ``prev_log_index``, or none: a heartbeat.

    ``round`` is the leader's latest ReadIndex round: an answer that carries it proves that the leader was still
    leader after the round began.
    """

    sender: str
    to: str
    term: int
    prev_log_index: int
    prev_log_term: int
    leader_commit: int
    round: int
    entries: tuple[Entry, ...] = ()


@value
class AppendEntriesResponse:
    """The answer to `AppendEntries`.

    ``match_index``: the last entry that agrees with the leader *and* is durable here. On failure
    ``prev_log_index`` repeats the index that didn't fit, and (``hint_index``, ``hint_term``) is the last entry
    here that could: its term is not above the one that the leader named (fast conflict back-up, Raft §5.3).
    """

    sender: str
    to: str
    term: int
    success: bool
    match_index: int
    round: int
    prev_log_index: int
    hint_index: int = 0
    hint_term: int = 0


@value
class InstallSnapshot:
    """The state as of ``mark`` instead of entries that the leader's log no longer has (Raft §7, figure 13).

    From a leader's core it says: send ``to`` a snapshot that ends at ``mark`` or later. Into a follower's core it
    comes once such a snapshot is there, whole and verified. How it gets from one to the other is the node's affair.
    `AppendEntriesResponse` answers it.
    """

    sender: str
    to: str
    term: int
    mark: Mark


@value
class ReadIndex:
    """A follower asks its leader for an index at which a read is linearizable (thesis 6.4)."""

    sender: str
    to: str
    term: int
    context: int


@value
class ReadIndexResponse:
    """The index that answers the `ReadIndex` with the same ``context``."""

    sender: str
    to: str
    term: int
    context: int
    index: int


Message = (
    RequestVote
    | RequestVoteResponse
    | AppendEntries
    | AppendEntriesResponse
    | InstallSnapshot
    | ReadIndex
    | ReadIndexResponse
)
