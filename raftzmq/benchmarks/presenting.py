"""How a benchmark's result reaches its reader: tables on a terminal, plain lines in a pipe, JSON, and chart files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from raftzmq.benchmarks.display import show
from raftzmq.benchmarks.extra import need
from raftzmq.benchmarks.options import check_writable, json_option
from raftzmq.benchmarks.program import note, output
from raftzmq.benchmarks.result import Cell, Result, Table, to_json_bytes

if TYPE_CHECKING:
    from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])


def result_options(command: F) -> F:
    """``--quick`` (quick), ``--json`` (as_json) and ``--charts`` (charts), as every benchmark with a result has."""
    options = [
        click.option("--quick", is_flag=True, help="Fewer points and shorter runs: a first impression."),
        json_option("tables"),
        click.option(
            "--charts",
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            callback=_drawable,
            help="Draw every chart into this directory, as PNG and SVG. Needs the extra 'bench'.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _drawable(_: click.Context, __: click.Parameter, charts: Path | None) -> Path | None:
    """Nobody should learn after minutes of measuring that there is nothing to draw with, or no place for it."""
    if charts is not None:
        need("matplotlib", purpose="draw charts")
        check_writable(charts, "--charts")
    return charts


def present(result: Result, *, as_json: bool, charts: Path | None) -> None:
    """Print a result on standard output, and draw its charts into the directory ``charts``, which is made if need be.

    Raises ExtraMissing if charts are asked for without the library that draws them, ChartNotWritten if they cannot
    be written; the result is printed before that. Raises OutputFailed if that isn't possible.
    """
    with output():
        if as_json:
            print(to_json_bytes(result.to_json()).decode())
        elif sys.stdout.isatty():
            _on_terminal(result)
        else:
            _in_pipe(result)
    if charts is not None and result.charts:
        from raftzmq.benchmarks.charts import draw_all

        for path in draw_all(result.charts, charts):
            note(f"drawn: {path}")


def _in_pipe(result: Result) -> None:
    """Figures as ``name value`` lines, tables with tabs between cells, findings as they are; headings begin with #."""
    show(result.question, result.figures, as_json=False)
    for table in result.tables:
        print(f"# {table.title}")
        print(*table.columns, sep="\t")
        for row in table.rows:
            print(*("-" if cell is None else cell for cell in row), sep="\t")
    if result.findings:
        print("# what it means")
        print(*result.findings, sep="\n")


def _on_terminal(result: Result) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(result.question, style="bold"))
    for table in result.tables:
        console.print()
        _print_table(console, table)
    if result.figures:
        console.print()
        show("figures", result.figures, as_json=False)
    if result.findings:
        console.print()
        console.print(Text("What it means", style="bold"))
    for finding in result.findings:
        console.print(Text(f"• {finding}"))


def _print_table(console: Console, table: Table) -> None:
    """A table; row by row, a line to each cell, where the terminal is too narrow for it."""
    from rich.measure import Measurement
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(title=Text(table.title), title_justify="left")
    for index, column in enumerate(table.columns):
        is_text = any(isinstance(row[index], str) for row in table.rows)
        grid.add_column(Text(spoken(column)), justify="left" if is_text else "right", overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text(cell_text(cell)) for cell in row))
    if Measurement.get(console, console.options.update(max_width=10_000), grid).minimum <= console.width:
        console.print(grid)
        return
    console.print(Text(table.title, style="italic"))
    for row in table.rows:
        console.print()
        for column, cell in zip(table.columns, row, strict=True):
            console.print(Text(f"  {spoken(column)}: {cell_text(cell)}"))


def spoken(name: str) -> str:
    """A column's or figure's name as people read it: words, so that narrow columns can break between them."""
    return name.replace("_", " ")


def cell_text(cell: Cell) -> str:
    """A cell for people: digits in groups of three, a dash where nothing was measured."""
    if cell is None:
        return "–"
    if isinstance(cell, (bool, str)):
        return str(cell)
    if isinstance(cell, int) or abs(cell) >= 10_000:
        return f"{cell:,.0f}"
    return f"{cell:,}"
