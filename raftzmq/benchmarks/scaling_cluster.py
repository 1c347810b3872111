"""A cluster's puts per second over the number of its client processes, and over the number of its nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from raftzmq.benchmarks.load import LoadFailed, run_load
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.point import Point
from raftzmq.benchmarks.scaling_schedule import interleaved
from raftzmq.benchmarks.verification import Ledger, verify

_OPERATIONS_MAX_PER_S = 30_000
"""Of one client process: more than it can do. Time ends the load, and this bounds the record of it."""
_WARM_S = 0.3


@dataclass(frozen=True, slots=True)
class Load:
    """What every client process does: a closed loop with ``in_flight`` puts of its own, for ``seconds``."""

    in_flight: int
    seconds: float
    value_size: int = 256
    keys: int = 100_000
    seed: int = 1

    def point(self, nodes: int, clients: int, number: int, directory: Path | None) -> Point:
        """The load's ``number``-th repetition, whose keys and values are its own."""
        return Point(
            nodes=nodes,
            clients=clients,
            in_flight=clients * self.in_flight,
            operations=clients * max(self.in_flight, round(_OPERATIONS_MAX_PER_S * self.seconds)),
            value_size=self.value_size,
            keys=self.keys,
            seed=self.seed * 100_000 + number,
            directory=directory,
            seconds=self.seconds,
        )


@dataclass(slots=True)
class Rates:
    """Puts per second by number of workers, and how often a leader changed while they were measured."""

    samples: dict[int, list[float]] = field(default_factory=dict)
    elections: int = 0
    keys_read_back: int = 0


class _Sweep:
    """Loads clusters one after the other, and holds each to its answers."""

    def __init__(self, load: Load, directory: Path | None, step: Callable[[], None]) -> None:
        self.rates = Rates()
        self._load, self._directory, self._step = load, directory, step
        self._number = 0

    def cluster(self, nodes: int, client_counts: Sequence[int], *, workers_are_nodes: bool = False) -> None:
        """Load one fresh cluster by so many client processes in turn."""
        ledger = Ledger()
        with LocalCluster(nodes, self._directory) as cluster:
            # The first seconds of a cluster are not like the others: pages are touched and files grow.
            self._run(cluster, nodes, 1, ledger, _WARM_S)
            _, term = cluster.leader()
            for clients in client_counts:
                rate = self._run(cluster, nodes, clients, ledger, self._load.seconds)
                self.rates.samples.setdefault(nodes if workers_are_nodes else clients, []).append(rate)
                self._step()
            cluster.check_running()
            _, term_after = cluster.leader()
            self.rates.elections += term_after - term
            self.rates.keys_read_back += verify(cluster.endpoints, ledger).keys_read_back

    def _run(self, cluster: LocalCluster, nodes: int, clients: int, ledger: Ledger, seconds: float) -> float:
        self._number += 1
        point = replace(self._load, seconds=seconds).point(nodes, clients, self._number, self._directory)
        records = run_load(point.plans(cluster.endpoints), lambda done: None)
        ledger.add(records)
        answered = sum(record.answered for record in records)
        if not answered:
            raise LoadFailed(f"no put was answered by {nodes} nodes in {seconds:g} s")
        return answered / (max(record.ended for record in records) - min(record.begun for record in records))


def clients_sweep(
    load: Load,
    client_counts: Sequence[int],
    *,
    nodes: int,
    clusters: int,
    rounds: int,
    directory: Path | None,
    step: Callable[[], None],
) -> Rates:
    """Puts per second of so many client processes at once: ``rounds`` times on each of ``clusters`` fresh clusters.

    Calls ``step`` after each. Raises VerificationFailed, LoadFailed, ClusterFailed, and RequestError if nodes don't
    answer.
    """
    sweep = _Sweep(load, directory, step)
    for number in range(clusters):
        sweep.cluster(nodes, list(interleaved(client_counts, rounds, f"clients {load.seed} {number}")))
    return sweep.rates


def nodes_sweep(
    load: Load,
    node_counts: Sequence[int],
    *,
    clusters: int,
    rounds: int,
    directory: Path | None,
    step: Callable[[], None],
) -> Rates:
    """Puts per second of one client process to so many nodes: ``clusters`` of each size, each loaded ``rounds`` times.

    Raises as `clients_sweep`.
    """
    sweep = _Sweep(load, directory, step)
    for count in interleaved(node_counts, clusters, f"nodes {load.seed}"):
        sweep.cluster(count, [1] * rounds, workers_are_nodes=True)
    return sweep.rates
