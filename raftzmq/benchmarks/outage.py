"""One fail-over: a signal to the leader under load, until a write that was called after it is acknowledged."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from raftzmq.benchmarks.commits import Commits
from raftzmq.benchmarks.local_cluster import LocalCluster
from raftzmq.benchmarks.node_log import Line, read_log
from raftzmq.benchmarks.steady_puts import WRITERS, Sample, SteadyPuts, key_of
from raftzmq.benchmarks.verification import VerificationFailed
from raftzmq.client import aio
from raftzmq.client.results import KeyValue
from raftzmq.errors import RequestError

SIGNALS: Final = {"KILL": signal.SIGKILL, "STOP": signal.SIGSTOP}
WARM_S: Final = 0.5
"""Of load before each signal."""
AFTER_S: Final = 0.3
"""Of load after the first acknowledged write: the end of the latency curve."""
PROBE: Final = WRITERS
"""The writer whose put is called at the signal, and whose key the continued leader is asked for."""
STALE_READS: Final = 20
"""Reads that wait at the leader's door when it is continued, and as many after it."""
_ARRIVE_S: Final = 0.03
"""Until a request that was sent has surely arrived at a node of the same machine."""
_READ_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Phases:
    """Where the time went, in seconds; None where it isn't known.

    ``detect``: from the signal to the first question for pre-votes. ``elect``: from there until the node that won
    leads. ``commit``: from there to its first commit (an empty entry of its own: Raft §5.4.2, §8). ``answer``: from
    there to the client, which had to find the new leader.
    """

    detect: float | None
    elect: float | None
    commit: float | None
    answer: float | None


@dataclass(frozen=True, slots=True)
class Continued:
    """What a leader did that was stopped, and continued after another was elected.

    ``answered`` reads were answered, with the newest value; ``refused`` were not. ``step_down``: seconds from SIGCONT
    until it led no more, None if its log doesn't say.
    """

    answered: int
    refused: int
    step_down: float | None


@dataclass(frozen=True, slots=True)
class Outage:
    """One fail-over. ``seconds``: from the signal to the acknowledgement of the first put that was called after it.

    ``samples``: every acknowledged put of the load, its call in seconds after the signal. ``rounds``: how often any
    node asked for pre-votes until then; ``refusals``: why they were refused, each time.
    """

    signal: str
    seconds: float
    terms: int
    rounds: int
    phases: Phases
    samples: tuple[Sample, ...]
    continued: Continued | None = None
    refusals: tuple[str, ...] = ()


async def outage(cluster: LocalCluster, client: aio.Client, puts: SteadyPuts, name: str) -> Outage:
    """Send signal ``name`` to the leader under load, and tell what came of it; afterwards all nodes run again.

    Raises VerificationFailed if a continued leader answers with what is no longer true.
    """
    leader, term = await asyncio.to_thread(cluster.leader)
    await puts.acknowledged(PROBE)
    survivors = [node for node in cluster.nodes if node != leader]
    continued = None
    with Commits({node: cluster.configuration.address(node).events for node in survivors}) as commits:
        puts.samples.clear()
        async with puts.running():
            await asyncio.sleep(WARM_S)
            begun = time.monotonic()
            cluster.signal(leader, SIGNALS[name])
            fresh = await puts.acknowledged(PROBE)
            ended = time.monotonic()
            await asyncio.sleep(AFTER_S)
        if name == "STOP":
            begun_again, answered, refused = await _continue(cluster, client, leader, fresh.revision)
        else:
            await asyncio.to_thread(cluster.kill, leader)
            cluster.start(leader)
        _, new_term = await asyncio.to_thread(cluster.leader, term)
        lines = [line for node in survivors for line in read_log(cluster.log(node)) if begun <= line.at_s <= ended]
        if name == "STOP":
            step_down = _stepped_down(read_log(cluster.log(leader)), begun_again)
            continued = Continued(answered, refused, step_down)
    return Outage(
        name,
        ended - begun,
        new_term - term,
        sum(line.event == "election" and bool(line.fields["pre_vote"]) for line in lines),
        phases_of(lines, commits.first, begun, ended),
        tuple(Sample(sample.called_s - begun, sample.latency_s) for sample in puts.samples),
        continued,
        tuple(refusals_of(lines)),
    )


def refusals_of(lines: Iterable[Line]) -> Iterator[str]:
    """Why pre-votes were refused, in the words of those who refused them."""
    for line in lines:
        if line.event == "vote" and line.fields["pre_vote"] and not line.fields["granted"]:
            yield str(line.fields["reason"])
        elif line.event == "disrupt_refused" and line.fields["pre_vote"]:
            yield "a leader was heard"


def phases_of(
    lines: Iterable[Line], first_commit: Callable[[str, int], float | None], begun: float, ended: float
) -> Phases:
    """Split the time from ``begun`` to ``ended`` by what the surviving nodes' logs and ``first_commit`` say.

    The latter takes a node and a term, and gives the time of its first commit in it.

    Of several elections the last one counts: its leader acknowledged the write.
    """
    ordered = sorted(lines, key=lambda line: line.at_s)
    asked = next((line.at_s for line in ordered if line.event == "election" and line.fields["pre_vote"]), None)
    won = next((line for line in reversed(ordered) if line.event == "role" and line.fields["role"] == "leader"), None)
    committed = None if won is None else first_commit(won.node, won.fields["term"])
    led = None if won is None else won.at_s
    moments = (begun, asked, led, committed, ended)
    spans = [None if a is None or b is None else max(0.0, b - a) for a, b in pairwise(moments)]
    return Phases(*spans)


async def _continue(cluster: LocalCluster, client: aio.Client, leader: str, revision: int) -> tuple[float, int, int]:
    """Continue a stopped leader, with reads waiting at its door and more behind them: when, answered, refused.

    The newest value is of ``revision`` or later, and was acknowledged before any of the reads was called. So an answer
    that has an older one isn't linearizable (thesis 6.4), whatever the leader believed that it was.
    """
    endpoint = cluster.configuration.address(leader).client

    def read() -> asyncio.Future[KeyValue | None]:
        return client.get_from(endpoint, key_of(PROBE), timeout=_READ_S)

    reads = [read() for _ in range(STALE_READS)]
    await asyncio.sleep(_ARRIVE_S)
    continued = time.monotonic()
    cluster.signal(leader, signal.SIGCONT)
    for _ in range(STALE_READS):
        reads.append(read())
        await asyncio.sleep(_ARRIVE_S / 10)
    outcomes = await asyncio.gather(*reads, return_exceptions=True)
    answered = judge(leader, outcomes, revision)
    return continued, answered, len(outcomes) - answered


def judge(leader: str, outcomes: Sequence[KeyValue | BaseException | None], revision: int) -> int:
    """How many reads were answered, all with ``revision`` or later; raises VerificationFailed for an older one."""
    answered = 0
    for outcome in outcomes:
        if isinstance(outcome, RequestError):
            continue
        if isinstance(outcome, BaseException):
            raise outcome
        found = 0 if outcome is None else outcome.mod_revision
        if found < revision:
            raise VerificationFailed(
                f"{leader}, stopped while it led and continued, answered a read with revision {found}, when "
                f"{revision} had been acknowledged before the read was called: a stale read"
            )
        answered += 1
    return answered


def _stepped_down(lines: Iterable[Line], continued: float) -> float | None:
    """Seconds from SIGCONT until the node led no more."""
    for line in lines:
        if line.event == "role" and line.fields["previous"] == "leader" and line.at_s >= continued:
            return line.at_s - continued
    return None
