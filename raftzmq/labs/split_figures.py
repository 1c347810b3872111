"""What the timeout spread does to elections, in figures, a histogram for the terminal and one for a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from raftzmq.benchmarks.result import Chart, Series
from raftzmq.labs.chapters import chapters
from raftzmq.labs.history import History
from raftzmq.labs.leader_search import LeaderSearch, drawn_timeouts, leader_searches

TERMS_MAX = 5
"""From here on terms are counted together."""
BAR = "█"
_TRIM = 4
"""One in so many of the shortest and of the longest timers is left out: a busy machine wakes some of them late."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The searches for a leader with one range of the election timeout; ``low_ms`` to ``high_ms`` is what was seen.

    That is the middle half of the timers that ran out.
    """

    searches: Sequence[LeaderSearch]
    low_ms: float
    high_ms: float

    @property
    def width_ms(self) -> float:
        """How far the timers that ran out lay apart."""
        return self.high_ms - self.low_ms

    @property
    def label(self) -> str:
        """For tables and legends."""
        return f"{self.low_ms:.0f}-{self.high_ms:.0f} ms"

    @property
    def mean_terms(self) -> float:
        """Terms per search."""
        return fmean(search.terms for search in self.searches)

    @property
    def mean_ms(self) -> float:
        """Milliseconds without a leader per search; of one that was given up, up to there."""
        return fmean(search.ms for search in self.searches)

    @property
    def split(self) -> int:
        """Searches in which a vote was split: somebody asked for votes in a term that nobody won."""
        return sum(bool(search.split_terms) for search in self.searches)

    @property
    def counts(self) -> list[int]:
        """How many searches took 1, 2, … terms, then `TERMS_MAX` and more; the last is for those that were given up."""
        found = [0] * (TERMS_MAX + 1)
        for search in self.searches:
            found[min(search.terms, TERMS_MAX) - 1 if search.winner else TERMS_MAX] += 1
        return found


def spreads_of(history: History) -> list[Spread]:
    """One for each time that the nodes were started, in order; those without a search or a timer are left out."""
    found = []
    for chapter in chapters(history):
        searches, drawn = leader_searches(chapter), sorted(drawn_timeouts(chapter))
        if searches and drawn:
            cut = len(drawn) // _TRIM
            kept = drawn[cut : len(drawn) - cut]
            found.append(Spread(searches, kept[0], kept[-1]))
    return found


def term_names() -> list[str]:
    """The bars' names: 1, 2, …, 5+, none."""
    return [*(str(number) for number in range(1, TERMS_MAX)), f"{TERMS_MAX}+", "none"]


def histogram(spreads: Sequence[Spread]) -> Iterator[str]:
    """Lines for a terminal: for each spread a bar for each number of terms, and how long there was no leader."""
    for spread in spreads:
        times = sorted(search.ms for search in spread.searches)
        yield (
            f"{spread.label:<11} {len(times):>2} x  {spread.split:>2} split  {spread.mean_terms:4.1f} terms  "
            f"{median(times):5.0f} ms ({times[0]:.0f}-{times[-1]:.0f})"
        )
        for name, count in zip(term_names(), spread.counts, strict=True):
            yield f"  {name:>4} | {BAR * count}{f' {count}' if count else ''}".rstrip()


def chart(spreads: Sequence[Spread]) -> Chart:
    """Shares of the searches by the number of terms, a series for each spread."""
    return Chart(
        "split-votes",
        "Terms until there is a leader, over the spread of the election timeout",
        "terms that were begun until somebody won; none: nobody until the old leader was let back",
        "searches for a leader (%)",
        [
            Series(
                spread.label, term_names(), [round(100 * count / len(spread.searches), 1) for count in spread.counts]
            )
            for spread in spreads
        ],
        kind="bars",
        note="Timers that were seen to run out, in a cluster of three that loses its leader. Where they run out "
        "together, both others vote for themselves, and nobody wins the term (Raft §5.2, §9.3).",
    )


def draw(history: History, directory: Path) -> Sequence[Path]:
    """The picture, as PNG and SVG; none without the library that draws, or without anything to draw."""
    from raftzmq.benchmarks.charts import draw_all
    from raftzmq.benchmarks.extra import ExtraMissing

    spreads = spreads_of(history)
    try:
        return draw_all([chart(spreads)], directory) if spreads else ()
    except ExtraMissing:
        return ()
