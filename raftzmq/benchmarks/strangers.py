"""``bench/strangers.py``: what another client notices while strangers pour bad input into the leader."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

import raftzmq.config
from raftzmq.benchmarks.display import Advance, progress
from raftzmq.benchmarks.figures import milliseconds, percentile
from raftzmq.benchmarks.floods import FLOODS, Target, command
from raftzmq.benchmarks.local_cluster import ClusterFailed, LocalCluster
from raftzmq.benchmarks.options import (
    SECONDS_MAX,
    directory_option,
    json_option,
)
from raftzmq.benchmarks.program import ending_in_order, note, output
from raftzmq.benchmarks.verification import VerificationFailed
from raftzmq.client import aio
from raftzmq.errors import RequestError

SCHEMA: Final = 1
WRITERS: Final = 4
PAUSE_S: Final = 0.005
"""Between two puts of a writer: a light load, some hundred puts a second."""
SLOWER_MAX: Final = 2.0
"""How many times its normal p99 another client's may be during a flood."""
LARGE: Final = frozenset({"large_values", "impatient_values", "unread_answers"})
LARGE_P99_MAX_S: Final = 2.0
"""Floods of values of 1 MiB fill the disk's queue, which is everybody's: these have a bound in seconds."""
FLOOD_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Noticed:
    """Another client's puts in seconds, ascending: before a flood, and while it came."""

    flood: str
    before: list[float]
    during: list[float]
    flood_s: float
    floods: int

    @property
    def allowed_s(self) -> float:
        """What p99 may be during the flood."""
        return LARGE_P99_MAX_S if self.flood in LARGE else SLOWER_MAX * percentile(self.before, 99)

    @property
    def ok(self) -> bool:
        """Is it no more than allowed?"""
        return percentile(self.during, 99) <= self.allowed_s

    def row(self) -> dict[str, Any]:
        """For programs, and for the table."""
        return {
            "flood": self.flood,
            "floods": self.floods,
            "flood_seconds": round(self.flood_s, 3),
            "puts_before": len(self.before),
            "puts_during": len(self.during),
            "before_p50_ms": milliseconds(percentile(self.before, 50)),
            "before_p99_ms": milliseconds(percentile(self.before, 99)),
            "during_p50_ms": milliseconds(percentile(self.during, 50)),
            "during_p99_ms": milliseconds(percentile(self.during, 99)),
            "allowed_p99_ms": milliseconds(self.allowed_s),
            "ok": self.ok,
        }


class Bystander:
    """A client that puts a few keys now and then, and knows how long each put took."""

    def __init__(self, client: aio.Client) -> None:
        self.ended = asyncio.Event()
        self._client = client
        self._seconds: list[float] = []
        self._acknowledged: dict[bytes, int] = {}

    def take(self) -> list[float]:
        """The durations of all puts that have ended since the last call, ascending."""
        seconds, self._seconds = sorted(self._seconds), []
        return seconds

    async def write(self, writer: int) -> None:
        """Put and pause, until `ended` is set. A put that fails took as long as it did."""
        key, number = b"bystander/%d" % writer, 0
        while not self.ended.is_set():
            number += 1
            begun = time.monotonic()
            # What is not acknowledged may be there or not: only what was is looked for.
            with contextlib.suppress(RequestError):
                await self._client.put(key, b"%d" % number)
                self._acknowledged[key] = number
            self._seconds.append(time.monotonic() - begun)
            await asyncio.sleep(PAUSE_S)

    async def verify(self) -> None:
        """Each writer's last acknowledged put is there, or a later one of its own; raises VerificationFailed."""
        for key, number in self._acknowledged.items():
            row = await self._client.get(key)
            if row is None or int(row.value) < number:
                found = "nothing" if row is None else f"put {row.value.decode()}"
                raise VerificationFailed(f"{key.decode()}: put {number} was acknowledged, but {found} is there")


async def pour(target: Target, flood: str, seconds: float, every: float) -> tuple[float, int]:
    """Send one flood ``every`` so many seconds, for ``seconds`` at least; how long that took, and how many.

    Raises ClusterFailed for a flood that can't be sent.
    """
    # Of this tree, installed or not.
    environment = {**os.environ, "PYTHONPATH": str(Path(raftzmq.config.__file__).parent.parent)}
    # A process group of its own: Ctrl-C is for this program.
    process = await asyncio.create_subprocess_exec(
        *command(flood, target), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, process_group=0
    )
    assert process.stdin is not None
    assert process.stdout is not None
    begun, count = time.monotonic(), 0
    try:
        while time.monotonic() - begun < seconds:
            process.stdin.write(b"\n")
            if not await asyncio.wait_for(process.stdout.readline(), FLOOD_TIMEOUT_S):
                raise ClusterFailed(f"the flood {flood} could not be sent: its program has ended")
            count += 1
            await asyncio.sleep(begun + min(count * every, seconds) - time.monotonic())
    except TimeoutError:
        raise ClusterFailed(f"the flood {flood} was not sent within {FLOOD_TIMEOUT_S:g} s") from None
    finally:
        process.kill()
        await process.wait()
    return time.monotonic() - begun, count


