"""A chart as a part of a page: its SVG without a frame, its colours handed to the page's light and dark styles."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from raftzmq.benchmarks.charts import GRID, INK, render
from raftzmq.benchmarks.plot import COLOURS, MARK_COLOUR
from raftzmq.benchmarks.result import Chart

_VARIABLES = {
    **{colour: f"var(--c{number})" for number, colour in enumerate(COLOURS, 1) if colour != INK},
    INK: "var(--ink)",
    "#ffffff": "var(--paper)",
    GRID: "var(--grid)",
    MARK_COLOUR: "var(--mark)",
}
_COLOUR = re.compile("|".join(map(re.escape, _VARIABLES)))
_STYLE = re.compile(r'style="[^"]*"')
_FILL = re.compile(r'fill="(#[0-9a-f]{6})"')
"""An attribute: only styles may name the page's variables."""
_FONT = re.compile(r"font-family: [^;\"]*; ?")
_SHEET = re.compile(r"<defs>\s*<style.*?</style>\s*</defs>\s*", re.DOTALL)
"""It would hold for the whole page, which has the same lines in its own."""
_TARGET = re.compile(r'\bid="|url\(#|href="#')
_NAMESPACE = re.compile(r'\s+xmlns(:\w+)?="[^"]*"')
_UNSAFE = re.compile(r"[^\w-]+")


@dataclass(frozen=True, slots=True)
class Picture:
    """``id`` is that of the figure in the page."""

    id: str
    chart: Chart
    svg: Markup


def picture_of(chart: Chart, benchmark: str) -> Picture:
    """Draw a chart for the page; its ids are like no other chart's. Raises ExtraMissing."""
    name = _UNSAFE.sub("-", f"{benchmark}-{chart.name}")
    text = render(chart, "svg", framed=False).decode()
    text = text[text.index("<svg") :]
    text = _FILL.sub(r'style="fill: \1"', _SHEET.sub("", text))
    text = _STYLE.sub(_of_page, text)
    text = _TARGET.sub(lambda target: f"{target[0]}{name}-", text)
    opening, rest = text[: text.index(">") + 1], text[text.index(">") + 1 :]
    opening = _NAMESPACE.sub("", opening)
    label = escape(f"{chart.title}. {chart.note}".strip())
    # The text inside comes from matplotlib, which escapes it; what is added here is escaped too.
    return Picture(name, chart, Markup(f'<svg role="img" aria-label="{label}"' + opening.removeprefix("<svg") + rest))


def _of_page(style: re.Match[str]) -> str:
    """A style with the page's colours, and its font rather than the chart's."""
    return _COLOUR.sub(lambda colour: _VARIABLES[colour[0]], _FONT.sub("", style[0]))
