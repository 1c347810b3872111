"""``bench/throughput.py``: puts and gets per second and their latency, of real processes on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from math import ceil
from pathlib import Path
from typing import Any

import click

from raftzmq.benchmarks.comparison import compare
from raftzmq.benchmarks.display import Advance, progress, show
from raftzmq.benchmarks.extra import need
from raftzmq.benchmarks.options import (
    KEYS_MAX,
    LOAD_SECONDS_MAX,
    directory_option,
    in_flight_range,
    keys_option,
    load_options,
    nodes_option,
    operations_range,
    seed_option,
    value_size_option,
    was_given,
)
from raftzmq.benchmarks.point import Point, measure_point
from raftzmq.benchmarks.presenting import present, result_options
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.result import Result
from raftzmq.benchmarks.sweep import FULL, OPERATIONS_PER_SECOND_MAX, QUICK, Sweep
from raftzmq.benchmarks.sweep_result import sweep_result

__all__ = ["FULL", "KEYS_MAX", "QUICK", "Options", "measure", "throughput"]

Options = Point
OPERATIONS = 20_000
LOADED_BYTES_MAX = 4_000_000_000
"""Of keys that are put before gets are measured: minutes of patience, and three nodes' disks."""


def measure(sweep: Sweep, advance: Advance) -> Result:
    """One factor at a time; tells how many runs are done. Raises as `measure_point` does."""
    return sweep_result(sweep, sweep.run(advance))


@click.command("throughput")
@nodes_option
@click.option("--in-flight", default=64, show_default=True, type=in_flight_range, help="Calls in flight, in all.")
@click.option(
    "--operations",
    type=operations_range,
    help=f"Calls, in all. [default: {OPERATIONS:,}, or as many as are done in --seconds]",
)
@click.option("--seconds", type=click.FloatRange(0, LOAD_SECONDS_MAX, min_open=True), help="End after so long.")
@value_size_option
@load_options
@keys_option
@seed_option
@directory_option
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="PROGRAM",
    help="A Python program to alternate with, started as PROGRAM relay --in-flight N …; for gets, as PROGRAM echo ….",
)
@click.option("--pairs", default=5, show_default=True, type=click.IntRange(1), help="With --against: runs of each.")
@click.option(
    "--sweep", is_flag=True, help="One factor at a time, around these options; also with --quick or --charts."
)
@result_options
def throughput(
    against: Path | None,
    pairs: int,
    sweep: bool,
    quick: bool,
    as_json: bool,
    charts: Path | None,
    operations: int | None,
    **options: Any,
) -> None:
    """Measure puts and gets per second of a cluster of real processes on this machine.

    The cluster is started for it, on free ports, with the default timers and every commit synced. The shipped clients
    put 8-byte keys and incompressible values from processes of their own, one call and one future per put; with
    --read-share a part of the calls are linearizable gets of keys that were all put before. Every get must return what
    was put there, and nothing older than it has to; afterwards every acknowledged put is read back, and all nodes must
    hold the same. Otherwise there are no figures and the exit code is 1.

    \b
    Examples:
      raftzmq bench throughput --in-flight 1000 --operations 200000
      raftzmq bench throughput --in-flight 64 --operations 50000 --clients 2 --json
      raftzmq bench throughput --in-flight 1000 --read-share 1 --client sync
      raftzmq bench throughput --sweep --charts pictures
      raftzmq bench throughput --quick
    """
    if operations is None:
        seconds = options["seconds"]
        operations = OPERATIONS if seconds is None else ceil(seconds * OPERATIONS_PER_SECOND_MAX)
    chosen = Point(operations=operations, **options)
    check_point(chosen)
    if against is None and was_given("pairs"):
        raise click.UsageError("--pairs are runs beside another program: name it with --against")
    if against is not None and 0 < chosen.read_share < 1:
        raise click.UsageError("--against compares puts (--read-share 0) or gets (--read-share 1), not a mixture")
    if against is not None and options["seconds"] is not None:
        raise click.UsageError("both sides of --against make as many calls: use --operations instead of --seconds")
    if sweep or quick or charts:
        if against is not None:
            raise click.UsageError("--against compares one point: leave out --sweep, --quick and --charts")
        if was_given("operations"):
            raise click.UsageError("the runs of a sweep end by the clock: use --seconds instead of --operations")
        given = [each.name for each in fields(Point) if was_given(each.name)]
        plan = around(QUICK if quick else FULL, chosen, given)
        with ending_in_order(), progress("runs", plan.runs) as advance:
            result = measure(plan, advance)
        present(result, as_json=as_json, charts=charts)
        return
    with ending_in_order():
        if against is None:
            with progress("calls answered", chosen.operations) as advance:
                figures = measure_point(chosen, advance).figures()
        else:
            with progress(f"runs, alternating with {against.name}", 2 * pairs) as advance:
                figures = compare(chosen, against, pairs, advance)
    show(f"{chosen.nodes} nodes, {chosen.in_flight} calls in flight", figures, as_json=as_json)


def around(plan: Sweep, point: Point, given: Iterable[str]) -> Sweep:
    """The same sweep around another base point: what was not ``given`` of it stays the sweep's own."""
    changed = {name: getattr(point, name) for name in given}
    return replace(plan, base=replace(plan.base, **changed), seconds=point.seconds or plan.seconds)


def check_point(point: Point) -> None:
    """Raise UsageError for a point that cannot be measured, or that no machine here would survive."""
    if point.clients > min(point.in_flight, point.operations):
        raise click.UsageError("every client process needs a call to make: raise --in-flight or --operations")
    if point.uvloop and point.runtime == "threads":
        raise click.UsageError("--uvloop is an event loop for --runtime coroutines or coroutines-blocking")
    if point.uvloop:
        need("uvloop", purpose="run the nodes on it")
    loaded = point.keys * point.value_size
    if point.read_share > 0 and loaded > LOADED_BYTES_MAX:
        raise click.UsageError(
            f"gets need every key to be put before, here {loaded / 1e9:.1f} GB (more than {LOADED_BYTES_MAX / 1e9:g}): "
            "lower --keys or --value-size"
        )
