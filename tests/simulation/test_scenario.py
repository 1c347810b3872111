"""A part of a seed's run: how it is written, and that the rest stays what it was."""

from __future__ import annotations

from functools import cache

import pytest

from raftzmq.errors import InvalidRequest
from raftzmq.simulation import WHOLE, Scenario, parse_scenario, simulate
from raftzmq.simulation.cluster import Cluster
from raftzmq.simulation.scenario import ILLS

EVENTS = 1_500


@cache
def lively() -> Cluster:
    """A run that met several faults."""
    for seed in range(1, 50):
        cluster = Cluster(seed, EVENTS)
        assert cluster.run().found == ()
        if len(cluster.faults.begun) > 5 and cluster.conditions.clients > 1:
            return cluster
    raise AssertionError("nothing ever goes wrong")


def lines(scenario: Scenario, events: int = EVENTS) -> list[str]:
    """The transcript of a run, without its first line, which shows the conditions."""
    told: list[str] = []
    outcome = simulate(lively().seed, events, told.append, scenario)
    assert outcome.found == ()
    return told[1:]


@pytest.mark.parametrize(
    "scenario",
    [
        WHOLE,
        Scenario(faults=(), waits=(), requests=(), without=tuple(ILLS), luck=7),
        Scenario(faults=(1, 12), waits=(3,), requests=("c1.1", "c2.31")),
        Scenario(without=("slow disks",)),
    ],
)
def test_a_scenario_survives_the_command_line(scenario: Scenario) -> None:
    assert parse_scenario(str(scenario)) == scenario


@pytest.mark.parametrize("text", ["faults one", "luck x", "without sorrow", "sometimes 3", "waits -1"])
def test_what_is_no_scenario_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r".+ .+ .+"):
        parse_scenario(text)


def test_naming_everything_leaves_out_nothing() -> None:
    whole = lively()
    faults = tuple(whole.faults.begun)
    later = [f"c{number}.100000" for number in range(1, 5)]
    named = Scenario(faults=(*faults, faults[-1] + 1), requests=(*whole.requests, *later))
    assert lines(named) == lines(WHOLE)


def test_a_fault_left_out_leaves_the_others_as_they_were() -> None:
    def of_faults(told: list[str]) -> list[str]:
        return [line.split("*    ")[1] for line in told if "*    fault " in line]

    whole = of_faults(lines(WHOLE))
    some = of_faults(lines(Scenario(faults=(2, 3)), 2 * EVENTS))
    assert len(some) == 2
    assert [line for line in whole if line.startswith(("fault 2:", "fault 3:"))] == some


def test_without_requests_nobody_asks() -> None:
    assert not [line for line in lines(Scenario(requests=(), faults=())) if "session" in line and "probe" not in line]


def test_other_luck_is_another_run_of_the_same_world() -> None:
    one: list[str] = []
    other: list[str] = []
    simulate(lively().seed, 200, one.append)
    simulate(lively().seed, 200, other.append, Scenario(luck=1))
    assert one[0] == other[0]
    assert one[1:] != other[1:]
