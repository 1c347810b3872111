"""What the merged stream is entered into, event by event: state, audit, recording, page.

The collector says things itself on this occasion: what the auditor saw, and a checkpoint now and then. They join the
stream behind the events that they are about.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from raftzmq.collector.cluster_state import ClusterState
from raftzmq.collector.envelope import COLLECTOR_NODE
from raftzmq.collector.merged import Merged
from raftzmq.collector.progress import Progress
from raftzmq.collector.recorder import Recorder
from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_frame import RecordingError
from raftzmq.collector.stream import Stream

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

CHECKPOINT_EVENTS = 2000
"""Between checkpoints: what a reader has to go through, who scrubs or restarts a collector, in some 20 ms. They make a
recording hardly larger."""
CHECKPOINT_US = 5_000_000
"""The same in time, where less happens."""
SHOW_US = 50_000
"""Between states shown on the page: twenty pictures a second look alive."""
SHOW_SHARE = 20
"""A large cluster's state takes long to write down: at most a twentieth of the time goes into it."""


class Audience(Protocol):
    """Who shows the stream to others (`raftzmq.collector.web`): takes events and states, and never waits."""

    state: tuple[int, dict[str, Any]]
    """A position, and the state of the cluster there."""

    def offer(self, merged: list[Merged]) -> None:
        """The next events, or none as a sign of life."""


class Audit(Protocol):
    """Who watches Raft's invariants (`raftzmq.collector.auditor`)."""

    def accept(self, event: dict[str, Any], position: int) -> Iterable[tuple[str, dict[str, Any]]]:
        """The next event; types and fields of what is to be said about it."""


class Books:
    """Enters events; ``state`` is what they add up to. `begin` comes first, and once."""

    def __init__(
        self,
        stream: Stream,
        state: ClusterState,
        recorder: Recorder,
        *,
        audit: Audit | None = None,
        audience: Audience | None = None,
    ) -> None:
        self.state = state
        self._stream = stream
        self._recorder = recorder
        self._audit = audit
        self._audience = audience
        self._events = 0
        self._checkpoint_us = 0
        self._show_us = 0

    def begin(self, now_us: int) -> list[Merged]:
        """Say where this collector begins: a reader takes its first checkpoint for the state."""
        return self._keep([self._checkpoint(now_us)], now_us)

    def enter(self, merged: list[Merged], now_us: int) -> list[Merged]:
        """Enter the next events; these, and what the collector says to them behind them."""
        fold, stream = self.state.fold, self._stream
        told: list[tuple[str, dict[str, Any]]] = []
        if self._audit is None:
            for one in merged:
                fold(one.event)
        else:
            accept = self._audit.accept
            for position, _, _, event in merged:
                fold(event)
                told += accept(event, position)
        for kind, fields in told:
            if kind == "violation":
                kept = self._recorder.keep(stream.position)
                fields["recording"] = None if kept is None else str(kept)
            merged.append(self._event(kind, fields, now_us))
        self._events += len(merged)
        if self._events >= CHECKPOINT_EVENTS or (self._events and now_us - self._checkpoint_us >= CHECKPOINT_US):
            merged.append(self._checkpoint(now_us))
        return self._keep(merged, now_us)

    def _checkpoint(self, now_us: int) -> Merged:
        self._events = 0
        self._checkpoint_us = now_us
        state, stream = self.state, self._stream
        return self._event(
            "checkpoint",
            {
                "position": stream.position,
                "state_hash": state.hash(),
                "state": state.to_json(),
                "streams": stream.progress.to_json(),
            },
            now_us,
        )

    def _event(self, kind: str, fields: dict[str, Any], now_us: int) -> Merged:
        """Enter an event of the collector's own. The auditor hears it too: it counts positions."""
        said = self._stream.emit(kind, fields, now_us)
        self.state.fold(said.event)
        if self._audit is not None:
            self._audit.accept(said.event, said.position)
        return said

    def _keep(self, merged: list[Merged], now_us: int) -> list[Merged]:
        if merged:
            self._recorder.offer(merged)
        if self._audience is not None:
            self._audience.offer(merged)
            if now_us >= self._show_us:
                begun = time.perf_counter_ns()
                self._audience.state = (self._stream.position, self.state.to_json())
                took_us = (time.perf_counter_ns() - begun) // 1000
                self._show_us = now_us + max(SHOW_US, SHOW_SHARE * took_us)
        return merged


class Past(NamedTuple):
    """Where the recording of a collector before this one ends."""

    position: int
    progress: Progress
    state: ClusterState


def past_of(directory: Path, log: FilteringBoundLogger) -> Past:
    """What the recording in a directory says of the past: nothing, if there is none or it can't be read."""
    progress, state = Progress(), ClusterState()
    try:
        recording = Recording(directory)
    except RecordingError:
        return Past(0, progress, state)
    position = recording.last_position
    try:
        start = recording.checkpoints[-1] if recording.checkpoints else recording.first_position
        for one in recording.events(since_position=start):
            if one.event["type"] == "checkpoint" and one.event["node"] == COLLECTOR_NODE:
                progress = Progress.from_json(one.event["streams"])
            progress.fold(one.event)
        state = recording.state_at(position)
    except (RecordingError, KeyError, TypeError, ValueError) as error:
        log.warning(
            "the end of the recording cannot be gone on from: nodes are asked for all they have", why=str(error)
        )
        progress = Progress()
    for note in recording.notes:
        log.warning("the recording is damaged", found=note)
    return Past(position, progress, state)
