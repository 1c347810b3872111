"""``raftzmq bench concurrency``: threads against coroutines, around the same Node, at the same points."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from raftzmq.benchmarks.concurrency_pictures import charts_of, tables_of
from raftzmq.benchmarks.concurrency_point import Point, Setting, SlowLoad, normal_points, slow_points
from raftzmq.benchmarks.concurrency_points import Points
from raftzmq.benchmarks.concurrency_words import figures_of, findings_of
from raftzmq.benchmarks.contenders import CONTENDERS, UVLOOP, Contender
from raftzmq.benchmarks.display import Advance, progress
from raftzmq.benchmarks.extra import ExtraMissing, need
from raftzmq.benchmarks.figures import Figures
from raftzmq.benchmarks.options import (
    LOAD_SECONDS_MAX,
    clients_range,
    directory_option,
    in_flight_range,
    refuse_unused,
    seed_option,
    value_size_option,
)
from raftzmq.benchmarks.presenting import present, result_options
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.result import Result
from raftzmq.benchmarks.spy import profile, py_spy

OF_THE_NORMAL_DISK = ("in_flight", "rounds", "seconds", "clients", "seed", "profile")
OF_THE_SLOW_DISK = ("slow_in_flight", "modest", "slow_rounds", "slow_seconds", "sync_delay_ms", "timeout")
"""Options that the other disk has no use for."""
QUESTION = "Threads or coroutines: what does a consensus loop gain and lose by each, and what if it waits for its disk?"


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured. ``in_flight`` and ``slow_in_flight`` are points on a normal and on a slow disk.

    On the slow one runtimes are compared with ``modest`` puts in flight, in ``slow_rounds`` rounds.
    """

    runtimes: tuple[str, ...] = tuple(CONTENDERS)
    in_flight: tuple[int, ...] = (1, 64, 1000)
    slow_in_flight: tuple[int, ...] = (1, 64, 1000)
    modest: int = 64
    rounds: int = 5
    slow_rounds: int = 3
    seconds: float = 3.0
    slow_seconds: float = 20.0
    sync_delay_ms: float = 300.0
    timeout: float = 5.0
    nodes: int = 3
    clients: int = 1
    value_size: int = 256
    keys: int = 100_000
    seed: int = 1
    directory: Path | None = None
    profile: bool = False

    @property
    def contenders(self) -> list[Contender]:
        """The runtimes, in the order of `CONTENDERS`."""
        return [contender for name, contender in CONTENDERS.items() if name in self.runtimes]

    @property
    def setting(self) -> Setting:
        """What is the same for all of them."""
        return Setting(self.nodes, self.clients, self.value_size, self.keys, self.seed, self.directory)

    @property
    def slow_loads(self) -> list[tuple[int, SlowLoad]]:
        """With the number of the round: first those that are compared."""

        def load(in_flight: int, seconds: float) -> SlowLoad:
            return SlowLoad(in_flight, seconds, self.timeout, self.sync_delay_ms)

        compared = [(number, load(self.modest, self.slow_seconds)) for number in range(1, self.slow_rounds + 1)]
        others = [count for count in self.slow_in_flight if count != self.modest]
        return [*compared, *((1, load(count, self.slow_seconds / 2)) for count in others)]

    @property
    def total(self) -> int:
        """How many points there are."""
        return len(self.contenders) * (self.rounds * len(self.in_flight) + len(self.slow_loads))


QUICK = Options(rounds=1, seconds=1.5, slow_in_flight=(), slow_rounds=1, slow_seconds=20.0, keys=10_000)
FULL = Options()


def measure(options: Options, advance: Advance) -> Result:
    """Compare the runtimes, each on clusters of its own; ``advance`` is told how many points are done.

    In every round each runtime has its turn, and who goes first alternates, so that a machine that becomes slower
    meanwhile favours nobody. What needs a library that is not installed is left out by name, unless it was asked for.
    Raises VerificationFailed, LoadFailed, ClusterFailed, ExtraMissing, ProfileFailed, RequestError.
    """
    options, left_out = available(options)
    if options.profile:
        py_spy()  # who has none learns it before minutes of measuring
    contenders = options.contenders
    points: list[Point] = []
    for number in range(1, options.rounds + 1 if options.in_flight else 1):
        for contender in contenders if number % 2 else contenders[::-1]:
            for point in normal_points(contender, options.setting, options.in_flight, options.seconds, number):
                points.append(point)
                advance(len(points))
    for number, load in options.slow_loads:
        points += slow_points(contenders, options.setting, load, number)
        advance(len(points))
    result = _result(options, Points(points, options.modest, options.nodes - 1))
    result.findings += left_out
    if options.profile and options.in_flight:
        result.tables.append(profile(contenders, options.setting, max(options.in_flight), options.seconds))
    return result


