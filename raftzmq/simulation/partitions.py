"""What goes wrong in the network beyond the quality of its links: who can't reach whom, for a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from raftzmq.simulation.world import World

Pairs = list[tuple[str, str]]


def between(one: Sequence[str], other: Sequence[str]) -> Pairs:
    """Both directions of every link from one group to the other."""
    return [pair for a in one for b in other for pair in ((a, b), (b, a))]


class Partitions:
    """Cuts links. ``later`` is told what ends a cut; it decides when."""

    def __init__(self, world: World, nodes: Sequence[str], later: Callable[[Random, Callable[[], None]], None]) -> None:
        self._world = world
        self._nodes = list(nodes)
        self._later = later

    def _cut(self, rng: Random, pairs: Pairs, text: str, kind: str = "") -> None:
        if not pairs:
            return
        self._world.coverage.add("partitions")
        if kind:
            self._world.coverage.add(kind)
        self._say(text)
        self._world.network.cut(pairs)
        self._later(rng, lambda: self._heal(pairs, text))

    def _heal(self, pairs: Pairs, text: str) -> None:
        self._say(f"no longer: {text}")
        self._world.network.heal(pairs)

    def _say(self, text: str) -> None:
        if self._world.transcript.on:
            self._world.transcript.line("*", text)

    def split(self, rng: Random, clients: Sequence[str]) -> None:
        """Two groups that don't reach each other."""
        names = rng.sample(self._nodes, len(self._nodes))
        at = rng.randint(1, len(names) - 1) if len(names) > 1 else 0
        one, other = names[:at], names[at:]
        if rng.random() < 0.5:
            # A client stays on one side, so that the other's leader, deposed or not, is asked as well.
            one = [*one, rng.choice(clients)]
        self._cut(rng, between(one, other), f"{', '.join(one)} and {', '.join(other)} are apart")

    def isolate(self, rng: Random, name: str) -> None:
        """One node and nobody else."""
        others = [other for other in self._nodes if other != name]
        self._cut(rng, between([name], others), f"{name} is apart from all other nodes")

    def one_way(self, rng: Random, name: str) -> None:
        """One node that hears and isn't heard, or is heard and hears nobody."""
        others = [other for other in self._nodes if other != name]
        if rng.random() < 0.5:
            self._cut(rng, [(name, other) for other in others], f"{name} isn't heard", "one_way_partitions")
        else:
            self._cut(rng, [(other, name) for other in others], f"{name} hears nobody", "one_way_partitions")

    def bridge(self, rng: Random) -> None:
        """Two groups that only one node reaches, or two nodes that only miss each other: reaching isn't transitive."""
        names = rng.sample(self._nodes, len(self._nodes))
        middle, others = names[:1], names[1:]
        at = rng.choice((1, len(others) // 2)) if len(others) > 1 else 0
        one, other = others[:at], others[at:]
        text = f"{', '.join(one)} and {', '.join(other)} reach each other only through {middle[0]}"
        if len(other) > 1 and rng.random() < 0.5:
            other = other[:1]
            text = f"{', '.join(one)} and {other[0]} don't reach each other"
        self._cut(rng, between(one, other), text, "partial_partitions")

    def links(self, rng: Random) -> None:
        """Some directions of some links."""
        links = [(a, b) for a in self._nodes for b in self._nodes if a != b]
        if links:
            chosen = rng.sample(links, rng.randint(1, len(links)))
            self._cut(rng, chosen, "cut: " + ", ".join(f"{a}→{b}" for a, b in chosen), "partial_partitions")
