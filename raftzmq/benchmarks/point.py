"""One point that is measured: a fresh cluster, so much load of such a kind, and the truth of every answer."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from raftzmq.benchmarks.display import Advance
from raftzmq.benchmarks.figures import Figures, latencies_ms
from raftzmq.benchmarks.load import ClientKind, LoadFailed, Plan, Record, run_load
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.read_check import check_readings
from raftzmq.benchmarks.verification import Ledger, verify
from raftzmq.benchmarks.watchdog import Watchdog


@dataclass(frozen=True, slots=True)
class Point:
    """What is measured: ``in_flight`` and ``operations`` are of all client processes together.

    ``seconds``: end after so long even if fewer operations were done. ``rate``: see `Plan`, of all together.
    """

    nodes: int = 3
    in_flight: int = 64
    operations: int = 20_000
    value_size: int = 256
    clients: int = 1
    keys: int = 100_000
    seed: int = 1
    directory: Path | None = None
    read_share: float = 0.0
    client: ClientKind = "asyncio"
    runtime: str = "threads"
    uvloop: bool = False
    seconds: float | None = None
    rate: float = 0.0

    def plans(self, endpoints: Sequence[str]) -> list[Plan]:
        """The shares of the client processes; remainders go to the first ones."""
        loaded = self.keys if self.read_share > 0 else 0
        return [
            Plan(
                client,
                tuple(endpoints),
                _share(self.operations, client, self.clients),
                _share(self.in_flight, client, self.clients),
                self.value_size,
                self.keys,
                self.seed,
                self.read_share,
                self.client,
                (loaded * client // self.clients, loaded * (client + 1) // self.clients),
                self.seconds,
                self.rate / self.clients,
            )
            for client in range(self.clients)
        ]

    def cluster(self) -> LocalCluster:
        """The cluster that it is measured on."""
        options = ["--uvloop"] if self.uvloop else []
        return LocalCluster(self.nodes, self.directory, runtime=self.runtime, node_options=options)


def _share(total: int, number: int, of: int) -> int:
    return total // of + (number < total % of)


@dataclass(frozen=True, slots=True)
class Measured:
    """What clients were told at one point, all of which was found true."""

    point: Point
    records: list[Record]
    elections: int
    keys_read_back: int
    nodes_agreeing: int
    gets_checked: int
    outcome_unknown: int
    machine_stalls: int
    machine_stall_max_ms: float

    @property
    def elapsed_s(self) -> float:
        """From the first call of any client process to the last answer of any."""
        return max(record.ended for record in self.records) - min(record.begun for record in self.records)

    @property
    def put_latencies(self) -> list[float]:
        """Of all clients, in seconds."""
        return [latency for record in self.records for latency in record.latencies]

    @property
    def get_latencies(self) -> list[float]:
        """Of all clients, in seconds."""
        return [latency for record in self.records for latency in record.get_latencies]

    def figures(self) -> Figures:
        """Rates, latencies, and what was measured. Without gets, latencies are those of puts."""
        point, puts, gets, elapsed = self.point, self.put_latencies, self.get_latencies, self.elapsed_s
        figures: Figures = {}
        if point.read_share > 0:
            figures["operations_per_second"] = round((len(puts) + len(gets)) / elapsed)
            figures["gets_per_second"] = round(len(gets) / elapsed)
        figures["puts_per_second"] = round(len(puts) / elapsed)
        figures["megabytes_per_second"] = round((len(puts) + len(gets)) * point.value_size / elapsed / 1e6, 2)
        figures |= latencies_ms([*puts, *gets])
        if puts and gets:
            figures |= {f"put_{name}": value for name, value in latencies_ms(puts).items()}
            figures |= {f"get_{name}": value for name, value in latencies_ms(gets).items()}
        return figures | {
            "elapsed_s": round(elapsed, 3),
            "nodes": point.nodes,
            "clients": point.clients,
            "client": point.client,
            "runtime": point.runtime,
            "in_flight": point.in_flight,
            "read_share": point.read_share,
            "operations": len(puts) + len(gets) + sum(record.failures.total() for record in self.records),
            "acknowledged": len(puts),
            "gets_checked": self.gets_checked,
            "failed": sum(record.failures.total() for record in self.records),
            "outcome_unknown": self.outcome_unknown,
            "elections": self.elections,
            "machine_stalls": self.machine_stalls,
            "machine_stall_max_ms": self.machine_stall_max_ms,
            "value_size_bytes": point.value_size,
            "keys": point.keys,
            "keys_read_back": self.keys_read_back,
            "nodes_with_equal_state": self.nodes_agreeing,
            "cpus": os.cpu_count() or 1,
            "python": platform.python_version(),
        }


def measure_point(point: Point, advance: Advance) -> Measured:
    """Start a cluster, load it, and hold it to its answers.

    Raises VerificationFailed, LoadFailed, ClusterFailed, and RequestError if nodes don't answer.
    """
    with point.cluster() as cluster:
        _, term = cluster.leader()
        with Watchdog() as watchdog:
            try:
                records = run_load(point.plans(cluster.endpoints), advance)
            finally:
                # A node that ended by itself says more than the clients, who only saw the silence.
                cluster.check_running()
        _, term_after = cluster.leader()
        if not any(record.answered for record in records):
            failures: Counter[str] = sum((record.failures for record in records), Counter())
            raise LoadFailed(f"no call was answered; errors: {dict(failures)}")
        ledger = Ledger()
        ledger.add(records)
        gets_checked = check_readings(records)
        verified = verify(cluster.endpoints, ledger)
    return Measured(
        point,
        records,
        # Each changes the term, and a leader that is heard keeps its own.
        term_after - term,
        verified.keys_read_back,
        verified.nodes_agreeing,
        gets_checked,
        ledger.unknown_count,
        watchdog.stalls,
        watchdog.stall_max_ms,
    )
