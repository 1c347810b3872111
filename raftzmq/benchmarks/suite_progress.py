"""Where the suite is and how long it still takes: a bar on a terminal, a line to each benchmark elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from raftzmq.benchmarks.display import Advance
from raftzmq.benchmarks.program import note
from raftzmq.benchmarks.suite import Entry, Outcome

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


class Pace:
    """Guesses when the suite ends, from what each benchmark usually takes and how this machine has kept to it."""

    def __init__(self, entries: Sequence[Entry], quick: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.expected = {entry.name: entry.expected_s(quick) for entry in entries}
        self.waiting = [entry.name for entry in entries]
        self._clock = clock
        self._since = clock()
        self._usual = self._taken = 0.0

    def begun(self, name: str) -> None:
        """That benchmark runs now."""
        self.waiting.remove(name)
        self._since = self._clock()

    def ended(self, name: str, *, measured: bool) -> None:
        """It has ended; how long it took tells of the others only if it did its work."""
        if measured:
            self._usual += self.expected[name]
            self._taken += self._clock() - self._since

    def left_s(self, running: str | None = None) -> float:
        """Seconds until the last one ends, with the rest of the one that runs."""
        ratio = self._taken / self._usual if self._usual else 1.0
        left = ratio * sum(self.expected[name] for name in self.waiting)
        if running is not None:
            left += max(0.0, ratio * self.expected[running] - (self._clock() - self._since))
        return left


class Reporter:
    """Tells what begins and how it ended."""

    def __init__(self, entries: Sequence[Entry], quick: bool, bar: Progress | None) -> None:
        self._total = len(entries)
        self._number = 0
        self._running: str | None = None
        self._pace = Pace(entries, quick)
        self._bar = bar
        self._began = time.monotonic()
        self._task = None if bar is None else bar.add_task("", total=None, left="")

    def begun(self, entry: Entry) -> Advance:
        """The next benchmark."""
        self._number += 1
        self._running = entry.name
        self._pace.begun(entry.name)
        self._show()
        if self._bar is None:
            expected = self._pace.expected[entry.name]
            self._say(f"{self._number}/{self._total} {entry.name}: begins, usually {rough(expected)}; {self._left()}")
        return lambda done: self._show()

    def ended(self, outcome: Outcome) -> None:
        """It is over."""
        self._pace.ended(outcome.name, measured=outcome.status == "measured")
        self._running = None
        told = f"in {outcome.seconds:.0f} s" if outcome.status == "measured" else f"({outcome.short_reason})"
        self._say(f"{self._number}/{self._total} {outcome.name}: {outcome.status} {told}")

    def _left(self) -> str:
        return f"{rough(self._pace.left_s(self._running))} left"

    def _say(self, line: str) -> None:
        if self._bar is None:
            note(line)
        else:
            self._bar.console.print(line, markup=False, highlight=False)

    def _show(self) -> None:
        """Bring the bar up to date."""
        if self._bar is None or self._task is None:
            return
        done = time.monotonic() - self._began
        left = self._pace.left_s(self._running)
        description = f"{self._number}/{self._total} {self._running}"
        self._bar.update(self._task, description=description, completed=done, total=done + left, left=self._left())


@contextmanager
def reporting(entries: Sequence[Entry], quick: bool, console: Console | None = None) -> Iterator[Reporter]:
    """A reporter for as long as the suite runs, on ``console`` or else standard error."""
    if console is None and not sys.stderr.isatty():
        yield Reporter(entries, quick, None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console or Console(stderr=True), transient=True) as bar:
        yield Reporter(entries, quick, bar)


def rough(seconds: float) -> str:
    """A duration that nobody should take by the second."""
    return f"about {max(5, round(seconds / 5) * 5)} s" if seconds < 100 else f"about {round(seconds / 60)} min"
