"""What a load costs its processes, from looks at them while it runs."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.process_costs import Cost, ThreadKind, Threads, spent, take_costs

Role = Literal["leader", "follower", "client"]
ROLES: tuple[Role, ...] = ("leader", "follower", "client")


@dataclass(frozen=True, slots=True)
class Spent:
    """What one kind of threads of one role cost for each put: of followers and clients, one process's share of all.

    ``busy`` is how much of a processor they took, 1.0 for one that never rested.
    """

    cpu_us_per_put: float
    voluntary_per_put: float
    involuntary_per_put: float
    busy: float


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    done: int
    threads: Threads
    clients: frozenset[int]


class Meter:
    """Is told how many puts are done, as often as the load tells anybody, and looks at everybody's threads each time.

    Start-up and the last moments don't count: it takes the first look after puts began, and the one before the last.
    """

    def __init__(self, cluster: LocalCluster, leader: str) -> None:
        self._leader = [cluster.pid(leader)]
        self._followers = [cluster.pid(node) for node in cluster.nodes if node != leader]
        # Whatever this program has started before is no client of the load.
        self._others = {child.pid for child in multiprocessing.active_children()}
        self._looks: list[_Look] = []

    def __call__(self, done: int) -> None:
        """``done`` puts are acknowledged."""
        if done > 0:
            children = {child.pid for child in multiprocessing.active_children()} - self._others
            clients = frozenset(pid for pid in children if pid is not None)
            threads = take_costs([*self._leader, *self._followers, *clients])
            self._looks.append(_Look(time.monotonic(), done, threads, clients))

    def spent(self) -> dict[tuple[Role, ThreadKind], Spent]:
        """By role and kind of threads; empty if the load was over before there was anything to see."""
        if len(self._looks) < 3 or self._looks[-2].done == self._looks[0].done:
            return {}
        first, last = self._looks[0], self._looks[-2]
        groups: list[tuple[Role, Sequence[int]]] = [
            ("leader", self._leader),
            ("follower", self._followers),
            ("client", sorted(first.clients & last.clients)),
        ]
        return {
            (role, kind): _share(role, cost, first, last, len(pids))
            for role, pids in groups
            if pids
            for kind, cost in spent(first.threads, last.threads, pids).items()
        }


def _share(role: Role, cost: Cost, first: _Look, last: _Look, processes: int) -> Spent:
    # All clients together make the puts, but each follower writes all of them.
    puts = (last.done - first.done) * (processes if role == "follower" else 1)
    return Spent(
        cost.cpu_ns / 1000 / puts,
        cost.voluntary / puts,
        cost.involuntary / puts,
        cost.cpu_ns / 1e9 / (last.at_s - first.at_s) / processes,
    )
