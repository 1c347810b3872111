"""All sweeps, measured and not yet understood: rates by workers, and what else was seen on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from raftzmq.benchmarks.scaling_cluster import Load, Rates, clients_sweep, nodes_sweep
from raftzmq.benchmarks.scaling_cores import Burners, cores, thread_rate, worker_counts
from raftzmq.benchmarks.scaling_schedule import interleaved
from raftzmq.benchmarks.scaling_study import Part
from raftzmq.benchmarks.scaling_tasks import KINDS, Kind, Run, Task, TaskFailed, lost_updates, run, tasks_of
from raftzmq.benchmarks.scaling_waits import Waits

PARTS: tuple[Part, ...] = ("tasks", "cores", "clients", "nodes")
COMPUTING = (("compute_threads", "threads"), ("compute_processes", "processes"))
"""The sweeps of what computes, by name, and what their workers are."""
CLIENTS_NODES = 3
"""Of the cluster whose clients vary."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured; every factor of every sweep.

    ``repeats`` are of each point of tasks and cores; of clusters, ``cluster_repeats`` fresh ones are started of each
    kind, and each is loaded ``cluster_rounds`` times for ``seconds`` at each point.
    """

    parts: tuple[Part, ...] = PARTS
    workers: tuple[int, ...] = (1, 2, 4, 8, 16)
    wait_ms: float = 20.0
    repeats: int = 10
    updates: int = 16_000
    steps: int = 3_000_000
    clients: tuple[int, ...] = (1, 2, 4, 8)
    clients_in_flight: int = 4
    nodes: tuple[int, ...] = (1, 3, 5, 7)
    nodes_in_flight: int = 64
    cluster_repeats: int = 3
    cluster_rounds: int = 2
    seconds: float = 1.5
    value_size: int = 256
    seed: int = 1
    directory: Path | None = None


@dataclass(slots=True)
class Measured:
    """What was seen, before any law: rates by sweep and workers, and the shares of the time with the lock held."""

    rates: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    held: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    lost: dict[Kind, dict[int, float]] = field(default_factory=dict)
    elections: int = 0
    keys_read_back: int = 0

    def add(self, name: str, workers: int, rate: float) -> None:
        """One repeat of one point."""
        self.rates.setdefault(name, {}).setdefault(workers, []).append(rate)

    def add_run(self, name: str, workers: int, done: Run) -> None:
        """One repeat of one point of a task."""
        self.add(name, workers, done.rate)
        self.held.setdefault(name, {}).setdefault(workers, []).append(done.held)

    def add_cluster(self, name: str, found: Rates) -> None:
        """All of a cluster's sweep."""
        self.rates[name] = found.samples
        self.elections += found.elections
        self.keys_read_back += found.keys_read_back


def steps_of(options: Options) -> int:
    """How many points are measured, with repeats."""
    cluster = options.cluster_repeats * options.cluster_rounds
    counts = {
        "tasks": len(KINDS) * 3 * len(options.workers) * options.repeats,
        "cores": len(COMPUTING) * len(worker_counts(cores())) * options.repeats,
        "clients": len(options.clients) * cluster,
        "nodes": len(options.nodes) * cluster,
    }
    return sum(counts[part] for part in options.parts)


def measure_sweeps(options: Options, step: Callable[[], None]) -> Measured:
    """Measure every part that is asked for, and call ``step`` after each of `steps_of` points.

    Raises TaskFailed for a wrong count, ScalingFailed, VerificationFailed, LoadFailed, ClusterFailed, and RequestError
    if nodes don't answer.
    """
    found = Measured()
    if "tasks" in options.parts:
        _measure_tasks(options, found, step)
        _measure_lost(options, found)
    if "cores" in options.parts:
        _measure_cores(options, found, step)
    if "clients" in options.parts:
        _measure_clients(options, found, step)
    if "nodes" in options.parts:
        _measure_nodes(options, found, step)
    return found


def _measure_tasks(options: Options, found: Measured, step: Callable[[], None]) -> None:
    tasks = tasks_of(options.wait_ms / 1000)
    points: list[tuple[Kind, Task, int]] = [
        (kind, task, n) for kind in KINDS for task in tasks for n in options.workers
    ]
    with Waits(max(options.workers)) as waits:
        for kind, task, workers in interleaved(points, options.repeats, f"tasks {options.seed}"):
            done = run(kind, task, workers, task.rounds(workers, 1), waits.lines)
            found.add_run(f"{task.name}_{kind}", workers, done)
            step()


def _measure_lost(options: Options, found: Measured) -> None:
    """Without the lock; and with it, where nothing may be lost."""
    for kind in KINDS:
        found.lost[kind] = {}
        for workers in options.workers:
            kept = lost_updates(kind, workers, options.updates, locked=True)
            if kept:
                raise TaskFailed(f"{kind}: {kept} of {options.updates} updates were lost although the lock was held")
            lost = lost_updates(kind, workers, options.updates, locked=False)
            found.lost[kind][workers] = 100 * lost / options.updates


def _measure_cores(options: Options, found: Measured, step: Callable[[], None]) -> None:
    counts = worker_counts(cores())
    points = [(name, workers) for name, _ in COMPUTING for workers in counts]
    with Burners(max(counts)) as burners:
        for name, workers in interleaved(points, options.repeats, f"cores {options.seed}"):
            rate = thread_rate if name == "compute_threads" else burners.rate
            found.add(name, workers, rate(workers, options.steps))
            step()


def _measure_clients(options: Options, found: Measured, step: Callable[[], None]) -> None:
    rates = clients_sweep(
        Load(options.clients_in_flight, options.seconds, options.value_size, seed=options.seed),
        options.clients,
        nodes=CLIENTS_NODES,
        clusters=options.cluster_repeats,
        rounds=options.cluster_rounds,
        directory=options.directory,
        step=step,
    )
    found.add_cluster("cluster_clients", rates)


def _measure_nodes(options: Options, found: Measured, step: Callable[[], None]) -> None:
    rates = nodes_sweep(
        Load(options.nodes_in_flight, options.seconds, options.value_size, seed=options.seed),
        options.nodes,
        clusters=options.cluster_repeats,
        rounds=options.cluster_rounds,
        directory=options.directory,
        step=step,
    )
    found.add_cluster("cluster_nodes", rates)
