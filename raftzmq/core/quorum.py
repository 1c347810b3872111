"""Majorities (Raft §5.2, §5.3), of one set of voters or of both sets of a joint configuration (thesis 4.3)."""

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


def agreed_jointly(*sets: Sequence[int]) -> int | None:
    """The highest value that a majority of each set has reached. Sets without voters hold nothing back.

    ``sets`` have one value per voter, as for `agreed`. None: none of them has any, so nothing is held back.
    """
    return min((agreed(values) for values in sets if values), default=None)


def tally_jointly(sets: Sequence[Sequence[str]], votes: Mapping[str, bool]) -> bool | None:
    """True: a majority of each set granted; False: one of the sets refused; None: not decided yet. See `tally`."""
    outcomes = {tally(voters, votes) for voters in sets if voters}
    if False in outcomes:
        return False
    return None if None in outcomes else True
