"""``audit``: do recorded events, or those on standard input, keep Raft's invariants?"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.audit_view import broken_lines, verdict_lines
from raftzmq.cli.options import CONTEXT, EVENTS_DIRECTORY, json_option
from raftzmq.cli.output import EXIT_ERROR, note, printable, say, say_json
from raftzmq.cli.standard_input import standard_input
from raftzmq.errors import InvariantViolation

if TYPE_CHECKING:
    from raftzmq.collector.auditor import Auditor
    from raftzmq.collector.auditor.auditor import Told
    from raftzmq.collector.recording import Recording

STANDARD_INPUT = "-"
SCHEMA = 1
PROGRESS_EVENTS = 5_000
LINE_BYTES_MAX = 4 * 1024 * 1024
"""An event is far shorter, a checkpoint with the state of a large cluster, too."""
EXIT_BROKEN = InvariantViolation.exit_code


@click.command(context_settings=CONTEXT)
@click.argument("recording", type=click.Path(path_type=Path, allow_dash=True), required=False)
@json_option
def audit(recording: Path | None, as_json: bool) -> None:
    """Hold recorded events to Raft's invariants: one leader in a term, equal logs, commits on a majority of disks …

    RECORDING is one of the collector's files, a directory of them, or - for events on standard input, one JSON object
    a line, as 'raftzmq events --json' prints them. Without it: the directory of bin/up. The rules are those that
    'raftzmq simulate' holds its clusters to, and that the collector watches all the time.

    Events that were lost can hide anything. Where some are missing, what they could have shown is unknown from there
    until their node said where it stands: the verdict names each such part, and is never better than unknown.
    Types of events that weren't gathered are missing just so: what looks broken, but for a truncation or an installed
    snapshot that may have been among them, is unknown, too.

    \b
    Exit codes:
      0   every rule holds
      13  a rule is broken
      1   none is seen broken, but something is unknown; or the events can't be read
      2   usage

    \b
    Examples:
      raftzmq audit
      raftzmq audit .raftzmq/collector/kept/around-1234.events.jsonl.zst
      raftzmq audit .raftzmq/collector --json | jq '.rules[] | {rule, state, checks}'
      raftzmq events --follow --json | raftzmq audit -
    """
    from raftzmq.collector.auditor import Auditor

    auditor = Auditor()
    if recording is not None and str(recording) == STANDARD_INPUT:
        name, told = "standard input", _from_input(auditor)
        notes: list[str] = []
    else:
        from raftzmq.collector.recording import Recording

        opened = Recording(recording or EVENTS_DIRECTORY)
        name, told, notes = str(opened.path), _from_recording(auditor, opened), opened.notes
    with contextlib.suppress(KeyboardInterrupt):  # what came until then is judged
        for kind, fields in told:
            if kind == "violation" and not as_json:
                for line in broken_lines(fields, auditor.place):
                    say(line)
    for found in notes:
        note(f"note: {printable(found)}")
    verdict = auditor.verdict
    if as_json:
        say_json({"schema": SCHEMA, "recording": name, **verdict, "notes": notes})
    else:
        for line in verdict_lines(name, verdict):
            say(line)
    context = click.get_current_context()
    if verdict["verdict"] == "violated":
        context.exit(EXIT_BROKEN)
    if verdict["verdict"] != "holds":
        context.exit(EXIT_ERROR)


def _from_recording(auditor: Auditor, recording: Recording) -> Iterator[Told]:
    """What follows from the events of a recording, with a bar on standard error if that is a terminal."""
    with _bar(recording.event_count) as advance:
        for number, merged in enumerate(recording.events(), 1):
            yield from auditor.accept(merged.event, merged.position)
            if number % PROGRESS_EVENTS == 0:
                advance(PROGRESS_EVENTS)


def _from_input(auditor: Auditor) -> Iterator[Told]:
    """What follows from the lines of standard input. A line that is no event may have been any."""
    import orjson

    source = standard_input()
    while line := source.readline(LINE_BYTES_MAX):
        if not line.strip():
            continue
        event: Any = None
        with contextlib.suppress(orjson.JSONDecodeError):
            event = orjson.loads(line)
        if isinstance(event, dict) and isinstance(event.get("node"), str) and isinstance(event.get("type"), str):
            yield from auditor.accept(event)
        else:
            yield from auditor.miss(1, "a line on standard input is no event")


@contextlib.contextmanager
def _bar(total: int) -> Iterator[Any]:
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("events"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("events", total=total)
        yield lambda count: progress.advance(task, count)
