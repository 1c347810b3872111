"""``raftzmq simulate``: whole clusters in virtual time, by seed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.options import CONTEXT, json_option
from raftzmq.cli.output import EXIT_ERROR, console, note, say, say_json

if TYPE_CHECKING:
    from raftzmq.simulation import Audited, Coverage, Found, Outcome, Scenario, Shrunk

DEFAULT_SEEDS = 100
DEFAULT_EVENTS = 500
SEEDS_MAX = 1_000_000
"""They are handed out before the first has run; --first-seed goes on behind them."""
WORKERS_MAX = 1024
"""More than any machine has processors; each is a process of its own."""


@click.command(context_settings=CONTEXT)
@click.option("--seeds", type=click.IntRange(1, SEEDS_MAX), default=DEFAULT_SEEDS, metavar="N", help="How many runs.")
@click.option("--first-seed", type=click.IntRange(min=0), default=1, metavar="S", help="The first run's seed.")
@click.option("--seed", type=click.IntRange(min=0), metavar="S", help="This one alone: --first-seed S --seeds 1.")
@click.option(
    "--events",
    type=click.IntRange(min=1),
    default=DEFAULT_EVENTS,
    metavar="N",
    help="Length of a run: messages, writes and faults, without ticks.",
)
@click.option(
    "--workers",
    type=click.IntRange(0, WORKERS_MAX),
    default=0,
    metavar="N",
    help="Processes that share the work; 0: as many as there are processors. The result is the same.",
)
@click.option(
    "--only",
    metavar="SCENARIO",
    default="",
    help="With --seed: what of it takes place, in the words that --shrink ends with; the rest is left out.",
)
@click.option(
    "--shrink",
    is_flag=True,
    help="Make the first failing seed short: leave out what its failure doesn't need, and tell the rest step by step.",
)
@click.option(
    "--audit",
    is_flag=True,
    help="Let the nodes make all their events, and hold those to the rules, too, as 'raftzmq audit' does.",
)
@click.option("--verbose", is_flag=True, help="Print what happens, step by step (with --json: on standard error).")
@json_option
def simulate(
    seeds: int,
    first_seed: int,
    seed: int | None,
    events: int,
    workers: int,
    only: str,
    shrink: bool,
    audit: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Run whole clusters in virtual time, and look for what must never happen.

    A seed decides everything: how many nodes, what the network and the disks are like, what clients ask for, and what
    goes wrong and when. Messages are lost, doubled, held up; nodes crash, stand still, are cut off; clocks leap, disks
    fill up, fail and lose bits. The nodes themselves are real. After every step the safety properties of Raft are
    checked, and that no acknowledged write is lost, none is executed twice and no read is stale; at the end all is
    healed, and the cluster must agree again.

    Exit code 1 if something broke; the same seed shows it again, and --shrink finds the few events that it takes.

    \b
    Examples:
      raftzmq simulate --seeds 300 --events 500
      raftzmq simulate --seed 7 --verbose | less
      raftzmq simulate --first-seed 1000 --seeds 50 --json | jq .coverage
      raftzmq simulate --seeds 300 --shrink
      raftzmq simulate --seeds 300 --audit
      raftzmq simulate --seed 7 --events 60 --only 'faults 3; requests c1.2' --verbose
    """
    if seed is not None:
        first_seed, seeds = _only(seed)
    scenario = _scenario(only, seed)
    from raftzmq.simulation import Coverage

    chosen = range(first_seed, first_seed + seeds)
    coverage = Coverage()
    total = time_us = 0
    found: list[Found] = []
    audited: list[Audited] = []
    sink = (note if as_json else say) if verbose else None
    alone = verbose or seed is not None
    replayed = _replayed(chosen, events, scenario, sink, audit)
    for outcome in replayed if alone else _run(chosen, events, workers, audit):
        coverage.merge(outcome.coverage)
        total += outcome.events
        time_us += outcome.time_us
        found += outcome.found
        if outcome.audited is not None:
            audited.append(outcome.audited)
    shrunk = _shrunk(found[0]) if found and shrink else None
    if as_json:
        violations = [violation.to_json() for violation in found]
        document = {"seeds": seeds, "events": total, "violations": violations, "coverage": coverage.counts}
        if audit:
            document["audit"] = _audit_json(audited, time_us)
        say_json(document if shrunk is None else {**document, "shrunk": shrunk.to_json()})
    else:
        _report(seeds, total, found, coverage)
        if audit:
            say(_audit_line(_audit_json(audited, time_us)))
        if shrunk is not None:
            _tell(shrunk)
    if found:
        click.get_current_context().exit(EXIT_ERROR)