async def run(
    cluster: LocalCluster, floods: tuple[str, ...], seconds: float, every: float, advance: Advance
) -> list[Noticed]:
    """Measure before and during each flood, in one cluster, one after another. Raises VerificationFailed."""
    noticed: list[Noticed] = []
    async with aio.Client(cluster.endpoints, timeout=30.0) as client:
        bystander = Bystander(client)
        async with asyncio.TaskGroup() as tasks:
            for writer in range(WRITERS):
                tasks.create_task(bystander.write(writer))
            try:
                for number, flood in enumerate(floods, 1):
                    noticed.append(await _measure_one(cluster, bystander, flood, seconds, every))
                    advance(number)
            finally:
                bystander.ended.set()
        await bystander.verify()
    return noticed


async def _measure_one(
    cluster: LocalCluster, bystander: Bystander, flood: str, seconds: float, every: float
) -> Noticed:
    leader, _ = await asyncio.to_thread(cluster.leader)
    address = cluster.configuration.address(leader)
    target = Target(address.peer, address.client, tuple(cluster.endpoints))
    bystander.take()
    await asyncio.sleep(seconds)
    before = bystander.take()
    flood_s, count = await pour(target, flood, seconds, every)
    cluster.check_running()
    return Noticed(flood, before, bystander.take(), flood_s, count)


def measure(
    floods: tuple[str, ...], nodes: int, seconds: float, every: float, directory: Path | None, advance: Advance
) -> list[Noticed]:
    """Start a cluster, flood its leader, and hold the cluster to what it acknowledged to the bystander.

    Raises VerificationFailed, ClusterFailed, and RequestError if nodes don't answer.
    """
    with LocalCluster(nodes, directory) as cluster:
        return asyncio.run(run(cluster, floods, seconds, every, advance))


@click.command("strangers")
@click.option("--flood", "floods", multiple=True, type=click.Choice(list(FLOODS)), help="Only this one; repeatable.")
@click.option(
    "--seconds",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0.5, SECONDS_MAX),
    help="Before and during each.",
)
@click.option(
    "--every",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0.0, SECONDS_MAX),
    help="Seconds from flood to flood; 0: no pause.",
)
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(1, 99), help="Size of the cluster.")
@directory_option
@json_option("a table")
def strangers(
    floods: tuple[str, ...], seconds: float, every: float, nodes: int, directory: Path | None, as_json: bool
) -> None:
    """Measure another client's puts while garbage, vast frames, vanishing clients or large values flood the leader.

    The cluster is started for it, on free ports. Four writers put a little now and then; each flood is sent to the
    leader once, or every so many seconds, by a program of its own. The 99th percentile of the writers' puts may double
    meanwhile (for floods of values of 1 MiB: be 2 seconds). Exit code 1 if it is more, or if anything acknowledged is
    lost.

    \b
    Examples:
      raftzmq bench strangers
      raftzmq bench strangers --flood garbage --flood tiny_messages --seconds 10 --json
    """
    wanted = floods or tuple(FLOODS)
    with ending_in_order(), progress("floods", len(wanted)) as advance:
        noticed = measure(wanted, nodes, seconds, every, directory, advance)
    rows = [one.row() for one in noticed]
    good = all(one.ok for one in noticed)
    with output():
        if as_json:
            print(json.dumps({"schema": SCHEMA, "ok": good, "nodes": nodes, "floods": rows}))
        else:
            _print(rows)
    if not good:
        slow = ", ".join(one.flood for one in noticed if not one.ok)
        note(f"another client's puts were slower than allowed during: {slow}")
        sys.exit(1)


def _print(rows: list[dict[str, Any]]) -> None:
    """A table on a terminal, words in lines in a pipe."""
    columns = [name for name in rows[0] if name not in ("flood_seconds", "puts_before")]
    if not sys.stdout.isatty():
        print(*columns)
        for row in rows:
            print(*(str(row[name]) for name in columns))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title="another client's puts, before and during floods", title_justify="left")
    for name in columns:
        table.add_column(name.replace("_", " "), justify="left" if name == "flood" else "right")
    for row in rows:
        style = None if row["ok"] else "red"
        table.add_row(*(str(row[name]) for name in columns), style=style)
    Console().print(table)
