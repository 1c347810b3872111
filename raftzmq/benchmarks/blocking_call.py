"""`raftzmq` that makes one blocking call when it is told to, and notes when it heard its leader: for experiments.

``python -m raftzmq.benchmarks.blocking_call --seconds 0.6 --where loop --notes DIR node --node n1 …``

The call is what a careless handler would do in the middle of its work (here it sleeps; a slow name server or a large
file are the same to the loop): ``--where loop`` makes it on the thread that runs the node's loop, ``--where executor``
hands it to a thread of a pool, as ``asyncio.to_thread`` does, and the loop goes on. It is made once, as soon as
``DIR/<node>.block`` exists. ``DIR/<node>.notes`` gets a line for the call and one for each AppendEntries of a leader
that arrives.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from raftzmq.benchmarks.slow_disk import start
from raftzmq.core import Raft
from raftzmq.core.messages import AppendEntries, Message
from raftzmq.node import Node

Where = Literal["loop", "executor"]
PLACES: tuple[Where, ...] = ("loop", "executor")


def launcher(seconds: float, where: Where, notes: Path) -> tuple[str, ...]:
    """The command that stands in for ``raftzmq``."""
    module = ("-P", "-m", "raftzmq.benchmarks.blocking_call")
    return (sys.executable, *module, "--seconds", f"{seconds:g}", "--where", where, "--notes", str(notes))


def trigger(notes: Path, node: str) -> Path:
    """The file that makes ``node`` block."""
    return notes / f"{node}.block"


def notes_file(notes: Path, node: str) -> Path:
    """Where ``node`` writes what it noticed."""
    return notes / f"{node}.notes"


@dataclass(frozen=True, slots=True)
class Heard:
    """A follower heard ``leader`` at ``at_s`` of the system's monotonic clock."""

    at_s: float
    node: str
    leader: str
    term: int


@dataclass(frozen=True, slots=True)
class Blocked:
    """``node`` made the blocking call from ``begun_s`` to ``ended_s`` of the system's monotonic clock."""

    node: str
    begun_s: float
    ended_s: float


def read_notes(notes: Path, nodes: list[str]) -> tuple[list[Heard], list[Blocked]]:
    """What all nodes noticed, each in order of time."""
    heard: list[Heard] = []
    blocked: list[Blocked] = []
    for node in nodes:
        for note in _lines(notes_file(notes, node)):
            if "leader" in note:
                heard.append(Heard(note["at_s"], node, note["leader"], note["term"]))
            else:
                blocked.append(Blocked(node, note["begun_s"], note["ended_s"]))
    return sorted(heard, key=lambda h: h.at_s), sorted(blocked, key=lambda b: b.begun_s)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        # A node that is killed may have left half a line at the end.
        yield from map(json.loads, path.read_text().rpartition("\n")[0].splitlines())


def plant(seconds: float, where: Where, directory: Path, node: str) -> None:
    """Make the call when told to, and note what is heard, in every `Node` of this process."""
    when = trigger(directory, node)
    descriptor = os.open(notes_file(directory, node), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    run_elsewhere = _elsewhere()
    on_tick, step = Node.on_tick, Raft.step

    def note(**fields: Any) -> None:
        os.write(descriptor, json.dumps(fields).encode() + b"\n")

    def blocking_call() -> None:
        begun_s = time.monotonic()
        time.sleep(seconds)
        note(begun_s=begun_s, ended_s=time.monotonic())

    def on_tick_and_block(self: Node, now_us: int) -> None:
        if when.exists():
            when.unlink()
            if where == "loop":
                blocking_call()
            else:
                run_elsewhere(blocking_call)
        on_tick(self, now_us)

    def step_and_note(self: Raft, message: Message) -> None:
        # One of an earlier term comes from a leader that doesn't know yet that it is none.
        if isinstance(message, AppendEntries) and message.term >= self.current_term:
            note(at_s=time.monotonic(), leader=message.sender, term=message.term)
        step(self, message)

    Node.on_tick = on_tick_and_block  # type: ignore[method-assign]
    Raft.step = step_and_note  # type: ignore[method-assign]


def _elsewhere() -> Callable[[Callable[[], None]], None]:
    """Runs a function on a thread of a pool: asyncio's own where its loop calls, else one as `runtime.threads` has."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="blocking")

    def run(function: Callable[[], None]) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            pool.submit(function)
        else:
            loop.run_in_executor(None, function)

    return run


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="raftzmq, with one blocking call when DIR/<node>.block appears")
    parser.add_argument("--seconds", type=float, required=True, metavar="S")
    parser.add_argument("--where", choices=PLACES, required=True)
    parser.add_argument("--notes", type=Path, required=True, metavar="DIR")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="raftzmq's arguments")
    given = parser.parse_args()
    plant(given.seconds, given.where, given.notes, given.rest[given.rest.index("--node") + 1])
    start(given.rest)
