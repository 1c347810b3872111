"""``raftzmq verify``: are recorded histories linearizable?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.options import CONTEXT, json_option
from raftzmq.cli.output import EXIT_ERROR, colours_wanted, note, on_terminal, printable, report, say, say_json

if TYPE_CHECKING:
    from raftzmq.verify.history import History
    from raftzmq.verify.linearizability import Verdict

FORMATS = ("auto", "raftzmq", "jepsen", "porcupine-kv")
TIMEOUT_S = 60.0
SCHEMA = 1


@click.command(context_settings=CONTEXT)
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    envvar="RAFTZMQ_VERIFY_FORMAT",
    default="auto",
    help="What the files are: recorded by our clients, Jepsen's register, Porcupine's key-value store.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=TIMEOUT_S,
    metavar="SECONDS",
    help="How long to search one file. Running out is a failure: undecided.",
)
@click.option(
    "--empty",
    is_flag=True,
    help="The store held nothing when the recording began; otherwise the first reads tell what it held.",
)
@json_option
def verify(files: tuple[Path, ...], format_: str, timeout: float, empty: bool, as_json: bool) -> None:
    """Tell whether histories are linearizable: does every result fit one order that agrees with real time?

    A history is a file that says who called what when, and what came back. Clients write one with
    Client(record=PATH); several may write to one file, and files of one machine may be joined. For a history that is
    not linearizable, the smallest part of it is shown that has no possible order, whatever the rest of it did.

    Operations that definitely failed are left out; those of unknown outcome may have taken effect at any later time,
    or never. A line that a crash cut off is passed over, and told, where it is the last one or a client begins after
    it; any other that can't be read is an error. Exit code 1 if a file is not linearizable, is undecided within the
    timeout, or can't be read.

    \b
    Examples:
      raftzmq verify history.jsonl
      raftzmq verify --empty recorded/*.jsonl
      raftzmq verify etcd_000.log --json | jq '.files[].window'
    """
    rows = []
    for path in files:
        with _busy(f"searching {path}"):
            row, lines = _examine(path, None if format_ == "auto" else format_, timeout, empty, as_json)
        rows.append(row)
        if not as_json:
            for line in lines:
                say(line)
    if as_json:
        say_json({"schema": SCHEMA, "files": rows})
    elif len(rows) > 1:
        good = sum(row["linearizable"] for row in rows)
        say(f"{good} of {len(rows)} files are linearizable")
    if not all(row["linearizable"] for row in rows):
        click.get_current_context().exit(EXIT_ERROR)


def _examine(
    path: Path, format_: str | None, timeout: float, empty: bool, as_json: bool
) -> tuple[dict[str, Any], list[str]]:
    """A file's row for programs, and its lines for people. A file that can't be read is one that proves nothing."""
    from raftzmq.verify.formats import read_history
    from raftzmq.verify.history import HistoryError
    from raftzmq.verify.linearizability import check

    try:
        history = read_history(path, format_, empty=empty)
    except HistoryError as error:
        report(error, as_json=as_json)
        row = {"file": str(path), "format": format_, "linearizable": False, "decided": False, "error": str(error)}
        return row, []
    for line in history.torn:
        note(f"note: {printable(f'{path}:{line}')}: this line is cut off, as a crash leaves it, and was passed over")
    verdict = check(history, timeout)
    return _row(history, verdict), _lines(history, verdict)


def _row(history: History, verdict: Verdict) -> dict[str, Any]:
    from raftzmq.events.maker import text_or_b64

    return {
        "file": history.file,
        "format": history.format,
        "linearizable": verdict.linearizable,
        "decided": verdict.decided,
        "operations": verdict.operations,
        "keys": verdict.keys,
        "unknown": sum(not operation.known for operation in history.operations),
        "failed": history.failed,
        "unread": history.unread,
        "torn": list(history.torn),
        "seconds": round(verdict.seconds, 6),
        "steps": verdict.steps,
        "reason": verdict.reason or None,
        "key": text_or_b64(verdict.key) if isinstance(verdict.key, bytes) else verdict.key,
        "window": None if verdict.window is None else verdict.window.to_json(),
    }


def _lines(history: History, verdict: Verdict) -> list[str]:
    keys = "1 object" if verdict.keys == 1 else f"{verdict.keys} objects"
    figures = f"{verdict.operations:,} operations on {keys}, {verdict.seconds:.3f} s"
    if verdict.linearizable:
        return [f"{printable(history.file)}: {_styled('linearizable', 'green')} ({figures})"]
    lines = [f"{printable(history.file)}: {_styled(printable(verdict.reason), 'red')} ({figures})"]
    if not verdict.decided:
        lines.append("  a longer --timeout may decide it; a shorter recording or one with fewer unknown outcomes, too")
    if verdict.window is not None:
        *picture, reason = verdict.window.lines(timed=history.timed)
        lines += [f"  {printable(line)}" for line in picture]
        lines.append(f"  {printable(reason)}")
        others = verdict.window.others
        if others:
            lines.append(f"  whatever the {others:,} other operations did: none of them can have had this effect")
    return lines


def _styled(text: str, colour: str) -> str:
    return click.style(text, fg=colour, bold=True) if colours_wanted() else text


@contextmanager
def _busy(what: str) -> Iterator[None]:
    """A line on the terminal's standard error while something takes long."""
    if not sys.stderr.isatty() or not on_terminal():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(printable(what)):
        yield
