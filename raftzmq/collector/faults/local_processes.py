"""Processes of this machine, as /proc shows them: who listens on a port, and how it was started."""

from __future__ import annotations

import re
from pathlib import Path

from raftzmq.port_owner import port_owner

LOOPBACK = re.compile(r"tcp://(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]):(\d+)")
FALSE = {"", "0", "false", "f", "no", "n", "off"}
"""What click takes for no."""


def listener(endpoint: str) -> int | None:
    """The process that listens at a loopback endpoint, also one that is stopped; None if none is to be seen."""
    found = LOOPBACK.fullmatch(endpoint)
    return None if found is None else port_owner(int(found[1]))


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
