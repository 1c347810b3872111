"""``bench/peers.py``: other replicated stores beside this one, on this machine, in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, get_args

import click

from raftzmq.benchmarks.display import Advance, progress
from raftzmq.benchmarks.etcd_cluster import LEFT_OUT as ETCD_LEFT_OUT
from raftzmq.benchmarks.etcd_cluster import EtcdCluster, EtcdFailed, EtcdPrograms, find_etcd
from raftzmq.benchmarks.extra import ExtraMissing, need
from raftzmq.benchmarks.figures import latencies_ms, number
from raftzmq.benchmarks.options import (
    LOAD_SECONDS_MAX,
    directory_option,
    seed_option,
    value_size_option,
)
from raftzmq.benchmarks.peers_words import (
    ETCD,
    OURS,
    PYSYNCOBJ,
    Sample,
    chart_of,
    figures_of,
    findings_of,
    tables_of,
)
from raftzmq.benchmarks.plan import Plan
from raftzmq.benchmarks.point import Point, measure_point
from raftzmq.benchmarks.presenting import present, result_options
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.pysyncobj_cluster import PySyncObjCluster, PySyncObjFailed
from raftzmq.benchmarks.pysyncobj_node import Settings, ValueKind
from raftzmq.benchmarks.result import Result
from raftzmq.benchmarks.throughput import KEYS_MAX
from raftzmq.config import SESSION_WINDOW

QUESTION = "How many writes a second do other replicated stores take beside this one, and what do they promise for it?"
SETTINGS: Final[dict[str, Settings]] = {
    PYSYNCOBJ[0]: {},
    PYSYNCOBJ[1]: {"appendEntriesPeriod": 0.01, "autoTickPeriod": 0.01},
    PYSYNCOBJ[2]: {"appendEntriesPeriod": 0.001, "autoTickPeriod": 0.001},
}
"""PySyncObj sends what waits once in an append period, and looks at its clock once in a tick period (0.1 s and 0.05 s
as shipped): the shorter they are, the sooner a put is answered. 1 ms measured as its best at every number in flight."""
WARM_PART: Final = 0.25
"""Of a measurement's time goes before it, into puts that don't count."""
FASTEST_PER_SECOND: Final = 200_000
"""A bound on what anybody does here, for the clients' notes."""
CLIENT_PROCESSES_FROM: Final = 512
"""In flight, from where on the load comes from two client processes: one would be the bottleneck."""
ETCD_PER_SECOND: Final = ((1, 600), (8, 2_000), (64, 6_000), (512, 10_000))
"""About what etcd does from so many in flight on: its tool counts puts and has no clock."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured: each store ``rounds`` times at each number in flight, for ``seconds``."""

    rounds: int = 5
    seconds: float = 2.0
    in_flight: tuple[int, ...] = (1, 64, 1000)
    nodes: int = 3
    value_size: int = 256
    keys: int = 100_000
    seed: int = 1
    directory: Path | None = None
    pysyncobj_values: ValueKind = "text"
    etcd: str | None = None
    etcd_benchmark: str | None = None


@dataclass(slots=True)
class Others:
    """The stores to measure beside this one: PySyncObj with the settings of these names, and etcd.

    ``left_out``: a sentence about each that is not there.
    """

    pysyncobj: tuple[str, ...] = ()
    etcd: EtcdPrograms | None = None
    left_out: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.pysyncobj) + (self.etcd is not None)


def find_others(options: Options) -> Others:
    """Those that are installed.

    Raises EtcdFailed if etcd was asked for and cannot take part, and ExtraMissing if there is nobody to compare with.
    """
    others = Others()
    try:
        need("pysyncobj", purpose="run PySyncObj beside raftzmq")
        others.pysyncobj = tuple(SETTINGS)
    except ExtraMissing as missing:
        others.left_out.append(f"PySyncObj: left out: {missing}")
    others.etcd, reason = find_etcd(options.etcd, options.etcd_benchmark)
    if others.etcd is None:
        if options.etcd or options.etcd_benchmark:
            raise EtcdFailed(f"etcd cannot take part: {reason.removeprefix(ETCD_LEFT_OUT)}")
        others.left_out.append(reason)
    if not others.count:
        raise ExtraMissing(f"there is no other store to measure: {'; '.join(others.left_out)}")
    return others


