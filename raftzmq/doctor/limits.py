"""What the system grants a process: descriptors, address space, file size."""

from __future__ import annotations

import resource

from raftzmq.config import MIB
from raftzmq.doctor.finding import Finding, fail, ok, warn
from raftzmq.storage.log import LOG_MAP_BYTES

FILES_WARN, FILES_FAIL = 4096, 256
"""A node needs some dozens, and one for each connection of a client, of a peer, of a subscriber."""
FILE_SIZE_WARN_BYTES = 8192 * MIB


def check_limits() -> list[Finding]:
    """The limits of this process, which are those of a node started as it was."""
    return [_open_files(), _address_space(), _file_size()]


def _open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = f"{_count(soft)} open files (hard limit {_count(hard)})"
    why = "every connection of a client takes one; past the limit new clients find no answer"
    then = f"ulimit -n {FILES_WARN}, LimitNOFILE= of the service, or minfds= of supervisord"
    if soft == resource.RLIM_INFINITY or soft >= FILES_WARN:
        return ok("open files", found)
    return (fail if soft < FILES_FAIL else warn)("open files", found, why, then)


def _address_space() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    needed = 2 * LOG_MAP_BYTES  # the state reserves as much as the log
    if soft == resource.RLIM_INFINITY:
        return ok("address space", "unlimited")
    found = f"{soft / 2**30:.1f} GiB"
    if soft < needed:
        return fail(
            "address space",
            found,
            f"LMDB reserves {needed / 2**30:.0f} GiB of addresses (not of memory) at the start and would not get them",
            "ulimit -v unlimited",
        )
    return ok("address space", found)


def _file_size() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if soft == resource.RLIM_INFINITY:
        return ok("file size", "unlimited")
    found = f"{soft / 2**30:.1f} GiB"
    why = "a commit that would make the log or the state longer fails, and ends the node with exit code 11"
    if soft < FILE_SIZE_WARN_BYTES:
        return warn("file size", found, why, "ulimit -f unlimited")
    return ok("file size", found)


def _count(limit: int) -> str:
    return "unlimited" if limit == resource.RLIM_INFINITY else str(limit)
