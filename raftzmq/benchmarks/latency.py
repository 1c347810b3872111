"""``bench/latency.py``: how long calls take at rising load, in closed loops and free of coordinated omission."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from raftzmq.benchmarks.display import Advance, progress
from raftzmq.benchmarks.extra import need
from raftzmq.benchmarks.latency_histogram import write_histograms
from raftzmq.benchmarks.latency_result import latency_result
from raftzmq.benchmarks.latency_study import FULL, QUICK, Options, Study, run_study
from raftzmq.benchmarks.options import (
    IN_FLIGHT_MAX,
    LOAD_SECONDS_MAX,
    check_writable,
    directory_option,
    in_flight_range,
    keys_option,
    load_options,
    nodes_option,
    seed_option,
    value_size_option,
)
from raftzmq.benchmarks.point import Point
from raftzmq.benchmarks.presenting import present, result_options
from raftzmq.benchmarks.program import ending_in_order, note
from raftzmq.benchmarks.result import Result
from raftzmq.benchmarks.throughput import check_point

__all__ = ["FULL", "QUICK", "Options", "latency", "measure"]

PERCENT_MAX = 1000
"""Of the peak: ten times as much as is answered says all that there is to say about a queue."""


def measure(options: Options, advance: Advance) -> Result:
    """Measure; tells how many runs are done. Raises ExtraMissing, and as `run_study` does."""
    return latency_result(study(options, advance))


def study(options: Options, advance: Advance) -> Study:
    """As `run_study`, but notices first that the library is missing that counts."""
    need("hdrh", purpose="count latencies")
    return run_study(options, advance)


def numbers(kind: type[int] | type[float], least: float, most: float) -> Any:
    """Reads ``1,64,1000``: numbers from ``least`` to ``most``, ascending; wrong usage otherwise."""

    def read(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[float, ...] | None:
        if text is None:
            return None
        try:
            found = tuple(kind(part) for part in text.split(","))
        except ValueError:
            raise click.BadParameter(f"{text!r} is no list of numbers: write it as 1,64,1000") from None
        ascend = all(before < after for before, after in pairwise(found))  # false with a nan in it
        if not (least <= found[0] and found[-1] <= most and ascend):
            raise click.BadParameter(f"{text!r} must ascend, from {least:g} or more to {most:g} at most")
        return found

    return read


def _histogram_file(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    if path is not None:
        if path.suffix not in (".hlog", ".hgrm"):
            raise click.BadParameter(f"{path} is neither FILE.hlog nor FILE.hgrm")
        check_writable(path.parent, "--histogram")
    return path


@click.command("latency")
@click.option(
    "--closed",
    callback=numbers(int, 1, IN_FLIGHT_MAX),
    metavar="N,…",
    help="Calls in flight in closed loops, by as many client processes at most. [default: 1,64,1000]",
)
@click.option(
    "--rates",
    callback=numbers(float, 1, PERCENT_MAX),
    metavar="PERCENT,…",
    help="Rates of the open loops, in percent of the highest that a closed loop reached. "
    "[default: 20,35,50,65,80,90,95; with --quick 20,50,80,95]",
)
@click.option(
    "--in-flight", default=1000, show_default=True, type=in_flight_range, help="At most, in open loops: more wait."
)
@click.option(
    "--seconds", type=click.FloatRange(0.1, LOAD_SECONDS_MAX), help="Of each run. [default: 15, with --quick 1]"
)
@nodes_option
@value_size_option
@load_options
@keys_option
@seed_option
@directory_option
@click.option(
    "--histogram",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    callback=_histogram_file,
    help="Write the HDR histograms: all into FILE.hlog, or one text each beside FILE.hgrm. Microseconds.",
)
@result_options
def latency(
    closed: tuple[int, ...] | None,
    rates: tuple[float, ...] | None,
    seconds: float | None,
    histogram: Path | None,
    quick: bool,
    as_json: bool,
    charts: Path | None,
    **options: Any,
) -> None:
    """Measure how long calls take at rising load.

    First in closed loops, where so many callers each wait for an answer before the next call; the fastest is the peak.
    Then in open loops at parts of the peak: calls come by a Poisson process whether or not earlier ones were answered,
    and latency counts from when a call was due. Beside it stands what a closed loop would have told of the same calls,
    which is less: it makes no call while it waits (coordinated omission). HDR histograms of all client processes are
    added up. Every put is read back afterwards, as in `raftzmq bench throughput`.

    \b
    Examples:
      raftzmq bench latency --quick
      raftzmq bench latency --charts pictures --histogram latency.hgrm
      raftzmq bench latency --closed 1000 --rates 50,95 --seconds 5 --read-share 1
    """
    plan = QUICK if quick else FULL
    plan = replace(
        plan,
        closed=closed or plan.closed,
        shares=tuple(rate / 100 for rate in rates) if rates else plan.shares,
        seconds=seconds or plan.seconds,
        base=Point(**options),
    )
    check_point(plan.base)
    with ending_in_order(), progress("runs", plan.runs) as advance:
        found = study(plan, advance)
    present(latency_result(found), as_json=as_json, charts=charts)
    if histogram is not None:
        for path in write_histograms(found.histograms(), histogram):
            note(f"written: {path}")
