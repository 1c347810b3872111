"""One run of the suite as files: every result as JSON, and beside them what they were measured on and how they ended.

::

    DIR/run.json            the machine and its floors, and how each benchmark ended
    DIR/results/NAME.json   what benchmark NAME found, charts included
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from raftzmq.benchmarks.machine import Machine
from raftzmq.benchmarks.result import SCHEMA, Result, ResultUnreadable, to_json_bytes
from raftzmq.benchmarks.suite import NAMES, Outcome
from raftzmq.errors import RaftzmqError

RUN_FILE = "run.json"
RESULTS = "results"


class ReportNotWritten(RaftzmqError):
    """A file of the report cannot be written."""


@dataclass(slots=True)
class Run:
    """What a report tells of. ``begun`` is a local time as text; ``machine`` is None if nobody wrote down which."""

    quick: bool = False
    begun: str = ""
    seconds: float = 0.0
    machine: Machine | None = None
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def failed(self) -> list[Outcome]:
        """Benchmarks that ended in an error."""
        return [outcome for outcome in self.outcomes if outcome.status == "failed"]


def write(path: Path, data: bytes) -> None:
    """Write a file, and the directories above it. Raises ReportNotWritten."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise ReportNotWritten(f"{path} cannot be written ({error.strerror}): choose another --out") from None


def save_result(directory: Path, outcome: Outcome) -> None:
    """Keep what a benchmark found, as soon as it has. Raises ReportNotWritten."""
    if outcome.result is not None:
        write(_result_file(directory, outcome.name), outcome.result.to_saved())


def save_run(directory: Path, run: Run) -> None:
    """Keep what the results alone don't say. Raises ReportNotWritten."""
    bare = replace(run, outcomes=[replace(outcome, result=None) for outcome in run.outcomes])
    write(directory / RUN_FILE, to_json_bytes({"schema": SCHEMA, **msgspec.to_builtins(bare)}))


def load_run(directory: Path, only: Sequence[str] = NAMES) -> Run:
    """Read a run back: results by name, in the order of the suite. Raises ResultUnreadable.

    Results are enough; without ``run.json`` the report doesn't know their machine.
    """
    if (directory / RUN_FILE).exists():
        run = _read_run(directory / RUN_FILE)
    else:
        found = [name for name in NAMES if _result_file(directory, name).exists()]
        run = Run(outcomes=[Outcome(name, "measured", 0.0) for name in found])
    run.outcomes = [
        replace(outcome, result=_read_result(_result_file(directory, outcome.name)))
        if outcome.status == "measured"
        else outcome
        for outcome in run.outcomes
        if outcome.name in only
    ]
    if not run.outcomes:
        raise ResultUnreadable(f"no results in {directory / RESULTS}: make some with `raftzmq bench report --out DIR`")
    return run


def kept(directory: Path, names: Sequence[str], *, quick: bool) -> list[Outcome]:
    """What stays in the page of ``directory`` while the benchmarks of these names run again.

    Nothing, if all run, or if quick figures and full ones would stand side by side. Raises ResultUnreadable.
    """
    others = [name for name in NAMES if name not in names]
    if not others or not (directory / RUN_FILE).exists():
        return []
    if not {outcome.name for outcome in _read_run(directory / RUN_FILE).outcomes} & set(others):
        return []
    run = load_run(directory, others)
    return run.outcomes if run.quick == quick else []


def in_order(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """As the suite has them."""
    return sorted(outcomes, key=lambda outcome: NAMES.index(outcome.name))


def _result_file(directory: Path, name: str) -> Path:
    return directory / RESULTS / f"{name}.json"


def _read_result(path: Path) -> Result:
    try:
        return Result.from_json(path.read_bytes())
    except OSError as error:
        raise ResultUnreadable(f"{path} cannot be read ({error.strerror}): {_again(path)}") from None
    except ResultUnreadable as error:
        raise ResultUnreadable(f"{path}: {error}; {_again(path)}") from None


def _again(path: Path) -> str:
    """What to do about a result that is gone or spoilt: the others stay."""
    return f"`raftzmq bench report --only {path.stem} --out {path.parent.parent}` measures it again"


def _read_run(path: Path) -> Run:
    try:
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        if document.pop("schema", None) != SCHEMA:
            raise ResultUnreadable(f"{path} is of another release: measure again")
        return msgspec.convert(document, Run)
    except OSError as error:
        raise ResultUnreadable(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise ResultUnreadable(f"{path} is no run of the suite: {error}") from None
