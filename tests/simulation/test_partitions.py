"""Who can't reach whom: each kind of partition cuts what its name says, and is healed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, cast

import pytest

from raftzmq.simulation.coverage import Coverage
from raftzmq.simulation.partitions import Pairs, Partitions
from raftzmq.simulation.schedule import Schedule
from raftzmq.simulation.transcript import Transcript
from raftzmq.simulation.world import World

NAMES = ["n1", "n2", "n3", "n4", "n5"]


class Links:
    """A world that consists of links. ``undo`` ends the cut that was made."""

    def __init__(self) -> None:
        self.coverage = Coverage()
        self.transcript = Transcript(Schedule(), None)
        self.network = self
        self.gone: set[tuple[str, str]] = set()
        self.undo: Callable[[], None] | None = None
        self.partitions = Partitions(cast("World", self), NAMES, self._later)

    def _later(self, rng: Random, undo: Callable[[], None]) -> None:
        self.undo = undo

    def cut(self, pairs: Pairs) -> None:
        self.gone.update(pairs)

    def heal(self, pairs: Pairs) -> None:
        self.gone.difference_update(pairs)

    def reach(self, one: str, other: str) -> bool:
        """Do they reach each other?"""
        return (one, other) not in self.gone and (other, one) not in self.gone


@pytest.mark.parametrize("seed", range(20))
def test_a_split_has_two_sides(seed: int) -> None:
    links = Links()
    links.partitions.split(Random(seed), ["c1"])
    apart = {name for name in NAMES if not links.reach("n1", name)}
    assert apart
    for a in NAMES:
        for b in NAMES:
            assert links.reach(a, b) == ((a in apart) == (b in apart))


@pytest.mark.parametrize("seed", range(20))
def test_a_bridge_is_not_transitive(seed: int) -> None:
    links = Links()
    links.partitions.bridge(Random(seed))
    middles = [
        (a, b, c) for a in NAMES for b in NAMES for c in NAMES if a < c and links.reach(a, b) and links.reach(b, c)
    ]
    assert any(not links.reach(a, c) for a, _, c in middles)
    assert all((b, a) in links.gone for a, b in links.gone), "both directions"
    assert links.coverage.counts["partial_partitions"] == 1


@pytest.mark.parametrize("seed", range(10))
def test_one_way_is_one_way(seed: int) -> None:
    links = Links()
    links.partitions.one_way(Random(seed), "n3")
    assert len(links.gone) == len(NAMES) - 1
    assert not any((b, a) in links.gone for a, b in links.gone)
    assert all("n3" in pair for pair in links.gone)


@pytest.mark.parametrize(
    "make",
    [
        lambda cuts, rng: cuts.split(rng, ["c1"]),
        lambda cuts, rng: cuts.isolate(rng, "n2"),
        lambda cuts, rng: cuts.one_way(rng, "n2"),
        lambda cuts, rng: cuts.bridge(rng),
        lambda cuts, rng: cuts.links(rng),
    ],
)
def test_each_is_healed(make: Callable[[Any, Random], None]) -> None:
    links = Links()
    make(links.partitions, Random(3))
    assert links.gone
    assert links.undo is not None
    links.undo()
    assert links.gone == set()
