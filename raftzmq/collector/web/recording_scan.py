"""Looking through a recording piece by piece, behind those who wait for a moment of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from raftzmq.collector.recording_file import RecordingFile
from raftzmq.collector.recording_frame import Frame, decode_lines

GRACE_S = 0.05
"""A hand that moves on asks again within this time: until then the scan keeps out of its way."""

Places = Sequence[tuple[RecordingFile, Frame]]


class Precedence:
    """Whoever scrubs goes first: while somebody is `first`, and shortly after, scans leave the interpreter alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting = 0
        self._done_at = 0.0

    @contextmanager
    def first(self) -> Iterator[None]:
        """Have the scans wait meanwhile."""
        with self._changed:
            self._waiting += 1
        try:
            yield
        finally:
            with self._changed:
                self._waiting -= 1
                self._done_at = time.monotonic()
                self._changed.notify_all()

    def _let_pass(self, until: float) -> None:
        """Wait for those who go first; at most until this time."""
        with self._changed:
            while (now := time.monotonic()) < until:
                grace = self._done_at + GRACE_S - now
                if not self._waiting and grace <= 0:
                    return
                self._changed.wait(min(until - now, grace) if not self._waiting else until - now)

    def scan(self, places: Places, after: int, seconds: float) -> Iterator[tuple[Frame, list[bytes]]]:
        """The frames with what is behind a position, and their lines, for about so long; but at least one.

        Of a frame that is damaged, or was removed meanwhile, there are no lines: whoever reads its events is told.
        """
        until = time.monotonic() + seconds
        behind = (place for place in places if place[1].last_position > after)
        for number, (file, frame) in enumerate(behind):
            self._let_pass(until)
            if number and time.monotonic() >= until:
                return
            try:
                lines = decode_lines(frame, file.read(frame))
            except (OSError, ValueError):
                lines = []
            yield frame, lines
