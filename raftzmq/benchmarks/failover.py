"""``bench/failover.py``: how long a cluster takes no write after its leader was killed, or stopped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import click

from raftzmq.benchmarks.display import Advance, progress
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.options import directory_option
from raftzmq.benchmarks.outage import SIGNALS, Outage, outage
from raftzmq.benchmarks.outage_words import charts_of, figures_of, findings_of, tables_of
from raftzmq.benchmarks.presenting import present, result_options
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.result import Result
from raftzmq.benchmarks.steady_puts import SteadyPuts
from raftzmq.benchmarks.verification import Ledger, verify
from raftzmq.client import aio, sync
from raftzmq.runtime.choice import RUNTIMES

QUESTION = "For how long does nobody's write succeed when the leader dies, and when it only falls silent?"


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured: ``runs`` of each signal."""

    runs: int = 20
    nodes: int = 3
    signals: tuple[str, ...] = tuple(SIGNALS)
    runtime: str = "threads"
    directory: Path | None = None


FULL = Options()
QUICK = Options(runs=4)


async def run(cluster: LocalCluster, options: Options, advance: Advance) -> tuple[list[Outage], Ledger]:
    """Send the signals in turn; before the next one, all nodes run and have caught up."""
    outages: list[Outage] = []
    async with aio.Client(cluster.endpoints) as client:
        puts = SteadyPuts(client)
        for _ in range(options.runs):
            for name in options.signals:
                outages.append(await outage(cluster, client, puts, name))
                await asyncio.to_thread(caught_up, cluster)
                advance(len(outages))
    return outages, puts.ledger


def caught_up(cluster: LocalCluster) -> None:
    """Wait until all nodes have applied all that is committed."""
    with sync.Client(cluster.endpoints) as client:

        def look() -> bool | None:
            rows = cluster.statuses(client).values()
            indexes = {row[name] for row in rows for name in ("last_log_index", "commit_index", "last_applied")}
            return True if len(rows) == len(cluster.nodes) and len(indexes) == 1 else None

        cluster.wait(look, "all nodes have applied the same")


def measure(options: Options, advance: Advance) -> Result:
    """Start a cluster, kill and stop its leaders, hold it to its answers, and say what it was like.

    Raises VerificationFailed, ClusterFailed, and RequestError if nodes don't answer.
    """
    with LocalCluster(options.nodes, options.directory, runtime=options.runtime) as cluster:
        outages, ledger = asyncio.run(run(cluster, options, advance))
        verified = verify(cluster.endpoints, ledger)
    return Result(
        benchmark="failover",
        question=QUESTION,
        settings={"nodes": options.nodes, "runs": options.runs, "runtime": options.runtime},
        figures={
            **figures_of(outages),
            "runs": options.runs,
            "nodes": options.nodes,
            "acknowledged": ledger.acknowledged_count,
            "outcome_unknown": ledger.unknown_count,
            "nodes_with_equal_state": verified.nodes_agreeing,
        },
        tables=tables_of(outages),
        charts=charts_of(outages),
        findings=findings_of(outages),
    )


@click.command("failover")
@click.option(
    "--runs",
    type=click.IntRange(1),
    help=f"How often each signal is sent.  [default: {FULL.runs}; with --quick: {QUICK.runs}]",
)
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(3, 99), help="Size of the cluster.")
@click.option(
    "--signal",
    "name",
    default="both",
    show_default=True,
    type=click.Choice([*SIGNALS, "both"], case_sensitive=False),
    help="KILL: the leader is gone, and its connections close. STOP: it falls silent; later it is continued.",
)
@click.option(
    "--runtime",
    default="threads",
    show_default=True,
    type=click.Choice(RUNTIMES),
    help="What the nodes run on.",
)
@directory_option
@result_options
def failover(
    runs: int | None,
    nodes: int,
    name: str,
    runtime: str,
    directory: Path | None,
    quick: bool,
    as_json: bool,
    charts: Path | None,
) -> None:
    """Measure how long no write is acknowledged after SIGKILL and after SIGSTOP of the leader.

    The cluster is started for it, on free ports, with the default timers, and lives under a light load. Each figure is
    the time from the signal to the acknowledgement of the first put that was called after it, by the shipped asyncio
    client, which knew that leader. The node is back and has caught up before the next signal. A leader that was
    stopped is continued with reads waiting at its door: none may be answered with what is no longer true. Afterwards
    every acknowledged put is read back; otherwise there are no figures and the exit code is 1.

    \b
    Examples:
      raftzmq bench failover --runs 10 --json
      raftzmq bench failover --signal STOP --runs 5
      raftzmq bench failover --charts pictures/
    """
    base = QUICK if quick else FULL
    signals = tuple(SIGNALS) if name == "both" else (name.upper(),)
    options = replace(base, runs=runs or base.runs, nodes=nodes, signals=signals, runtime=runtime, directory=directory)
    with ending_in_order(), progress("signals sent", options.runs * len(signals)) as advance:
        result = measure(options, advance)
    present(result, as_json=as_json, charts=charts)
