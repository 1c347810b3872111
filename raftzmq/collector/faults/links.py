"""What is done to the messages between nodes, and to their elections: each node is asked to do it to its own.

Every function raises `Mistake` for what makes no sense, `FaultError` if nothing could be done, and the errors of
`Cluster.ask` if a node didn't do its part. Times are in microseconds; ``for_us`` 0: until it is healed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from raftzmq.codec.clients import ChaosRequest
from raftzmq.collector.faults.cluster import Cluster, FaultError, Mistake, Row

FOR_US_MAX = 86_400_000_000
DELAY_MS_MAX = 60_000


@dataclass(frozen=True, slots=True)
class Spoiled:
    """What is to be wrong with a link. ``drop`` and ``duplicate`` are probabilities per message, from 0 to 1."""

    drop: float = 0.0
    delay_us: int = 0
    jitter_us: int = 0
    duplicate: float = 0.0
    cut: bool = False

    def check(self) -> None:
        """Raise Mistake if nothing is."""
        if self == Spoiled():
            raise Mistake("What is to be wrong with the link? Give --cut, --drop, --delay-ms or others.")

    def request(self, peers: list[str], for_us: int) -> ChaosRequest:
        """The question to the node that sends."""
        return ChaosRequest(
            1, "link", peers, self.drop, self.delay_us, self.jitter_us, self.duplicate, self.cut, for_us
        )


class Done(NamedTuple):
    """What was done: the nodes that were meant, group by group, and what each that was asked says afterwards."""

    groups: list[list[str]]
    answers: dict[str, Row]


def check_groups(groups: Sequence[Sequence[str]]) -> None:
    """Raise Mistake unless these may be groups of a partition."""
    if len(groups) < 2 or not all(groups):
        raise Mistake("A partition needs two groups or more, such as: chaos partition n1,n2 / n3,n4,n5")


def part(cluster: Cluster, groups: Sequence[Sequence[str]], for_us: int = 0) -> Done:
    """Cut all links between groups of nodes, both ways. A node in no group keeps its links."""
    check_groups(groups)
    sides = [cluster.resolve(group) for group in groups]
    everybody = [name for side in sides for name in side]
    twice = next((name for name in everybody if everybody.count(name) > 1), None)
    if twice:
        raise Mistake(f"{twice} is in two groups.")
    cluster.demand_lab(everybody)
    cut = Spoiled(cut=True)
    answers = cluster.ask(
        {
            name: cut.request([other for other in everybody if other not in side], for_us)
            for side in sides
            for name in cluster.reachable(side)
        }
    )
    return Done(sides, answers)


def spoil(cluster: Cluster, source: str, target: str, spoiled: Spoiled, *, both: bool = False, for_us: int = 0) -> Done:
    """Spoil what ``source`` sends to ``target`` and, with ``both``, the other way round."""
    spoiled.check()
    pair = cluster.resolve([source, target])
    if len(pair) != 2:
        raise Mistake(f"FROM and TO are both {pair[0]}: a node has no link to itself.")
    senders = pair if both else pair[:1]
    cluster.demand_lab(senders)
    answers = cluster.ask({name: spoiled.request([o for o in pair if o != name], for_us) for name in senders})
    return Done([[name] for name in pair], answers)


def heal(cluster: Cluster, nodes: Iterable[str] = ()) -> Done:
    """End all faults of links, or those from and to certain nodes."""
    chosen = cluster.resolve(nodes)
    present = cluster.reachable()
    if not present:
        raise FaultError("no node answers, so nothing was healed: raftzmq status says who is there")
    cluster.demand_lab(chosen)
    requests = {name: ChaosRequest(1, "heal", [] if name in chosen else chosen) for name in _labs(cluster, present)}
    return Done([chosen], cluster.ask(requests))


def mend(cluster: Cluster, source: str, target: str, *, both: bool = False) -> Done:
    """End the faults of what ``source`` sends to ``target`` and, with ``both``, of the other way."""
    pair = cluster.resolve([source, target])
    if len(pair) != 2:
        raise Mistake(f"FROM and TO are both {pair[0]}: a node has no link to itself.")
    senders = pair if both else pair[:1]
    cluster.demand_lab(senders)
    requests = {name: ChaosRequest(1, "heal", [other for other in pair if other != name]) for name in senders}
    return Done([[name] for name in pair], cluster.ask(requests))


def elect(cluster: Cluster, node: str) -> Done:
    """Have a node campaign now, without waiting for its timer (thesis 3.10)."""
    [name] = cluster.resolve([node])
    cluster.demand_lab([name])
    return Done([[name]], cluster.ask({name: ChaosRequest(1, "elect")}))


def show(cluster: Cluster) -> Done:
    """The faults in force; nothing is done."""
    present = cluster.reachable()
    if not present:
        raise FaultError("no node answers: raftzmq status says who is there")
    return Done([present], cluster.ask({name: ChaosRequest(1, "show") for name in _labs(cluster, present)}))


def _labs(cluster: Cluster, present: list[str]) -> list[str]:
    """Those in lab mode, since who isn't has no faults; raises FaultError if there are none."""
    labs = [name for name in present if cluster.rows[name].get("lab")]
    if not labs:
        cluster.demand_lab(present)
    return labs
