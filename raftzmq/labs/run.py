"""What a run of a lab leaves beside its recording: ``lab.json``, with what was told and what was judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from raftzmq.labs.narration import Told
from raftzmq.labs.runs import FILE
from raftzmq.labs.syllabus import Subject
from raftzmq.labs.verdict import Verdict

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended. ``began_ms`` is the wall clock in milliseconds since 1970, ``seconds`` its length.

    ``note`` says what kept the script from going on to its end, empty if nothing did. ``pictures`` are files beside.
    """

    lab: str
    subject: Subject
    directory: Path
    runtime: str
    began_ms: int
    seconds: float
    events: int
    steps: tuple[Told, ...]
    verdict: Verdict
    note: str = ""
    pictures: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The document."""
        return {
            "schema": SCHEMA,
            "lab": self.lab,
            **self.subject.to_json(),
            "recording": str(self.directory),
            "runtime": self.runtime,
            "began_ms": self.began_ms,
            "seconds": self.seconds,
            "events": self.events,
            "note": self.note,
            "steps": [told.to_json() for told in self.steps],
            "verdict": self.verdict.to_json(),
            "pictures": list(self.pictures),
        }

    def write(self) -> None:
        """Write ``lab.json`` into the run's directory."""
        (self.directory / FILE).write_bytes(orjson.dumps(self.to_json(), option=orjson.OPT_INDENT_2) + b"\n")
