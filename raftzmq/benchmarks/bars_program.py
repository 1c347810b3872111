"""``bench/bars.py``: is raftzmq as fast as it means to be, on this machine, now?"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import click

from raftzmq.benchmarks.bars import Bar, end_by
from raftzmq.benchmarks.display import progress
from raftzmq.benchmarks.figures import Figures
from raftzmq.benchmarks.options import directory_option, refuse_unused
from raftzmq.benchmarks.presenting import present, result_options
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.result import Cell, Chart, Result, Series, Table
from raftzmq.benchmarks.targets import TARGETS, Outcome, Setting, Target

QUICK_PAIRS = 1
QUICK_PART = 0.1


def verdict(bar: Bar) -> str:
    """Held, or by how far it was missed, as a part of what was asked for."""
    if bar.met:
        return "held"
    return f"missed by {abs(bar.figure - bar.bound) / bar.bound:.1%}" if bar.bound else f"missed by {bar.figure:g}"


def bars_result(setting: Setting, found: Sequence[tuple[Target, Outcome]], left_out: Sequence[str]) -> Result:
    """A line for each bar, and every sample."""
    outcomes = [outcome for _, outcome in found]
    bars = [bar for outcome in outcomes for bar in outcome.bars]
    missed = [bar for bar in bars if not bar.met]
    settings: Figures = {"pairs": setting.pairs, "part": setting.part}
    settings |= {"cpus": os.cpu_count() or 1, "python": platform.python_version()}
    figures: Figures = {"bars": len(bars), "bars_held": len(bars) - len(missed), "bars_missed": len(missed)}
    result = Result("bars", "Is it as fast as it means to be?", settings, figures)
    rows: list[list[Cell]] = []
    for bar in bars:
        bound = f"at {'least' if bar.at_least else 'most'} {bar.bound:g}"
        rows.append([bar.what, round(bar.figure, 3), bound, bar.unit, verdict(bar)])
    result.tables = [Table("Bars", ["bar", "measured", "bound", "unit", "verdict"], rows)]
    result.tables += [outcome.samples for outcome in outcomes]
    result.charts = chart_of(found)
    result.findings = [f"Missed: {bar}." for bar in missed]
    if left_out:
        result.findings.append(f"Not measured: {', '.join(left_out)}.")
    return result


def chart_of(found: Sequence[tuple[Target, Outcome]]) -> list[Chart]:
    """What was reached beside what was asked for, of the bars that are ratios; none if there are none."""
    ratios = [(target.name, bar) for target, outcome in found for bar in outcome.bars if not bar.unit]
    if not ratios:
        return []
    names = [name for name, _ in ratios]
    series = [
        Series("measured", names, [bar.figure for _, bar in ratios]),
        Series("asked for, at least", names, [bar.bound for _, bar in ratios]),
    ]
    title = "What is reached, and what was asked for"
    note = "puts: of the relay floor; gets: of the echo floor; the others: of what raftzmq itself does otherwise."
    return [Chart("bars_ratios", title, "measurement", "ratio of medians", series, "bars", note=note)]


def _unused(targets: Sequence[Target]) -> list[str]:
    """Options that these measurements alone have no use for."""
    names = ["long"]  # they were named, long or not
    if not any(target.needs_program for target in targets):
        names.append("against")
    if not any(target.in_pairs for target in targets):
        names.append("pairs")
    return names


def chosen_targets(only: Sequence[str], *, long: bool, against: Path | None) -> tuple[list[Target], list[str]]:
    """What is to be measured, and the names of what is left out and why. Raises UsageError."""
    wanted = [target for target in TARGETS if target.name in only or (not only and (long or not target.is_long))]
    lacking = [target for target in wanted if target.needs_program and against is None]
    if lacking and only:
        raise click.UsageError(f"{lacking[0].name} is a comparison: name the other program with --against")
    if lacking == wanted:
        raise click.UsageError("nothing to measure")
    left_out = [f"{target.name} (needs --against)" for target in lacking]
    left_out += [f"{target.name} (needs --long)" for target in TARGETS if target not in wanted and not only]
    return [target for target in wanted if target not in lacking], left_out


@click.command(
    "bars",
    epilog="\b\nMeasurements:\n"
    + "\n".join(f"  {target.name:<13} {target.title}{' (--long)' if target.is_long else ''}" for target in TARGETS),
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="PROGRAM",
    help="A Python program to alternate with, as in `raftzmq bench throughput`; without it, comparisons are left out.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([target.name for target in TARGETS]),
    metavar="NAME",
    help="Only this measurement of those below, long or not; again for more.",
)
@click.option("--long", is_flag=True, help="Also those that take ten minutes each.")
@click.option("--pairs", type=click.IntRange(1), help="Runs of each side, alternating. [default: 5, with --quick 1]")
@directory_option
@result_options
def bars(
    against: Path | None,
    only: tuple[str, ...],
    long: bool,
    pairs: int | None,
    directory: Path | None,
    quick: bool,
    as_json: bool,
    charts: Path | None,
) -> None:
    """Measure every bar that raftzmq sets itself for speed, and say which are held.

    Comparisons alternate run by run with the other program, or with another point of our own, and are ratios of
    medians; every sample is printed. Each run has a fresh cluster and clients in processes of their own, and all that
    was acknowledged is read back. Elections count only in runs in which the whole machine did not stall (for 100 ms).

    Exit code 1 if a bar is missed. With --quick the runs are too short to decide anything.

    \b
    Examples:
      raftzmq bench bars --against floor.py
      raftzmq bench bars --against floor.py --only puts-64 --only gets-1
      raftzmq bench bars --only no-election
    """
    setting = Setting(against, pairs or (QUICK_PAIRS if quick else 5), QUICK_PART if quick else 1.0, directory)
    targets, left_out = chosen_targets(only, long=long, against=against)
    refuse_unused(" ".join(f"--only {name}" for name in only), _unused(targets) if only else ())
    found: list[tuple[Target, Outcome]] = []
    with ending_in_order():
        for target in targets:
            with progress(target.title, target.runs(setting)) as advance:
                found.append((target, target.decide(setting, advance)))
    present(bars_result(setting, found, left_out), as_json=as_json, charts=charts)
    end_by(bar for _, outcome in found for bar in outcome.bars)
