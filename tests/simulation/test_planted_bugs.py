"""Each planted bug breaks a property by name; without it, the same seeds run clean.

An exception inside a node is a finding too, but it proves nothing about the properties, so it doesn't count here.
"""

from __future__ import annotations

from functools import cache

import pytest

from raftzmq.simulation import Outcome, simulate
from tests.simulation.mutants import MUTANTS


@cache
def unharmed(seed: int, events: int) -> Outcome:
    """The run of ``seed`` with nothing planted."""
    return simulate(seed, events)


@pytest.mark.parametrize("bug", MUTANTS)
def test_a_planted_bug_is_found_by_name(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = MUTANTS[bug]
    seen: list[str] = []
    tried: list[int] = []
    with monkeypatch.context() as planted:
        planted.setattr(mutant.owner, mutant.name, mutant.function)
        for seed in range(1, mutant.seeds + 1):
            tried.append(seed)
            seen += [found.name for found in simulate(seed, mutant.events).found[:1]]
            if seen and seen[-1] in mutant.properties:
                break
    assert seen, f"{mutant.seeds} seeds showed nothing"
    assert seen[-1] in mutant.properties, f"{bug} was seen only as {seen}"
    for seed in tried:
        assert unharmed(seed, mutant.events).found == ()
