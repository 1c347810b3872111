"""All benchmarks of the report, one after another: what each is for, how long it takes, and how each one ended.

A benchmark is a module `raftzmq.benchmarks.NAME` with ``measure(options, advance) -> Result`` and two sets of options,
``QUICK`` and ``FULL``.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from raftzmq.benchmarks.display import Advance
from raftzmq.benchmarks.extra import ExtraMissing
from raftzmq.benchmarks.program import plainly
from raftzmq.benchmarks.result import Result
from raftzmq.errors import RaftzmqError


@dataclass(frozen=True, slots=True)
class Entry:
    """One benchmark of the suite. ``asks`` is the question that it answers in the report's summary."""

    name: str
    title: str
    asks: str
    quick_s: float
    full_s: float

    def expected_s(self, quick: bool) -> float:
        """About how long it takes."""
        return self.quick_s if quick else self.full_s


SUITE = (
    Entry("throughput", "Throughput", "How fast is it?", 40, 480),
    Entry("latency", "Latency", "How long does one request take?", 25, 240),
    Entry("concurrency", "Threads against coroutines", "Threads or coroutines?", 70, 600),
    Entry("amdahl", "Scaling: Amdahl's law", "What bounds scaling?", 55, 360),
    Entry("blocking", "One blocking call", "What does a blocking call do to a coroutine?", 20, 60),
    Entry("failover", "Fail-over", "How long is there no leader?", 20, 300),
    Entry("peers", "Beside others", "How does it compare with others?", 25, 360),
)
"""In the order of the report."""
NAMES = tuple(entry.name for entry in SUITE)

Status = Literal["measured", "left out", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one benchmark ended; ``reason`` says why where there is no result, in one line or more."""

    name: str
    status: Status
    seconds: float
    reason: str = ""
    result: Result | None = None

    @property
    def short_reason(self) -> str:
        """Its first line; what follows is the end of a node's log."""
        return self.reason.partition("\n")[0].removesuffix(":")


def run_suite(
    entries: Iterable[Entry],
    *,
    quick: bool,
    directory: Path | None,
    begun: Callable[[Entry], Advance],
) -> Iterator[Outcome]:
    """Run benchmarks one after another. One that fails doesn't end the others.

    ``directory`` is where they keep their nodes' data. ``begun`` is told which one begins, and gives what its
    progress is told.
    """
    for entry in entries:
        yield run_one(entry, quick=quick, directory=directory, advance=begun(entry))


def run_one(entry: Entry, *, quick: bool, directory: Path | None, advance: Advance) -> Outcome:
    """Run one benchmark. What it raises is its outcome; only an interruption leaves through here."""
    started = time.monotonic()

    def ended(status: Status, reason: str = "", result: Result | None = None) -> Outcome:
        return Outcome(entry.name, status, round(time.monotonic() - started, 1), reason, result)

    try:
        module: Any = import_module(f"raftzmq.benchmarks.{entry.name}")
        options = placed(module.QUICK if quick else module.FULL, directory)
        # Through its own file's form: what cannot be saved is found out here, not at the end.
        with plainly():
            result = Result.from_json(module.measure(options, advance).to_saved())
    except ExtraMissing as error:
        return ended("left out", str(error))
    except ModuleNotFoundError as error:
        return ended("left out", f"{error.name} is not installed: pip install 'raftzmq[bench]'")
    except RaftzmqError as error:
        return ended("failed", str(error))
    except Exception as error:  # noqa: BLE001 - a bug in one benchmark must not cost the figures of the others
        traceback.print_exc(file=sys.stderr)
        return ended("failed", f"{type(error).__name__}: {error}")
    return ended("measured", result=result)


def placed(options: Any, directory: Path | None) -> Any:
    """Options with that directory, if they have one."""
    if directory is None or not is_dataclass(options) or isinstance(options, type):
        return options
    return replace(options, directory=directory) if "directory" in {each.name for each in fields(options)} else options
