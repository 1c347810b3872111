"""Which nodes' processes on this machine are paused or gone, as the kernel says: looked at several times a second.

A process that was killed or stopped can't say so itself, and from its silence alone it would take seconds to tell.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from raftzmq.collector.changes import Changes, State
from raftzmq.collector.faults.local_processes import listener

LOOK_S = 0.05
"""So that a viewer sees a node die in the moment in which it does."""
CHANGES_MAX = 1000
STATES = {"T": "PAUSED", "t": "PAUSED", "Z": "GONE", "X": "GONE"}
"""What proc(5) calls the states of a process, and what we do; any other is one that runs."""


class Watched(NamedTuple):
    """A node as its events tell of it: the process that it says it is, and whether it is known to be paused."""

    endpoint: str
    pid: int
    paused: bool


class LocalWatch:
    """Looks at processes on a thread of its own; `take` gives what changed since the last call.

    A node's process is watched only if it is the one that listens at the node's endpoint, on this machine.
    """

    def __init__(self, *, look_s: float = LOOK_S) -> None:
        self._look_s = look_s
        self._wanted: Mapping[str, Watched] = {}
        self._known: dict[str, tuple[int, str | None]] = {}
        self._changes = Changes(CHANGES_MAX)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="local-watch", daemon=True)
        self._thread.start()

    def want(self, nodes: Mapping[str, Watched]) -> None:
        """Watch these from now on."""
        self._wanted = nodes

    def take(self) -> list[State]:
        """The changes since the last call, oldest first."""
        return self._changes.take()

    def close(self) -> None:
        """Stop watching."""
        self._ending.set()

    def _run(self) -> None:
        while not self._ending.wait(self._look_s):
            for name, watched in self._wanted.items():
                self._look(name, watched)

    def _look(self, name: str, watched: Watched) -> None:
        pid, before = self._known.get(name, (0, None))
        if pid != watched.pid:
            # Another life. Who listens there is looked up once: it takes a look at every process of the machine.
            here = listener(watched.endpoint) == watched.pid
            before = ("PAUSED" if watched.paused else "RUNNING") if here else None
        if before is not None and before != "GONE":
            state = _state_of(watched.pid)
            if state != before:
                told = "RESUMED" if state == "RUNNING" else state
                fields: State = {"name": name, "state": told, "previous": before, "pid": watched.pid, "exit_status": 0}
                self._changes.add(fields)
            before = state
        self._known[name] = watched.pid, before


def _state_of(pid: int) -> str:
    """RUNNING, PAUSED or GONE."""
    try:
        # The name of the program, in parentheses, may hold anything, also parentheses.
        letter = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "GONE"
    return STATES.get(letter, "RUNNING")
