"""``raftzmq bench events``: what the event stream costs those who speak, and how much the collector takes."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import click

from raftzmq.benchmarks.bars import Bar, end_by
from raftzmq.benchmarks.collector_rate import CollectorRun, collect
from raftzmq.benchmarks.collector_words import (
    collector_bars,
    collector_charts,
    collector_figures,
    collector_findings,
    collector_tables,
)
from raftzmq.benchmarks.display import Advance, progress
from raftzmq.benchmarks.event_costs import SITUATIONS, Costs, Setting, Situation, measure_costs
from raftzmq.benchmarks.event_words import cost_bars, cost_charts, cost_figures, cost_findings, cost_tables
from raftzmq.benchmarks.figures import Figures
from raftzmq.benchmarks.options import (
    LOAD_SECONDS_MAX,
    SECONDS_MAX,
    directory_option,
    in_flight_range,
    keys_option,
    nodes_option,
    operations_range,
    refuse_of_other_parts,
    refuse_unused,
    seed_option,
    value_size_option,
)
from raftzmq.benchmarks.presenting import present, result_options
from raftzmq.benchmarks.program import ending_in_order
from raftzmq.benchmarks.result import Result, Table

Part = Literal["cost", "collector"]
PARTS: tuple[Part, ...] = ("cost", "collector")
NEEDED: dict[str, tuple[Part, ...]] = {
    **dict.fromkeys(("situations", "in_flight", "pairs", "seconds", "rest_s", "warm_up", "runtime"), ("cost",)),
    **dict.fromkeys(("keys", "value_size", "seed"), ("cost",)),
    **dict.fromkeys(("rates", "for_s"), ("collector",)),
}
"""The parts that have use for an option."""
WITHOUT_REST: frozenset[Situation] = frozenset({"nobody", "everything"})
"""Who listens without anybody having left or stopped before."""
QUESTION = "What does the event stream cost a node, and how much of it can one collector take?"


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured. ``rates`` are events per second that all nodes together send a collector, for ``for_s`` each.

    See `raftzmq.benchmarks.event_costs.Setting` for the others.
    """

    parts: tuple[Part, ...] = PARTS
    situations: tuple[Situation, ...] = SITUATIONS
    in_flight: tuple[int, ...] = (1, 64, 1000)
    pairs: int = 12
    seconds: float = 1.0
    rest_s: float = 18.0
    warm_up: int = 150_000
    rates: tuple[int, ...] = (5_000, 20_000)
    for_s: float = 10.0
    nodes: int = 3
    runtime: str = "threads"
    value_size: int = 256
    keys: int = 10_000
    seed: int = 1
    directory: Path | None = None

    @property
    def setting(self) -> Setting:
        """How costs are measured."""
        return Setting(
            self.situations,
            self.pairs,
            self.seconds,
            self.rest_s,
            self.warm_up,
            self.nodes,
            self.runtime,
            self.value_size,
            self.keys,
            self.seed,
            self.directory,
        )

    @property
    def steps(self) -> int:
        """How many pairs and rates are measured."""
        pairs = self.setting.steps * len(self.in_flight) if "cost" in self.parts else 0
        return pairs + (len(self.rates) if "collector" in self.parts else 0)


QUICK = Options(in_flight=(64,), pairs=4, seconds=0.7, warm_up=20_000, rates=(20_000,), for_s=3.0)
FULL = Options()


def measure(options: Options, advance: Advance) -> Result:
    """Both parts; ``advance`` is told how many pairs and rates are done. Raises what `measure_all` raises."""
    result, _ = measure_all(options, advance)
    return result


