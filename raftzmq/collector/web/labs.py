"""``/v1/labs``: what labs there are, and how each went when it ran last: what was told, what was judged, where to look.

Whatever lies in the directory of runs is somebody's file: a run is shown only if its document is what runs write.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from raftzmq.collector.web.pages import json_response
from raftzmq.collector.web.recording_shelf import Shelf
from raftzmq.collector.web.routes import Routes
from raftzmq.labs.runs import FILE, all_runs
from raftzmq.labs.syllabus import SYLLABUS

PATH = "/v1/labs"
LIST_MAX = 200
"""Steps, checks, exhibits and lines that are told of one run."""


class _Words(msgspec.Struct):
    en: str
    ja: str


class _Step(msgspec.Struct):
    number: int
    ms: int
    position: int
    what: _Words
    watch: _Words
    rule: _Words


class _Check(msgspec.Struct):
    sentence: _Words
    held: bool
    evidence: list[int]
    seen: _Words | None = None


class _Exhibit(msgspec.Struct):
    title: _Words
    lines: list[str]


class _Verdict(msgspec.Struct):
    green: bool
    checks: list[_Check]
    exhibits: list[_Exhibit] = []


class _Run(msgspec.Struct):
    """The fields of ``lab.json`` that are told on."""

    lab: str
    runtime: str
    began_ms: int
    seconds: float
    events: int
    steps: list[_Step]
    verdict: _Verdict
    note: str = ""


def add_lab_routes(routes: Routes, shelf: Shelf, directory: Path | None) -> None:
    """Add the path. ``directory`` is where the collector records, if it does: runs lie beside it."""
    routes.read(PATH, _Labs(shelf, directory).answer)


class _Labs:
    def __init__(self, shelf: Shelf, directory: Path | None) -> None:
        self._shelf = shelf
        self._directory = directory

    async def answer(self, _: web.BaseRequest) -> web.Response:
        """Every lab of the syllabus, with its last run or null. That run's recording can be opened from now on."""
        homes = self._homes()
        runs = await self._shelf.run(lambda: _last_runs(homes))
        found = []
        for name, subject in SYLLABUS.items():
            run = None
            if name in runs:
                path, run = runs[name]
                first = next((step["position"] for step in run["steps"]), None)
                run["recording"] = self._shelf.add(path, begin=first)
            found.append({"name": name, **subject.to_json(), "run": run})
        return json_response({"labs": found})

    def _homes(self) -> list[Path]:
        """Where runs may lie: beside the collector's recordings, which may be those of a lab that runs just now; and
        beside a run that was opened by name."""
        parent = None if self._directory is None else self._directory.resolve().parent
        homes = [] if parent is None else [parent / "labs", parent]
        for one in self._shelf.all():
            run = one.path if one.path.is_dir() else one.path.parent
            if not one.opened and not one.live and (run / FILE).exists():
                homes.append(run.parent)
        return list(dict.fromkeys(homes))


def _last_runs(homes: list[Path]) -> dict[str, tuple[Path, dict[str, Any]]]:
    """By lab, its last run: where it lies and what is told of it."""
    found: dict[str, tuple[Path, dict[str, Any]]] = {}
    documents = [document for home in homes for document in all_runs(home)]
    for document in sorted(documents, key=lambda document: int(document["began_ms"])):
        try:
            run = msgspec.convert(document, _Run)
        except msgspec.ValidationError:
            continue
        if run.lab in SYLLABUS:
            found[run.lab] = Path(document["recording"]), _told(run)
    return found


def _told(run: _Run) -> dict[str, Any]:
    run.steps, run.verdict.checks = run.steps[:LIST_MAX], run.verdict.checks[:LIST_MAX]
    run.verdict.exhibits = run.verdict.exhibits[:LIST_MAX]
    for check in run.verdict.checks:
        check.evidence = check.evidence[:LIST_MAX]
    for exhibit in run.verdict.exhibits:
        exhibit.lines = exhibit.lines[:LIST_MAX]
    found: dict[str, Any] = msgspec.to_builtins(run)
    return found