def _only(seed: int) -> tuple[int, int]:
    """First seed and count of a run of one; raises UsageError if the command line says something else beside it."""
    context = click.get_current_context()
    for option in ("first_seed", "seeds"):
        if context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError("--seed is one run; leave out --first-seed and --seeds")
    return seed, 1


def _scenario(only: str, seed: int | None) -> Scenario:
    """What ``--only`` says; raises UsageError if it can't be read, or if there is no one seed that it is a part of."""
    from raftzmq.errors import InvalidRequest
    from raftzmq.simulation import parse_scenario

    if only and seed is None:
        raise click.UsageError("--only is a part of one run: say which with --seed")
    try:
        return parse_scenario(only)
    except InvalidRequest as invalid:
        raise click.UsageError(f"--only: {invalid.message}") from None


def _replayed(
    seeds: Sequence[int], events: int, scenario: Scenario, sink: Callable[[str], None] | None, audit: bool
) -> Iterator[Outcome]:
    from raftzmq.simulation import simulate as simulate_seed

    for seed in seeds:
        yield simulate_seed(seed, events, sink, scenario, audited=audit)


def _audit_json(audited: Sequence[Audited], time_us: int) -> dict[str, Any]:
    """What the audits of all runs came to: verdicts by kind, and counts. The time is virtual."""
    return {
        "verdicts": dict(Counter(one.verdict for one in audited)),
        "virtual_s": round(time_us / 1_000_000, 3),
        "events": sum(one.events for one in audited),
        "checks": sum(one.checks for one in audited),
        "skipped": sum(one.skipped for one in audited),
    }


def _audit_line(document: dict[str, Any]) -> str:
    verdicts = ", ".join(f"{count:,} × {verdict}" for verdict, count in document["verdicts"].items())
    return (
        f"audit: {verdicts}; {document['checks']:,} checks on {document['events']:,} events of "
        f"{document['virtual_s']:,.0f} s of virtual time"
    )


def _shrunk(found: Found) -> Shrunk:
    from raftzmq.simulation import shrink

    note(f"shrinking seed {found.seed}: {found.name}")
    return shrink(found, note if sys.stderr.isatty() else None)


def _tell(shrunk: Shrunk) -> None:
    """The shortest run that breaks the same property, step by step."""
    from raftzmq.simulation import length

    found = shrunk.found
    say("")
    say(f"seed {found.seed} made short: {length(shrunk.original)} events → {length(found)}, in {shrunk.runs} runs")
    for line in shrunk.story:
        say(line)
    say(f"  broken: {found.name}")
    say(f"  seen:   {found.explanation}")
    say(f"  again:  {found.replay}")


def _run(seeds: Sequence[int], events: int, workers: int, audit: bool) -> Iterator[Outcome]:
    """The outcomes, with a bar on standard error if that is a terminal."""
    from raftzmq.simulation import run_seeds

    outcomes = run_seeds(seeds, events, workers, audited=audit)
    if not sys.stderr.isatty():
        yield from outcomes
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("seeds"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(outcomes, total=len(seeds))


def _report(seeds: int, events: int, found: Sequence[Found], coverage: Coverage) -> None:
    from rich.table import Table

    from raftzmq.verify import PROPERTIES

    for violation in found:
        at = f"{violation.time_us / 1000:.3f} ms"
        say(f"seed {violation.seed}, step {violation.step}, at {at}, {', '.join(violation.nodes)}: {violation.name}")
        say(f"  broken: {PROPERTIES[violation.name]}")
        say(f"  seen:   {violation.explanation}")
        say(f"  again:  {violation.replay}")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(justify="right")
        table.add_column()
    cells = [cell for name, count in coverage.counts.items() for cell in (f"{count:,}", name.replace("_", " "))]
    for start in range(0, len(cells), 4):
        table.add_row(*cells[start : start + 4])
    console().print(table)
    verdict = f"{len(found)} violations" if len(found) > 1 else "1 violation" if found else "no violation"
    say(f"{seeds:,} {'seed' if seeds == 1 else 'seeds'}, {events:,} events: {verdict}")