def measure_all(options: Options, advance: Advance) -> tuple[Result, list[Bar]]:
    """Both parts, and the bars that they are held to.

    Raises what `raftzmq.benchmarks.event_costs.measure_costs` and `raftzmq.benchmarks.collector_rate.collect` raise.
    """
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        advance(done)

    costs = _measured_costs(options, step)
    runs = _measured_rates(options, step)
    settings: Figures = {
        "nodes": options.nodes,
        "runtime": options.runtime,
        "pairs": options.pairs,
        "stretch_s": options.seconds,
        "value_size_bytes": options.value_size,
        "cpus": os.cpu_count() or 1,
        "python": platform.python_version(),
    }
    bars = [*cost_bars(costs), *collector_bars(runs)]
    rows = [[bar.what, round(bar.figure, 3), bar.bound, bar.unit, "held" if bar.met else "missed"] for bar in bars]
    figures = {**cost_figures(costs), **collector_figures(runs), "bars_missed": sum(not bar.met for bar in bars)}
    result = Result(
        "events",
        QUESTION,
        settings,
        figures,
        [
            Table("Bars", ("bar", "measured", "bound", "unit", "verdict"), rows),
            *cost_tables(costs),
            *collector_tables(runs),
        ],
        [*cost_charts(costs), *collector_charts(runs)],
        [*cost_findings(costs), *collector_findings(runs)],
    )
    return result, bars


def _measured_costs(options: Options, step: Callable[[], None]) -> Costs:
    """Every load, each on a cluster of its own."""
    costs = Costs()
    if "cost" in options.parts:
        for in_flight in options.in_flight:
            measure_costs(options.setting, in_flight, costs, step)
    return costs


def _measured_rates(options: Options, step: Callable[[], None]) -> list[CollectorRun]:
    """Every rate, each with a collector of its own."""
    runs = []
    for rate in options.rates if "collector" in options.parts else ():
        runs.append(collect(rate, options.for_s, options.nodes, options.directory))
        step()
    return runs


@click.command("events")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part; again for more.")
@click.option(
    "--subscriber",
    "situations",
    multiple=True,
    type=click.Choice(SITUATIONS),
    help="Only with this one: none, the collector's usual topics, all topics, one that stands still, one that left.",
)
@click.option("--in-flight", multiple=True, type=in_flight_range, help="Puts under way. [default: 1, 64, 1000]")
@click.option("--pairs", type=click.IntRange(1), help="With and without events, alternating. [default: 12]")
@click.option("--seconds", type=click.FloatRange(0.1, LOAD_SECONDS_MAX), help="Of each half of a pair. [default: 1]")
@click.option(
    "--rest-s",
    type=click.FloatRange(0, SECONDS_MAX),
    help="After a subscriber left or stopped, before anything counts: events are made for it a while. [default: 18]",
)
@click.option("--warm-up", type=operations_range, help="Puts before anything counts. [default: 150000]")
@click.option(
    "--rate", "rates", multiple=True, type=click.IntRange(100, 1_000_000), help="Events per second to a collector."
)
@click.option(
    "--for-s", type=click.FloatRange(0.1, SECONDS_MAX), help="How long a collector is told events. [default: 10]"
)
@click.option("--runtime", type=click.Choice(["threads", "coroutines", "coroutines-blocking"]), help="Of the nodes.")
@nodes_option
@keys_option
@value_size_option
@seed_option
@directory_option
@result_options
def events(quick: bool, as_json: bool, charts: Path | None, **given: Any) -> None:
    """Measure what events cost a leader, and how many a collector takes on one core.

    The first part compares a leader under load with itself, again and again, a moment apart: making events, and with
    that replaced by a function that does nothing. The second runs a real collector on one core and tells it the events
    of a busy cluster at a given rate; it must pass all of them on, in order, and record them.

    Every pair is shown; the ratios are medians over pairs. Exit code 1 if a bar is missed; with --quick the stretches
    are too short to decide anything, and it is not.

    \b
    Examples:
      raftzmq bench events --quick
      raftzmq bench events --part cost --subscriber usual --in-flight 64 --pairs 20
      raftzmq bench events --part collector --rate 10000 --rate 20000 --rate 40000
    """
    options = replace(
        QUICK if quick else FULL, **{name: value for name, value in given.items() if value not in (None, ())}
    )
    refuse_of_other_parts(options.parts, NEEDED)
    if set(options.situations) <= WITHOUT_REST:
        refuse_unused(" ".join(f"--subscriber {situation}" for situation in options.situations), ["rest_s"])
    with ending_in_order(), progress("events", options.steps) as advance:
        result, bars = measure_all(options, advance)
    present(result, as_json=as_json, charts=charts)
    if not quick:
        end_by(bars)
