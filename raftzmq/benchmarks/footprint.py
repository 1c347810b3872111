"""What a node takes: memory of its own, and room on the disk.

Memory is judged by RssAnon: the resident set also counts pages of LMDB's files, which the kernel keeps for as long as
it has no better use for them. Files are judged by their blocks: LMDB's are sparse where nothing was written.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from raftzmq.benchmarks.local_cluster import LocalCluster

MEGABYTE = 1_000_000
_BLOCK = 512
"""Bytes of a unit of ``st_blocks``, whatever the file system's own blocks are (stat(2))."""
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Footprint:
    """All nodes at one moment, in the cluster's order. ``acknowledged``: puts so far."""

    at_s: float
    acknowledged: int
    anonymous_bytes: tuple[int, ...]
    stored_bytes: tuple[int, ...]


def take_footprint(cluster: LocalCluster, at_s: float, acknowledged: int) -> Footprint:
    """Look at every node now; raises ClusterFailed if one isn't there."""
    cluster.check_running()
    return Footprint(
        at_s,
        acknowledged,
        tuple(anonymous_bytes(cluster.pid(node)) for node in cluster.nodes),
        tuple(stored_bytes(cluster.path / node) for node in cluster.nodes),
    )


def anonymous_bytes(pid: int) -> int:
    """RssAnon of a process; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), 0)


class AnonymousPeak:
    """The most that any of the nodes takes while the block runs, looked at often. A context manager."""

    def __init__(self, cluster: LocalCluster) -> None:
        self._cluster = cluster
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.bytes = 0

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self.bytes = max(self.bytes, *(anonymous_bytes(self._cluster.pid(node)) for node in self._cluster.nodes))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def stored_bytes(directory: Path) -> int:
    """What the files below a directory take on the disk."""
    total = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.stat(os.path.join(parent, name)).st_blocks * _BLOCK
            except FileNotFoundError:
                # Removed between the look at the directory and that at the file: snapshots come and go.
                continue
    return total


def megabytes(size: int) -> float:
    """Bytes as MB (of 1,000,000 bytes), to a tenth."""
    return round(size / MEGABYTE, 1)


def growth(footprints: Sequence[Footprint], operations: int) -> float:
    """How much the largest data directory grew from the fourth to the last fifth of ``operations``, as a share.

    The most that each node took within a fifth is compared, so what comes and goes counts once. 0.0 without samples.
    """
    fourth = [f.stored_bytes for f in footprints if 3 * operations <= 5 * f.acknowledged < 4 * operations]
    fifth = [f.stored_bytes for f in footprints if 5 * f.acknowledged >= 4 * operations]
    if not fourth or not fifth:
        return 0.0
    before, after = ([max(sizes) for sizes in zip(*part, strict=True)] for part in (fourth, fifth))
    return max(float(late / early - 1) for early, late in zip(before, after, strict=True))
