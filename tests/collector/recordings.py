"""Recordings for tests: written by the real writer, with checkpoints as a collector makes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from raftzmq.collector.cluster_state import ClusterState
from raftzmq.collector.merged import Merged
from raftzmq.collector.recorder import as_frames
from raftzmq.collector.recording_frame import line_of
from raftzmq.collector.recording_writer import RecordingWriter
from tests.collector.streams import Event, collectors, merged


class Collected:
    """A collector's stream and recording, without sockets, clocks and threads."""

    def __init__(self, directory: Path, *, file_bytes: int = 1 << 20, files: int = 1000, boot: str = "c1") -> None:
        self.state = ClusterState()
        self.merged: list[Merged] = []
        self.states: dict[int, str] = {}
        """By position: the hash of the state that the live run had after this event."""
        self._boot = boot
        self._writer = RecordingWriter(directory, file_bytes=file_bytes, files=files)
        self._position = self._writer.last_position
        self._waiting: list[Merged] = []
        self.checkpoint()

    def take(self, event: Event) -> None:
        """An event comes."""
        self._position += 1
        one = merged(self._position, event)
        self.state.fold(one.event)
        self.merged.append(one)
        self._waiting.append(one)
        self.states[one.position] = self.state.hash()

    def checkpoint(self) -> None:
        """Say what it adds up to."""
        known: Event = {"position": self._position, "state_hash": self.state.hash(), "state": self.state.to_json()}
        self.take(collectors("checkpoint", boot=self._boot, **known))

    def flush(self, *, lose: bool = False) -> None:
        """Write what waits, or lose it as a full disk would."""
        for frame in [] if lose else as_frames([line_of(one) for one in self._waiting], 4000):
            self._writer.write(frame)
        self._waiting = []

    def close(self) -> None:
        """Write the rest, and end in order."""
        self.flush()
        self._writer.close()

    def crash(self) -> None:
        """End without writing the rest."""
        self._waiting = []
        self._writer.close()


def record(directory: Path, events: Sequence[Event], *, every: int = 20, frame: int = 7, **options: Any) -> Collected:
    """A recording of these events, with a checkpoint after ``every`` and a frame of ``frame`` or fewer."""
    collected = Collected(directory, **options)
    for number, event in enumerate(events, 1):
        collected.take(event)
        if number % every == 0:
            collected.checkpoint()
        if number % frame == 0:
            collected.flush()
    collected.close()
    return collected
