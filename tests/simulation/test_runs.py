"""Seeds of the product as it is: nothing breaks, and the runs meet all that they are meant to meet."""

from __future__ import annotations

from raftzmq.simulation import COUNTERS, Coverage, simulate

SEEDS = 120


def test_many_seeds_run_clean_and_meet_everything() -> None:
    coverage = Coverage()
    for seed in range(5_000, 5_000 + SEEDS):
        outcome = simulate(seed, 500)
        assert outcome.found == (), outcome.found
        assert outcome.events == 500
        coverage.merge(outcome.coverage)
    assert [name for name in COUNTERS if not coverage.counts[name]] == []


def test_a_long_run() -> None:
    outcome = simulate(77, 10_000)
    assert outcome.found == ()
    assert outcome.coverage["leaders"] > 5
    assert outcome.coverage["writes"] > 100
