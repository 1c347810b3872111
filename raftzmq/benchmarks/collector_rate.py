"""A real collector on one core, and publishers that tell it so many events a second: does it keep up, at what cost?"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from raftzmq.benchmarks.footprint import anonymous_bytes
from raftzmq.benchmarks.launching import LAUNCHER, own_environment
from raftzmq.benchmarks.local_cluster import free_cluster
from raftzmq.benchmarks.process_costs import KINDS, spent, take_costs
from raftzmq.collector.recording import Recording
from raftzmq.config import ClusterConfig
from raftzmq.errors import RaftzmqError
from raftzmq.events import topic_of
from raftzmq.transport.bare_subscriber import BareSubscriber

_PATIENCE_S = 60.0
_REST_S = 5.0
"""When none of those that are missing has come for so long, none will. Gaps are given up long before."""
_POLL_MS = 50
_LOG_LINES = 15


class CollectorFailed(RaftzmqError):
    """The collector or its publishers ended by themselves, or nothing came."""


@dataclass(slots=True)
class Heard:
    """What came out of a collector: each (topic, seq), and whether each node's events were in order."""

    events: int = 0
    seqs: dict[str, set[int]] = field(default_factory=dict)
    out_of_order: int = 0
    gaps: int = 0
    _orders: dict[str, int] = field(default_factory=dict)

    def add(self, topic: str, event: dict[str, Any]) -> None:
        """One event."""
        if event["node"] == "collector":
            self.gaps += event["type"] == "gap"
            return
        self.events += 1
        self.seqs.setdefault(topic, set()).add(event["seq"])
        self.out_of_order += event["order"] < self._orders.get(event["node"], 0)
        self._orders[event["node"]] = event["order"]

    def missing(self, made: dict[str, int]) -> int:
        """How many of the events that were made never came."""
        return sum(max(0, last - len(self.seqs.get(topic, ()))) for topic, last in made.items())


@dataclass(frozen=True, slots=True)
class CollectorRun:
    """One rate. All is counted in the recording, but ``unheard``: what this program missed of the published stream.

    ``busy`` is how much of its core the collector took, ``late_ms`` how late the publishers were.
    """

    rate: int
    seconds: float
    made: int
    missing: int
    gaps: int
    out_of_order: int
    unrecorded: int
    cpu_us_per_event: float
    busy: float
    late_ms: float
    anonymous_bytes: int
    unheard: int = 0


def collect(rate: int, seconds: float, nodes: int, directory: Path | None) -> CollectorRun:
    """Tell a fresh collector ``rate`` events a second for ``seconds``; raises CollectorFailed."""
    configuration = free_cluster(nodes)
    with TemporaryDirectory(prefix="raftzmq-events-", dir=directory) as place, _subscribed(configuration) as subscriber:
        file = Path(place) / "cluster.toml"
        file.write_text(configuration.to_toml())
        log = Path(place) / "collector.log"
        heard, recorded = Heard(), Path(place) / "recorded"
        command = [*LAUNCHER, "collector", "--config", str(file), "--directory", str(recorded)]
        with _cores() as (one, others), _running(command, log, one) as collector:
            command = [sys.executable, "-P", "-m", "raftzmq.benchmarks.event_publishers", str(file)]
            command += ["--rate", str(rate), "--seconds", str(seconds)]
            with _running(command, None, others) as publishers:
                _read(publishers, "the publishers were heard by the collector", log)
                before, begun = take_costs([collector.pid]), time.monotonic()
                told = _follow(subscriber, publishers, heard, log)
                passed = time.monotonic() - begun
                cost = spent(before, take_costs([collector.pid]), [collector.pid])
                memory = anonymous_bytes(collector.pid)
            collector.send_signal(signal.SIGTERM)
            if collector.wait(_PATIENCE_S):
                raise CollectorFailed(f"the collector ended with exit code {collector.returncode}:\n{_tail(log)}")
        cpu_us = sum(cost[kind].cpu_ns for kind in KINDS) / 1000
        made = sum(told["made"].values())
        kept = Heard()
        for merged in Recording(recorded).events():
            kept.add(merged.topic.decode(), merged.event)
        return CollectorRun(
            rate,
            seconds,
            made,
            kept.missing(told["made"]),
            kept.gaps,
            kept.out_of_order,
            _unrecorded(log),
            cpu_us / made,
            cpu_us / 1e6 / passed,
            1000 * told["late_s"],
            memory,
            heard.missing(told["made"]),
        )


@contextmanager
def _subscribed(configuration: ClusterConfig) -> Iterator[BareSubscriber]:
    prefixes = [topic_of(address.node, "") for address in configuration.nodes] + [topic_of("collector", "gap")]
    with BareSubscriber([configuration.collector], prefixes) as subscriber:
        yield subscriber


@contextmanager
def _cores() -> Iterator[tuple[set[int], set[int]]]:
    """One core for the collector, and the others for everybody else, this program included, while the block runs."""
    mine = os.sched_getaffinity(0)
    one = {max(mine)}
    others = mine - one or mine
    os.sched_setaffinity(0, others)
    try:
        yield one, others
    finally:
        os.sched_setaffinity(0, mine)


@contextmanager
def _running(command: Sequence[str], log: Path | None, cores: set[int]) -> Iterator[subprocess.Popen[bytes]]:
    output = subprocess.PIPE if log is None else log.open("wb")
    mine = os.sched_getaffinity(0)
    try:
        # A process has the cores of the thread that starts it.
        os.sched_setaffinity(0, cores)
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, env=own_environment(), process_group=0, bufsize=0
        )
    finally:
        os.sched_setaffinity(0, mine)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for file in (process.stdin, process.stdout):
            if file is not None:
                file.close()


def _read(process: subprocess.Popen[bytes], what: str, log: Path) -> bytes:
    """The next line of a program; raises CollectorFailed if it ends or says nothing, with the collector's log."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _PATIENCE_S)
    line = process.stdout.readline() if ready else b""
    if not line:
        raise CollectorFailed(f"not within {_PATIENCE_S:g} s: {what}\n{_tail(log)}")
    return bytes(line)


def _follow(subscriber: BareSubscriber, publishers: subprocess.Popen[bytes], heard: Heard, log: Path) -> dict[str, Any]:
    """Take what the collector publishes until all came that the publishers say that they made, or nothing comes."""
    waiting: list[list[bytes]] = []
    told: dict[str, Any] | None = None
    newest, left = time.monotonic(), 0
    assert publishers.stdout is not None
    while True:
        messages = subscriber.receive(_POLL_MS)
        waiting += messages
        now = time.monotonic()
        if told is None:
            newest = now if messages else newest
            if now - newest > _PATIENCE_S:
                raise CollectorFailed(f"nothing came out of the collector for {_PATIENCE_S:g} s\n{_tail(log)}")
            if select.select([publishers.stdout], [], [], 0)[0]:
                told, newest = json.loads(_read(publishers, "the publishers' report", log)), now
            continue
        # Read only now: while events come, this program shares the other cores with the publishers.
        for topic, payload in waiting:
            heard.add(topic.decode(), orjson.loads(payload))
        waiting = []
        left, before = heard.missing(told["made"]), left
        if left != before:
            newest = now
        if not left or now - newest > _REST_S:
            return told


def _unrecorded(log: Path) -> int:
    """How many events the recorder had to leave out, by the collector's last words."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return next((int(line["unrecorded"]) for line in reversed(lines) if "unrecorded" in line), 0)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:]) if log.exists() else ""
