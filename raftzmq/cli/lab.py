"""``raftzmq lab``: lessons on real clusters, told step by step and judged by their events."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from raftzmq.cli.options import CONTEXT, HOME, F, json_option
from raftzmq.cli.output import EXIT_ERROR, note, printable, say_json
from raftzmq.config import web_address

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from raftzmq.labs.run import Run

SCHEMA = 1
LABS_DIRECTORY = HOME / "labs"
LANGUAGES = ("en", "ja")


def _usual_language() -> str:
    """That of the environment, if labs are told in it."""
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return spoken[:2] if spoken[:2] in LANGUAGES else LANGUAGES[0]


def _complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The labs whose names begin so."""
    from click.shell_completion import CompletionItem

    from raftzmq.labs.syllabus import SYLLABUS

    return [CompletionItem(name, help=it.title.en) for name, it in SYLLABUS.items() if name.startswith(incomplete)]


def language_option(command: F) -> F:
    """``--language``."""
    return click.option(
        "--language",
        type=click.Choice(LANGUAGES),
        default=_usual_language,
        show_default="that of LANG",
        help="What to tell it in: English or Japanese.",
    )(command)


def directory_option(command: F) -> F:
    """``--record``: where recordings go."""
    return click.option(
        "--record",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        default=LABS_DIRECTORY,
        metavar="DIR",
        help="Where each run leaves its recording, in a directory of its own.",
    )(command)


@click.group(context_settings=CONTEXT)
def lab() -> None:
    """Watch Raft do what it promises, and see it proven: each lab starts a cluster of real processes, does something
    to it, tells step by step what is to be seen and which rule makes it so, and judges the recorded events.

    \b
    Examples:
      raftzmq lab list
      raftzmq lab run clean-election
      raftzmq lab run --all --runtime coroutines
      raftzmq lab judge .raftzmq/labs/leader-dies-20260131-140320
    """


@lab.command("list", context_settings=CONTEXT, short_help="The labs, and how they went last.")
@directory_option
@language_option
@json_option
def list_(directory: Path, language: str, as_json: bool) -> None:
    """The labs in the order of a course: what each shows, and how its last run ended.

    \b
    Examples:
      raftzmq lab list
      raftzmq lab list --language ja
      raftzmq lab list --json | jq '.labs[] | {name, green: .last.green}'
    """
    from raftzmq.cli.lab_view import print_list
    from raftzmq.labs.runs import last_runs
    from raftzmq.labs.syllabus import SYLLABUS

    last = last_runs(directory)
    if as_json:
        rows = [{"name": name, **it.to_json(), "last": last.get(name)} for name, it in SYLLABUS.items()]
        say_json({"schema": SCHEMA, "labs": rows})
    else:
        print_list(SYLLABUS, last, language)


@lab.command(context_settings=CONTEXT, short_help="Run some, or all.")
@click.argument("names", nargs=-1, metavar="[NAME]…", shell_complete=_complete)
@click.option("--all", "everything", is_flag=True, help="All of them, one after another.")
@click.option(
    "--runtime",
    type=click.Choice(("threads", "coroutines")),
    default="threads",
    help="What runs the nodes; the lessons are the same.",
)
@click.option("--step", is_flag=True, help="Wait for the Enter key after each step: for talking over it.")
@click.option(
    "--web",
    metavar="URL",
    help="Show it live on a page there, such as http://127.0.0.1:7490, as long as it runs.",
)
@directory_option
@language_option
@json_option
def run(
    names: tuple[str, ...],
    everything: bool,
    runtime: str,
    step: bool,
    web: str | None,
    directory: Path,
    language: str,
    as_json: bool,
) -> None:
    """Run labs: real nodes on free ports, in directories of their own, all gone when it ends.

    Every event is recorded, and the recording alone is judged, not what the script did. It stays, with lab.json beside
    it: what was told when, and the verdict with the positions of the events that show it.

    \b
    Exit codes:
      0   every check of every lab holds
      1   some check does not, or a lab could not be run
      2   usage

    \b
    Examples:
      raftzmq lab run leader-dies
      raftzmq lab run leader-dies --step --web http://127.0.0.1:7490     # in front of a class
      raftzmq lab run three-of-five minority-leader --language ja
      raftzmq lab run --all --json | jq '.runs[] | {lab, green: .verdict.green}'
    """
    from raftzmq.benchmarks.program import ending_in_order
    from raftzmq.cli.lab_view import narrator, print_summary, print_verdict
    from raftzmq.labs.performance import perform
    from raftzmq.labs.registry import load
    from raftzmq.labs.registry import names as all_names
    from raftzmq.labs.runs import new_directory

    if everything == bool(names):
        raise click.UsageError("Which lab? Give names, or --all; raftzmq lab list tells them.")
    if web is not None:
        web_address(web)  # said now, before anything is made for it
    labs = [load(name) for name in (all_names() if everything else names)]
    if web is not None and not as_json:
        note(f"the page shows it while it runs: {printable(web)}")
    runs: list[Run] = []
    for chosen in labs:
        home = new_directory(directory, chosen.name)
        with ending_in_order(), narrator(chosen, language, quiet=as_json, waits=step) as narrate:
            found = perform(chosen, home, runtime=runtime, web=web or "", narrate=narrate)
        runs.append(found)
        if not as_json:
            print_verdict(found, language)
    if as_json:
        say_json({"schema": SCHEMA, "runs": [one.to_json() for one in runs]})
    elif len(runs) > 1:
        print_summary(runs, language)
    if not all(one.verdict.green for one in runs):
        click.get_current_context().exit(EXIT_ERROR)


@lab.command(context_settings=CONTEXT, short_help="Judge the recording of a run once more.")
@click.argument("run_directory", type=click.Path(path_type=Path, file_okay=False), metavar="RUN")
@language_option
@json_option
def judge(run_directory: Path, language: str, as_json: bool) -> None:
    """Judge a run again by its recording, which is all that its verdict rests on.

    RUN is a directory that a run left. Exit codes as those of lab run.

    \b
    Examples:
      raftzmq lab judge .raftzmq/labs/leader-dies-20260131-140320
    """
    from raftzmq.cli.lab_view import print_checks
    from raftzmq.collector.recording import Recording
    from raftzmq.labs.registry import load
    from raftzmq.labs.runs import read_run

    document = read_run(run_directory)
    found = load(document["lab"])
    verdict = found.verdict_of((merged.position, merged.event) for merged in Recording(run_directory).events())
    if as_json:
        say_json({"schema": SCHEMA, "lab": found.name, "verdict": verdict.to_json()})
    else:
        print_checks(found.name, verdict, language)
    if not verdict.green:
        click.get_current_context().exit(EXIT_ERROR)
