"""What nodes say in their own logs: elections, with the time at which they happened."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a node's log: what happened, when on the system's monotonic clock, and the rest of the line."""

    at_s: float
    node: str
    event: str
    fields: dict[str, Any]


def read_log(path: Path) -> Iterator[Line]:
    """The lines of a log that are whole; what else a process printed there is passed over."""
    # Logs have the wall clock, measurements the monotonic one. Between two looks at both, nobody sets a clock.
    offset = time.monotonic() - time.time()
    for text in path.read_text(errors="replace").splitlines():
        try:
            line = json.loads(text)
            at_s = datetime.fromisoformat(line["ts"]).timestamp() + offset
            yield Line(at_s, line["node"], line["event"], line)
        except (ValueError, KeyError, TypeError):
            continue


def elections(lines: Iterator[Line], begin_s: float, end_s: float) -> list[Line]:
    """Elections that were begun between two times: each raises a term. Asking whether one could win is none."""
    return [
        line
        for line in lines
        if line.event == "election" and not line.fields.get("pre_vote") and begin_s <= line.at_s <= end_s
    ]
