"""``bench/memory.py``: millions of puts to few keys must not make nodes grow, in memory or on the disk."""

from __future__ import annotations

import os
import platform
import signal
import time
from dataclasses import replace
from typing import Any

import click

from raftzmq.benchmarks.bars import Bar, end_by
from raftzmq.benchmarks.display import Advance, progress, show
from raftzmq.benchmarks.failover import caught_up
from raftzmq.benchmarks.figures import Figures
from raftzmq.benchmarks.footprint import AnonymousPeak, Footprint, growth, megabytes, take_footprint
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.options import (
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
from raftzmq.benchmarks.steady_load import SteadyLoad, make_ledger
from raftzmq.benchmarks.throughput import KEYS_MAX, Options
from raftzmq.benchmarks.verification import verify
from raftzmq.config import HISTORY_REVISIONS_MAX

ANONYMOUS_MB_MAX = 250
STORED_MB_MAX = 3000
RESTART_S_MAX = 5.0
GROWTH_MAX = 0.02
"""Of the data directory, from the fourth to the last fifth: what LMDB's free pages swing by."""
GROWTH_OPERATIONS_MIN = 4 * HISTORY_REVISIONS_MAX
"""Before so many puts the history is still filling up, and the directory has to grow."""
PARTS = 10
_SAMPLE_S = 1.0
_LOOK_S = 0.1


def watch(cluster: LocalCluster, load: SteadyLoad, advance: Advance) -> list[Footprint]:
    """Let the load run to its end; what the nodes take before it, meanwhile every second, and at the end.

    The clients' first puts, which opened their sessions before, are not counted.
    """
    before = load.acknowledged
    found = [take_footprint(cluster, 0.0, 0)]
    load.begin()
    while load.look():
        at_s = time.monotonic() - load.begun
        if at_s >= len(found) * _SAMPLE_S:
            found.append(take_footprint(cluster, at_s, load.acknowledged - before))
            advance(found[-1].acknowledged)
        time.sleep(_LOOK_S)
    # Not when it was noticed, which would be most of the time of a short load.
    ended_s = load.elapsed_s
    found = [footprint for footprint in found if footprint.at_s < ended_s]
    found.append(take_footprint(cluster, ended_s, load.acknowledged - before))
    advance(found[-1].acknowledged)
    return found


def restart_nodes(cluster: LocalCluster, number: signal.Signals) -> list[float]:
    """End the leader, then a follower, and start each again; seconds from its start until it serves."""
    seconds = []
    for leading in (True, False):
        leader, _ = cluster.leader()
        node = leader if leading else next(name for name in cluster.nodes if name != leader)
        if number is signal.SIGTERM:
            cluster.stop(node)
        else:
            cluster.kill(node)
        seconds.append(start_to_serving(cluster, node))
        caught_up(cluster)
    return seconds


def measure(options: Options, advance: Advance) -> tuple[Figures, list[Bar]]:
    """Start a cluster, load it, watch it, restart its nodes, and hold it to its answers: figures and their bars.

    Raises VerificationFailed, LoadFailed, ClusterFailed, and RequestError if nodes don't answer.
    """
    with LocalCluster(options.nodes, options.directory) as cluster:
        with SteadyLoad(options.plans(cluster.endpoints)) as load:
            found = watch(cluster, load, advance)
            summaries = load.stop()
        with AnonymousPeak(cluster) as starting:
            terminated = restart_nodes(cluster, signal.SIGTERM)
            killed = restart_nodes(cluster, signal.SIGKILL)
        ledger = make_ledger(summaries)
        verified = verify(cluster.endpoints, ledger)
    anonymous = [megabytes(max(sizes)) for sizes in zip(*(f.anonymous_bytes for f in found), strict=True)]
    stored = [megabytes(max(sizes)) for sizes in zip(*(f.stored_bytes for f in found), strict=True)]
    grown = growth(found, options.operations)
    bars = [
        Bar("memory of a node (RssAnon)", max(anonymous), ANONYMOUS_MB_MAX, "MB"),
        Bar("memory of a node that starts (RssAnon)", megabytes(starting.bytes), ANONYMOUS_MB_MAX, "MB"),
        Bar("data directory of a node", max(stored), STORED_MB_MAX, "MB"),
        Bar("restart to serving", max(terminated + killed), RESTART_S_MAX, "s"),
    ]
    judged = options.operations >= GROWTH_OPERATIONS_MIN
    if judged:
        bars.append(Bar("growth of the data directory in the last fifth", grown, GROWTH_MAX, "of its size"))
    figures: Figures = {
        "rss_anon_max_mb": max(anonymous),
        "rss_anon_max_mb_by_node": anonymous,
        "rss_anon_end_mb_by_node": [megabytes(size) for size in found[-1].anonymous_bytes],
        "rss_anon_max_mb_while_starting": megabytes(starting.bytes),
        "data_directory_max_mb": max(stored),
        "data_directory_max_mb_by_node": stored,
        "data_directory_mb_by_tenth": [megabytes(max(f.stored_bytes)) for f in tenths(found, options.operations)],
        "data_directory_growth_last_fifth": round(grown, 4),
        "growth_is_judged": judged,
        "restart_sigterm_s": [round(s, 3) for s in terminated],
        "restart_sigkill_s": [round(s, 3) for s in killed],
        "puts_per_second": round(found[-1].acknowledged / found[-1].at_s),
        "puts_per_second_by_tenth": rates(tenths(found, options.operations)),
        "elapsed_s": round(found[-1].at_s, 3),
        "operations": options.operations,
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


def tenths(found: list[Footprint], operations: int) -> list[Footprint]:
    """The first look after each tenth of the operations; a short run has fewer."""
    chosen: list[Footprint] = []
    for part in range(1, PARTS + 1):
        footprint = next((f for f in found if PARTS * f.acknowledged >= part * operations), found[-1])
        if not chosen or footprint is not chosen[-1]:
            chosen.append(footprint)
    return chosen


def rates(found: list[Footprint]) -> list[float]:
    """Puts per second between looks, from the beginning on."""
    before = replace(found[0], at_s=0.0, acknowledged=0)
    result: list[float] = []
    for footprint in found:
        result.append(round((footprint.acknowledged - before.acknowledged) / (footprint.at_s - before.at_s)))
        before = footprint
    return result


@click.command("memory")
@click.option("--operations", default=5_000_000, show_default=True, type=operations_range, help="Puts, in all.")
@click.option("--keys", default=10_000, show_default=True, type=click.IntRange(1, KEYS_MAX), help="Put uniformly.")
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(3, 99), help="Size of the cluster.")
@click.option("--in-flight", default=1000, show_default=True, type=in_flight_range, help="Puts in flight, in all.")
@value_size_option
@click.option("--clients", default=2, show_default=True, type=clients_range, help="Client processes.")
@seed_option
@directory_option
@json_option("a table")
def memory(as_json: bool, **options: Any) -> None:
    """Put millions of values to few keys, and see that nodes grow neither in memory nor on the disk.

    The shipped asyncio client puts from processes of its own. Every second each node is looked at: its memory (RssAnon;
    pages of mapped files are the kernel's to take away) and the blocks of its data directory. In the end the leader and
    a follower are stopped with SIGTERM, then both with SIGKILL, and each is timed from its start until it answers a
    linearizable read itself. Every key is read back, and all nodes must hold the same; otherwise there are no figures.

    Exit code 1 if a bar is missed: 250 MB of memory, starts included, 3000 MB of data, 5 s to serve again, and from
    4,000,000 puts on (before, the history is still filling up) a data directory that has stopped growing.

    \b
    Examples:
      raftzmq bench memory
      raftzmq bench memory --operations 200000 --json
    """
    chosen = Options(**options)
    if chosen.clients > min(chosen.in_flight, chosen.operations):
        raise click.UsageError("every client process needs a put to do: raise --in-flight or --operations")
    with ending_in_order(), progress("puts acknowledged", chosen.operations) as advance:
        figures, bars = measure(chosen, advance)
    show(f"{chosen.operations:,} puts to {chosen.keys:,} keys", figures, as_json=as_json)
    end_by(bars)
