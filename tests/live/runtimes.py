"""Which runtimes the nodes of a test's cluster have."""

from __future__ import annotations

from importlib.util import find_spec

from raftzmq.runtime.choice import COROUTINES, THREADS

BOTH = (THREADS, COROUTINES)
MIXED = "mixed"
"""In place of a runtime's name: each node of a cluster has another, by turns."""
EITHER = MIXED
"""For tests whose subject doesn't know a runtime: one run, with nodes of each."""


def runtime_options(runtime: str, count: int) -> list[tuple[str, ...]]:
    """What ``count`` nodes are told so that they run by ``runtime``."""
    options: list[tuple[str, ...]] = [("--runtime", runtime)]
    if runtime == MIXED:
        options = [("--runtime", name) for name in BOTH]
        if find_spec("uvloop") is not None:
            options.append(("--runtime", COROUTINES, "--uvloop"))
    return [options[number % len(options)] for number in range(count)]
