"""All points of a comparison of runtimes, and the questions that tables, charts and sentences ask of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from raftzmq.benchmarks.concurrency_point import Disk, Point
from raftzmq.benchmarks.contenders import CONTENDERS
from raftzmq.benchmarks.figures import median
from raftzmq.benchmarks.meter import ROLES, Role, Spent
from raftzmq.benchmarks.process_costs import KINDS, ThreadKind


@dataclass(frozen=True, slots=True)
class Busiest:
    """The kind of threads that rested least: the first place to look for a limit. ``busy`` 1.0: one processor."""

    role: Role
    threads: ThreadKind
    busy: float


@dataclass(frozen=True, slots=True)
class Points:
    """Points of several rounds: what is asked for is a median over them.

    With ``modest_in_flight`` puts in flight the runtimes are compared on a slow disk. Clusters have ``followers``.
    """

    all: Sequence[Point]
    modest_in_flight: int
    followers: int

    def at(self, runtime: str, disk: Disk, in_flight: int) -> list[Point]:
        """Those of one runtime under one load, a point a round."""
        return [p for p in self.all if (p.runtime, p.disk, p.in_flight) == (runtime, disk, in_flight)]

    def median(self, runtime: str, disk: Disk, in_flight: int, of: Callable[[Point], float]) -> float | None:
        """None if it was not measured."""
        found = self.at(runtime, disk, in_flight)
        return median([of(point) for point in found]) if found else None

    def runtimes(self, disk: Disk) -> list[str]:
        """In the order in which they are shown."""
        return [name for name in CONTENDERS if any(p.runtime == name and p.disk == disk for p in self.all)]

    def modest(self, runtime: str) -> Point | None:
        """All rounds under the load on which runtimes are compared on a slow disk, as one; None if there were none."""
        rounds = self.at(runtime, "slow", self.modest_in_flight)
        if not rounds:
            return None
        return replace(
            rounds[0],
            puts_per_second=sum(p.puts_per_second for p in rounds) / len(rounds),
            latencies_s=sorted(chain.from_iterable(p.latencies_s for p in rounds)),
            lags_s=sorted(chain.from_iterable(p.lags_s for p in rounds)),
            unanswered=sum(p.unanswered for p in rounds),
            elections=sum(p.elections for p in rounds),
            stall_ms=max(p.stall_ms for p in rounds),
        )

    def counts(self, disk: Disk) -> list[int]:
        """Puts in flight, ascending."""
        return sorted({point.in_flight for point in self.all if point.disk == disk})

    def whole_cost_us(self, runtime: str, in_flight: int) -> float | None:
        """Processor time for each put of all processes together, on a normal disk; None if nothing was seen."""
        seen = [point for point in self.at(runtime, "normal", in_flight) if point.spent]
        if not seen:
            return None
        leader, follower, client = (median([point.cost(role, _cpu) for point in seen]) for role in ROLES)
        return leader + self.followers * follower + client

    def busiest(self, runtime: str, in_flight: int) -> Busiest | None:
        """On a normal disk; None if the run was too short to see anything."""
        seen = [point.spent for point in self.at(runtime, "normal", in_flight) if point.spent]
        shares = [
            Busiest(role, kind, median([spent[role, kind].busy for spent in seen]))
            for role in ROLES
            for kind in KINDS
            if seen and all((role, kind) in spent for spent in seen)
        ]
        return max(shares, key=lambda share: share.busy, default=None)


def _cpu(spent: Spent) -> float:
    return spent.cpu_us_per_put
