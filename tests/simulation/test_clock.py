"""Clocks that disagree: forward at their own rate, in leaps, never back; the wall clock as it likes."""

from __future__ import annotations

from random import Random

import pytest

from raftzmq.config import MICROSECONDS
from raftzmq.simulation.clock import Clock
from raftzmq.simulation.schedule import Schedule


def passing(schedule: Schedule, microseconds: int) -> None:
    """Let virtual time pass."""
    schedule.after(microseconds, lambda: None)
    schedule.step()


@pytest.mark.parametrize(("rate_ppm", "shown"), [(0, 1_000_000), (50_000, 1_050_000), (-50_000, 950_000)])
def test_a_clock_runs_at_its_rate(rate_ppm: int, shown: int) -> None:
    schedule = Schedule()
    clock = Clock(schedule, Random(1), rate_ppm)
    began = clock.now_us
    passing(schedule, MICROSECONDS)
    assert clock.now_us - began == shown


@pytest.mark.parametrize("rate_ppm", [0, 1, -1, 49_999, -49_999])
def test_it_is_woken_when_it_shows_the_time_and_no_earlier(rate_ppm: int) -> None:
    schedule = Schedule()
    rng = Random(rate_ppm)
    clock = Clock(schedule, rng, rate_ppm)
    for _ in range(200):
        wanted = clock.now_us + rng.randint(1, 100_000)
        passing(schedule, clock.when_us(wanted) - schedule.now_us - 1)
        assert clock.now_us < wanted
        passing(schedule, 1)
        assert clock.now_us >= wanted
        if rng.random() < 0.1:
            clock.jump(rng.randint(0, 1_000))


def test_it_leaps_ahead_and_never_goes_back() -> None:
    schedule = Schedule()
    clock = Clock(schedule, Random(1), 0)
    before, wall = clock.now_us, clock.wall_ns()
    clock.jump(500)
    assert clock.now_us == before + 500
    assert clock.wall_ns() == wall
    with pytest.raises(AssertionError):
        clock.jump(-1)


def test_a_machine_that_boots_begins_at_zero() -> None:
    schedule = Schedule()
    clock = Clock(schedule, Random(1), 0)
    passing(schedule, 70)
    clock.restart()
    passing(schedule, 30)
    assert clock.now_us == 30


def test_the_wall_clock_is_set_at_will_and_moves_nothing_else() -> None:
    schedule = Schedule()
    clock = Clock(schedule, Random(1), 0)
    before, wall = clock.now_us, clock.wall_ns()
    clock.set_wall(-MICROSECONDS)
    assert clock.wall_ns() == wall - 1_000 * MICROSECONDS
    assert clock.now_us == before