FULL = Options()
QUICK = Options(rounds=1, seconds=0.8)


def measure_ours(options: Options, note: Callable[[Sample], None], number_of_round: int) -> None:
    """This store, durable, through the shipped asyncio client in processes of its own. Every answer is verified."""
    for in_flight in options.in_flight:
        point = Point(
            nodes=options.nodes,
            in_flight=in_flight,
            operations=round(FASTEST_PER_SECOND * options.seconds),
            value_size=options.value_size,
            clients=2 if in_flight >= CLIENT_PROCESSES_FROM else 1,
            keys=options.keys,
            seed=options.seed + number_of_round,
            directory=options.directory,
            seconds=options.seconds,
        )
        figures = measure_point(point, lambda done: None).figures()
        note(
            Sample(
                OURS,
                in_flight,
                number_of_round,
                number(figures, "puts_per_second"),
                number(figures, "latency_p50_ms"),
                number(figures, "latency_p99_ms"),
                failed=int(number(figures, "failed")),
                elections=int(number(figures, "elections")),
                equal=True,
            )
        )


def measure_pysyncobj(name: str, options: Options, note: Callable[[Sample], None], number_of_round: int) -> None:
    """PySyncObj with the settings of that name, driven inside its leader. Raises PySyncObjFailed for wrong results."""
    samples: list[Sample] = []
    with PySyncObjCluster(options.nodes, SETTINGS[name]) as cluster:
        for in_flight in options.in_flight:
            leader, term = cluster.leader()
            plan = Plan(0, (), 0, in_flight, options.value_size, options.keys, options.seed + number_of_round)
            cluster.load(leader, plan, options.seconds * WARM_PART, options.pysyncobj_values)
            logged = cluster.errors()
            loaded = cluster.load(leader, plan, options.seconds, options.pysyncobj_values)
            if loaded.wrong or not loaded.latencies:
                raise PySyncObjFailed(
                    f"{name}, {in_flight} in flight: {len(loaded.latencies)} puts were acknowledged, and "
                    f"{loaded.wrong} keys don't hold what was put last"
                )
            figures = latencies_ms(loaded.latencies)
            samples.append(
                Sample(
                    name,
                    in_flight,
                    number_of_round,
                    round(len(loaded.latencies) / loaded.elapsed_s, 1),
                    number(figures, "latency_p50_ms"),
                    number(figures, "latency_p99_ms"),
                    failed=loaded.failed + loaded.unfinished,
                    elections=cluster.leader()[1] - term,
                    equal=True,
                    errors_logged=cluster.errors() - logged,
                )
            )
        equal = cluster.agrees()
    for sample in samples:
        note(replace(sample, equal=equal))


def measure_etcd(
    programs: EtcdPrograms, options: Options, note: Callable[[Sample], None], number_of_round: int
) -> None:
    """etcd with its own defaults, through its own load tool, aimed at its leader."""
    with EtcdCluster(options.nodes, programs, options.directory) as cluster:
        for in_flight in options.in_flight:
            rate = max(rate for least, rate in ETCD_PER_SECOND if in_flight >= least)
            warm = max(in_flight, round(rate * options.seconds * WARM_PART))
            cluster.load(in_flight, warm, options.value_size, options.keys)
            total = max(in_flight, round(rate * options.seconds))
            figures = cluster.load(in_flight, total, options.value_size, options.keys)
            note(
                Sample(
                    ETCD,
                    in_flight,
                    number_of_round,
                    round(figures["puts_per_second"], 1),
                    figures.get("latency_p50_ms"),
                    figures.get("latency_p99_ms"),
                )
            )


