"""Numbers and names of figures as the report's readers see them, and the words that they may not know."""

from __future__ import annotations

from raftzmq.benchmarks.figures import Figure
from raftzmq.benchmarks.result import Cell

_UNITS = {
    "_mb_per_second": "MB/s",
    "_per_second": "per second",
    "_percent": "%",
    "_bytes": "bytes",
    "_mib": "MiB",
    "_kib": "KiB",
    "_mb": "MB",
    "_us": "µs",
    "_ms": "ms",
    "_s": "s",
}
_UPPER = {
    "lmdb": "LMDB",
    "zeromq": "ZeroMQ",
    "cpu": "CPU",
    "p50": "median",
    "p999": "p99.9",
    "p9999": "p99.99",
    "kib": "KiB",
    "usl": "USL",
}
NOTHING = "–"

GLOSSARY = (
    ("put, get", "One write and one linearizable read, each a call with its own result."),
    ("in flight", "Requests sent and not yet answered, over all clients. More share one sync, and each waits longer."),
    ("median, p99, p99.9", "Half, 1 % and 0.1 % of the requests took longer than this."),
    ("closed loop", "A client sends the next request when one is answered: a slow server is asked less."),
    (
        "open loop",
        "Requests are sent by the clock, and a latency counts from when its request was due: a stall shows in full.",
    ),
    ("sync", "The disk has confirmed it (fdatasync): it survives a power cut. No put is answered before."),
    ("election", "A new leader was chosen. Under load without faults there should be none."),
    (
        "Amdahl's law",
        "Speed-up of N workers = 1 / ((1 − p) + p / N), where p is the share of the work that can run in parallel.",
    ),
    (
        "universal scalability law",
        "Amdahl's with one more loss, for workers that must agree with each other: it can go down again.",
    ),
    ("error bars", "From the smallest to the largest run, unless the text below a chart says otherwise."),
)


def heading(name: str) -> tuple[str, str]:
    """A figure's name in words, and its unit, if it ends in one."""
    words, unit = name, ""
    for suffix, text in _UNITS.items():
        if name.endswith(suffix) and len(name) > len(suffix):
            words, unit = name.removesuffix(suffix), text
            break
    return " ".join(_UPPER.get(word, word) for word in words.replace("_", " ").split(" ")), unit


def number_text(number: float, digits: int = 4) -> str:
    """So many digits that count, in groups of three: nobody reads more off a measurement."""
    if isinstance(number, int) or abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.{digits}g}" if abs(number) >= 0.001 or number == 0 else f"{number:.2g}"


def cell_text(cell: Cell | bool) -> str:
    """A cell of a table, a dash where nothing was measured."""
    if cell is None:
        return NOTHING
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return cell if isinstance(cell, str) else number_text(cell)


def figure_text(figure: Figure) -> str:
    """A figure, or the samples of one."""
    return "  ".join(map(number_text, figure)) if isinstance(figure, list) else cell_text(figure)


def duration_text(seconds: float) -> str:
    """How long something took, or will."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"
