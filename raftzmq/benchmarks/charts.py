"""Draws charts, all in one style: readable in black and white, by colour-blind eyes, on light and on dark paper.

The colours are those of Okabe and Ito (Color Universal Design, 2008) without the yellow, which vanishes on white.
matplotlib is imported when something is drawn; ``import raftzmq.benchmarks.charts`` alone costs nothing.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raftzmq.benchmarks.extra import need
from raftzmq.benchmarks.result import Chart
from raftzmq.errors import RaftzmqError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#222222"
GRID = "#d9d9d9"
DPI = 150


class ChartNotWritten(RaftzmqError):
    """A chart's file cannot be written."""


def draw_all(charts: Iterable[Chart], directory: Path) -> list[Path]:
    """Draw each chart into ``directory`` as NAME.png and NAME.svg; the files, in that order.

    The same chart gives the same bytes with the same matplotlib. Raises ExtraMissing, ChartNotWritten.
    """
    return [path for chart in charts for path in draw(chart, directory)]


def draw(chart: Chart, directory: Path) -> list[Path]:
    """Draw one chart: its PNG (150 dots per inch) and its SVG."""
    paths = []
    for kind in ("png", "svg"):
        data = render(chart, kind)
        path = directory / f"{chart.name}.{kind}"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise ChartNotWritten(
                f"the chart {path} cannot be written ({error.strerror}): choose another directory"
            ) from None
        paths.append(path)
    return paths


def render(chart: Chart, kind: str, *, framed: bool = True) -> bytes:
    """The picture as ``png`` or ``svg``. Without its frame (title, note, white paper) it fits into a page of text."""
    need("matplotlib", purpose="draw charts")
    import matplotlib

    from raftzmq.benchmarks.plot import STYLE, figure_of

    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # whatever the user's own settings are, the picture is the same
        settings: Any = matplotlib.rcParams
        settings.update({**STYLE, "svg.hashsalt": chart.name})
        return _saved(figure_of(chart, framed=framed), kind, framed=framed)


def _saved(figure: Figure, kind: str, *, framed: bool) -> bytes:
    buffer = io.BytesIO()
    # No date, no version of the library: the same figures draw the same file.
    metadata = {"Software": None} if kind == "png" else dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata, transparent=not framed)
    return buffer.getvalue()