def measure(options: Options, advance: Advance) -> Result:
    """Every store in turn, the first of a round another one each time; one that is not there is left out by name.

    Raises ExtraMissing if there is none, PySyncObjFailed, EtcdFailed, VerificationFailed, LoadFailed, ClusterFailed,
    and RequestError if nodes don't answer.
    """
    others = find_others(options)
    samples: list[Sample] = []

    def note(sample: Sample) -> None:
        samples.append(sample)
        advance(len(samples))

    turns: list[Callable[[int], None]] = [lambda turn: measure_ours(options, note, turn)]
    for name in others.pysyncobj:
        turns.append(lambda turn, name=name: measure_pysyncobj(name, options, note, turn))  # type: ignore[misc]
    if others.etcd is not None:
        found = others.etcd
        turns.append(lambda turn: measure_etcd(found, options, note, turn))
    for turn in range(options.rounds):
        # Who comes first changes, so that a machine that becomes slower meanwhile favours nobody.
        first = turn % len(turns)
        for each in turns[first:] + turns[:first]:
            each(turn)
    return Result(
        benchmark="peers",
        question=QUESTION,
        settings={
            "nodes": options.nodes,
            "rounds": options.rounds,
            "seconds_per_sample": options.seconds,
            "value_size_bytes": options.value_size,
            "keys": options.keys,
            "pysyncobj_values": options.pysyncobj_values,
            "left_out": "; ".join(others.left_out) or "none",
        },
        figures=figures_of(samples),
        tables=tables_of(samples),
        charts=[chart_of(samples)],
        findings=[*findings_of(samples), *others.left_out],
    )


@click.command("peers")
@click.option(
    "--rounds",
    type=click.IntRange(1),
    help=f"How often each store is measured, in turn.  [default: {FULL.rounds}; with --quick: {QUICK.rounds}]",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, LOAD_SECONDS_MAX),
    help=f"How long each measurement takes.  [default: {FULL.seconds:g}; with --quick: {QUICK.seconds:g}]",
)
@click.option(
    "--in-flight",
    multiple=True,
    default=FULL.in_flight,
    show_default=True,
    type=click.IntRange(1, SESSION_WINDOW),
    help="Puts in flight; may be given several times.",
)
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(3, 99), help="Size of each cluster.")
@value_size_option
@click.option(
    "--keys", default=100_000, show_default=True, type=click.IntRange(1, KEYS_MAX), help="Keys, chosen uniformly."
)
@seed_option
@click.option(
    "--pysyncobj-values",
    default=FULL.pysyncobj_values,
    show_default=True,
    type=click.Choice(get_args(ValueKind)),
    help="What PySyncObj is given to store, and compresses: text is kind to it, repeated the kindest.",
)
@click.option("--etcd", metavar="PATH", help="The program etcd, for --etcd-benchmark.  [default: `etcd` on PATH]")
@click.option("--etcd-benchmark", metavar="PATH", help="etcd's load tool; without it etcd is left out.")
@directory_option
@result_options
def peers(
    rounds: int | None,
    seconds: float | None,
    in_flight: tuple[int, ...],
    nodes: int,
    value_size: int,
    keys: int,
    seed: int,
    pysyncobj_values: ValueKind,
    etcd: str | None,
    etcd_benchmark: str | None,
    directory: Path | None,
    quick: bool,
    as_json: bool,
    charts: Path | None,
) -> None:
    """Measure other replicated stores beside this one, in turn, and say what each promises.

    PySyncObj (from the extra 'bench') runs as shipped and tuned, where it is at its best: its leader puts into its own
    dictionary, with no client, no network before the leader, no disk and no compaction, and text as values; its
    replicas are compared afterwards. This store runs as shipped: durable, with its clients in processes of their own,
    every answer verified. etcd takes part if it and its own load tool are there. Who isn't is left out by name.

    \b
    Examples:
      raftzmq bench peers --quick
      raftzmq bench peers --rounds 5 --in-flight 1 --in-flight 1000 --json
      raftzmq bench peers --etcd-benchmark ~/go/bin/benchmark --charts pictures/
    """
    base = QUICK if quick else FULL
    options = Options(
        rounds or base.rounds,
        seconds or base.seconds,
        tuple(sorted(set(in_flight))),
        nodes,
        value_size,
        keys,
        seed,
        directory,
        pysyncobj_values,
        etcd,
        etcd_benchmark,
    )
    try:
        others = find_others(options)
    except EtcdFailed as missing:
        raise click.UsageError(str(missing)) from None
    total = (1 + others.count) * options.rounds * len(options.in_flight)
    with ending_in_order(), progress("measurements", total) as advance:
        result = measure(options, advance)
    present(result, as_json=as_json, charts=charts)
