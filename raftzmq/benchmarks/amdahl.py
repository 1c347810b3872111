"""``bench/amdahl.py``: what more workers gain, as coroutines, threads, processes and nodes, and the laws behind it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from raftzmq.benchmarks.display import Advance, progress
from raftzmq.benchmarks.extra import need
from raftzmq.benchmarks.figures import Figures, median
from raftzmq.benchmarks.options import directory_option, seed_option, value_size_option
from raftzmq.benchmarks.presenting import present, result_options
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.result import Result, Table
from raftzmq.benchmarks.scaling_cluster import Load, Rates, clients_sweep, nodes_sweep
from raftzmq.benchmarks.scaling_cores import Burners, cores, thread_rate, worker_counts
from raftzmq.benchmarks.scaling_pictures import WORDS, charts_of
from raftzmq.benchmarks.scaling_schedule import interleaved
from raftzmq.benchmarks.scaling_study import Part, Study, figures_of, study
from raftzmq.benchmarks.scaling_tables import tables_of
from raftzmq.benchmarks.scaling_tasks import KINDS, Kind, Run, Task, TaskFailed, lost_updates, run, tasks_of
from raftzmq.benchmarks.scaling_waits import Waits
from raftzmq.benchmarks.scaling_words import findings_of
from raftzmq.benchmarks.watchdog import Watchdog

PARTS: tuple[Part, ...] = ("tasks", "cores", "clients", "nodes")
QUESTION = "What do more workers gain, and what keeps them from gaining more?"
_COMPUTING = (("compute_threads", "threads"), ("compute_processes", "processes"))


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


FULL = Options()
QUICK = Options(
    wait_ms=5.0, repeats=3, steps=1_000_000, nodes=(1, 3, 5), cluster_repeats=1, cluster_rounds=2, seconds=0.6
)


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
    """How often `measure` tells that something is done."""
    cluster = options.cluster_repeats * options.cluster_rounds
    counts = {
        "tasks": len(KINDS) * 3 * len(options.workers) * options.repeats,
        "cores": len(_COMPUTING) * len(worker_counts(cores())) * options.repeats,
        "clients": len(options.clients) * cluster,
        "nodes": len(options.nodes) * cluster,
    }
    return sum(counts[part] for part in options.parts)


def measure(options: Options, advance: Advance) -> Result:
    """Measure every part that is asked for, and fit the laws; ``advance`` is told steps, of `steps_of` in all.

    Raises ExtraMissing before anything is measured, TaskFailed for a wrong count, ScalingFailed, VerificationFailed,
    LoadFailed, ClusterFailed, and RequestError if nodes don't answer.
    """
    need("numpy", "scipy", purpose="fit scaling laws")
    found, done = Measured(), 0

    def step() -> None:
        nonlocal done
        done += 1
        advance(done)

    with Watchdog() as watchdog:
        if "tasks" in options.parts:
            _measure_tasks(options, found, step)
            _measure_lost(options, found)
        if "cores" in options.parts:
            _measure_cores(options, found, step)
        if "clients" in options.parts:
            _measure_clients(options, found, step)
        if "nodes" in options.parts:
            _measure_nodes(options, found, step)
    studies = list(_studies(options, found))
    figures = figures_of(studies)
    for kind, shares in found.lost.items():
        figures[f"lost_updates_{kind}_percent"] = round(shares[max(shares)], 2)
    if {"clients", "nodes"} & set(options.parts):
        figures |= {"elections": found.elections, "keys_read_back": found.keys_read_back}
    figures |= {"machine_stalls": watchdog.stalls, "machine_stall_max_ms": watchdog.stall_max_ms}
    findings = findings_of(studies, found.lost, cores())
    if "cores" in options.parts and cores() == 1:
        findings.append("There is one core here, so nothing can be said of computing by several workers.")
    if watchdog.stalls:
        findings.append(
            f"The whole machine stood still {watchdog.stalls} times meanwhile, for up to {watchdog.stall_max_ms:g} ms: "
            "the intervals are wider for it, and a quieter machine would tell more."
        )
    tables = [*tables_of(studies), *_lost_tables(options, found)]
    return Result("amdahl", QUESTION, _settings(options), figures, tables, charts_of(studies, found.lost), findings)


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
    points = [(name, workers) for name, _ in _COMPUTING for workers in counts]
    with Burners(max(counts)) as burners:
        for name, workers in interleaved(points, options.repeats, f"cores {options.seed}"):
            rate = thread_rate if name == "compute_threads" else burners.rate
            found.add(name, workers, rate(workers, options.steps))
            step()


def _measure_clients(options: Options, found: Measured, step: Callable[[], None]) -> None:
    rates = clients_sweep(
        Load(options.clients_in_flight, options.seconds, options.value_size, seed=options.seed),
        options.clients,
        nodes=3,
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


def _studies(options: Options, found: Measured) -> list[Study]:
    """All sweeps with two numbers of workers at least, in the order in which they are told."""
    studies = []
    for task in tasks_of(options.wait_ms / 1000):
        for kind in KINDS:
            name = f"{task.name}_{kind}"
            if len(found.rates.get(name, ())) < 2:
                continue
            held = {workers: median(shares) for workers, shares in found.held[name].items()}
            blind = max(0.0, 1 - min(held.values())) if not task.parallel_s else 0.0
            label = f"{task.label}, {WORDS[kind]}"
            samples = found.rates[name]
            studies.append(study("tasks", name, label, "units", samples, blind=blind, seen=1 - held[min(held)]))
    for name, label in _COMPUTING:
        if len(found.rates.get(name, ())) >= 2:
            studies.append(study("cores", name, label, "steps", found.rates[name]))
    for part, what in (("clients", "client processes"), ("nodes", "nodes")):
        samples = found.rates.get(f"cluster_{part}", {})
        if len(samples) >= 2:
            studies.append(study("clients" if part == "clients" else "nodes", f"cluster_{part}", what, "puts", samples))
    return studies


def _lost_tables(options: Options, found: Measured) -> list[Table]:
    rows = [
        (WORDS[kind], workers, options.updates, round(share, 2), 0)
        for kind, shares in found.lost.items()
        for workers, share in shares.items()
    ]
    columns = ("workers_are", "workers", "updates", "lost_percent", "lost_with_lock_percent")
    return [Table("lost updates of the counter without its lock", columns, rows)] if rows else []


def _settings(options: Options) -> Figures:
    return {
        "parts": " ".join(options.parts),
        "workers": list(options.workers),
        "wait_ms": options.wait_ms,
        "repeats": options.repeats,
        "updates": options.updates,
        "steps": options.steps,
        "clients": list(options.clients),
        "clients_in_flight_each": options.clients_in_flight,
        "clients_nodes": 3,
        "nodes": list(options.nodes),
        "nodes_in_flight": options.nodes_in_flight,
        "cluster_repeats": options.cluster_repeats,
        "cluster_rounds": options.cluster_rounds,
        "seconds": options.seconds,
        "value_size_bytes": options.value_size,
        "seed": options.seed,
        "cores": cores(),
        "cpus": os.cpu_count() or 1,
        "python": platform.python_version(),
    }


@click.command("amdahl")
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(PARTS),
    help="Only this part; may be given several times. [default: all]",
)
@click.option(
    "--wait-ms", type=click.FloatRange(0.1, 1000), help="What a unit of a task waits. [default: 20; quick: 5]"
)
@click.option("--repeats", type=click.IntRange(2), help="Of every point of tasks and cores. [default: 10; quick: 3]")
@click.option("--seconds", type=click.FloatRange(0.1), help="Of each load of a cluster. [default: 1.5; quick: 0.6]")
@click.option("--cluster-repeats", type=click.IntRange(1), help="Fresh clusters of each kind. [default: 3; quick: 1]")
@click.option("--cluster-rounds", type=click.IntRange(1), help="Loads of each point on each of them. [default: 2]")
@click.option("--clients-in-flight", type=click.IntRange(1), help="Puts in flight per client process. [default: 4]")
@click.option("--nodes-in-flight", type=click.IntRange(1), help="Puts in flight while nodes vary. [default: 64]")
@value_size_option
@seed_option
@directory_option
@result_options
def amdahl(
    parts: tuple[Part, ...], quick: bool, as_json: bool, charts: Path | None, value_size: int, seed: int, **options: Any
) -> None:
    """Measure what more workers gain, and fit Amdahl's law and the universal scalability law to it.

    \b
    tasks    a parallel task, one with a fifth under a lock, and a counter under
             a lock, by 1 to 16 coroutines and by as many threads; they wait for
             another process, so the number of cores doesn't matter
    cores    a loop that computes, by threads and by processes, up to the cores
    clients  puts per second over 1 to 8 client processes of a cluster of three
    nodes    puts per second over 1 to 7 nodes

    Every point is measured several times, in shuffled order. Parameters come with 95 % intervals, and Amdahl's law
    without the points of 8 workers is held against them. A wrong count of the locked counter, or a put that was
    acknowledged and can't be read back, ends it with exit code 1 and without figures.

    \b
    Examples:
      raftzmq bench amdahl --quick --charts charts
      raftzmq bench amdahl --part tasks --wait-ms 5 --repeats 20
      raftzmq bench amdahl --part clients --part nodes --json
    """
    given = {name: value for name, value in options.items() if value is not None}
    chosen = replace(QUICK if quick else FULL, value_size=value_size, seed=seed, **given)
    if parts:
        chosen = replace(chosen, parts=tuple(part for part in PARTS if part in parts))
    if chosen.cluster_repeats * chosen.cluster_rounds < 2 and {"clients", "nodes"} & set(chosen.parts):
        raise click.UsageError(
            "one load of each point shows no spread: for an uncertainty raise --cluster-repeats or --cluster-rounds"
        )
    with ending_in_order(), progress("points", steps_of(chosen)) as advance:
        result = measure(chosen, advance)
    present(result, as_json=as_json, charts=charts)
