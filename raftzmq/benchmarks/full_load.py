"""A cluster under full load for a given time: does it keep its leader?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from raftzmq.benchmarks.point import Point
from raftzmq.benchmarks.steady_load import ENDLESS, SteadyLoad, make_ledger
from raftzmq.benchmarks.verification import verify
from raftzmq.benchmarks.watchdog import Watchdog

_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class FullLoad:
    """What was seen."""

    seconds: float
    acknowledged: int
    elections: int
    machine_stalls: int
    machine_stall_max_ms: float


def full_load(point: Point, seconds: float, on_progress: Callable[[float], None]) -> FullLoad:
    """Put for so long with the asyncio client, then read everything back; tells the seconds that have passed.

    Raises VerificationFailed, LoadFailed, ClusterFailed, and RequestError if nodes don't answer.
    """
    with point.cluster() as cluster:
        _, term = cluster.leader()
        endless = replace(point, operations=ENDLESS * point.clients)
        with SteadyLoad(endless.plans(cluster.endpoints)) as load, Watchdog() as watchdog:
            load.begin()
            begun = time.monotonic()
            while (passed := time.monotonic() - begun) < seconds and load.look():
                cluster.check_running()
                on_progress(passed)
                time.sleep(_LOOK_S)
            summaries = load.stop()
        _, term_after = cluster.leader()
        ledger = make_ledger(summaries)
        verify(cluster.endpoints, ledger)
    return FullLoad(
        round(passed, 1), ledger.acknowledged_count, term_after - term, watchdog.stalls, watchdog.stall_max_ms
    )
