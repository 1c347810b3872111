"""A run of the suite as one HTML page that needs nothing else: text, tables and charts from `report.html.j2`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from raftzmq.benchmarks.figures import Figure, Figures, median
from raftzmq.benchmarks.report_answers import answer_of
from raftzmq.benchmarks.report_chart import Picture, picture_of
from raftzmq.benchmarks.report_run import Run
from raftzmq.benchmarks.report_words import GLOSSARY, cell_text, duration_text, figure_text, heading
from raftzmq.benchmarks.result import Cell, Result, Table
from raftzmq.benchmarks.suite import SUITE, Status

TEMPLATES = files("raftzmq.benchmarks") / "templates"
ROWS_SHOWN = 16
"""Longer tables are folded."""
HIGHLIGHTS_MAX = 8
MEDIAN, P99 = "_p50_ms", "_p99_ms"
TITLE = "A replicated store in Python: how fast, and why"


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of the summary."""

    name: str
    question: str
    status: Status
    text: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """One benchmark's part of the page."""

    name: str
    title: str
    seconds: float
    result: Result
    highlights: Sequence[tuple[str, Figure]]
    pictures: Sequence[Picture]


def page(run: Run) -> str:
    """The HTML. Every text of a result is escaped. Raises ExtraMissing."""
    environment = Environment(
        loader=FunctionLoader(template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(cell=cell_text, figure=figure_text, duration=duration_text)
    environment.tests["text_column"] = is_text_column
    return environment.get_template("report.html.j2").render(
        title=TITLE,
        run=run,
        scope=scope(run),
        css=Markup(template("report.css")),
        answers=answers(run),
        chapters=chapters(run),
        absent=[outcome for outcome in run.outcomes if outcome.status != "measured"],
        floor_table=floor_table,
        other_floors=other_floors,
        glossary=GLOSSARY,
        heading=heading,
        rows_shown=ROWS_SHOWN,
    )


def template(name: str) -> str:
    """The text of a file that is installed with this module."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def scope(run: Run) -> str:
    """What was run where, in a line."""
    kind = "Quick run: fewer points, shorter, less sure" if run.quick else "Full run"
    parts = [kind]
    if run.machine is not None:
        facts = run.machine.facts
        told = (facts.get("processor"), f"{facts['cores']} cores" if "cores" in facts else None, facts.get("memory"))
        parts += [", ".join(text for text in told if text)]
        parts += [run.machine.versions.get("Python", "")]
    seconds = sum(outcome.seconds for outcome in run.outcomes)
    if seconds:
        parts.append(f"{duration_text(seconds)} of measuring")
    return " · ".join(part for part in parts if part)


def answers(run: Run) -> list[Answer]:
    """The questions of the suite, each with what its benchmark found; or why there is no answer."""
    asked = {entry.name: entry.asks for entry in SUITE}
    found = []
    for outcome in run.outcomes:
        if outcome.result is not None:
            text = answer_of(outcome.result)
        else:
            text = f"Not measured: {outcome.short_reason}"
        found.append(Answer(outcome.name, asked[outcome.name], outcome.status, text))
    return found


def chapters(run: Run) -> list[Chapter]:
    """A chapter for each benchmark that has a result."""
    titles = {entry.name: entry.title for entry in SUITE}
    return [
        Chapter(
            outcome.name,
            titles[outcome.name],
            outcome.seconds,
            outcome.result,
            highlights(outcome.result.figures),
            [picture_of(chart, outcome.name) for chart in outcome.result.charts],
        )
        for outcome in run.outcomes
        if outcome.result is not None
    ]


def floor_table(floors: Figures) -> Table:
    """The floors that are durations: a row each, with what half and 99 of 100 take."""
    names = [name.removesuffix(MEDIAN) for name in floors if name.endswith(MEDIAN)]
    rows = [[_floor(name), *(_cell(floors.get(f"{name}{suffix}")) for suffix in (MEDIAN, P99))] for name in names]
    return Table("Floors", ["what", "p50_ms", "p99_ms"], rows)


def other_floors(floors: Figures) -> Figures:
    """Those that are no durations of that kind."""
    return {name: value for name, value in floors.items() if not name.endswith((MEDIAN, P99))}


def _floor(name: str) -> str:
    return heading(f"{name}{MEDIAN}")[0].removesuffix(" median")


def _cell(figure: Figure | None) -> Cell:
    return None if isinstance(figure, list) else figure


def highlights(figures: Figures) -> list[tuple[str, Figure]]:
    """The first figures, of samples their median: a result names its answers first. Two may be ends of an interval."""
    numbers: list[tuple[str, Figure]] = [
        (name, median(value) if isinstance(value, list) else value)
        for name, value in figures.items()
        if not isinstance(value, str) and not (isinstance(value, list) and len(value) in (0, 2))
    ]
    return numbers[:HIGHLIGHTS_MAX]


def is_text_column(index: int, table: Table) -> bool:
    """Does this column hold words, which stand on the left?"""
    return any(isinstance(row[index], str) for row in table.rows)
