"""Latencies as HDR histograms: microseconds, three significant digits, from 1 µs to a minute, whatever their number.

The percentiles of several processes are not the mean of theirs: their histograms are added, and then asked.
`hdrh` is imported when the first one is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from raftzmq.benchmarks.extra import need
from raftzmq.benchmarks.figures import Figures
from raftzmq.errors import RaftzmqError

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram

HIGHEST_US = 60_000_000
DIGITS = 3
QUANTILES: Mapping[str, float] = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9, "p9999": 99.99}
_TICKS = 5
"""Points of a curve in each halving of what is left to 100 %."""


class HistogramNotWritten(RaftzmqError):
    """A histogram's file cannot be written."""


class LatencyHistogram:
    """How often each latency occurred."""

    def __init__(self, seconds: Iterable[float] = ()) -> None:
        need("hdrh", purpose="count latencies")
        from hdrh.histogram import HdrHistogram

        self._counts: HdrHistogram = HdrHistogram(1, HIGHEST_US, DIGITS)
        microseconds = Counter(min(max(round(latency * 1e6), 1), HIGHEST_US) for latency in seconds)
        for value, count in microseconds.items():
            self._counts.record_value(value, count)

    @classmethod
    def merged(cls, parts: Iterable[Iterable[float]]) -> LatencyHistogram:
        """Of several processes, each with its latencies in seconds."""
        whole = cls()
        for part in parts:
            whole._counts.add(cls(part)._counts)
        return whole

    @property
    def count(self) -> int:
        """How many latencies there are."""
        return int(self._counts.get_total_count())

    def percentile_ms(self, percent: float) -> float:
        """What ``percent`` of the latencies don't exceed; 0.0 if there are none."""
        return round(self._counts.get_value_at_percentile(percent) / 1000, 3) if self.count else 0.0

    @property
    def max_ms(self) -> float:
        """The longest."""
        return round(self._counts.get_max_value() / 1000, 3) if self.count else 0.0

    def figures(self, prefix: str = "latency") -> Figures:
        """``latency_p50_ms`` and its like, and the longest."""
        figures: Figures = {f"{prefix}_{name}_ms": self.percentile_ms(percent) for name, percent in QUANTILES.items()}
        return figures | {f"{prefix}_max_ms": self.max_ms}

    def curve(self) -> tuple[list[float], list[float]]:
        """Points of the percentile curve: 1 / (1 - quantile), and the latency in milliseconds.

        It ends where a single latency is left above: beyond, nothing was measured.
        """
        xs: list[float] = []
        ys: list[float] = []
        for step in self._counts.get_percentile_iterator(_TICKS):
            rest = 1 - step.percentile_level_iterated_to / 100
            if rest <= 0 or 1 / rest >= self.count:
                break
            xs.append(1 / rest)
            ys.append(round(step.value_iterated_to / 1000, 3))
        if self.count:
            xs.append(float(self.count))
            ys.append(self.max_ms)
        return xs, ys

    def write_percentiles(self, path: Path) -> None:
        """As text that HdrHistogram's plotter reads (.hgrm), in microseconds. Raises HistogramNotWritten."""
        try:
            with path.open("wb") as file:
                self._counts.output_percentile_distribution(file, 1, _TICKS)
        except OSError as error:
            raise _not_written(path, error) from None

    def encoded(self) -> str:
        """HdrHistogram's own compressed form, in base 64."""
        return str(self._counts.encode().decode("ascii"))


def write_histograms(histograms: Mapping[str, LatencyHistogram], path: Path) -> list[Path]:
    """Write all histograms, by name: into one log with a tag for each (``….hlog``), or a .hgrm file for each.

    The latter have the names NAME-HISTOGRAM.hgrm, for a path of NAME.hgrm. The files. Raises HistogramNotWritten.
    """
    if path.suffix == ".hlog":
        lines = [
            "#[Histogram log format version 1.2]",
            '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
        ]
        lines += [f"Tag={name},0.000,0.000,{each.max_ms:.3f},{each.encoded()}" for name, each in histograms.items()]
        try:
            path.write_text("\n".join(lines) + "\n")
        except OSError as error:
            raise _not_written(path, error) from None
        return [path]
    paths = []
    for name, each in histograms.items():
        paths.append(path.with_name(f"{path.stem}-{name}.hgrm"))
        each.write_percentiles(paths[-1])
    return paths


def _not_written(path: Path, error: OSError) -> HistogramNotWritten:
    return HistogramNotWritten(f"the histogram {path} cannot be written ({error.strerror}): choose another file")
