"""Processes of this machine, as /proc shows them: who listens on a port, and how it was started."""

from __future__ import annotations

import os
import re
from pathlib import Path

LOOPBACK = re.compile(r"tcp://(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]):(\d+)")
LISTENING = "0A"
"""The state of a listening socket in /proc/net/tcp."""
FALSE = {"", "0", "false", "f", "no", "n", "off"}
"""What click takes for no."""


def listener(endpoint: str) -> int | None:
    """The process that listens at a loopback endpoint, also one that is stopped; None if none is to be seen."""
    found = LOOPBACK.fullmatch(endpoint)
    if found is None:
        return None
    inodes = {f"socket:[{inode}]" for inode in _inodes(int(found[1]))}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) in inodes:
                return int(link.parts[2])
        except OSError:  # gone meanwhile, or somebody else's
            continue
    return None


def _inodes(port: int) -> list[str]:
    inodes = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, rows):
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.append(fields[9])
    return inodes


def in_lab_mode(pid: int) -> bool:
    """Was a node's process started with --lab, or with RAFTZMQ_NODE_LAB in its environment?"""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    if b"node" not in command:
        return False
    said = next((it.partition(b"=")[2] for it in environment if it.startswith(b"RAFTZMQ_NODE_LAB=")), b"")
    return b"--lab" in command or said.decode(errors="replace").strip().lower() not in FALSE
