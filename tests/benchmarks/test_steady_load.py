"""Long loads: what they remember finds every lost or doubled write, and growth and bars are judged right."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftzmq.benchmarks.bars import Bar, end_by
from raftzmq.benchmarks.footprint import Footprint, growth
from raftzmq.benchmarks.load import Plan, key_name
from raftzmq.benchmarks.memory import rates, tenths
from raftzmq.benchmarks.revision_set import RevisionSet
from raftzmq.benchmarks.steady_load import Summary, make_ledger
from raftzmq.benchmarks.verification import VerificationFailed
from raftzmq.client.results import KeyValue

revisions = st.lists(st.integers(1, 2_000_000), max_size=30)


@given(revisions, revisions)
def test_a_revision_set_is_a_set(first: list[int], second: list[int]) -> None:
    ours, others = RevisionSet(), RevisionSet()
    for revision in first:
        ours.add(revision)
    for revision in second:
        others.add(revision)
    assert len(ours) == len(set(first))
    ours.update(others)
    assert len(ours) == len({*first, *second})


def summary(client: int, puts: list[tuple[int, int]]) -> Summary:
    """What a client notes of acknowledged puts (key, revision), in their order."""
    plan = Plan(client, ("tcp://127.0.0.1:1",), 10, 1, 32, 3, 1)
    made = Summary(plan, array("q", [0, 0, 0]), array("q", [0, 0, 0]))
    for sequence, (number, revision) in enumerate(puts):
        made.acknowledged += 1
        made.revisions.add(revision)
        if revision > made.revisions_of_keys[number]:
            made.revisions_of_keys[number] = revision
            made.sequences_of_keys[number] = sequence
    return made


def row(plan: Plan, number: int, sequence: int, revision: int) -> KeyValue:
    """What the store has of a put."""
    return KeyValue(key_name(number), plan.values()(sequence), 1, revision, 1, 0)


ONE = summary(0, [(0, 1), (0, 4), (1, 2)])
TWO = summary(1, [(0, 5), (1, 3)])
RIGHT = [row(TWO.plan, 0, 0, 5), row(TWO.plan, 1, 1, 3)]


def test_what_the_clients_noted_is_what_must_be_there() -> None:
    ledger = make_ledger([ONE, TWO])
    assert ledger.acknowledged_count == 5
    ledger.check(RIGHT, 5)
    for wrong in ([RIGHT[0]], [row(ONE.plan, 0, 1, 4), RIGHT[1]], [row(ONE.plan, 0, 0, 5), RIGHT[1]]):
        with pytest.raises(VerificationFailed):
            ledger.check(wrong, 5)


def test_a_revision_that_two_clients_were_told_is_found() -> None:
    with pytest.raises(VerificationFailed, match="5 puts share 4 revisions"):
        make_ledger([ONE, summary(1, [(0, 5), (1, 2)])]).check([row(TWO.plan, 0, 0, 5), row(ONE.plan, 1, 2, 2)], 5)


def test_a_put_of_unknown_outcome_may_be_there() -> None:
    doubtful = summary(0, [(0, 1)])
    doubtful.unknown.append((2, 7))
    ledger = make_ledger([doubtful])
    ledger.check([row(doubtful.plan, 0, 0, 1)], 1)
    ledger.check([row(doubtful.plan, 0, 0, 1), row(doubtful.plan, 2, 7, 2)], 2)


def look(at_s: float, acknowledged: int, *stored: int) -> Footprint:
    """Nodes with so much on the disk."""
    return Footprint(at_s, acknowledged, (1,) * len(stored), stored)


def test_growth_is_that_of_the_worst_node_from_the_fourth_to_the_last_fifth() -> None:
    early = [look(1, 100, 10, 10), look(2, 500, 80, 70)]
    late = [look(3, 600, 100, 100), look(4, 700, 90, 100), look(5, 800, 100, 100), look(6, 1000, 100, 110)]
    assert growth(early + late, 1000) == pytest.approx(0.1)
    assert growth(late[:-1], 1000) == 0
    assert growth(early, 1000) == 0


def test_rates_are_those_between_the_tenths() -> None:
    found = [look(0, 0, 1), look(1, 100, 1), look(2, 150, 1), look(4, 200, 1), look(5, 1000, 1)]
    assert [f.at_s for f in tenths(found, 1000)] == [1, 4, 5]
    assert rates(tenths(found, 1000)) == [100, 33, 800]


def test_a_bar_that_is_missed_fails_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    good = [Bar("size", 3, 3, "MB"), Bar("share", 0.7, 0.7, "of all", at_least=True)]
    end_by(good)
    assert not capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        end_by([*good, Bar("time", 5.1, 5, "s"), Bar("share", 0.6, 0.7, "of all", at_least=True)])
    assert ended.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        "missed: time: 5.1 s, at most 5 s",
        "missed: share: 0.6 of all, at least 0.7 of all",
    ]
