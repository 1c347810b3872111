"""Who listens on a TCP port of this machine."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path


def port_owner(port: int) -> int | None:
    """The process that listens on a TCP port, as far as /proc shows it to this user."""
    sockets = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{name}").read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{fields[9]}]")
    return holder(sockets, os.listdir("/proc")) if sockets else None


def holder(sockets: Collection[str], entries: Iterable[str]) -> int | None:
    """Which of the processes among ``entries`` of /proc has one of ``sockets`` open.

    Processes end all the time, also those that were listed just now, and of another user's nothing is to be seen.
    (`Path.glob` raises where a directory is gone that it has seen.)
    """
    for entry in filter(str.isdecimal, entries):
        try:
            with os.scandir(f"/proc/{entry}/fd") as descriptors:
                if any(_target(descriptor.path) in sockets for descriptor in descriptors):
                    return int(entry)
        except OSError:
            continue
    return None


def _target(link: str) -> str:
    """What a link leads to; nothing, if it is gone."""
    try:
        return os.readlink(link)
    except OSError:
        return ""
