"""``replay``: a recording once more: its events at their pace, the state at any place, and whether it all adds up."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.event_choice import LEVELS, Choice
from raftzmq.cli.event_options import Names, Types, joined
from raftzmq.cli.event_printer import event_printer
from raftzmq.cli.options import CONTEXT, EVENTS_DIRECTORY, json_option
from raftzmq.cli.output import EXIT_ERROR, colours_wanted, note, on_terminal, printable, say, say_json
from raftzmq.cli.places import Place, PlaceParameter
from raftzmq.cli.playback import play
from raftzmq.cli.status import ANY, COLUMNS, NORMAL, WIDE, find_trouble, plain_rows, print_rows

if TYPE_CHECKING:
    from raftzmq.collector.cluster_state import ClusterState
    from raftzmq.collector.recording import Recording
    from raftzmq.collector.replaying import Check

STATE_COLUMNS = (
    *(column for column in COLUMNS if column[1] != "endpoint"),
    ("VOTE", "voted_for", False, WIDE),
    ("DISK", "stable_index", True, NORMAL),
    ("MISSING", "missing", True, ANY),
)


@click.command(context_settings=CONTEXT)
@click.argument("recording", type=click.Path(path_type=Path), required=False, envvar="RAFTZMQ_COLLECTOR_DIRECTORY")
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=1.0,
    metavar="X",
    help="1: as it was, 10: ten times as fast, 0: as fast as possible.",
)
@click.option(
    "--from", "begin", type=PlaceParameter(), metavar="PLACE", help="Begin with the first event from here on."
)
@click.option("--to", "end", type=PlaceParameter(), metavar="PLACE", help="End with the last event up to here.")
@click.option("--state", is_flag=True, help="Show no events but the cluster's state at --to, or at the end.")
@click.option("--check", is_flag=True, help="Show no events but whether they add up to every state recorded with them.")
@click.option("--page", is_flag=True, help="Show it in the browser, at --from or the beginning, until Ctrl-C.")
@click.option("--web", metavar="HOST:PORT", help="Where to serve the page. Without it: on this machine only.")
@click.option("--open", "opens", is_flag=True, help="Start a browser with the page.")
@click.option("--type", "types", type=Types(), multiple=True, callback=joined, metavar="TYPE,…", help="Only these.")
@click.option("--node", "nodes", type=Names(), multiple=True, callback=joined, metavar="NODE,…", help="Only of these.")
@click.option("--level", type=click.Choice(LEVELS), default=None, help="Only as talkative as this.")
@click.option("--grep", "text", default="", metavar="TEXT", help="Only with TEXT in them, in any case.")
@click.option("--columns", is_flag=True, help="A column for each node.")
@json_option
def replay(
    recording: Path | None,
    speed: float,
    begin: Place | None,
    end: Place | None,
    state: bool,
    check: bool,
    page: bool,
    web: str | None,
    opens: bool,
    types: frozenset[str],
    nodes: frozenset[str],
    level: str | None,
    text: str,
    columns: bool,
    as_json: bool,
) -> None:
    """Play back what the collector recorded, as it happened or faster; look at the cluster's state at any moment.

    RECORDING is one of the collector's files, or a directory of them; without it, what RAFTZMQ_COLLECTOR_DIRECTORY
    says, or the directory of bin/up. A PLACE is a position (12345), a time of day (14:03:21.5), a date and time
    (2026-01-31T14:03), a time after the beginning (+90s), or before now (5m).

    Now and then the collector records what all events so far add up to. --check adds them up again and compares: the
    recording is what the collector saw, whole and unchanged. Exit code 1 if it isn't.

    --page serves the page of a live cluster for the recording, without one: play, step, drag to any moment, bookmark
    and share it. Its address says a moment as --from does.

    \b
    Examples:
      raftzmq replay                                        # from the beginning, as it was
      raftzmq replay --from 14:03:20 --to 14:03:25 --speed 0.1 --columns
      raftzmq replay --speed 0 --level rare                 # only what is rare, at once
      raftzmq replay --state --to 14:03:21
      raftzmq replay .raftzmq/collector --check
      raftzmq replay --page --open                          # in the browser
      raftzmq replay shared.events.jsonl.zst --page --from 14:03:20
      raftzmq replay --state --to 12345 --json | jq .state_hash
    """
    if state and check:
        raise click.UsageError("--state shows one state, --check compares all of them: give one of the two")
    _check_page(page, web is not None or opens)
    from raftzmq.collector.recording import Recording

    opened = Recording(recording or EVENTS_DIRECTORY)
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is the way to end it early
        try:
            _demand_events(opened)
            first, last = _span(opened, begin, end)
            if state:
                _show_state(opened, last, as_json)
            elif check:
                _check(opened, first, last, as_json)
            elif page:
                from raftzmq.cli.replay_page import show_page

                show_page(opened, first, web, opens=opens, as_json=as_json)
            else:
                choice = Choice(types, nodes, level or "", text, pulse=as_json)
                show = event_printer(as_json=as_json, columns=columns, nodes=sorted(nodes))
                play(opened.events(since_position=first, until_position=last), speed, show, choice)
        finally:
            for found in opened.notes:
                note(f"note: {printable(found)}")


def _check_page(page: bool, placed: bool) -> None:
    """Raise UsageError for options that don't go with one another."""
    if not page:
        if placed:
            raise click.UsageError("--web and --open say where the page is: give --page too")
        return
    context = click.get_current_context()
    others = {"end": "--to", "state": "--state", "check": "--check", "types": "--type", "nodes": "--node"}
    others |= {"level": "--level", "text": "--grep", "columns": "--columns", "speed": "--speed"}
    given = [
        option
        for name, option in others.items()
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(f"--page shows all of the recording, and there is a speed on it: leave out {given[0]}")


def _demand_events(recording: Recording) -> None:
    """Raise RecordingError for a recording that has begun and holds nothing: there is no moment to show."""
    from raftzmq.collector.recording_frame import RecordingError

    if not recording.event_count:
        raise RecordingError(
            f"{recording.path} holds no event that can be read, so it tells of no moment; a collector records the "
            "first within a second of hearing a node"
        )


def _span(recording: Recording, begin: Place | None, end: Place | None) -> tuple[int, int]:
    """The first and last position that are asked for; raises BadParameter if there is nothing between them."""
    first = recording.first_position if begin is None else begin.first_in(recording)
    last = recording.last_position if end is None else end.last_in(recording)
    there = f"the recording has positions {recording.first_position:,} to {recording.last_position:,}"
    times = f"{_when(recording.first_ts)} to {_when(recording.last_ts)}"
    if begin is not None and first > recording.last_position:
        raise click.BadParameter(f"that is after the end: {there}, {times}.", param_hint="'--from'")
    if end is not None and last < recording.first_position:
        raise click.BadParameter(f"that is before the beginning: {there}, {times}.", param_hint="'--to'")
    if begin is not None and end is not None and first > last:
        raise click.BadParameter("that is before --from.", param_hint="'--to'")
    return first, min(last, recording.last_position)


def _when(ts: float) -> str:
    return datetime.fromtimestamp(ts).isoformat(" ", "milliseconds") if 0 <= ts < 1e11 else "an unknown time"


def _show_state(recording: Recording, position: int, as_json: bool) -> None:
    state = recording.state_at(position)
    document = state.to_json()
    if as_json:
        at = {"schema": 1, "position": position, "time_ms": document["time_ms"], "state_hash": state.hash()}
        say_json({**at, "state": document})
        return
    rows = [{"missing": 0, **row, **_more(document, row["node"])} for row in state.status_rows()]
    if on_terminal():
        print_rows(rows, STATE_COLUMNS)
    else:
        say(plain_rows(rows, STATE_COLUMNS))
    for line in _summary(state, document, position, rows):
        say(line)


def _more(document: dict[str, Any], name: str) -> dict[str, Any]:
    node = document["nodes"].get(name, {})
    return {field: node[field] for field in ("voted_for", "missing") if field in node}


def _summary(state: ClusterState, document: dict[str, Any], position: int, rows: list[dict[str, Any]]) -> Iterator[str]:
    """The state in a few lines: when, who leads, what was wrong."""
    yield f"position {position:,}, {_when(document['time_ms'] / 1000)}, state {state.hash()[:16]}"
    leader = document["leader"]
    leads = f"{printable(leader)} leads term {document['leader_term']}" if leader else "nobody is known to lead"
    yield f"{leads}; terms with a leader so far: {document['leader_changes']}, elections: {document['elections']}"
    trouble = find_trouble(rows)
    if trouble:
        yield _styled(f"unhealthy: {trouble.partition(':')[0]}", "yellow")
    if document["violations"]:
        yield _styled(_violations(document["violations"]), "red")
    if document["missing"]:
        yield _styled(f"{document['missing']:,} events were lost before they were recorded", "yellow")


def _violations(count: int) -> str:
    return f"{count:,} violation{'' if count == 1 else 's'} of Raft's rules: 'raftzmq audit' tells more"


def _check(recording: Recording, first: int, last: int, as_json: bool) -> None:
    from raftzmq.collector.replaying import check_recording

    total = sum(1 for position in recording.checkpoints if first <= position <= last)
    with _progress(last - first + 1) as progress:
        found = check_recording(recording, since_position=first, until_position=last, progress=progress)
    if as_json:
        say_json({"schema": 1, "agrees": found.differed == 0, "checkpoints": total, **found.to_json()})
    else:
        for line in _verdict(found, recording):
            say(line)
    if found.differed:
        click.get_current_context().exit(EXIT_ERROR)


def _verdict(found: Check, recording: Recording) -> Iterator[str]:
    for difference in found.differences:
        yield _styled(f"position {difference.position:,}: {printable(difference.what)}", "red")
    for first, last in found.holes:
        yield f"positions {first:,} to {last:,} are not in the recording: the comparison began again after them"
    compared = found.agreed + found.differed
    name = printable(str(recording.path))
    if found.differed:
        verdict = _styled(f"{found.differed:,} of {compared:,} states differ", "red")
    elif compared:
        verdict = _styled(f"all {compared:,} states agree" if compared > 1 else "the one state agrees", "green")
    else:
        verdict = "no state can be compared: it takes two checkpoints in a row, some seconds or thousands of events"
    others = f"; at {found.begun:,} more a comparison could only begin" if found.begun else ""
    yield f"{name}: {found.events:,} events, {verdict}{others}"


def _styled(text: str, colour: str) -> str:
    return click.style(text, fg=colour, bold=True) if colours_wanted() else text


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error while something takes long, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("events"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)
