"""The runtimes that are compared: the same Node in each, and around it another way to wait."""

from __future__ import annotations

from dataclasses import dataclass

THREADS = "threads"
COROUTINES = "coroutines"
UVLOOP = "coroutines+uvloop"
BLOCKING = "coroutines-blocking"


@dataclass(frozen=True, slots=True)
class Contender:
    """How ``raftzmq node`` is started for it."""

    name: str
    runtime: str
    options: tuple[str, ...] = ()


CONTENDERS: dict[str, Contender] = {
    contender.name: contender
    for contender in (
        Contender(THREADS, "threads"),
        Contender(COROUTINES, "coroutines"),
        Contender(UVLOOP, "coroutines", ("--uvloop",)),
        Contender(BLOCKING, "coroutines-blocking"),
    )
}
"""By name, in the order of tables and charts."""
