"""All benchmarks one after another: how each may end, and how long the rest takes."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

from raftzmq.benchmarks.display import Advance
from raftzmq.benchmarks.extra import need
from raftzmq.benchmarks.result import Result
from raftzmq.benchmarks.suite import NAMES, SUITE, Entry, Outcome, placed, run_suite
from raftzmq.benchmarks.suite_progress import Pace, reporting, rough
from raftzmq.errors import RaftzmqError

QUICK_MAX_S, FULL_MAX_S = 300.0, 2700.0


@dataclass(frozen=True)
class Options:
    """Of the benchmarks in this file."""

    runs: int
    directory: Path | None = None


Measure = Callable[[Options, Advance], Any]


def found(options: Options, advance: Advance) -> Result:
    """A benchmark that finds what it was told."""
    advance(1)
    return Result("demo", "?", {}, {"runs": options.runs, "directory": str(options.directory)})


def missing(options: Options, advance: Advance) -> Result:
    """A benchmark whose library is not there."""
    need("no_such_library", purpose="fly")
    return found(options, advance)


def not_imported(options: Options, advance: Advance) -> Result:
    """A benchmark that notices too late."""
    import_module("no_such_library")
    return found(options, advance)


def broken(options: Options, advance: Advance) -> Result:
    """A benchmark whose cluster failed."""
    raise RaftzmqError("the node n2 ended by itself")


def wrong(options: Options, advance: Advance) -> Result:
    """A benchmark with a bug."""
    raise ZeroDivisionError("of what?")


def unsaved(options: Options, advance: Advance) -> Result:
    """A benchmark whose result is none that can be kept."""
    return Result("demo", "?", {}, {"bad": object()})  # type: ignore[dict-item]


def run(
    monkeypatch: pytest.MonkeyPatch, *measures: Measure, quick: bool = True, at: Path | None = None
) -> list[Outcome]:
    """Run benchmarks that are these functions."""
    entries = []
    for measure in measures:
        module: Any = ModuleType(f"raftzmq.benchmarks.{measure.__name__}")
        module.measure, module.QUICK, module.FULL = measure, Options(1), Options(100)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        entries.append(Entry(measure.__name__, "Title", "Why?", 1, 2))
    with reporting(entries, quick) as reporter:
        outcomes = []
        for outcome in run_suite(entries, quick=quick, directory=at, begun=reporter.begun):
            reporter.ended(outcome)
            outcomes.append(outcome)
    return outcomes


def test_a_benchmark_that_cannot_run_or_fails_leaves_the_others_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = run(monkeypatch, missing, not_imported, broken, wrong, unsaved, found)
    assert [outcome.status for outcome in outcomes] == [
        "left out",
        "left out",
        "failed",
        "failed",
        "failed",
        "measured",
    ]
    assert "no_such_library is not installed, and needed to fly" in outcomes[0].reason
    assert "no_such_library" in outcomes[1].reason
    assert outcomes[2].reason == "the node n2 ended by itself"
    assert outcomes[3].reason == "ZeroDivisionError: of what?"
    assert outcomes[5].result is not None
    said = capsys.readouterr().err
    assert "3/6 broken: failed (the node n2 ended by itself)" in said
    assert "in wrong" in said, "a bug is told with its traceback"
    assert "in broken" not in said, "a failure isn't"


@pytest.mark.parametrize(("quick", "runs"), [(True, 1), (False, 100)])
def test_the_options_are_the_module_s_own(
    monkeypatch: pytest.MonkeyPatch, quick: bool, runs: int, tmp_path: Path
) -> None:
    (outcome,) = run(monkeypatch, found, quick=quick, at=tmp_path)
    assert outcome.result is not None
    assert outcome.result.figures == {"runs": runs, "directory": str(tmp_path)}


def test_a_directory_goes_only_where_there_is_room_for_it(tmp_path: Path) -> None:
    assert placed(Options(1), tmp_path) == Options(1, tmp_path)
    assert placed(Options(1), None) == Options(1)
    assert placed(("no", "dataclass"), tmp_path) == ("no", "dataclass")


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_of_the_suite_keeps_the_contract(name: str) -> None:
    module = import_module(f"raftzmq.benchmarks.{name}")
    assert len(signature(module.measure).parameters) == 2
    assert type(module.QUICK) is type(module.FULL)
    assert module.QUICK != module.FULL


def test_the_suite_ends_in_time() -> None:
    assert sum(entry.quick_s for entry in SUITE) < QUICK_MAX_S
    assert sum(entry.full_s for entry in SUITE) < FULL_MAX_S


def test_the_time_left_follows_the_pace_of_this_machine() -> None:
    now = 0.0
    entries = [Entry(name, "Title", "Why?", 10, 100) for name in "abc"]
    pace = Pace(entries, quick=True, clock=lambda: now)
    assert pace.left_s() == 30
    pace.begun("a")
    now = 4.0
    assert pace.left_s("a") == 26
    now = 20.0
    assert pace.left_s("a") == 20, "what takes longer than usual does not take time from the others"
    pace.ended("a", measured=True)
    assert pace.left_s() == 40, "twice as slow as usual"
    pace.begun("b")
    pace.ended("b", measured=False)
    assert pace.left_s() == 20, "a failure says nothing about the pace"


def test_a_terminal_gets_a_bar_with_the_time_left_and_a_line_to_each_end() -> None:
    screen = io.StringIO()
    entries = [Entry("a", "Title", "Why?", 10, 100), Entry("b", "Title", "Why?", 20, 200)]
    with reporting(entries, quick=True, console=Console(file=screen, force_terminal=True, width=100)) as reporter:
        reporter.begun(entries[0])(1)
        reporter.ended(Outcome("a", "failed", 3.0, "it [fell]:\nall of it"))
        reporter.begun(entries[1])
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    assert "1/2 a: failed (it [fell])" in text
    assert "2/2 b" in text
    assert "about 20 s left" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "about 5 s"), (47, "about 45 s"), (99, "about 100 s"), (125, "about 2 min")]
)
def test_guesses_are_said_as_guesses(seconds: float, text: str) -> None:
    assert rough(seconds) == text
