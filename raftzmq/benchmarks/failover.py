"""``bench/failover.py``: how long a cluster takes no write after its leader was killed."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from raftzmq.benchmarks.display import Advance, progress, show
from raftzmq.benchmarks.figures import Figures, median, milliseconds
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.options import directory_option
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.verification import Ledger, verify
from raftzmq.client import aio, sync
from raftzmq.errors import RequestError

WRITERS = 4
PAUSE_S = 0.005
"""Between two puts of a writer: a light load, some hundred puts a second."""
WARM_S = 0.5
"""Of load before each kill."""
VALUE = struct.Struct(">QQ")


@dataclass(frozen=True, slots=True)
class Outage:
    """One kill. ``seconds``: from the SIGKILL to the acknowledgement of the first put that was called after it."""

    seconds: float
    terms: int


class Load:
    """Writers that note what they are told, on one client."""

    def __init__(self, client: aio.Client) -> None:
        self.ledger = Ledger()
        self._client = client
        self._sequence = 0

    async def put(self, writer: int) -> bool:
        """One put of a key of ``writer``; was it acknowledged?"""
        self._sequence += 1
        key, value = f"writer/{writer}".encode(), VALUE.pack(writer, self._sequence)
        try:
            result = await self._client.put(key, value)
        except RequestError as error:
            if not error.definite:
                self.ledger.in_doubt(key, value)
            return False
        self.ledger.acknowledged(key, value, result.revision)
        return True

    @asynccontextmanager
    async def light(self) -> AsyncIterator[None]:
        """Light load while the block runs; what is under way at its end is waited for."""
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for writer in range(WRITERS):
                tasks.create_task(self._write(writer, ended))
            try:
                yield
            finally:
                ended.set()

    async def _write(self, writer: int, ended: asyncio.Event) -> None:
        while not ended.is_set():
            await self.put(writer)
            await asyncio.sleep(PAUSE_S)


async def outage(cluster: LocalCluster, load: Load, leader: str) -> float:
    """Kill ``leader`` under load; seconds until the first put that was called afterwards is acknowledged."""
    async with load.light():
        await asyncio.sleep(WARM_S)
        begun = time.monotonic()
        cluster.kill(leader)
        while not await load.put(WRITERS):
            pass
        return time.monotonic() - begun


async def run(cluster: LocalCluster, runs: int, advance: Advance) -> tuple[list[Outage], Ledger]:
    """Kill the leader ``runs`` times; the killed node is back and has caught up before the next."""
    outages: list[Outage] = []
    async with aio.Client(cluster.endpoints) as client:
        load = Load(client)
        for number in range(runs):
            leader, term = await asyncio.to_thread(cluster.leader)
            await load.put(WRITERS)
            seconds = await outage(cluster, load, leader)
            cluster.start(leader)
            _, new_term = await asyncio.to_thread(cluster.leader, term)
            await asyncio.to_thread(caught_up, cluster)
            outages.append(Outage(seconds, new_term - term))
            advance(number + 1)
    return outages, load.ledger


def caught_up(cluster: LocalCluster) -> None:
    """Wait until all nodes have applied all that is committed."""
    with sync.Client(cluster.endpoints) as client:

        def look() -> bool | None:
            rows = cluster.statuses(client).values()
            indexes = {row[name] for row in rows for name in ("last_log_index", "commit_index", "last_applied")}
            return True if len(rows) == len(cluster.nodes) and len(indexes) == 1 else None

        cluster.wait(look, "all nodes have applied the same")


def measure(nodes: int, runs: int, directory: Path | None, advance: Advance) -> Figures:
    """Start a cluster, kill its leaders, hold it to its answers, and give the figures.

    Raises VerificationFailed, ClusterFailed, and RequestError if nodes don't answer.
    """
    with LocalCluster(nodes, directory) as cluster:
        outages, ledger = asyncio.run(run(cluster, runs, advance))
        verified = verify(cluster.endpoints, ledger)
    seconds = [outage.seconds for outage in outages]
    return {
        "failover_median_ms": milliseconds(median(seconds)),
        "failover_worst_ms": milliseconds(max(seconds)),
        "failover_best_ms": milliseconds(min(seconds)),
        "failover_ms": [milliseconds(s) for s in seconds],
        "terms": [outage.terms for outage in outages],
        "runs": runs,
        "nodes": nodes,
        "acknowledged": ledger.acknowledged_count,
        "outcome_unknown": ledger.unknown_count,
        "nodes_with_equal_state": verified.nodes_agreeing,
    }


@click.command("failover")
@click.option("--runs", default=10, show_default=True, type=click.IntRange(1), help="How often the leader is killed.")
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(3, 99), help="Size of the cluster.")
@directory_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def failover(runs: int, nodes: int, directory: Path | None, as_json: bool) -> None:
    """Measure how long no write is acknowledged after SIGKILL of the leader.

    The cluster is started for it, on free ports, with the default timers, and lives under a light load. Each figure is
    the time from the kill to the acknowledgement of the first put that was called after it, by the shipped asyncio
    client, which knew the killed leader. The killed node is back and has caught up before the next kill. Afterwards
    every acknowledged put is read back; otherwise there are no figures and the exit code is 1.

    \b
    Example:
      raftzmq bench failover --runs 10 --json
    """
    with ending_in_order(), progress("leaders killed", runs) as advance:
        figures = measure(nodes, runs, directory, advance)
    show(f"fail-over of {nodes} nodes", figures, as_json=as_json)
