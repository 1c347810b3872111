"""How a measurement looks: progress and a table on a terminal, plain lines in a pipe, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from raftzmq.benchmarks.figures import Figures
from raftzmq.benchmarks.program import output
from raftzmq.benchmarks.result import to_json_bytes

Advance = Callable[[int], None]
"""Takes how much is done, in all."""


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """A bar on standard error while something runs, if that is a terminal; otherwise silence."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def show(title: str, figures: Figures, *, as_json: bool) -> None:
    """Print the figures on standard output. Raises OutputFailed."""
    with output():
        _show(title, figures, as_json)


def _show(title: str, figures: Figures, as_json: bool) -> None:
    if as_json:
        print(to_json_bytes(figures).decode())
        return
    if not sys.stdout.isatty():
        for name, value in figures.items():
            print(name, *(value if isinstance(value, list) else [value]))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=False)
    # On a narrow terminal names break: their end is the unit.
    table.add_column(style="bold", overflow="fold")
    table.add_column(justify="right", overflow="fold")
    for name, value in figures.items():
        table.add_row(name, _text(value))
    Console().print(table)


def _text(value: object) -> str:
    """As people read it: digits in groups of three, lists with spaces."""
    if isinstance(value, list):
        return " ".join(map(_text, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
