"""``raftzmq bench report``: every benchmark in one run, and a page that shows and explains what came out."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from raftzmq.benchmarks.charts import draw_all
from raftzmq.benchmarks.extra import need
from raftzmq.benchmarks.figures import Figures
from raftzmq.benchmarks.floors import measure_floors
from raftzmq.benchmarks.machine import Machine, describe_machine
from raftzmq.benchmarks.options import check_writable, directory_option, json_option
from raftzmq.benchmarks.program import ending_in_order, note, output
from raftzmq.benchmarks.report_run import Run, in_order, kept, load_run, save_result, save_run, write
from raftzmq.benchmarks.result import Chart, to_json_bytes
from raftzmq.benchmarks.scaling_cores import cores
from raftzmq.benchmarks.suite import NAMES, SUITE, run_suite
from raftzmq.benchmarks.suite_progress import reporting
from raftzmq.benchmarks.yardstick import Mode, run_yardstick

PAGE = "report.html"
CHARTS = "charts"
OUT = Path(".raftzmq/report")
"""With everything else that raftzmq leaves in a directory."""
YARDSTICK: tuple[tuple[Mode, int, int], ...] = (
    ("relay", 1, 1_000),
    ("relay", 64, 40_000),
    ("relay", 1000, 120_000),
    ("echo", 1, 5_000),
    ("echo", 64, 60_000),
)
"""What is asked of the yardstick: mode, requests in flight, operations; a few seconds each."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure, and where it goes."""

    out: Path
    names: Sequence[str] = NAMES
    quick: bool = False
    directory: Path | None = None
    yardstick: Path | None = None


