"""The simulated network does what it says, and only that."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from raftzmq.simulation.conditions import STRAGGLE_US, draw
from raftzmq.simulation.coverage import Coverage
from raftzmq.simulation.network import Network
from raftzmq.simulation.schedule import Schedule

COUNT = 400


class Wire:
    """Two nodes and a client; ``got`` is what arrived, with its time."""

    def __init__(self, *, loss: float = 0.0, duplication: float = 0.0, straggling: float = 0.0) -> None:
        conditions = replace(
            draw(Random(1)), loss=loss, duplication=duplication, straggling=straggling, delay_max_us=100
        )
        self.schedule = Schedule()
        self.coverage = Coverage()
        self.network = Network(self.schedule, Random, conditions, self.coverage)
        self.network.connect(["n1", "n2"])
        self.network.connect_client("c1", ["n1", "n2"])
        self.got: list[tuple[int, str, int]] = []

    def send(self, source: str, target: str, count: int = COUNT) -> None:
        """Send numbers."""
        for number in range(count):
            self.network.send(source, target, self.arrived, f"{source}{target}", number)

    def arrived(self, link: str, number: int) -> None:
        """One has arrived."""
        self.got.append((self.schedule.now_us, link, number))

    def run(self) -> list[int]:
        """Let everything arrive; the numbers in order of arrival."""
        while self.schedule.step():
            pass
        return [number for _, _, number in self.got]


def test_a_good_link_delivers_everything_once_but_in_any_order() -> None:
    wire = Wire()
    wire.send("n1", "n2")
    got = wire.run()
    assert sorted(got) == list(range(COUNT))
    assert got != sorted(got)
    assert all(0 < time <= 300 for time, _, _ in wire.got)


def test_a_bad_link_loses_doubles_and_holds_up() -> None:
    wire = Wire(loss=0.5, duplication=0.5, straggling=0.5)
    wire.send("n1", "n2")
    wire.run()
    counts = wire.coverage.counts
    assert counts["messages"] == COUNT
    for name in ("messages_dropped", "messages_duplicated", "messages_delayed"):
        assert 0 < counts[name] < COUNT
    assert len(wire.got) == COUNT - counts["messages_dropped"] + counts["messages_duplicated"]
    assert 300 < wire.got[-1][0] <= 300 + STRAGGLE_US


def test_a_clients_link_never_doubles() -> None:
    wire = Wire(duplication=1.0)
    wire.send("c1", "n1")
    assert sorted(wire.run()) == list(range(COUNT))


@pytest.mark.parametrize("before", [True, False], ids=["before sending", "under way"])
def test_a_cut_holds_in_its_direction_alone(before: bool) -> None:
    wire = Wire()
    if before:
        wire.network.cut([("n1", "n2")])
    wire.send("n1", "n2", 5)
    wire.send("n2", "n1", 5)
    if not before:
        wire.network.cut([("n1", "n2")])
    wire.run()
    assert [link for _, link, _ in wire.got] == ["n2n1"] * 5
    assert wire.coverage.counts["messages_dropped"] == 5


def test_cuts_add_up_and_calm_ends_them_all() -> None:
    wire = Wire(loss=0.5, duplication=0.5, straggling=0.5)
    pair = [("n1", "n2")]
    wire.network.cut(pair)
    wire.network.cut(pair)
    wire.network.heal(pair)
    wire.send("n1", "n2", 5)
    assert wire.run() == []
    wire.network.calm()
    wire.send("n1", "n2", 5)
    assert wire.run() == [0, 1, 2, 3, 4]
