"""Majorities: against brute force, and against the cases that another implementation is tested with."""

from __future__ import annotations

import os
import random
import re
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.core.quorum import agreed, majority, tally

VECTORS = Path(os.environ.get("RAFTZMQ_VECTORS") or Path(__file__).parents[2].parent / "shared" / "vectors")
MAJORITY_COMMIT = VECTORS / "quorum" / "majority_commit.txt"

values_of_voters = st.lists(st.integers(0, 6) | st.integers(0, 2**63 - 1), min_size=1, max_size=7)


@pytest.mark.parametrize(("voters", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)])
def test_a_majority_is_more_than_half(voters: int, needed: int) -> None:
    assert majority(voters) == needed


@given(st.integers(1, 9))
def test_any_two_majorities_share_a_voter(voters: int) -> None:
    everybody = range(voters)
    for one in combinations(everybody, majority(voters)):
        for other in combinations(everybody, majority(voters)):
            assert {*one} & {*other}


@given(values_of_voters)
def test_agreed_is_the_best_that_some_majority_has_reached_in_full(values: list[int]) -> None:
    """Brute force over all majorities: each has reached its lowest member's value."""
    assert agreed(values) == max(min(group) for group in combinations(values, majority(len(values))))


@given(values_of_voters, st.randoms(use_true_random=False))
def test_agreed_knows_no_order_among_voters(values: list[int], rng: random.Random) -> None:
    shuffled = list(values)
    rng.shuffle(shuffled)
    assert agreed(shuffled) == agreed(values)


def test_nobody_agrees_on_nothing() -> None:
    assert agreed([]) == 0


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=7))
def test_a_tally_is_decided_exactly_when_no_further_vote_can_change_it(votes: list[bool | None]) -> None:
    """Brute force: let the voters who haven't voted yet all grant, or all refuse."""
    voters = [f"n{k}" for k in range(len(votes))]
    needed = majority(len(votes))
    at_worst = votes.count(True) >= needed
    at_best = votes.count(True) + votes.count(None) >= needed
    expected = True if at_worst else None if at_best else False
    cast = {voter: vote for voter, vote in zip(voters, votes, strict=True) if vote is not None}
    assert tally(voters, cast) is expected


def test_votes_of_strangers_do_not_count() -> None:
    assert tally(["n1", "n2", "n3"], {"n1": True, "n8": True, "n9": True}) is None
    assert tally(["n1", "n2", "n3"], {"n1": True, "n8": False, "n9": False}) is None


def majority_cases() -> list[tuple[str, list[int], int]]:
    """Name, index of each voter (0 where it isn't known) and the committed index; simple majorities only."""
    if not MAJORITY_COMMIT.exists():
        return []
    cases = []
    for block in re.split(r"\n(?=committed)", MAJORITY_COMMIT.read_text()):
        match = re.match(r"committed cfg=\(([\d, ]+)\) idx=\(([\d_, ]+)\)\n----\n(.*?)(?:\n\n|\Z)", block, re.DOTALL)
        if match:
            voters = match[1].split(",")
            indices = [0 if text.strip() == "_" else int(text) for text in match[2].split(",")]
            result = int(match[3].strip().splitlines()[-1])
            cases.append((f"cfg=({match[1]}) idx=({match[2]})", indices[: len(voters)], result))
    return cases


def test_the_vectors_of_another_implementation_give_the_same_committed_index() -> None:
    if not MAJORITY_COMMIT.exists():
        pytest.skip(f"no vectors at {MAJORITY_COMMIT}: set RAFTZMQ_VECTORS")
    cases = majority_cases()
    assert len(cases) >= 15
    wrong = [(name, agreed(indices), result) for name, indices, result in cases if agreed(indices) != result]
    assert not wrong
