"""Seeds of the product as it is: nothing breaks, and the runs meet all that they are meant to meet."""

from __future__ import annotations

from raftzmq.simulation import COUNTERS, Coverage, run_seeds, simulate

SEEDS = 300
EVENTS = 1_000


def test_many_seeds_run_clean_and_meet_everything() -> None:
    coverage = Coverage()
    for outcome in run_seeds(range(5_000, 5_000 + SEEDS), EVENTS):
        assert outcome.found == (), outcome.found
        assert outcome.events == EVENTS
        coverage.merge(outcome.coverage)
    assert [name for name in COUNTERS if not coverage.counts[name]] == []


def test_a_long_run() -> None:
    outcome = simulate(82, 10_000)
    assert outcome.found == ()
    assert outcome.coverage["leaders"] > 5
    assert outcome.coverage["writes"] > 100
