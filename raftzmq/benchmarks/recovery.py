"""``bench/recovery.py``: a follower that was away catches up while the others go on, and at what cost to them."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from raftzmq.benchmarks.bars import Bar, end_by
from raftzmq.benchmarks.display import Advance, progress, show
from raftzmq.benchmarks.figures import Figures, median
from raftzmq.benchmarks.footprint import anonymous_bytes, megabytes
from raftzmq.benchmarks.local_cluster import ClusterFailed, LocalCluster
from raftzmq.benchmarks.options import (
    SECONDS_MAX,
    clients_range,
    directory_option,
    in_flight_range,
    json_option,
    operations_range,
    seed_option,
    value_size_option,
)
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.serving import start_to_serving
from raftzmq.benchmarks.steady_load import ENDLESS, SteadyLoad, Summary, make_ledger
from raftzmq.benchmarks.throughput import KEYS_MAX, Options
from raftzmq.benchmarks.verification import verify
from raftzmq.client.sync import Client
from raftzmq.storage.environment import DATA_FILE
from raftzmq.storage.pointer import StatePointer, read_pointer

THROUGHPUT_SHARE_MIN = 0.7
"""Of what the cluster did with all its nodes at work."""
LAG_ENTRIES_MIN = 2
"""A follower that is no further behind than this is there, however little it lagged before."""
_WARM_S = 2.0
_LOOK_S = 0.1
_PATIENCE_S = 300.0


@dataclass(slots=True)
class Course:
    """How the run went. Rates are puts acknowledged per second; times are seconds from the follower's start.

    ``lag_entries``: how far behind the follower may be to be there again. ``snapshots``: how many it installed.
    """

    follower: str
    rate_all: float = 0.0
    rate_away: float = 0.0
    rate_catching_up: float = 0.0
    rate_after: float = 0.0
    missed_puts: int = 0
    missed_entries: int = 0
    lag_entries: float = LAG_ENTRIES_MIN
    answering_s: float = 0.0
    serving_s: float = 0.0
    caught_up_s: float = 0.0
    snapshots: int = 0
    snapshot_bytes: int = 0
    anonymous_bytes: list[int] = field(default_factory=list)


class Run:
    """A cluster under load while one of its followers goes and comes back."""

    def __init__(self, cluster: LocalCluster, load: SteadyLoad, client: Client, window_s: float) -> None:
        self._cluster = cluster
        self._load = load
        self._client = client
        self._window_s = window_s
        leader, _ = cluster.leader()
        self.course = Course(next(node for node in cluster.nodes if node != leader))

    def go(self, operations: int, advance: Advance) -> list[Summary]:
        """All nodes; without the follower, for ``operations`` puts; while it catches up; and all nodes again.

        What the clients were told. Raises ClusterFailed, LoadFailed.
        """
        cluster, load, course = self._cluster, self._load, self.course
        load.begin()
        self._pace(_WARM_S)
        lags: list[float] = []
        course.rate_all = self._pace(self._window_s, lambda: lags.extend(self._lag()))
        course.lag_entries = max(LAG_ENTRIES_MIN, 2 * median(lags)) if lags else LAG_ENTRIES_MIN
        cluster.kill(course.follower)
        begun, count, applied = time.monotonic(), load.acknowledged, self._applied()
        while (missed := load.acknowledged - count) < operations:
            advance(missed)
            self._pace(_LOOK_S)
        course.missed_puts = missed
        course.rate_away = missed / (time.monotonic() - begun)
        course.missed_entries = self._applied() - applied
        with ThreadPoolExecutor(1) as other:
            serving = other.submit(start_to_serving, cluster, course.follower)
            self._come_back()
            course.serving_s = serving.result()
        advance(operations)
        course.rate_after = self._pace(self._window_s)
        course.anonymous_bytes = [anonymous_bytes(cluster.pid(node)) for node in cluster.nodes]
        return load.stop()

    def _come_back(self) -> None:
        """Wait until the follower, which is being started, is as near to the leader as a follower usually is."""
        cluster, course, load = self._cluster, self.course, self._load
        data = cluster.path / course.follower
        before = read_pointer(data)
        begun, count = time.monotonic(), load.acknowledged
        while True:
            time.sleep(_LOOK_S)
            load.look()
            cluster.check_running()
            seconds = time.monotonic() - begun
            if (pointer := read_pointer(data)) != before:
                before = pointer
                course.snapshots += 1
                course.snapshot_bytes += _size(data, pointer)
            lag = self._lag()
            if lag and not course.answering_s:
                course.answering_s = seconds
            if lag and lag[0] <= course.lag_entries:
                break
            if seconds > _PATIENCE_S:
                raise ClusterFailed(f"{course.follower} has not caught up within {_PATIENCE_S:g} s: {lag} entries lack")
        course.caught_up_s = time.monotonic() - begun
        course.rate_catching_up = (load.acknowledged - count) / course.caught_up_s

    def _pace(self, seconds: float, look: Callable[[], object] = lambda: None) -> float:
        """Let it run for so long: puts per second meanwhile."""
        load = self._load
        begun, count = time.monotonic(), load.acknowledged
        while time.monotonic() - begun < seconds:
            time.sleep(_LOOK_S)
            load.look()
            self._cluster.check_running()
            look()
        return (load.acknowledged - count) / (time.monotonic() - begun)

    def _lag(self) -> list[float]:
        """How many applied entries the follower is behind the leader; nothing if either doesn't answer."""
        rows = self._cluster.statuses(self._client)
        row = rows.get(self.course.follower)
        leader = None if row is None else rows.get(str(row["leader"]))
        if row is None or leader is None:
            return []
        return [max(0, leader["last_applied"] - row["last_applied"])]

    def _applied(self) -> int:
        return max(int(row["last_applied"]) for row in self._cluster.statuses(self._client).values())


