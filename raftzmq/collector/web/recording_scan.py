"""Looking through a recording piece by piece, behind those who wait for a moment of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from raftzmq.collector.recording_file import RecordingFile
from raftzmq.collector.recording_frame import Frame, decode_lines

Places = Sequence[tuple[RecordingFile, Frame]]


class Precedence:
    """Whoever scrubs goes first: while somebody is `first`, the scans wait, or the interpreter would be shared."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = 0
        self._nobody = threading.Event()
        self._nobody.set()

    @contextmanager
    def first(self) -> Iterator[None]:
        """Have the scans wait meanwhile."""
        with self._lock:
            self._waiting += 1
            self._nobody.clear()
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                if not self._waiting:
                    self._nobody.set()

    def scan(self, places: Places, after: int, seconds: float) -> Iterator[tuple[Frame, list[bytes]]]:
        """The frames with what is behind a position, and their lines, for about so long.

        Of a frame that is damaged, or was removed meanwhile, there are none: whoever reads its events is told.
        """
        until = time.monotonic() + seconds
        for file, frame in places:
            if frame.last_position <= after:
                continue
            self._nobody.wait(max(0.0, until - time.monotonic()))
            if time.monotonic() >= until:
                return
            try:
                lines = decode_lines(frame, file.read(frame))
            except (OSError, ValueError):
                lines = []
            yield frame, lines
