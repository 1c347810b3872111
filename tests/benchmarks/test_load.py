"""What client processes put: the workload that the figures' names promise."""

from __future__ import annotations

import zlib
from array import array
from dataclasses import replace

import pytest

from raftzmq.benchmarks import driver
from raftzmq.benchmarks.driver import Driver
from raftzmq.benchmarks.load import ClientKind, LoadFailed, Plan, key_name, run_load
from raftzmq.benchmarks.throughput import Options


def test_keys_have_eight_bytes() -> None:
    assert {len(key_name(number)) for number in (0, 99_999, 99_999_999)} == {8}


def test_values_have_their_size_are_all_different_and_cannot_be_compressed() -> None:
    values = [Plan(client, (), 1, 1, 256, 1, 1).values() for client in (0, 1)]
    made = [value(sequence) for value in values for sequence in range(500)]
    assert {len(value) for value in made} == {256}
    assert len(set(made)) == len(made)
    assert min(len(zlib.compress(value, 9)) for value in made) >= 256 - 8


def test_the_same_seed_gives_the_same_values() -> None:
    first, again, other = (Plan(0, (), 1, 1, 64, 1, seed).values() for seed in (1, 1, 2))
    assert first(9) == again(9) != other(9)


def test_operations_and_puts_in_flight_are_shared_out_whole() -> None:
    plans = Options(operations=10, in_flight=5, clients=3).plans(["tcp://127.0.0.1:1"])
    assert [plan.operations for plan in plans] == [4, 3, 3]
    assert [plan.in_flight for plan in plans] == [2, 2, 1]
    assert [plan.client for plan in plans] == [0, 1, 2]


def test_keys_to_be_read_are_shared_out_whole() -> None:
    plans = Options(keys=10, clients=3, in_flight=3, read_share=0.5).plans(["tcp://127.0.0.1:1"])
    loaded = [number for plan in plans for number in range(*plan.preload)]
    assert loaded == list(range(10))
    assert [plan.first_sequence for plan in plans] == [1 + len(range(*plan.preload)) for plan in plans]


def test_nothing_is_put_beforehand_if_nothing_is_read() -> None:
    (plan,) = Options(keys=10).plans(["tcp://127.0.0.1:1"])
    assert plan.preload == (0, 0)
    assert plan.first_sequence == 1


@pytest.mark.parametrize("kind", ["asyncio", "sync"])
def test_a_client_process_that_cannot_work_says_why(kind: ClientKind) -> None:
    plan = Plan(0, (), 1, 1, 16, 10, 1, client_kind=kind)
    with pytest.raises(LoadFailed, match=r"client 0: .*endpoint"):
        run_load([plan], lambda done: None)


def test_a_run_ends_after_its_time_with_places_for_what_was_done() -> None:
    plan = Plan(0, (), 1000, 1, 16, 10, 1, seconds=0.0)
    made = Driver(plan, array("Q", [0]))
    assert list(made.sequences()) == []
    assert len(made.end().keys) == plan.first_sequence
    made = Driver(replace(plan, seconds=60.0), array("Q", [0]))
    assert list(made.sequences()) == list(range(1, 1001))
    assert len(made.end().keys) == 1001


def test_threads_share_the_sequences_out() -> None:
    made = Driver(Plan(0, (), 10, 1, 16, 10, 1, preload=(0, 5)), array("Q", [0]))
    assert sorted([*made.sequences(0, 2), *made.sequences(1, 2)]) == list(range(6, 16))
    assert list(made.preloaded()) == [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]


def test_a_load_that_does_not_move_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Driver(Plan(0, (), 10, 1, 16, 10, 1), array("Q", [0]))
    made.begin()
    made.look()
    made.record.failures["unreachable"] += 1
    monkeypatch.setattr(driver, "SILENCE_S", -1.0)
    with pytest.raises(LoadFailed, match=r"after 0 calls.*'unreachable': 1"):
        made.look()


def test_keys_that_could_not_be_put_beforehand_end_the_run() -> None:
    made = Driver(Plan(0, (), 10, 1, 16, 10, 1, 1.0, preload=(0, 5)), array("Q", [0]))
    made.record.failures["overloaded"] += 1
    with pytest.raises(LoadFailed, match=r"before the measurement.*overloaded"):
        made.begin()
