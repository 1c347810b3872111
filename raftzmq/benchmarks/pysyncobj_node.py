"""One PySyncObj node as a process of its own, told over a pipe what to do.

It is measured where it is at its best: the leader puts into its own replicated dictionary, so there is no client and no
network before the leader. Every put is one call with one callback, and a callback makes the next put, on the thread
that PySyncObj ticks on: no other thread of the process wants the interpreter.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import logging
import random
import threading
import time
from array import array
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final, Literal, TypeAlias

from raftzmq.benchmarks.plan import Plan, key_name

Settings: TypeAlias = Mapping[str, float | bool]
"""Of `pysyncobj.SyncObjConf`, by its names."""

UNCOMPACTED: Final[Settings] = {"logCompactionMinEntries": 10**9, "logCompactionMinTime": 10**9}
"""No compaction during a run: each would compress the whole dictionary on the thread that does everything else."""
ValueKind = Literal["text", "repeated", "bytes"]
"""``text``: printable characters by chance. ``repeated``: a number, then one character again and again.

PySyncObj pickles every value twice, in a protocol that has no bytes, and compresses it for each follower: text costs it
a third of what bytes do, and repeated characters a fifth of that.
"""
_PATIENCE_S: Final = 60.0
_DIGITS: Final = 10
_FILLERS: Final = 64


@dataclass(frozen=True, slots=True)
class Look:
    """What a node says of itself. ``ready``: it has all that its leader has."""

    leads: bool
    ready: bool
    term: int
    applied: int


@dataclass(slots=True)
class Loaded:
    """What became of one load. ``wrong``: keys that don't hold the value of the last put that was acknowledged."""

    elapsed_s: float = 0.0
    latencies: array[float] = field(default_factory=lambda: array("d"))
    failed: int = 0
    unfinished: int = 0
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class LookNow:
    """Asks for a `Look`."""


@dataclass(frozen=True, slots=True)
class LoadNow:
    """Asks for puts for so many seconds; the answer is a `Loaded`."""

    plan: Plan
    seconds: float
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class DigestNow:
    """Asks for a hash of the dictionary, and for how many errors PySyncObj has logged."""


Request: TypeAlias = LookNow | LoadNow | DigestNow


class ErrorCount(logging.Handler):
    """Counts what PySyncObj logs as an error or worse, and prints none of it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """One more."""
        self.count += 1


def maker(plan: Plan, kind: ValueKind) -> Callable[[int, int], tuple[str | bytes, str | bytes]]:
    """Makes the key of a number and the value of a sequence; no two values are equal."""
    if kind == "bytes":
        value = plan.values()
        return lambda number, sequence: (key_name(number), value(sequence))
    rng = random.Random(f"values {plan.seed}")
    digits = min(_DIGITS, plan.value_size)
    size = plan.value_size - digits
    fillers = ["x" * size]
    if kind == "text":
        fillers = [base64.b64encode(rng.randbytes(size))[:size].decode() for _ in range(_FILLERS)]
    return lambda number, sequence: (f"{number:08d}", f"{sequence:0{digits}d}{fillers[sequence % len(fillers)]}")


class Replica:
    """A node with a replicated dictionary."""

    def __init__(self, address: str, partners: list[str], settings: Settings) -> None:
        from pysyncobj import SyncObj, SyncObjConf
        from pysyncobj.batteries import ReplDict

        self.errors = ErrorCount()
        logger = logging.getLogger("pysyncobj")
        logger.addHandler(self.errors)
        logger.propagate = False
        self._dict: Any = ReplDict()
        configuration = SyncObjConf(**UNCOMPACTED, **settings)
        self._node: Any = SyncObj(address, partners, conf=configuration, consumers=[self._dict])
        self._sequences = itertools.count(1)
        self._newest: dict[int, int] = {}
        self._doubtful: set[int] = set()

    def look(self) -> Look:
        """How it sees the world."""
        node = self._node
        return Look(node._isLeader(), node.isReady(), node.raftCurrentTerm, node.raftLastApplied)

    def load(self, plan: Plan, seconds: float, kind: ValueKind) -> Loaded:
        """Keep ``plan.in_flight`` puts under way for so long, then wait for those that still are."""
        loaded = Loaded()
        done = threading.Event()
        clock, put, make = time.perf_counter, self._dict.set, maker(plan, kind)
        randrange = random.Random(f"keys {plan.seed} {next(self._sequences)}").randrange
        left, begun = plan.in_flight, clock()
        end = begun + seconds

        def call() -> None:
            sequence, number = next(self._sequences), randrange(plan.keys)
            called = clock()

            def told(_: object, error: int) -> None:
                nonlocal left
                now = clock()
                if error:
                    loaded.failed += 1
                    self._doubtful.add(number)
                else:
                    loaded.latencies.append(now - called)
                    self._newest[number] = sequence
                if now < end:
                    call()
                    return
                left -= 1
                if left == 0:
                    loaded.elapsed_s = now - begun
                    done.set()

            put(*make(number, sequence), callback=told)

        for _ in range(plan.in_flight):
            call()
        if not done.wait(seconds + _PATIENCE_S):
            loaded.unfinished, loaded.elapsed_s = left, clock() - begun
        loaded.wrong = self._wrong(make)
        return loaded

    def _wrong(self, make: Callable[[int, int], tuple[str | bytes, str | bytes]]) -> int:
        """Callbacks come in the order in which commands are applied, so the last one's value is what must be there."""
        stored = self._dict.rawData()
        expected = (make(number, sequence) for number, sequence in self._newest.items() if number not in self._doubtful)
        return sum(stored.get(key) != value for key, value in expected)

    def digest(self) -> str:
        """A hash of all keys and values."""
        digest = hashlib.sha256()
        for key, value in sorted(self._dict.rawData().items()):
            digest.update(repr((key, value)).encode())
        return digest.hexdigest()

    def answer(self, request: Request) -> Any:
        """Do as asked."""
        if isinstance(request, LoadNow):
            return self.load(request.plan, request.seconds, request.kind)
        if isinstance(request, DigestNow):
            return self.digest(), self.errors.count
        return self.look()


def serve(pipe: Connection, address: str, partners: list[str], settings: Settings) -> Literal[0]:
    """Be a node until the other end of the pipe is closed."""
    replica = Replica(address, partners, settings)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            pipe.send(replica.answer(pipe.recv()))
    return 0
