"""What processes cost: processor time and context switches of each of their threads, from Linux's /proc.

``schedstat`` of a thread has nanoseconds on a processor; ``status`` counts the times that it gave the processor up to
wait (voluntary) and had it taken away (involuntary). See proc(5) and the kernel's scheduler/sched-stats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

ThreadKind = Literal["loop", "zmq", "workers"]
KINDS: tuple[ThreadKind, ...] = ("loop", "zmq", "workers")
"""``loop`` is a process's first thread (in a node: the one that owns the sockets), ``zmq`` are libzmq's own."""
_ZMQ_NAME = "ZMQbg"
"""libzmq names its threads so."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of some threads, for some time."""

    cpu_ns: int = 0
    voluntary: int = 0
    involuntary: int = 0

    def __add__(self, other: Self) -> Cost:
        return Cost(self.cpu_ns + other.cpu_ns, self.voluntary + other.voluntary, self.involuntary + other.involuntary)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.cpu_ns - other.cpu_ns, self.voluntary - other.voluntary, self.involuntary - other.involuntary)


Threads = Mapping[tuple[int, int], tuple[ThreadKind, Cost]]
"""By process and thread: what it has cost since it began."""


def take_costs(pids: Iterable[int]) -> Threads:
    """What each thread of these processes has cost so far. Processes and threads that are gone are left out."""
    return {(pid, thread): found for pid in pids for thread, found in _threads(pid)}


def _threads(pid: int) -> Iterator[tuple[int, tuple[ThreadKind, Cost]]]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return
    for task in tasks:
        try:
            name = (task / "comm").read_text()
            status = (task / "status").read_text()
            cpu_ns = int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the look at the directory and this one
        thread = int(task.name)
        kind: ThreadKind = "loop" if thread == pid else "zmq" if name.startswith(_ZMQ_NAME) else "workers"
        counts = dict(line.split(":", 1) for line in status.splitlines() if "ctxt_switches" in line)
        cost = Cost(cpu_ns, int(counts["voluntary_ctxt_switches"]), int(counts["nonvoluntary_ctxt_switches"]))
        yield thread, (kind, cost)


def spent(before: Threads, after: Threads, pids: Iterable[int]) -> dict[ThreadKind, Cost]:
    """What the threads of ``pids`` cost from one look to the other, by kind. A thread that ended meanwhile is lost."""
    total = dict.fromkeys(KINDS, Cost())
    wanted = set(pids)
    for (pid, thread), (kind, cost) in after.items():
        if pid in wanted:
            _, begun = before.get((pid, thread), (kind, Cost()))
            total[kind] += cost - begun
    return total
