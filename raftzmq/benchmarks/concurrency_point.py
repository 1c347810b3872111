"""One point of the comparison of runtimes: a cluster of one of them under one load, on one kind of disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from raftzmq.benchmarks.contenders import BLOCKING, Contender
from raftzmq.benchmarks.figures import percentile
from raftzmq.benchmarks.lag_probe import EVERY_S, LagProbe
from raftzmq.benchmarks.load import Plan, run_load
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.meter import Meter, Role, Spent
from raftzmq.benchmarks.node_log import elections, read_log
from raftzmq.benchmarks.process_costs import ThreadKind
from raftzmq.benchmarks.slow_disk import launcher
from raftzmq.benchmarks.timed_load import Put, TimedLoad
from raftzmq.benchmarks.verification import Ledger, verify
from raftzmq.benchmarks.watchdog import Watchdog
from raftzmq.client import aio

Disk = Literal["normal", "slow"]
PUTS_PER_SECOND_MAX = 200_000
"""More than any load makes: a run ends by its time."""
SLOW_PROBE_S = 0.05
"""Between questions to the loop on a slow disk, where four clusters are asked at the same time."""


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured. ``latencies_s`` and ``lags_s`` ascend; a put without an answer counts with its timeout."""

    runtime: str
    disk: Disk
    in_flight: int
    round: int
    puts_per_second: float
    latencies_s: list[float]
    unanswered: int
    elections: int
    lags_s: list[float]
    stall_ms: float = 0.0
    """How long the whole machine stood still at most: above 100 ms, elections may be its doing."""
    spent: Mapping[tuple[Role, ThreadKind], Spent] = field(default_factory=dict)

    def latency_s(self, percent: float) -> float:
        """A percentile of the puts' latency."""
        return percentile(self.latencies_s, percent)

    def lag_s(self, percent: float) -> float:
        """A percentile of how late the nodes' loops were; 0.0 if none ever answered."""
        return percentile(self.lags_s, percent) if self.lags_s else 0.0

    def cost(self, role: Role, of: Callable[[Spent], float]) -> float:
        """Per put, over all threads of a process of ``role``."""
        return sum(of(spent) for (whose, _), spent in self.spent.items() if whose == role)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for every runtime."""

    nodes: int
    clients: int
    value_size: int
    keys: int
    seed: int
    directory: Path | None


def normal_points(
    contender: Contender, setting: Setting, counts: Sequence[int], seconds: float, number: int
) -> Iterator[Point]:
    """A point for each of ``counts`` puts in flight, all of one cluster; what was acknowledged is read back at the end.

    Raises VerificationFailed, LoadFailed, ClusterFailed, RequestError.
    """
    ledger = Ledger()
    with cluster_of(contender, setting) as cluster:
        for in_flight in counts:
            yield _normal_point(cluster, contender, setting, in_flight, seconds, number, ledger)
        verify(cluster.endpoints, ledger, hashed=contender.name != BLOCKING)


def cluster_of(contender: Contender, setting: Setting, stand_in: tuple[str, ...] | None = None) -> LocalCluster:
    """A cluster that runs ``contender``."""
    return LocalCluster(
        setting.nodes, setting.directory, runtime=contender.runtime, node_options=contender.options, launcher=stand_in
    )


def plans_of(cluster: LocalCluster, setting: Setting, in_flight: int, seconds: float) -> list[Plan]:
    """What the client processes do, together with ``in_flight`` puts under way."""
    return [
        Plan(
            client,
            tuple(cluster.endpoints),
            round(PUTS_PER_SECOND_MAX * seconds),
            in_flight // setting.clients + (client < in_flight % setting.clients),
            setting.value_size,
            setting.keys,
            # Of its own for each load on this cluster, so that no two values are equal.
            setting.seed * 1_000_000 + in_flight,
            seconds=seconds,
        )
        for client in range(setting.clients)
    ]


def _normal_point(
    cluster: LocalCluster,
    contender: Contender,
    setting: Setting,
    in_flight: int,
    seconds: float,
    number: int,
    ledger: Ledger,
) -> Point:
    leader, _ = cluster.leader()
    plans = plans_of(cluster, setting, in_flight, seconds)
    with Watchdog() as dog, _watched(cluster, dog) as watched:
        meter = Meter(cluster, leader)
        records = run_load(plans, meter)
    ledger.add(records)
    latencies = sorted(chain.from_iterable(record.latencies for record in records))
    elapsed = max(record.ended for record in records) - min(record.begun for record in records)
    return Point(
        contender.name,
        "normal",
        in_flight,
        number,
        len(latencies) / elapsed,
        latencies,
        sum(record.failures.total() for record in records),
        watched.elections,
        watched.lags_s,
        watched.stall_ms,
        meter.spent(),
    )


@dataclass(frozen=True, slots=True)
class SlowLoad:
    """What is done on a slow disk: ``in_flight`` writers put as soon as they are answered, for ``seconds``.

    A put that has no answer within ``timeout_s`` counts with that.
    """

    in_flight: int
    seconds: float
    timeout_s: float
    delay_ms: float


def slow_points(contenders: Sequence[Contender], setting: Setting, load: SlowLoad, number: int) -> list[Point]:
    """A point for each contender: its syncs take longer from the moment at which its leader serves.

    All of them run at the same time, on the same machine: they hardly need it, for they mostly wait. The disk is fast
    again when what was acknowledged is read back. Raises as `normal_points` does.
    """
    with TemporaryDirectory(prefix="raftzmq-slow-") as beside, ExitStack() as stack:
        triggers = [Path(beside) / contender.name for contender in contenders]
        clusters = [
            stack.enter_context(cluster_of(contender, setting, launcher(load.delay_ms, trigger)))
            for contender, trigger in zip(contenders, triggers, strict=True)
        ]
        with ExitStack() as watches:
            dog = watches.enter_context(Watchdog())
            watching = [watches.enter_context(_watched(cluster, dog, SLOW_PROBE_S)) for cluster in clusters]
            for trigger in triggers:
                trigger.touch()
            timed = asyncio.run(_all_timed(clusters, load, setting.value_size))
        for trigger in triggers:
            trigger.unlink(missing_ok=True)
        for cluster, one in zip(clusters, timed, strict=True):
            cluster.leader()
            verify(cluster.endpoints, one.ledger)
    return [
        _slow_point(contender, load, number, one.puts, watched)
        for contender, one, watched in zip(contenders, timed, watching, strict=True)
    ]


async def _all_timed(clusters: Sequence[LocalCluster], load: SlowLoad, value_size: int) -> list[TimedLoad]:
    return await asyncio.gather(*(_timed(cluster, load, value_size) for cluster in clusters))


async def _timed(cluster: LocalCluster, load: SlowLoad, value_size: int) -> TimedLoad:
    async with aio.Client(cluster.endpoints) as client:
        timed = TimedLoad(client, load.timeout_s, value_size)
        await timed.closed(load.in_flight, load.seconds)
        return timed


def _slow_point(contender: Contender, load: SlowLoad, number: int, puts: Sequence[Put], watched: _Watched) -> Point:
    answered = [put for put in puts if put.acknowledged]
    elapsed = max(put.due_s + put.seconds for put in puts) - min(put.due_s for put in puts)
    return Point(
        contender.name,
        "slow",
        load.in_flight,
        number,
        len(answered) / elapsed,
        sorted(put.seconds for put in puts),
        len(puts) - len(answered),
        watched.elections,
        watched.lags_s,
        watched.stall_ms,
    )


@dataclass(slots=True)
class _Watched:
    lags_s: list[float] = field(default_factory=list)
    elections: int = 0
    stall_ms: float = 0.0


@contextmanager
def _watched(cluster: LocalCluster, dog: Watchdog, every_s: float = EVERY_S) -> Iterator[_Watched]:
    """Watch loops, elections and the machine while the block runs."""
    watched = _Watched()
    begun = time.monotonic()
    with LagProbe({address.node: address.client for address in cluster.configuration.nodes}, every_s) as probe:
        yield watched
    ended = time.monotonic()
    watched.lags_s = sorted(chain.from_iterable(probe.seconds.values()))
    watched.stall_ms = dog.stall_max_ms
    watched.elections = sum(len(elections(read_log(cluster.log(node)), begun, ended)) for node in cluster.nodes)
