"""Is the disk under a data directory fit for a log that is synced before every answer?"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from raftzmq.config import MIB, Timing
from raftzmq.doctor.finding import Finding, fail, ok, warn
from raftzmq.errors import ConfigurationError
from raftzmq.storage.directory import SAFE_FILE_SYSTEMS, file_system, free_bytes

SYNCS_MAX = 500
SECONDS_MAX = 2.0
"""Whichever comes first: a slow disk isn't kept busy longer than that."""
BLOCK_BYTES = 4096
SLOW_MEDIAN_MS = 10.0
"""A put needs two syncs in a row at least, so a median above this is fewer than fifty puts a second one by one."""
FREE_WARN_BYTES, FREE_FAIL_BYTES = 4096 * MIB, 512 * MIB


def existing(path: Path) -> Path:
    """The directory itself, or the closest one above it that exists: where it would be made."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def check_disk(data: Path) -> list[Finding]:
    """File system, free space and sync time of a data directory, which needn't exist yet."""
    place = existing(data)
    where = str(data) if place == data.absolute() else f"{data} (to be made in {place})"
    if not place.is_dir():
        return [fail("disk", f"{place} is no directory", "a node keeps its data in one", "choose another --data")]
    findings = [_file_system(place, where), _space(place, where)]
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            findings.append(_judge_syncs(sync_times_ms(file.fileno()), where))
    except OSError as error:
        findings.append(
            fail(
                "disk sync",
                f"{where} cannot be written: {error.strerror}",
                "a node writes its vote and its log there before it answers anything",
                "check the mount and the owner of the directory, or run this as the user that runs the node",
            )
        )
    return findings


def _file_system(place: Path, where: str) -> Finding:
    check = "file system"
    try:
        kind, options = file_system(place)
    except ConfigurationError as error:
        return warn(check, str(error), "not every file system keeps what was synced", "find out, before you trust it")
    found = f"{where} is on {kind}"
    if kind == "tmpfs" or kind == "ramfs":
        return fail(check, found, "it forgets everything, votes included, when the machine restarts", "use a disk")
    if kind not in SAFE_FILE_SYSTEMS:
        return fail(
            check,
            found,
            "LMDB's locks and maps, or its syncs, aren't known to hold there; a node refuses to start",
            "put the data on ext4, xfs or btrfs, or start nodes with --any-file-system where losing data does no harm",
        )
    if kind == "overlay" and "volatile" in options:
        return fail(check, f"{found}, mounted volatile", "it never syncs", "put the data on a volume")
    if kind == "overlay":
        return warn(check, found, "the files of a container vanish with it", "put the data on a volume")
    return ok(check, found)


def _space(place: Path, where: str) -> Finding:
    free = free_bytes(place)
    found = f"{free / 2**30:.1f} GiB free for {where}"
    why = "a node that cannot write its log ends; log, state and a snapshot may take some GiB"
    if free < FREE_FAIL_BYTES:
        return fail("free space", found, why, "make room before starting a node there")
    if free < FREE_WARN_BYTES:
        return warn("free space", found, why, "make room")
    return ok("free space", found)


def sync_times_ms(descriptor: int, syncs: int = SYNCS_MAX, seconds: float = SECONDS_MAX) -> list[float]:
    """How long each of ``syncs`` writes of a block takes to reach the disk (fdatasync), as a log's commits do."""
    block = os.urandom(BLOCK_BYTES)
    times: list[float] = []
    end = time.perf_counter() + seconds
    for number in range(syncs):
        os.pwrite(descriptor, block, number % 64 * BLOCK_BYTES)
        begun = time.perf_counter()
        os.fdatasync(descriptor)
        done = time.perf_counter()
        times.append((done - begun) * 1000)
        if done > end:
            break
    return times


def _judge_syncs(times_ms: list[float], where: str) -> Finding:
    ordered = sorted(times_ms)
    median, p99 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    found = f"{where}: fdatasync of {BLOCK_BYTES // 1024} KiB takes {median:.2f} ms (median), {p99:.2f} ms (p99)"
    limit = Timing().election_min_us / 1000
    if p99 >= limit:
        return fail(
            "disk sync",
            found,
            f"votes wait for the disk: past the election timeout of {limit:.0f} ms elections may not end",
            "use a disk with a lower latency, or raise --election-timeout-ms and --heartbeat-ms of every node",
        )
    if median >= SLOW_MEDIAN_MS:
        return warn(
            "disk sync",
            found,
            "every put waits for such syncs, though many puts share one",
            "use a disk with a lower latency, or keep many puts in flight",
        )
    return ok("disk sync", found)
