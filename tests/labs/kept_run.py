"""A run of a lab as it lies on disk, made of a recorded history: to be listed, shown and judged again."""

from __future__ import annotations

from pathlib import Path

from raftzmq.collector.recording import Recording
from raftzmq.labs.narration import Step, Told
from raftzmq.labs.registry import load
from raftzmq.labs.run import Run
from raftzmq.labs.words import Words
from tests.collector.recordings import record
from tests.labs.histories import Moments, recorded

STEPS = 3
BEGAN_MS = 1_700_000_000_000


def keep_run(directory: Path, name: str, *, began_ms: int = BEGAN_MS, moments: Moments | None = None) -> Run:
    """Leave a run of a lab in ``directory``, with some steps; as it was recorded, unless of other ``moments``."""
    record(directory, [event for _, event in (moments or recorded(name))], every=300, frame=100)
    events = [(merged.position, merged.event) for merged in Recording(directory).events()]
    told = []
    for number in range(1, STEPS + 1):
        position, event = events[number * len(events) // (STEPS + 1)]
        what, watch, rule = (
            Words(f"{en} {number}", f"{ja} {number}") for en, ja in (("Do", "行"), ("See", "見"), ("Law", "則"))
        )
        told.append(Told(number, int(event["ts"] * 1000), Step(what, watch, rule), position))
    lab = load(name)
    run = Run(
        *(name, lab.subject, directory, "threads", began_ms, 5.5, len(events)),
        *(tuple(told), lab.verdict_of(events)),
    )
    run.write()
    return run
