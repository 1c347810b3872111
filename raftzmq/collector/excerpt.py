"""A piece of a recording in a file of its own, which rotation leaves alone: the events around what matters."""

from __future__ import annotations

import os
from pathlib import Path

from raftzmq.collector.recording import Recording

KEPT_MAX = 20
"""Files that are kept: the first of many violations say more than the last, and a disk must not fill up with them."""
EVENTS_AROUND = 5000
"""Before and after: at least what is between two checkpoints, so that a reader can begin with a state."""
_DIRECTORY = "kept"


def excerpt_path(directory: Path, position: int) -> Path | None:
    """Where the events around a position would be kept, None if there are enough such files."""
    try:
        kept = len(os.listdir(directory / _DIRECTORY))
    except FileNotFoundError:
        kept = 0
    return directory / _DIRECTORY / f"around-{position}.events.jsonl.zst" if kept < KEPT_MAX else None


def write_excerpt(directory: Path, path: Path, position: int) -> int:
    """Copy the frames around a position, from a checkpoint on if there is one, as they are; how many events that is.

    Raises OSError and RecordingError; there is no half of such a file then.
    """
    recording = Recording(directory)
    begins = [place for place in recording.checkpoints if place <= position - EVENTS_AROUND]
    frames = recording.frames(begins[-1] if begins else position - EVENTS_AROUND, position + EVENTS_AROUND)
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(path.name + ".part")
    events = 0
    try:
        with part.open("wb") as target:
            for source, frame in frames:
                target.write(source.read_whole(frame))
                events += frame.events
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return events
