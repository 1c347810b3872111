"""Majorities (Raft §5.2, §5.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def majority(count: int) -> int:
    """How many of ``count`` voters are a majority."""
    return count // 2 + 1


def agreed(values: Sequence[int]) -> int:
    """The highest value that a majority of voters has reached; ``values`` has one per voter. 0 without voters."""
    if not values:
        return 0
    return sorted(values, reverse=True)[majority(len(values)) - 1]


def tally(voters: Sequence[str], votes: Mapping[str, bool]) -> bool | None:
    """True: elected; False: a majority refused; None: not decided yet. Votes of others than voters don't count."""
    needed = majority(len(voters))
    granted = sum(votes.get(voter) is True for voter in voters)
    refused = sum(votes.get(voter) is False for voter in voters)
    if granted >= needed:
        return True
    return False if refused > len(voters) - needed else None