def names_of(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Of ``--only``: in the order of the suite."""
    if value is None:
        return NAMES
    asked = {name.strip() for name in value.split(",") if name.strip()}
    unknown = sorted(asked - set(NAMES))
    if unknown or not asked:
        what = f"there is no {' and no '.join(unknown)}" if unknown else "it names nothing"
        raise click.BadParameter(f"{what}: choose among {', '.join(NAMES)}")
    return tuple(name for name in NAMES if name in asked)


def measure(plan: Plan) -> Run:
    """Run the suite. What is found is saved as it comes. Raises RaftzmqError if even the floors can't be measured."""
    began = time.monotonic()
    entries = [entry for entry in SUITE if entry.name in plan.names]
    run = Run(plan.quick, datetime.now().strftime("%-d %B %Y, %H:%M"))
    run.outcomes = kept(plan.out, plan.names, quick=plan.quick)
    run.machine = machine_of(plan)
    try:
        with reporting(entries, plan.quick) as reporter:
            for outcome in run_suite(entries, quick=plan.quick, directory=plan.directory, begun=reporter.begun):
                reporter.ended(outcome)
                run.outcomes = in_order([*run.outcomes, outcome])
                run.seconds = round(time.monotonic() - began, 1)
                save_result(plan.out, outcome)
                save_run(plan.out, run)
    except (KeyboardInterrupt, SystemExit):
        if run.outcomes:
            note(f"what was measured is kept; its page: raftzmq bench report --from {plan.out}")
        raise
    return run


def machine_of(plan: Plan) -> Machine:
    """What the figures will be measured on, with its floors."""
    machine = describe_machine(plan.directory)
    busy, processors = os.getloadavg()[0], cores()
    if busy > processors:
        note(f"this machine has other work (load {busy:.1f}, {processors} cores): so will the figures")
    note("the machine's floors: about 10 s")
    floors = measure_floors(plan.directory)
    if plan.yardstick is not None:
        floors.update(yardstick_floors(plan.yardstick, plan.directory))
    return replace(machine, floors=floors)


def yardstick_floors(program: Path, directory: Path | None) -> Figures:
    """What another program says that the machine allows. Raises YardstickFailed."""
    return {
        f"yardstick_{mode}_at_{in_flight}_in_flight_per_second": round(
            run_yardstick(
                program,
                in_flight=in_flight,
                operations=operations,
                clients=1,
                value_size=256,
                directory=directory,
                mode=mode,
            )
        )
        for mode, in_flight, operations in YARDSTICK
    }


def save(run: Run, out: Path) -> None:
    """Keep all of a run, from which the page can be made again. Raises ReportNotWritten."""
    for outcome in run.outcomes:
        save_result(out, outcome)
    save_run(out, run)


def publish(run: Run, out: Path) -> Path:
    """Draw every chart and write the page. Raises ExtraMissing, ChartNotWritten, ReportNotWritten."""
    from raftzmq.benchmarks.report_page import page

    path = out / PAGE
    write(path, page(run).encode())
    for outcome in run.outcomes:
        if outcome.result is not None:
            draw_all((named_after(chart, outcome.name) for chart in outcome.result.charts), out / CHARTS)
    return path


def named_after(chart: Chart, benchmark: str) -> Chart:
    """The chart with a name that no other benchmark's chart has."""
    return chart if chart.name.startswith(benchmark) else replace(chart, name=f"{benchmark}-{chart.name}")


def summary(run: Run, path: Path) -> dict[str, Any]:
    """For ``--json``."""
    return {
        "report": str(path),
        "quick": run.quick,
        "elapsed_s": run.seconds,
        "machine": run.machine,
        "benchmarks": {
            outcome.name: {
                "status": outcome.status,
                "reason": outcome.reason,
                "elapsed_s": outcome.seconds,
                **(outcome.result.to_json() if outcome.result is not None else {}),
            }
            for outcome in run.outcomes
        },
    }


def show(run: Run, path: Path, *, as_json: bool) -> None:
    """Say on standard output how each benchmark ended, and where the page is. Raises OutputFailed."""
    with output():
        if as_json:
            print(to_json_bytes(summary(run, path)).decode())
            return
        for outcome in run.outcomes:
            said = f": {outcome.short_reason}" if outcome.reason else ""
            print(f"{outcome.name} {outcome.status}{said}")
        print(f"report {path}")


@click.command("report")
@click.option("--quick", is_flag=True, help="Fewer points, shorter runs: under 5 minutes instead of under 45.")
@click.option(
    "--only",
    "names",
    callback=names_of,
    metavar="NAME,…",
    help=f"Only these benchmarks, of {', '.join(NAMES)}; what others found before stays in the page.",
)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Measure nothing: make the page again from the results in DIR.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help=f"Where page, results and charts go. [default: {OUT}, or the DIR of --from]",
)
@directory_option
@click.option(
    "--yardstick",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="PROGRAM",
    help="A Python program that measures the machine's floors for such a store: PROGRAM relay and PROGRAM echo.",
)
@json_option("lines, with all figures")
def report(
    quick: bool,
    names: tuple[str, ...],
    source: Path | None,
    out: Path | None,
    directory: Path | None,
    yardstick: Path | None,
    as_json: bool,
) -> None:
    """Run the whole suite of benchmarks and write one page that shows and explains it.

    The page is a single HTML file that needs no network: the machine and its floors, every figure, table and chart, and
    what they mean. Beside it are the results as JSON and the charts as PNG and SVG. A benchmark that needs what is not
    installed is left out by name; one that fails is named as failed, the others go on, and the exit code is 1. The
    machine should have nothing else to do meanwhile.

    \b
    Examples:
      raftzmq bench report --quick
      raftzmq bench report --only concurrency,blocking --out lecture
      raftzmq bench report --from lecture --json
    """
    need("jinja2", "matplotlib", purpose="make a report")
    if source is not None:
        if quick or directory or yardstick:
            raise click.UsageError("--from measures nothing: leave out --quick, --directory and --yardstick")
        run, out = load_run(source, names), out or source
        if out.absolute() != source.absolute():  # with --only it is a part of what is kept there
            save(run, out)
    else:
        out = out or OUT
        check_writable(out, "--out")
        with ending_in_order():
            run = measure(Plan(out, names, quick, directory, yardstick))
    path = publish(run, out)
    show(run, path, as_json=as_json)
    if any(outcome.name in names for outcome in run.failed):
        sys.exit(1)
