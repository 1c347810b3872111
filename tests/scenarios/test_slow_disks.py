"""Disks whose every sync takes about as long as an election timeout, or for ever: a leader is elected all the same."""

from __future__ import annotations

import pytest

from tests.scenarios.harness import SECOND, Lab

SEEDS = range(1, 6)


@pytest.mark.parametrize("voters", [3, 5])
@pytest.mark.parametrize("sync_ms", [200, 250, 300, 600])
@pytest.mark.parametrize("seed", SEEDS)
def test_slow_disks_elect_a_leader_that_lasts(voters: int, sync_ms: int, seed: int) -> None:
    """Timeouts are 200 to 400 ms, and an election takes two syncs."""
    lab = Lab(voters, seed=seed)
    for name in lab.names:
        lab.hang(name, for_us=sync_ms * 1_000)
    assert lab.until(lambda: bool(lab._leaders()), 4 * SECOND + 8 * sync_ms * 1_000), "nobody leads"
    leaders = lab._leaders()
    lab.wait(5 * SECOND)
    assert lab._leaders() == leaders


@pytest.mark.parametrize("voters", [3, 5])
@pytest.mark.parametrize("seed", SEEDS)
def test_disks_that_never_answer_keep_nobody_else_from_leading(voters: int, seed: int) -> None:
    """As many hang as a majority can spare: their campaigns never get out, and they go on answering the others'."""
    lab = Lab(voters, seed=seed)
    lab.one_leader()
    stuck = lab.names[: voters // 2]
    for name in stuck:
        lab.hang(name)
    lab.restart(*lab.names)
    assert lab.until(lambda: bool(lab._leaders()), 5 * SECOND), "nobody leads"
    lab.wait(5 * SECOND)
    [leader] = lab._leaders().values()
    assert leader not in stuck
    lab.one(voters - len(stuck))