def available(options: Options) -> tuple[Options, list[str]]:
    """The options without what cannot run here, and a sentence about it. Raises ExtraMissing if it was asked for."""
    try:
        if UVLOOP in options.runtimes:
            need("uvloop", purpose="run coroutines on it")
    except ExtraMissing as missing:
        if set(options.runtimes) != set(CONTENDERS):
            raise
        others = tuple(name for name in options.runtimes if name != UVLOOP)
        return replace(options, runtimes=others), [f"{UVLOOP} was left out: {missing}."]
    return options, []


def _result(options: Options, points: Points) -> Result:
    settings: Figures = {
        "nodes": options.nodes,
        "clients": options.clients,
        "rounds": options.rounds,
        "seconds_per_point": options.seconds,
        "slow_disk_rounds": options.slow_rounds,
        "slow_disk_seconds": options.slow_seconds,
        "slow_disk_in_flight": options.modest,
        "sync_delay_ms": options.sync_delay_ms,
        "timeout_s": options.timeout,
        "value_size_bytes": options.value_size,
        "keys": options.keys,
        "cpus": os.cpu_count() or 1,
        "python": platform.python_version(),
    }
    return Result(
        "concurrency",
        QUESTION,
        settings,
        figures_of(points),
        tables_of(points),
        charts_of(points),
        findings_of(points, options.sync_delay_ms),
    )


@click.command("concurrency")
@click.option(
    "--runtime", "runtimes", multiple=True, type=click.Choice(list(CONTENDERS)), help="Only this one; repeatable."
)
@click.option(
    "--in-flight", multiple=True, type=in_flight_range, help="Puts in flight; repeatable. [default: 1, 64, 1000]"
)
@click.option(
    "--slow-in-flight",
    multiple=True,
    type=in_flight_range,
    help="The same on the slow disk. [default: 1, 64, 1000; with --quick: none]",
)
@click.option(
    "--modest", type=in_flight_range, help="Puts in flight on the slow disk, where runtimes are compared. [default: 64]"
)
@click.option("--slow-rounds", type=click.IntRange(1), help="Of that comparison. [default: 3; with --quick: 1]")
@click.option(
    "--disk",
    type=click.Choice(["both", "normal", "slow"]),
    default="both",
    show_default=True,
    help="Measure on which disk.",
)
@click.option("--rounds", type=click.IntRange(1), help="Runs of each on the normal disk. [default: 5; with --quick: 1]")
@click.option(
    "--seconds", type=click.FloatRange(0.5, LOAD_SECONDS_MAX), help="Of each run. [default: 3; with --quick: 1.5]"
)
@click.option("--slow-seconds", type=click.FloatRange(0.5, LOAD_SECONDS_MAX), help="On the slow disk. [default: 20]")
@click.option(
    "--sync-delay-ms", default=300.0, show_default=True, type=click.FloatRange(0.0, 60_000), help="The slow disk's."
)
@click.option(
    "--timeout",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0.1, LOAD_SECONDS_MAX),
    help="Seconds, on the slow disk.",
)
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(1, 99), help="Size of the cluster.")
@click.option("--clients", default=1, show_default=True, type=clients_range, help="Client processes, normal disk.")
@value_size_option
@seed_option
@directory_option
@click.option(
    "--profile", is_flag=True, help="Look with py-spy where each leader spends its time, in runs of their own."
)
@result_options
def concurrency(quick: bool, as_json: bool, charts: Path | None, disk: str, **given: Any) -> None:
    """Compare threads, coroutines, coroutines on uvloop, and coroutines that commit on their event loop.

    The same Node runs in all of them; what differs is how it waits. Each has clusters of its own, on free ports, with
    the default timers, alternating, and the same load: puts of 8-byte keys by the shipped asyncio client, in its own
    process. Measured are throughput and latency, how late a node's loop is (by the time to a status answer), the
    processor time and the context switches of each put, and elections. Then again on a disk that is made slow as soon
    as the leader serves: each commit takes 300 ms more, and a put without an answer counts with its timeout.
    Afterwards everything acknowledged is read back, and all nodes must hold the same.

    \b
    Examples:
      raftzmq bench concurrency --quick
      raftzmq bench concurrency --charts pictures --json > concurrency.json
      raftzmq bench concurrency --runtime threads --runtime coroutines --in-flight 1000 --rounds 5 --disk normal
      raftzmq bench concurrency --runtime coroutines --runtime coroutines-blocking --disk slow
    """
    chosen = {name: value for name, value in given.items() if value not in (None, ())}
    options = replace(QUICK if quick else FULL, **chosen)
    if disk == "normal":
        refuse_unused("--disk normal", OF_THE_SLOW_DISK)
        options = replace(options, slow_in_flight=(), slow_rounds=0)
    elif disk == "slow":
        refuse_unused("--disk slow", OF_THE_NORMAL_DISK, "see --modest and what else begins with --slow")
        options = replace(options, in_flight=())
    if options.clients > min(options.in_flight, default=options.clients):
        raise click.UsageError("every client process needs a put to do: raise --in-flight or lower --clients")
    with ending_in_order(), progress("points", options.total) as advance:
        result = measure(options, advance)
    present(result, as_json=as_json, charts=charts)
