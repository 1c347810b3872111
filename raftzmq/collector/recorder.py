"""Records events on a thread of its own: a slow, hung or full disk costs recorded events, never the stream."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from raftzmq.collector.excerpt import EVENTS_AROUND, excerpt_path, write_excerpt
from raftzmq.collector.merged import Merged
from raftzmq.collector.recording_frame import FRAME_BYTES, FRAME_BYTES_MAX, Line, RecordingError, line_of
from raftzmq.collector.recording_writer import RecordingWriter
from raftzmq.config import MIB

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

QUEUE_BYTES_MAX = 16 * MIB
"""What may wait for the disk: some seconds of a busy cluster. What comes on top is counted and not recorded."""
RETRY_S = 10.0
"""After a failed write nothing is written for this long: a full disk rarely empties sooner, and one line of log per
failure must not add to it."""
FLUSH_S = 1.0
"""Events are gathered for this long, or until they fill a frame: a crash loses no more, and frames stay worthwhile."""
KEEP_AFTER_S = 5.0
"""How long the events after a violation are waited for before those around it are kept."""
CLOSE_S = 2.0
"""How long the end of the process waits for a disk that hangs."""


class _Keeping(NamedTuple):
    """What is to be kept: into which file, around which position, and when at the latest (monotonic seconds)."""

    path: Path
    position: int
    until: float


class Recorder:
    """Compresses events and hands them to a `RecordingWriter` in the background.

    A failing write is logged as an error and counted; recording then pauses and tries again by itself. ``lost`` is
    the number of events that were not recorded since the start, ``last_position`` the last that is in the files.
    """

    def __init__(
        self,
        writer: RecordingWriter,
        log: FilteringBoundLogger,
        *,
        retry_s: float = RETRY_S,
        flush_s: float = FLUSH_S,
        frame_bytes: int = FRAME_BYTES,
    ) -> None:
        self.lost = 0
        self.failures = 0
        self._writer = writer
        self._log = log
        self._retry_s = retry_s
        self._flush_s = flush_s
        self._frame_bytes = frame_bytes
        self._changed = threading.Condition()
        self._queue: deque[Line] = deque()
        self._queued_bytes = 0
        self._closing = False
        self._paused_until: float | None = None
        self._lost_in_pause = 0
        self._keeping: _Keeping | None = None
        for note in writer.notes:
            log.warning("the newest recording was damaged", found=note)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def last_position(self) -> int:
        """The last position in the files; a collector that starts goes on behind it."""
        return self._writer.last_position

    def offer(self, events: Sequence[Merged]) -> None:
        """Record these events, soon. Never waits for the disk and never fails."""
        lines = [line_of(merged) for merged in events]
        size = sum(len(line.payload) + 1 for line in lines)
        with self._changed:
            if self._queued_bytes + size > QUEUE_BYTES_MAX:
                self.lost += len(lines)
                return
            wakes = not self._queue or self._queued_bytes < self._frame_bytes <= self._queued_bytes + size
            self._queue.extend(lines)
            self._queued_bytes += size
            if wakes:
                self._changed.notify()

    def keep(self, position: int) -> Path | None:
        """Have the events around a position kept in a file that rotation leaves alone, once those after it are there.

        Returns which, at once; None if as many are kept already as may be. What comes soon after another is in the
        same file.
        """
        with self._changed:
            keeping = self._keeping
            if keeping is not None and position <= keeping.position + EVENTS_AROUND // 2:
                return keeping.path
            path = None if keeping is not None else excerpt_path(self._writer.directory, position)
            if path is not None:
                self._keeping = _Keeping(path, position, time.monotonic() + KEEP_AFTER_S)
                self._changed.notify()
            return path

    def close(self) -> None:
        """Write what waits, for at most `CLOSE_S` seconds, and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while True:
            lines, ends = self._gather()
            for frame in as_frames(lines, self._frame_bytes):
                self._record(frame)
            if self._keeping is not None:
                self._keep(self._keeping, ends)
            if ends:
                self._writer.close()
                return

    def _gather(self) -> tuple[list[Line], bool]:
        """What is to be written now, when it is time; and whether it is the last."""
        with self._changed:
            while not self._queue and not self._closing and self._keeping is None:
                self._changed.wait()
            until = time.monotonic() + self._flush_s
            while not self._closing and self._queued_bytes < self._frame_bytes:
                rest = until - time.monotonic()
                if rest <= 0:
                    break
                self._changed.wait(rest)
            lines = list(self._queue)
            self._queue.clear()
            self._queued_bytes = 0
            return lines, self._closing

    def _keep(self, keeping: _Keeping, ends: bool) -> None:
        """Keep what is asked for, if it is there or won't come any more."""
        there = self._writer.last_position >= keeping.position + EVENTS_AROUND
        if not (ends or there or time.monotonic() >= keeping.until):
            return
        try:
            events = write_excerpt(self._writer.directory, keeping.path, keeping.position)
            self._log.info("kept the events around a violation", file=str(keeping.path), events=events)
        except (OSError, RecordingError) as error:
            self._log.error("the events around a violation could not be kept", why=str(error))
        with self._changed:
            self._keeping = None

    def _record(self, lines: list[Line]) -> None:
        paused = self._paused_until is not None and time.monotonic() < self._paused_until
        if paused or len(lines[0].payload) >= FRAME_BYTES_MAX:
            self._lose(len(lines))
            return
        try:
            self._writer.write(lines)
        except OSError as error:
            self.failures += 1
            self._lose(len(lines))
            self._paused_until = time.monotonic() + self._retry_s
            self._log.error(
                "recording stopped: a write failed; the stream goes on",
                reason=error.strerror or str(error),
                retry_s=self._retry_s,
                lost=self._lost_in_pause,
            )
            return
        if self._paused_until is not None:
            self._log.info("recording resumed", lost=self._lost_in_pause)
            self._paused_until = None
            self._lost_in_pause = 0

    def _lose(self, count: int) -> None:
        self._lost_in_pause += count
        with self._changed:
            self.lost += count


def as_frames(lines: list[Line], frame_bytes: int) -> list[list[Line]]:
    """The lines in frames: none too large, positions without a hole, and a checkpoint only at a beginning."""
    frames: list[list[Line]] = []
    size = 0
    for line in lines:
        length = len(line.payload) + 1
        follows = frames and line.position == frames[-1][-1].position + 1
        if not follows or line.checkpoint or size + length > frame_bytes:
            frames.append([])
            size = 0
        frames[-1].append(line)
        size += length
    return frames
