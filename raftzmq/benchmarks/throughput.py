"""``bench/throughput.py``: puts per second and their latency, of a cluster of real processes on this machine."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from raftzmq.benchmarks.display import Advance, progress, show
from raftzmq.benchmarks.figures import Figures, latencies_ms, median, number
from raftzmq.benchmarks.load import Plan, run_load
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.options import directory_option, seed_option, value_size_option
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.verification import Ledger, verify
from raftzmq.benchmarks.yardstick import run_yardstick

KEYS_MAX = 100_000_000
"""Keys are 8 digits."""


_SETTINGS = ("nodes", "clients", "in_flight", "operations", "value_size_bytes", "keys", "cpus", "python")


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured."""

    nodes: int = 3
    in_flight: int = 64
    operations: int = 20_000
    value_size: int = 256
    clients: int = 1
    keys: int = 100_000
    seed: int = 1
    directory: Path | None = None

    def plans(self, endpoints: list[str]) -> list[Plan]:
        """The shares of the client processes; remainders go to the first ones."""
        return [
            Plan(
                client,
                tuple(endpoints),
                _share(self.operations, client, self.clients),
                _share(self.in_flight, client, self.clients),
                self.value_size,
                self.keys,
                self.seed,
            )
            for client in range(self.clients)
        ]


def _share(total: int, number: int, of: int) -> int:
    return total // of + (number < total % of)


def measure(options: Options, advance: Advance) -> Figures:
    """Start a cluster, load it, hold it to its answers, and give the figures.

    Raises VerificationFailed, LoadFailed, ClusterFailed, and RequestError if nodes don't answer.
    """
    with LocalCluster(options.nodes, options.directory) as cluster:
        _, term = cluster.leader()
        records = run_load(options.plans(cluster.endpoints), advance)
        _, term_after = cluster.leader()
        ledger = Ledger()
        ledger.add(records)
        verified = verify(cluster.endpoints, ledger)
    elapsed = max(record.ended for record in records) - min(record.begun for record in records)
    latencies = [latency for record in records for latency in record.latencies]
    return {
        "puts_per_second": round(len(latencies) / elapsed),
        **latencies_ms(latencies),
        "elapsed_s": round(elapsed, 3),
        "nodes": options.nodes,
        "clients": options.clients,
        "in_flight": options.in_flight,
        "operations": options.operations,
        "acknowledged": len(latencies),
        "failed": sum(record.failures.total() for record in records),
        "outcome_unknown": ledger.unknown_count,
        # Each changes the term, and a leader that is heard keeps its own.
        "elections": term_after - term,
        "value_size_bytes": options.value_size,
        "keys": options.keys,
        "keys_read_back": verified.keys_read_back,
        "nodes_with_equal_state": verified.nodes_agreeing,
        "cpus": os.cpu_count() or 1,
        "python": platform.python_version(),
    }


def compare(options: Options, program: Path, pairs: int, advance: Advance) -> Figures:
    """Alternate with another program; the ratio of medians, and every sample.

    Who goes first alternates too, so that a machine that becomes slower meanwhile favours nobody.
    """
    ours: list[Figures] = []
    theirs: list[float] = []
    for turn in range(2 * pairs):
        if turn % 4 in (1, 2):
            ours.append(measure(options, lambda done: None))
        else:
            theirs.append(
                run_yardstick(
                    program,
                    in_flight=options.in_flight,
                    operations=options.operations,
                    clients=options.clients,
                    value_size=options.value_size,
                    directory=options.directory,
                )
            )
        advance(turn + 1)
    samples = [number(figures, "puts_per_second") for figures in ours]
    return {
        "ratio_of_medians": round(median(samples) / median(theirs), 3),
        "puts_per_second_median": median(samples),
        "yardstick_operations_per_second_median": median(theirs),
        "puts_per_second": samples,
        "yardstick_operations_per_second": theirs,
        "ratio_of_pairs": [round(mine / its, 3) for mine, its in zip(samples, theirs, strict=True)],
        "latency_p50_ms": [number(figures, "latency_p50_ms") for figures in ours],
        "latency_p99_ms": [number(figures, "latency_p99_ms") for figures in ours],
        "elections": [number(figures, "elections") for figures in ours],
        **{name: ours[-1][name] for name in _SETTINGS},
    }


@click.command("throughput")
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(1, 99), help="Size of the cluster.")
@click.option("--in-flight", default=64, show_default=True, type=click.IntRange(1), help="Puts in flight, in all.")
@click.option("--operations", default=20_000, show_default=True, type=click.IntRange(1), help="Puts, in all.")
@value_size_option
@click.option("--clients", default=1, show_default=True, type=click.IntRange(1), help="Client processes.")
@click.option(
    "--keys", default=100_000, show_default=True, type=click.IntRange(1, KEYS_MAX), help="Keys, put uniformly."
)
@seed_option
@directory_option
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="PROGRAM",
    help="A Python program to alternate with, started as PROGRAM relay --in-flight N --operations M …",
)
@click.option("--pairs", default=5, show_default=True, type=click.IntRange(1), help="With --against: runs of each.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def throughput(against: Path | None, pairs: int, as_json: bool, **options: Any) -> None:
    """Measure puts per second of a cluster of real processes on this machine.

    The cluster is started for it, on free ports, with the default timers and every commit synced. The shipped asyncio
    client puts 8-byte keys and incompressible values from processes of its own, one call and one future per put.
    Afterwards every acknowledged put is read back, and all nodes must hold the same; otherwise there are no figures and
    the exit code is 1.

    \b
    Examples:
      raftzmq bench throughput --in-flight 1000 --operations 200000
      raftzmq bench throughput --in-flight 64 --operations 50000 --clients 2 --json
    """
    chosen = Options(**options)
    if chosen.clients > min(chosen.in_flight, chosen.operations):
        raise click.UsageError("every client process needs a put to do: raise --in-flight or --operations")
    with ending_in_order():
        if against is None:
            with progress("puts acknowledged", chosen.operations) as advance:
                figures = measure(chosen, advance)
        else:
            with progress(f"runs, alternating with {against.name}", 2 * pairs) as advance:
                figures = compare(chosen, against, pairs, advance)
    show(f"{chosen.nodes} nodes, {chosen.in_flight} puts in flight", figures, as_json=as_json)
