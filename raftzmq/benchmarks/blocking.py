"""``raftzmq bench blocking``: one blocking call in a coroutine, and what a cluster makes of it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from raftzmq.benchmarks.blocked_leader import Case, Timeline, watch
from raftzmq.benchmarks.blocking_lesson import teach
from raftzmq.benchmarks.blocking_words import charts_of, figures_of, findings_of, tables_of
from raftzmq.benchmarks.display import Advance, progress
from raftzmq.benchmarks.figures import Figures
from raftzmq.benchmarks.options import directory_option
from raftzmq.benchmarks.presenting import present, result_options
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.result import Result

QUESTION = "What does one blocking call in a coroutine do to a cluster, and what cures it?"
CASES = (
    Case("coroutines", "loop"),
    Case("coroutines", "executor"),
    Case("threads", "loop"),
    Case("threads", "executor"),
)
"""The mistake, its cure, and both without asyncio: it is not asyncio's fault."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured. ``seconds`` is how long the call blocks, ``after`` how long it is watched afterwards."""

    seconds: float = 0.6
    after: float = 2.0
    runs: int = 3
    nodes: int = 3
    directory: Path | None = None


QUICK = Options(runs=1, after=1.0)
FULL = Options()


def measure(options: Options, advance: Advance) -> Result:
    """Block the small program and the leader of a cluster for each case; ``advance`` is told how many calls were made.

    Raises VerificationFailed, ClusterFailed, RequestError.
    """
    lessons = teach(options.seconds)
    timelines: list[Timeline] = []
    for case in CASES:
        for timeline in watch(case, options.nodes, options.runs, options.seconds, options.after, options.directory):
            timelines.append(timeline)
            advance(len(timelines))
    settings: Figures = {
        "blocked_ms": 1000 * options.seconds,
        "runs": options.runs,
        "nodes": options.nodes,
        "cpus": os.cpu_count() or 1,
        "python": platform.python_version(),
    }
    return Result(
        "blocking",
        QUESTION,
        settings,
        figures_of(lessons, timelines),
        tables_of(lessons, timelines),
        charts_of(timelines, options.seconds),
        findings_of(lessons, timelines, options.seconds),
    )


@click.command("blocking")
@click.option("--seconds", default=0.6, show_default=True, type=click.FloatRange(0.05, 4.0), help="Of the call.")
@click.option("--runs", type=click.IntRange(1), help="Calls in each case. [default: 3; with --quick: 1]")
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(3, 99), help="Size of the cluster.")
@directory_option
@result_options
def blocking(quick: bool, as_json: bool, charts: Path | None, **given: Any) -> None:
    """Show what one blocking call in a coroutine does: missed heartbeats, an election for nothing, slow puts.

    First in a small asyncio program, then in a cluster whose leader makes the call once, on the thread that runs its
    loop or in an executor, with the coroutine runtime and with threads. Timers are the default ones: heartbeats every
    50 ms, elections after 200 to 400 ms. A client puts all the time, a put every 5 ms. When followers heard a leader,
    who campaigned and how long puts took is put on one timeline. Afterwards everything acknowledged is read back.

    \b
    Examples:
      raftzmq bench blocking --charts pictures
      raftzmq bench blocking --seconds 0.15    # shorter than any election timeout
      raftzmq bench blocking --quick --json
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    options = replace(QUICK if quick else FULL, **chosen)
    with ending_in_order(), progress("calls", options.runs * len(CASES)) as advance:
        result = measure(options, advance)
    present(result, as_json=as_json, charts=charts)
