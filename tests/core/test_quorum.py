"""Majorities: against brute force, and against the cases that another implementation is tested with."""

from __future__ import annotations

import random
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.core.quorum import agreed, agreed_jointly, majority, tally, tally_jointly
from tests.core.datadriven import Case, read_cases
from tests.vectors import VECTORS

FILES = sorted((VECTORS / "quorum").glob("*.txt"))

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


@given(st.lists(st.integers(0, 6), max_size=5), st.lists(st.integers(0, 6), max_size=5))
def test_two_sets_agree_on_what_each_agrees_on(old: list[int], new: list[int]) -> None:
    expected = [agreed(values) for values in (old, new) if values]
    assert agreed_jointly(old, new) == (min(expected) if expected else None)
    assert agreed_jointly(old, old) == (agreed(old) if old else None)


@given(st.sets(st.sampled_from("abcde")), st.sets(st.sampled_from("abcde")), st.data())
def test_a_joint_tally_is_decided_exactly_when_no_further_vote_can_change_it(
    old: set[str], new: set[str], data: st.DataObject
) -> None:
    """Brute force: let those who haven't voted yet all grant, or all refuse."""
    sets = [sorted(old), sorted(new)]
    cast = data.draw(st.dictionaries(st.sampled_from("abcdef"), st.booleans()))

    def won(others: bool) -> bool:
        return all(sum(cast.get(v, others) for v in voters) >= majority(len(voters)) for voters in sets if voters)

    assert tally_jointly(sets, cast) is (True if won(False) else None if won(True) else False)


OUTCOMES = {True: "VoteWon", False: "VoteLost", None: "VotePending"}


def result(case: Case) -> str:
    """What our functions say to a case: an index (∞: nothing is held back), or the outcome of a vote.

    ``idx`` and ``votes`` have a value for each voter of ``cfg``, then for each of ``cfgj`` that ``cfg`` hasn't.
    """
    old, new = case.values("cfg"), [v for v in case.values("cfgj") if v != "zero"]
    voters = list(dict.fromkeys([*old, *new]))
    if case.command == "vote":
        cast = dict(zip(voters, case.values("votes"), strict=True))
        return OUTCOMES[tally_jointly([old, new], {v: vote == "y" for v, vote in cast.items() if vote != "_"})]
    reached = {v: 0 if i == "_" else int(i) for v, i in zip(voters, case.values("idx"), strict=True)}
    index = agreed_jointly([reached[v] for v in old], [reached[v] for v in new])
    return "∞" if index is None else str(index)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_vectors_of_another_implementation_give_the_same_results(path: Path) -> None:
    cases = read_cases(path)
    assert cases
    for case in cases:
        *_, expected = case.output.split("\n")
        # Of an empty set the drawing and the result stand on one line.
        assert expected.removeprefix("<empty majority quorum>") == result(case), f"{path.name}:{case.line}"


def test_there_are_vectors() -> None:
    if not VECTORS.exists():
        pytest.skip(f"no vectors at {VECTORS}: set RAFTZMQ_VECTORS")
    assert FILES
    assert {case.command for path in FILES for case in read_cases(path)} <= {"committed", "vote"}
