"""What the machine itself allows, before any Raft: the bounds that every other figure stands on."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

from raftzmq.benchmarks.figures import Figures, median, percentile
from raftzmq.benchmarks.local_cluster import free_ports
from raftzmq.benchmarks.starting import start
from raftzmq.errors import RaftzmqError
from raftzmq.storage.directory import free_bytes
from raftzmq.storage.environment import open_environment
from raftzmq.transport.bare import BareDealer
from raftzmq.transport.echo import serve_echo

BLOCK_BYTES = 4096
VALUE_BYTES = 256
BATCH = 512
"""Entries of one commit, as a busy log writes them."""
MAP_BYTES = 1 << 30
SECONDS = 1.0
"""Of each measurement."""
WINDOW = 64
"""Requests in flight, for the round trips that don't wait for one another."""
SLEEP_S = 0.001
PATIENCE_S = 20.0


class FloorFailed(RaftzmqError):
    """The machine did not answer its own question."""


def measure_floors(directory: Path | None, seconds: float = SECONDS) -> Figures:
    """Syncs and commits on the disk of ``directory``, ZeroMQ's round trips on loopback, and how late a sleeper wakes.

    Each takes ``seconds``. Raises FloorFailed, StorageError, OSError.
    """
    return {**disk_floors(directory, seconds), **zeromq_floors(seconds), **wake_floor(seconds)}


def disk_floors(directory: Path | None, seconds: float) -> Figures:
    """One block written and synced; one LMDB transaction of one entry, and of many, committed and synced."""
    with tempfile.TemporaryDirectory(prefix="raftzmq-floors-", dir=directory) as path:
        if free_bytes(Path(path)) < MAP_BYTES:
            raise FloorFailed(
                f"{Path(path).parent} has {free_bytes(Path(path)) / 2**20:,.0f} MiB left, and what the disk allows is "
                f"measured with up to {MAP_BYTES / 2**20:,.0f} MiB: choose another --directory"
            )
        with (Path(path) / "blocks").open("wb", buffering=0) as file:
            block = os.urandom(BLOCK_BYTES)

            def sync(number: int) -> None:
                os.pwrite(file.fileno(), block, number % 64 * BLOCK_BYTES)
                os.fdatasync(file.fileno())

            syncs = timed(sync, seconds)
        environment = open_environment(Path(path), MAP_BYTES)
        try:
            value = os.urandom(VALUE_BYTES)

            def commit(number: int, entries: int = 1) -> None:
                with environment.begin(write=True) as transaction:
                    for entry in range(entries):
                        transaction.put((number * entries + entry).to_bytes(8, "big"), value)

            single = timed(commit, seconds)
            many = timed(lambda number: commit(number + len(single), BATCH), seconds)
        finally:
            environment.close()
    return {
        **spread("sync_of_4_kib", syncs),
        **spread("lmdb_commit_of_1_entry", single),
        **spread(f"lmdb_commit_of_{BATCH}_entries", many),
        "lmdb_commits_per_second": round(1 / median(single)),
    }


def zeromq_floors(seconds: float) -> Figures:
    """A request of a value's size to another process and back: one at a time, and many in flight."""
    endpoint = f"tcp://127.0.0.1:{free_ports(1)[0]}"
    # Spawned, not forked: the child of a program with threads must not inherit their locks.
    server = get_context("spawn").Process(target=_echo, args=(endpoint,), daemon=True)
    start(server)
    try:
        with BareDealer(endpoint) as dealer:
            request = [os.urandom(VALUE_BYTES)]
            exchange(dealer, request)  # connected from here on
            one_by_one = timed(lambda number: exchange(dealer, request), seconds)
            for _ in range(WINDOW):
                dealer.send(request)
            begun, done = time.perf_counter(), 0
            while time.perf_counter() < begun + seconds:
                exchange(dealer, request)
                done += 1
            elapsed = time.perf_counter() - begun
    finally:
        server.kill()
        server.join()
    return {
        **spread("zeromq_round_trip", one_by_one),
        "zeromq_round_trips_per_second": round(1 / median(one_by_one)),
        f"zeromq_round_trips_per_second_with_{WINDOW}_in_flight": round(done / elapsed),
    }


def _echo(endpoint: str) -> None:
    serve_echo(endpoint)


def exchange(dealer: BareDealer, request: list[bytes]) -> None:
    """Send one message and take one answer. Raises FloorFailed."""
    if not dealer.send(request, patience_s=PATIENCE_S) or dealer.receive(patience_s=PATIENCE_S) is None:
        raise FloorFailed(f"ZeroMQ did not carry a message over loopback within {PATIENCE_S:g} s")


def wake_floor(seconds: float) -> Figures:
    """How much later than asked for a process wakes: what other work on the machine does to every timer."""
    late = [elapsed - SLEEP_S for elapsed in timed(lambda number: time.sleep(SLEEP_S), seconds)]
    return {**spread("timer_late_by", late), "timer_late_by_max_ms": round(max(late) * 1000, 3)}


def timed(act: Callable[[int], None], seconds: float) -> list[float]:
    """How long each call took, for ``seconds``; each is given its number."""
    durations: list[float] = []
    end = time.perf_counter() + seconds
    while True:
        begun = time.perf_counter()
        act(len(durations))
        done = time.perf_counter()
        durations.append(done - begun)
        if done > end:
            return durations


def spread(name: str, seconds: list[float]) -> Figures:
    """Median and 99th percentile, in milliseconds."""
    return {
        f"{name}_p50_ms": round(median(seconds) * 1000, 3),
        f"{name}_p99_ms": round(percentile(sorted(seconds), 99) * 1000, 3),
    }
