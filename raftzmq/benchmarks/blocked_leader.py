"""A cluster whose leader makes one blocking call, and what came of it: heartbeats, elections, the latency of puts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from raftzmq.benchmarks.blocking_call import Blocked, Heard, Where, launcher, read_notes, trigger
from raftzmq.benchmarks.blocking_lesson import missed
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.node_log import Line, elections, read_log
from raftzmq.benchmarks.timed_load import Put, TimedLoad
from raftzmq.benchmarks.verification import Ledger, verify
from raftzmq.benchmarks.watchdog import Watchdog
from raftzmq.client import aio
from raftzmq.config import DEFAULT_HEARTBEAT_US, MICROSECONDS

HEARTBEAT_S = DEFAULT_HEARTBEAT_US / MICROSECONDS
EVERY_S = 0.005
"""Between two puts: a light load, two in each step of the timeline."""
BEFORE_S = 0.5
"""Of load before the call, and of the timeline."""
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Case:
    """A runtime, and on which of its threads the call is made."""

    runtime: str
    where: Where

    @property
    def name(self) -> str:
        """For tables and legends."""
        return f"{self.runtime}, " + ("on the loop" if self.where == "loop" else "in an executor")


@dataclass(frozen=True, slots=True)
class Timeline:
    """One call and the time around it. All times are seconds of the system's monotonic clock."""

    case: Case
    number: int
    blocked: Blocked
    heard: Sequence[Heard]
    lines: Sequence[Line]
    puts: Sequence[Put]
    end_s: float
    stall_ms: float = 0.0
    """How long the whole machine stood still at most, which nobody's runtime is to blame for."""

    @property
    def elections(self) -> list[Line]:
        """Begun after the call began. Nobody had died."""
        return elections(iter(self.lines), self.blocked.begun_s, self.end_s)

    @property
    def longest_silence_s(self) -> float:
        """The longest time that ended after the call began and in which a follower heard no leader."""
        longest = 0.0
        for node in {heard.node for heard in self.heard}:
            times = [heard.at_s for heard in self.heard if heard.node == node]
            ended = (late - early for early, late in pairwise(times) if late >= self.blocked.begun_s)
            longest = max(longest, *ended, 0.0)
        return longest

    @property
    def heard_during_call(self) -> int:
        """How many messages of the leader reached followers while it made its call."""
        call = self.blocked
        return sum(h.leader == call.node and call.begun_s < h.at_s < call.ended_s for h in self.heard)

    @property
    def heartbeats_missed(self) -> int:
        """In that time: as many would have come."""
        return missed(self.longest_silence_s, HEARTBEAT_S)

    @property
    def puts_from_call(self) -> list[Put]:
        """Those that were due after the call began."""
        return [put for put in self.puts if put.due_s >= self.blocked.begun_s]


def watch(
    case: Case, nodes: int, runs: int, seconds: float, after_s: float, directory: Path | None
) -> Iterator[Timeline]:
    """Let the leader of one cluster make a call of ``seconds``, so many times; what is acknowledged is read back.

    Raises VerificationFailed, ClusterFailed, RequestError.
    """
    with TemporaryDirectory(prefix="raftzmq-blocking-") as beside:
        notes = Path(beside)
        stand_in = launcher(seconds, case.where, notes)
        with LocalCluster(nodes, directory, runtime=case.runtime, launcher=stand_in) as cluster:
            ledger = Ledger()
            for number in range(1, runs + 1):
                leader, _ = cluster.leader()
                load_s = BEFORE_S + seconds + after_s
                with Watchdog() as dog:
                    puts = asyncio.run(_load(cluster, trigger(notes, leader), load_s, ledger))
                timeline = _timeline(case, number, cluster, notes, puts, seconds + after_s)
                yield replace(timeline, stall_ms=dog.stall_max_ms)
            cluster.leader()
            verify(cluster.endpoints, ledger)


async def _load(cluster: LocalCluster, when: Path, seconds: float, ledger: Ledger) -> list[Put]:
    async with aio.Client(cluster.endpoints) as client:
        load = TimedLoad(client, _TIMEOUT_S, ledger=ledger)
        await load.put(0.0)  # opens the connection and the session, as a program does once in its life
        load.puts.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.paced(EVERY_S, seconds))
            await asyncio.sleep(BEFORE_S)
            await asyncio.to_thread(when.touch)
        return load.puts


def _timeline(
    case: Case, number: int, cluster: LocalCluster, notes: Path, puts: Sequence[Put], seconds: float
) -> Timeline:
    heard, blocked = cluster.wait(lambda: _whole_notes(notes, cluster.nodes, number), "the leader made its call")
    call = blocked[-1]
    begin, end = call.begun_s - BEFORE_S, call.begun_s + seconds
    lines = [line for node in cluster.nodes for line in read_log(cluster.log(node)) if begin <= line.at_s <= end]
    return Timeline(
        case,
        number,
        call,
        [h for h in heard if begin <= h.at_s <= end],
        sorted(lines, key=lambda line: line.at_s),
        sorted(puts, key=lambda put: put.due_s),
        end,
    )


def _whole_notes(notes: Path, nodes: list[str], calls: int) -> tuple[list[Heard], list[Blocked]] | None:
    heard, blocked = read_notes(notes, nodes)
    return (heard, blocked) if len(blocked) >= calls else None