def _size(data: Path, pointer: StatePointer) -> int:
    """The bytes of a snapshot that was installed just now, or of the state that it has become."""
    try:
        return (data / pointer.directory / DATA_FILE).stat().st_size
    except FileNotFoundError:
        # The next one has taken its place.
        return 0


def measure(options: Options, window_s: float, advance: Advance) -> tuple[Figures, list[Bar]]:
    """Start a cluster, load it, take a follower away and back, hold it to its answers: figures and their bars.

    Raises VerificationFailed, LoadFailed, ClusterFailed, and RequestError if nodes don't answer.
    """
    with LocalCluster(options.nodes, options.directory) as cluster:
        plans = replace(options, operations=options.clients * ENDLESS).plans(cluster.endpoints)
        with SteadyLoad(plans) as load, Client(cluster.endpoints) as client:
            run = Run(cluster, load, client, window_s)
            summaries = run.go(options.operations, advance)
        ledger = make_ledger(summaries)
        verified = verify(cluster.endpoints, ledger)
    course = run.course
    share = round(course.rate_catching_up / course.rate_all, 3)
    bars = [Bar("throughput while it catches up", share, THROUGHPUT_SHARE_MIN, "of that with all nodes", at_least=True)]
    figures: Figures = {
        "caught_up_s": round(course.caught_up_s, 3),
        "caught_up_by": f"{course.snapshots} snapshots and the log" if course.snapshots else "the log",
        "snapshots_mb": megabytes(course.snapshot_bytes),
        "throughput_share_while_catching_up": share,
        "throughput_share_of_that_without_follower": round(course.rate_catching_up / course.rate_away, 3),
        "puts_per_second_all_nodes": round(course.rate_all),
        "puts_per_second_without_follower": round(course.rate_away),
        "puts_per_second_while_catching_up": round(course.rate_catching_up),
        "puts_per_second_afterwards": round(course.rate_after),
        "restart_to_answering_s": round(course.answering_s, 3),
        "restart_to_serving_s": round(course.serving_s, 3),
        "missed_puts": course.missed_puts,
        "missed_entries": course.missed_entries,
        "lag_allowed_entries": course.lag_entries,
        "rss_anon_end_mb_by_node": [megabytes(size) for size in course.anonymous_bytes],
        "acknowledged": ledger.acknowledged_count,
        "failed": sum(summary.failures.total() for summary in summaries),
        "outcome_unknown": ledger.unknown_count,
        "keys_read_back": verified.keys_read_back,
        "nodes_with_equal_state": verified.nodes_agreeing,
        "nodes": options.nodes,
        "clients": options.clients,
        "in_flight": options.in_flight,
        "value_size_bytes": options.value_size,
        "keys": options.keys,
        "bars_missed": sum(not bar.met for bar in bars),
        "cpus": os.cpu_count() or 1,
        "python": platform.python_version(),
    }
    return figures, bars


@click.command("recovery")
@click.option("--operations", default=1_000_000, show_default=True, type=operations_range, help="Puts meanwhile.")
@click.option("--keys", default=10_000, show_default=True, type=click.IntRange(1, KEYS_MAX), help="Put uniformly.")
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(3, 99), help="Size of the cluster.")
@click.option("--in-flight", default=1000, show_default=True, type=in_flight_range, help="Puts in flight, in all.")
@value_size_option
@click.option("--clients", default=2, show_default=True, type=clients_range, help="Client processes.")
@seed_option
@click.option(
    "--window",
    "window_s",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0.2, SECONDS_MAX),
    help="Seconds over which throughput is measured before, and after.",
)
@directory_option
@json_option("a table")
def recovery(window_s: float, as_json: bool, **options: Any) -> None:
    """Kill a follower, put a million values, start it again under the same load: how soon is it there, at what cost?

    Clients put all the time, from processes of their own. Throughput is measured with all nodes, without the follower,
    while it catches up, and afterwards. It has caught up when it is no further behind the leader than twice what a
    follower usually is. Then every key is read back, and all nodes must hold the same; otherwise there are no figures.

    Exit code 1 if the throughput while it catches up is below 70 % of that with all nodes.

    \b
    Examples:
      raftzmq bench recovery
      raftzmq bench recovery --operations 100000 --window 5 --json
    """
    chosen = Options(**options)
    if chosen.clients > chosen.in_flight:
        raise click.UsageError("every client process needs a put to do: raise --in-flight")
    with ending_in_order(), progress("puts without the follower", chosen.operations) as advance:
        figures, bars = measure(chosen, window_s, advance)
    show(f"{chosen.operations:,} puts without a follower", figures, as_json=as_json)
    end_by(bars)
