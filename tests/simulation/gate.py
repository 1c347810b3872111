"""The gate of planted bugs: each must break a property by name, and the same seeds must run clean without it.

``python -m tests.simulation.gate`` prints the table. Where each bug was found last stands in ``found.txt``, so that
the search begins there; ``--rewrite`` searches from seed 1 and writes that file anew.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import click

from raftzmq.cli.output import console, say, say_json
from raftzmq.simulation import Found, length, simulate
from raftzmq.simulation.runner import processors
from raftzmq.verify import PROPERTIES
from tests.scenarios.harness import SECOND, Lab
from tests.simulation.mutant import SEEDS
from tests.simulation.mutants import MUTANTS

FOUND = Path(__file__).with_name("found.txt")
HEADER = "# Where each planted bug was found last (seed 0: by its scenario). To search anew from seed 1:\n"
COMMAND = "python -m tests.simulation.gate --rewrite"
CLEAN = "clean"
TABLE_WIDTH = 104
"""A row of the longest names, on one line in a pipe, too."""


@dataclass(frozen=True, slots=True)
class Catch:
    """``bug`` was found by ``name`` in the run of ``seed`` after ``events`` events; seed 0 is its scenario.

    ``name`` is empty if nothing found it. ``passed``: what else was seen, by earlier seeds. ``twin`` is `CLEAN`, or
    what the unmutated runs of all those seeds broke.
    """

    bug: str
    seed: int
    events: int
    name: str
    passed: tuple[str, ...] = ()
    twin: str = CLEAN

    @property
    def counts(self) -> bool:
        """Was it found by one of the properties that are meant to, and only because it was planted?"""
        return self.name in MUTANTS[self.bug].properties and self.twin == CLEAN


def remembered() -> dict[str, int]:
    """The seed at which each bug was found last."""
    lines = [line.split(None, 3) for line in FOUND.read_text().splitlines() if line and not line.startswith("#")]
    return {bug: int(seed) for seed, _, _, bug in lines}


def search(bug: str, first: int | None) -> Catch:
    """Look for ``bug``, first in the run of seed ``first`` (0: in its scenario), then from seed 1 on."""
    mutant = MUTANTS[bug]
    seeds = [*([first] if first else []), *range(1, SEEDS + 1)]
    if first == 0:
        seeds = []
    tried: list[int] = []
    passed: list[str] = []
    with mutant.planted():
        for seed in dict.fromkeys(seeds):
            tried.append(seed)
            found = simulate(seed, mutant.events).found[:1]
            if found and found[0].name in mutant.properties:
                return Catch(bug, seed, length(found[0]), found[0].name, tuple(passed))
            passed += [one.name for one in found]
        if mutant.scenario is not None:
            lab = play(mutant.scenario)
            if lab.violations.found:
                return Catch(bug, 0, lab.events, lab.violations.found[0].name, tuple(passed))
    if first == 0:
        return search(bug, None)
    return Catch(bug, 0, 0, "", tuple(passed))


def play(scenario: Callable[[], Lab]) -> Lab:
    """A scenario, and what comes of it in ten seconds, or until a property breaks."""
    lab = scenario()
    end = lab.schedule.now_us + 10 * SECOND
    while not lab.violations.found and lab.schedule.now_us < end and lab.schedule.step():
        pass
    return lab


@cache
def unharmed(seed: int, events: int) -> tuple[Found, ...]:
    """What the run of ``seed`` breaks with nothing planted."""
    return simulate(seed, events).found


def with_twin(bug: str, first: int | None) -> Catch:
    """`search`, then the same runs without the bug."""
    catch = search(bug, first)
    mutant = MUTANTS[bug]
    twins = range(1, catch.seed + 1) if first is None else (catch.seed,) if catch.seed else ()
    broken = [found.name for seed in twins for found in unharmed(seed, mutant.events)]
    if not catch.seed and mutant.scenario is not None:
        broken += [violation.name for violation in play(mutant.scenario).violations.found]
    return Catch(catch.bug, catch.seed, catch.events, catch.name, catch.passed, broken[0] if broken else CLEAN)


def gate(firsts: dict[str, int], workers: int) -> Iterator[Catch]:
    """Look for every bug, each from its seed of ``firsts`` on; the catches come in the order of the bugs."""
    if workers == 1:
        yield from (with_twin(bug, firsts.get(bug)) for bug in MUTANTS)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(partial(with_twin, bug, firsts.get(bug))) for bug in MUTANTS]
        for catch in waiting:
            yield catch.result()


def text(catches: Sequence[Catch]) -> str:
    """The content of ``found.txt``."""
    rows = [f"{catch.seed:>4} {catch.events:>6}  {catch.name:<22} {catch.bug}" for catch in catches]
    return f"{HEADER}#   {COMMAND}\n" + "\n".join(rows) + "\n"


def show(catches: Sequence[Catch]) -> None:
    """The table for people."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("planted bug", "found by", "seed", "events", "without it"):
        table.add_column(name, justify="right" if name in ("seed", "events") else "left")
    for catch in catches:
        seed = str(catch.seed) if catch.seed else "scenario"
        name = catch.name if catch.counts else f"NOT FOUND {catch.name}"
        table.add_row(catch.bug, name, seed if catch.name else "", f"{catch.events:,}", catch.twin)
    screen = console()
    if not screen.is_terminal:
        screen.width = TABLE_WIDTH
    screen.print(table)


@click.command()
@click.option("--rewrite", is_flag=True, help="Search from seed 1 on, and write found.txt anew.")
@click.option("--workers", type=click.IntRange(min=0), default=0, metavar="N", help="Processes; 0: one per processor.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rewrite: bool, workers: int, as_json: bool) -> None:
    """Plant every known bug, one after the other, and show which property of the simulator finds it, at which seed.

    A bug counts as found if one of the properties that are meant to breaks within 300 seeds, or in its scenario; a
    node that ends with an exception is no catch. The same seeds must run clean without the bug. The search begins at
    the seed that found it last (tests/simulation/found.txt). Exit code 1 if a bug was not found.

    \b
    Examples:
      python -m tests.simulation.gate
      python -m tests.simulation.gate --rewrite
      python -m tests.simulation.gate --json | jq '.[] | select(.found | not)'
    """
    catches = list(gate({} if rewrite else remembered(), workers or processors()))
    if as_json:
        rows = [
            {
                "bug": catch.bug,
                "found": catch.counts,
                "property": catch.name,
                "means": PROPERTIES.get(catch.name, ""),
                "seed": catch.seed or None,
                "events": catch.events,
                "without": catch.twin,
            }
            for catch in catches
        ]
        say_json(rows)
    else:
        show(catches)
    missed = [catch.bug for catch in catches if not catch.counts]
    if rewrite and not missed:
        FOUND.write_text(text(catches))
    if missed:
        click.get_current_context().exit(1)
    if not as_json:
        say(f"{len(catches)} planted bugs, all found by name")


if __name__ == "__main__":
    main()
