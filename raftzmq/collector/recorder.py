"""Records events on a thread of its own: a slow, hung or full disk costs recorded events, never the stream."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from raftzmq.collector.writer import RotatingWriter
from raftzmq.config import MIB

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

QUEUE_BYTES_MAX = 16 * MIB
"""What may wait for the disk: some seconds of a busy cluster. What comes on top is counted and not recorded."""
RETRY_S = 10.0
"""After a failed write nothing is written for this long: a full disk rarely empties sooner, and one line of log per
failure must not add to it."""
FLUSH_S = 0.05
"""Lines are gathered for this long and written together."""
CLOSE_S = 2.0
"""How long the end of the process waits for a disk that hangs."""


class Recorder:
    """Hands lines to a `RotatingWriter` in the background.

    A failing write is logged as an error and counted; recording then pauses and tries again by itself. ``lost`` is
    the number of events that were not recorded since the start.
    """

    def __init__(self, writer: RotatingWriter, log: FilteringBoundLogger, *, retry_s: float = RETRY_S) -> None:
        self.lost = 0
        self.failures = 0
        self._writer = writer
        self._log = log
        self._retry_s = retry_s
        self._changed = threading.Condition()
        self._queue: deque[tuple[bytes, int]] = deque()
        self._queued_bytes = 0
        self._closing = threading.Event()
        self._paused_until: float | None = None
        self._lost_in_pause = 0
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def offer(self, payloads: list[bytes]) -> None:
        """Record each payload as a line, soon. Never waits for the disk and never fails."""
        lines = b"\n".join(payloads) + b"\n"
        with self._changed:
            if self._queued_bytes + len(lines) > QUEUE_BYTES_MAX:
                self.lost += len(payloads)
                return
            self._queue.append((lines, len(payloads)))
            self._queued_bytes += len(lines)
            self._changed.notify()

    def close(self) -> None:
        """Write what waits, for at most `CLOSE_S` seconds, and stop."""
        with self._changed:
            self._closing.set()
            self._changed.notify()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._closing.is_set():
                    self._changed.wait()
            self._closing.wait(FLUSH_S)
            with self._changed:
                waiting = list(self._queue)
                self._queue.clear()
                self._queued_bytes = 0
                ends = self._closing.is_set()
            if waiting:
                self._record(b"".join(lines for lines, _ in waiting), sum(count for _, count in waiting))
            if ends:
                self._writer.close()
                return

    def _record(self, lines: bytes, count: int) -> None:
        if self._paused_until is not None and time.monotonic() < self._paused_until:
            self._lose(count)
            return
        try:
            self._writer.write(lines)
        except OSError as error:
            self.failures += 1
            self._lose(count)
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
