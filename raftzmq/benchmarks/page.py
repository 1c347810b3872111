"""``raftzmq bench page``: how fast the page draws, what it takes of a core, and how soon a long recording is open."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from raftzmq.benchmarks.bars import Bar, end_by
from raftzmq.benchmarks.display import progress
from raftzmq.benchmarks.extra import need
from raftzmq.benchmarks.figures import Figures, median, percentile
from raftzmq.benchmarks.options import (
    SECONDS_MAX,
    directory_option,
    json_option,
    seed_option,
)
from raftzmq.benchmarks.presenting import present
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.result import Cell, Result, Table

if TYPE_CHECKING:
    from raftzmq.benchmarks.page_run import Measured, Plan

FRAMES_MIN = 30.0
MAIN_MAX = 0.6
OPEN_S_MAX = 5.0
STEP_MS_MAX = 100.0
KEPT_UP = 0.95
"""Of the rate that was asked for: a page that falls behind would look cheap."""
QUESTION = "Does the page keep up with a busy cluster, and is a long recording at hand at once?"


def result_of(plan: Plan, found: Measured) -> tuple[Result, list[Bar]]:
    """Tables, figures, and the bars that they are held to."""
    steps = sorted([*found.far_ms, *found.near_ms])
    bars = [
        Bar("opening the recording", found.opening_s, OPEN_S_MAX, "s"),
        Bar("a step of scrubbing, the slowest", steps[-1], STEP_MS_MAX, "ms"),
        *(Bar(f"{one.panel}: frames a second", one.frames, FRAMES_MIN, "", at_least=True) for one in found.played),
        *(Bar(f"{one.panel}: main thread, of a core", one.main, MAIN_MAX, "") for one in found.played),
        *(
            Bar(f"{one.panel}: events a second", one.events, KEPT_UP * plan.rate, "", at_least=True)
            for one in found.played
        ),
        Bar("errors on the page's console", len(found.errors), 0, ""),
    ]
    rows = [[bar.what, round(bar.figure, 3), bar.bound, bar.unit, "held" if bar.met else "missed"] for bar in bars]
    columns = ("panel in front", "frames/s", "events/s", "main thread", "script", "layout", "style", "heap MB")
    played: list[list[Cell]] = [
        [
            one.panel,
            round(one.frames, 1),
            round(one.events),
            *(round(share, 3) for share in (one.main, one.script, one.layout, one.style)),
            round(one.heap_mb, 1),
        ]
        for one in found.played
    ]
    figures: Figures = {
        "events": plan.events,
        "open_s": round(found.opening_s, 3),
        "step_far_median_ms": round(median(found.far_ms), 1),
        "step_far_max_ms": round(max(found.far_ms), 1),
        "step_near_median_ms": round(median(found.near_ms), 1),
        "step_near_max_ms": round(max(found.near_ms), 1),
        "step_p99_ms": round(percentile(steps, 99.0), 1),
        "frames_per_second_min": round(min(one.frames for one in found.played), 1),
        "main_thread_max": round(max(one.main for one in found.played), 3),
        "errors": len(found.errors),
        "bars_missed": sum(not bar.met for bar in bars),
    }
    settings: Figures = {"rate_per_second": plan.rate, "seconds": plan.seconds, "cpus": os.cpu_count() or 1}
    tables = [
        Table("Bars", ("bar", "measured", "bound", "unit", "verdict"), rows),
        Table(f"Played at {plan.rate:,} events a second, shares of a core", columns, played),
    ]
    return Result("page", QUESTION, settings, figures, tables, [], found.errors[:5]), bars


@click.command("page")
@click.option("--events", default=1_000_000, show_default=True, type=click.IntRange(10_000), help="Of the recording.")
@click.option("--rate", default=5_000, show_default=True, type=click.IntRange(100), help="Events a second, played.")
@click.option(
    "--seconds", default=5.0, show_default=True, type=click.FloatRange(0.5, SECONDS_MAX), help="Played with each panel."
)
@click.option("--steps", default=50, show_default=True, type=click.IntRange(1), help="Far ones; and as many near ones.")
@click.option("--panel", "panels", multiple=True, help="Only with this panel in front; again for more. [default: all]")
@seed_option
@directory_option
@json_option("tables")
def page(as_json: bool, **options: Any) -> None:
    """Open a long recording in headless Chromium, scrub in it, and play it as fast as a busy cluster speaks.

    No cluster runs: the recording is made for this and served as 'raftzmq replay --page' does. Frames are counted by
    requestAnimationFrame; the main thread's share is its processor time as Chromium counts it. A step of scrubbing
    ends when its moment is drawn: far ones go anywhere, near ones a little further on.

    Exit code 1 if a bar is missed: 30 frames a second and 60 % of a core with each panel in front, 5 s to open,
    100 ms for a step, no error on the console. Needs Chromium.

    \b
    Examples:
      raftzmq bench page
      raftzmq bench page --events 100000 --panel grid --json
    """
    need("aiohttp", "prometheus_client", purpose="serve and look at the page", extra="collector")
    from raftzmq.benchmarks.page_run import Plan, measure_page

    plan = Plan(**{**options, "panels": tuple(options["panels"])})
    with ending_in_order(), progress("events recorded", plan.events) as advance:
        result, bars = result_of(plan, measure_page(plan, advance))
    present(result, as_json=as_json, charts=None)
    end_by(bars)
