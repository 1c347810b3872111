"""What events can show of a planted bug, the auditor finds in what the nodes say; in sound runs it finds nothing."""

from __future__ import annotations

import pytest

from raftzmq.simulation import run_seeds
from raftzmq.simulation.audit import Audit
from raftzmq.simulation.cluster import Cluster
from raftzmq.verify import Violation
from tests.simulation.mutants import MUTANTS

SEEDS, QUIET_SEEDS = 40, 15
SAYS = "the events say: "

SHOWN = {
    "vote not stored": ("durability", 8),
    "vote before the disk": ("durable_promise", 1),
    "reply before the disk": ("durable_promise", 1),
    "two votes in a term": ("one_vote", 10),
    "truncation on any mismatch": ("state_machine_safety", 9),
    "leader counts unsynced entries": ("durable_commit", 3),
    "old term committed by counting": ("current_term_commit", 1),
    "election restriction off": ("leader_completeness", 8),
    "commit beyond what matches": ("state_machine_safety", 9),
    "committed beyond stable": ("state_behind_log", 1),
    "session table lost on restart": ("state_machine_safety", 2),
    "applied index saved without the data": ("state_machine_safety", 1),
}
"""Planted bugs, the property that the events show broken first, and a seed that is tried before all others."""


def shown(seed: int, events: int) -> Violation | None:
    """The first thing that the auditor finds in a run, whatever those who see everything have found before."""
    cluster = Cluster(seed, events, audit=Audit())
    for host in cluster._hosts.values():
        host.start()
    for client in cluster._clients.values():
        client.start()
    cluster.faults.start()
    found = cluster.violations.found
    while cluster.events < events and cluster.schedule.step():
        for violation in found:
            if violation.explanation.startswith(SAYS):
                return violation
        found.clear()
    return None


@pytest.mark.parametrize("bug", SHOWN)
def test_a_planted_bug_shows_in_the_events(bug: str) -> None:
    mutant, (name, first) = MUTANTS[bug], SHOWN[bug]
    with mutant.planted():
        for seed in dict.fromkeys([first, *range(1, SEEDS)]):
            violation = shown(seed, mutant.events)
            if violation is not None:
                break
        else:
            raise AssertionError(f"{bug} does not show in the events of {SEEDS} runs")
    assert violation.name == name
    assert shown(seed, mutant.events) is None, "it is found without the bug, too"


def test_sound_runs_are_quiet_and_wholly_known() -> None:
    virtual_us = events = 0
    for outcome in run_seeds(range(30_000, 30_000 + QUIET_SEEDS), 400, workers=1, audited=True):
        assert outcome.found == ()
        assert outcome.audited is not None
        assert outcome.audited.verdict == "holds", outcome.seed
        virtual_us += outcome.time_us
        events += outcome.audited.events
    assert virtual_us > 20_000_000
    assert events > 8_000
