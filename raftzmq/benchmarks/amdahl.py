"""``bench/amdahl.py``: what more workers gain, as coroutines, threads, processes and nodes, and the laws behind it."""

from __future__ import annotations

import os
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from raftzmq.benchmarks.display import Advance, progress
from raftzmq.benchmarks.extra import need
from raftzmq.benchmarks.figures import Figures, median
from raftzmq.benchmarks.options import (
    LOAD_SECONDS_MAX,
    directory_option,
    in_flight_range,
    refuse_of_other_parts,
    seed_option,
    value_size_option,
)
from raftzmq.benchmarks.presenting import present, result_options
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.result import Result, Table
from raftzmq.benchmarks.scaling_cores import cores
from raftzmq.benchmarks.scaling_measurement import (
    CLIENTS_NODES,
    COMPUTING,
    PARTS,
    Measured,
    Options,
    measure_sweeps,
    steps_of,
)
from raftzmq.benchmarks.scaling_pictures import WORDS, charts_of
from raftzmq.benchmarks.scaling_study import Part, Study, figures_of, study
from raftzmq.benchmarks.scaling_tables import tables_of
from raftzmq.benchmarks.scaling_tasks import KINDS, UNITS, tasks_of
from raftzmq.benchmarks.scaling_words import findings_of
from raftzmq.benchmarks.watchdog import Watchdog

__all__ = ["FULL", "QUICK", "Options", "amdahl", "measure"]

QUESTION = "What do more workers gain, and what keeps them from gaining more?"


NEEDED: dict[str, tuple[Part, ...]] = {
    "workers": ("tasks",),
    "wait_ms": ("tasks",),
    "repeats": ("tasks", "cores"),
    "clients": ("clients",),
    "clients_in_flight": ("clients",),
    "nodes": ("nodes",),
    "nodes_in_flight": ("nodes",),
    **dict.fromkeys(("seconds", "cluster_repeats", "cluster_rounds", "value_size", "directory"), ("clients", "nodes")),
}
"""The parts that have use for an option."""

FULL = Options()
QUICK = Options(
    wait_ms=5.0, repeats=3, steps=1_000_000, nodes=(1, 3, 5), cluster_repeats=1, cluster_rounds=2, seconds=0.6
)


def measure(options: Options, advance: Advance) -> Result:
    """Measure every part that is asked for, and fit the laws; ``advance`` is told steps, of `steps_of` in all.

    Raises ExtraMissing before anything is measured, and as `measure_sweeps`.
    """
    need("numpy", "scipy", purpose="fit scaling laws")
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        advance(done)

    with Watchdog() as watchdog:
        found = measure_sweeps(options, step)
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
    for name, label in COMPUTING:
        if len(found.rates.get(name, ())) >= 2:
            studies.append(study("cores", name, label, "steps", found.rates[name]))
    for part, what in (("clients", "client processes"), ("nodes", "nodes")):
        samples = found.rates.get(f"cluster_{part}", {})
        if len(samples) >= 2:
            studies.append(study("clients" if part == "clients" else "nodes", f"cluster_{part}", what, "puts", samples))
    return studies


def _lost_tables(options: Options, found: Measured) -> list[Table]:
    # With the lock none is lost: otherwise the measurement had ended.
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
        "clients_nodes": CLIENTS_NODES,
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


def _counts(most: int) -> Any:
    """Reads ``1,2,4``: two numbers or more from 1 to ``most``, ascending and from 1 on; wrong usage otherwise."""

    def read(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[int, ...] | None:
        if text is None:
            return None
        try:
            found = tuple(int(part) for part in text.split(","))
        except ValueError:
            raise click.BadParameter(f"{text!r} is no list of whole numbers: write it as 1,2,4") from None
        if len(found) < 2 or found[0] != 1 or list(found) != sorted(set(found)) or found[-1] > most:
            raise click.BadParameter(f"{text!r} must be two numbers or more, ascending from 1 to {most} at most")
        return found

    return read


@click.command("amdahl")
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(PARTS),
    help="Only this part; may be given several times. [default: all]",
)
@click.option("--workers", callback=_counts(UNITS), metavar="N,…", help="Of tasks. [default: 1,2,4,8,16]")
@click.option(
    "--wait-ms", type=click.FloatRange(0.1, 1000), help="What a unit of a task waits. [default: 20; quick: 5]"
)
@click.option("--repeats", type=click.IntRange(2), help="Of every point of tasks and cores. [default: 10; quick: 3]")
@click.option("--clients", callback=_counts(99), metavar="N,…", help="Client processes. [default: 1,2,4,8]")
@click.option(
    "--nodes", callback=_counts(99), metavar="N,…", help="Sizes of clusters. [default: 1,3,5,7; quick: 1,3,5]"
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, LOAD_SECONDS_MAX),
    help="Of each load of a cluster. [default: 1.5; quick: 0.6]",
)
@click.option("--cluster-repeats", type=click.IntRange(1), help="Fresh clusters of each kind. [default: 3; quick: 1]")
@click.option("--cluster-rounds", type=click.IntRange(1), help="Loads of each point on each of them. [default: 2]")
@click.option("--clients-in-flight", type=in_flight_range, help="Puts in flight per client process. [default: 4]")
@click.option("--nodes-in-flight", type=in_flight_range, help="Puts in flight while nodes vary. [default: 64]")
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
        refuse_of_other_parts(chosen.parts, NEEDED)
    if chosen.cluster_repeats * chosen.cluster_rounds < 2 and {"clients", "nodes"} & set(chosen.parts):
        raise click.UsageError(
            "one load of each point shows no spread: for an uncertainty raise --cluster-repeats or --cluster-rounds"
        )
    if any(UNITS % workers for workers in chosen.workers):
        raise click.UsageError(f"--workers must share {UNITS} units of work equally: choose from 1,2,4,8,16")
    with ending_in_order(), progress("points", steps_of(chosen)) as advance:
        result = measure(chosen, advance)
    present(result, as_json=as_json, charts=charts)
