"""The tasks wait for a real process, count right under their lock, and lose updates without it."""

from __future__ import annotations

import socket

import pytest

from raftzmq.benchmarks.scaling_cores import Burners, thread_rate, worker_counts
from raftzmq.benchmarks.scaling_schedule import interleaved
from raftzmq.benchmarks.scaling_tasks import KINDS, UNITS, Kind, Task, TaskFailed, lost_updates, run, tasks_of
from raftzmq.benchmarks.scaling_waits import Waits

WAIT_S = 0.0005


@pytest.mark.parametrize("kind", KINDS)
def test_every_task_does_its_work_with_any_number_of_workers(kind: Kind) -> None:
    with Waits(UNITS) as waits:
        for task in tasks_of(WAIT_S):
            for workers in (1, 4, 16):
                done = run(kind, task, workers, 2, waits.lines)  # a wrong count raises
                # Nobody waits less than it should: with n workers a unit takes at least an n-th of its parallel part.
                assert 0 < done.rate <= 1 / (task.serial_s + task.parallel_s / workers)
                assert (done.held > 0) == (task.serial_s > 0)
                assert done.held <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_waits_of_a_parallel_task_overlap(kind: Kind) -> None:
    task = tasks_of(0.02)[0]
    with Waits(UNITS) as waits:
        one, sixteen = (run(kind, task, workers, 1, waits.lines).rate for workers in (1, 16))
    assert sixteen > one


@pytest.mark.parametrize("kind", KINDS)
def test_workers_say_when_nobody_answers(kind: Kind) -> None:
    pairs = [socket.socketpair() for _ in range(4)]
    for _, there in pairs:
        there.close()
    for task in tasks_of(WAIT_S):
        with pytest.raises(TaskFailed, match="has ended"):
            run(kind, task, 4, 1, [here for here, _ in pairs])
    for here, _ in pairs:
        here.close()


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_waits_for_a_worker_that_failed(kind: Kind) -> None:
    dead, there = socket.socketpair()
    there.close()
    with Waits(4) as waits, pytest.raises(TaskFailed, match="has ended"):
        run(kind, tasks_of(WAIT_S)[1], 4, 1, [dead, *waits.lines[1:]])
    dead.close()


def test_unequal_shares_are_refused() -> None:
    with pytest.raises(ValueError, match="3 workers"):
        run("asyncio", tasks_of(WAIT_S)[0], 3, 1, [])


def test_points_with_more_workers_are_repeated_as_often_as_they_are_faster() -> None:
    parallel, partly, counter = tasks_of(0.01)
    assert [parallel.rounds(workers, 2) for workers in (1, 4, 16)] == [2, 8, 32]
    assert [counter.rounds(workers, 2) for workers in (1, 4, 16)] == [2, 2, 2]
    assert 2 < partly.rounds(16, 2) < 2 * 5
    assert partly.nominal_fraction == pytest.approx(0.8)
    assert Task("any", "any", 1.0, 3.0).nominal_fraction == pytest.approx(0.25)


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_coroutines_lose_all_but_one_workers_updates(workers: int) -> None:
    assert lost_updates("asyncio", workers, 800, locked=False) == 800 - 800 // workers


def test_threads_lose_updates_too() -> None:
    assert lost_updates("threads", 1, 800, locked=False) == 0
    assert lost_updates("threads", 4, 8000, locked=False) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_keeps_every_update(kind: Kind) -> None:
    assert lost_updates(kind, 4, 800, locked=True) == 0


def test_a_schedule_has_every_point_once_in_each_round_and_is_repeatable() -> None:
    points = list(range(10))
    order = list(interleaved(points, 3, 7))
    rounds = [order[:10], order[10:20], order[20:]]
    assert all(sorted(each) == points for each in rounds)
    assert rounds[0] != rounds[1]
    assert order == list(interleaved(points, 3, 7))
    assert order != list(interleaved(points, 3, 8))


@pytest.mark.parametrize(
    ("cores", "counts"),
    [(1, (1,)), (2, (1, 2)), (4, (1, 2, 4)), (6, (1, 2, 4, 6)), (64, (1, 2, 4, 8, 16))],
)
def test_computing_ends_at_the_number_of_cores(cores: int, counts: tuple[int, ...]) -> None:
    assert worker_counts(cores) == counts


def test_threads_and_processes_compute() -> None:
    assert thread_rate(2, 10_000) > 0
    with Burners(2) as burners:
        assert burners.rate(1, 10_000) > 0
        assert burners.rate(2, 10_000) > 0
