"""The roles of a node, each with the state that only it has (Raft §5.1, figure 4).

::

             times out: asks first          majority would vote        majority votes
    follower ──────────────────▶ pre-candidate ───────────▶ candidate ───────────▶ leader
       ▲   ◀── a majority refuses ──┘ │                        │                      │
       └──────────── a leader or a higher term is heard; a leader loses its quorum ───┘
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from raftzmq.core.quorum import tally


class Role(StrEnum):
    """The role's name, as people and programs see it."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


@dataclass(slots=True)
class Follower:
    """``matched``: the last entry known to agree with the leader of this term, durable here or not.

    ``answer_owed``: the leader waits to hear that entries are durable. ``round`` is the last ReadIndex round seen.
    """

    leader: str | None = None
    matched: int = 0
    answer_owed: bool = False
    round: int = 0


@dataclass(slots=True)
class Candidate:
    """Asks for votes, or with ``pre_vote`` whether it would get them."""

    pre_vote: bool
    votes: dict[str, bool] = field(default_factory=dict)

    def count(self, voter: str, granted: bool, voters: Sequence[str]) -> bool | None:
        """Note a vote (the first of a voter stands); True once elected, False once that is impossible."""
        self.votes.setdefault(voter, granted)
        return tally(voters, self.votes)
