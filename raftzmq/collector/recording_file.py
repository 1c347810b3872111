"""One file of a recording: which frames it has, found by hopping from header to header."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from raftzmq.collector.recording_frame import HEADER_BYTES, MARK, Frame, RecordingError, decode_header
from raftzmq.config import MIB

FALSE_MARKS_MAX = 100_000
"""What only looks like a header is passed over so often: a file made of such must not cost minutes."""

_NAME = re.compile(r"events-(\d{8})\.events\.jsonl\.zst")


def recorded_files(directory: Path) -> list[Path]:
    """The files of a directory of recorded events, oldest first; none if there is no such directory."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return [directory / name for name in sorted(names) if _NAME.fullmatch(name)]


def file_number(path: Path) -> int:
    """The number in the name of a recorded file, 0 if there is none."""
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else 0


def file_path(directory: Path, number: int) -> Path:
    """The recorded file with this number."""
    return directory / f"events-{number:08d}.events.jsonl.zst"


class RecordingFile:
    """The frames of a file, as far as they have been scanned.

    ``end`` is where the last whole frame ends; behind it may be the beginning of one that is being written, or of one
    that was cut off; ``damaged_end`` says that it is neither. ``damage`` lists (first byte, byte behind) of what is no
    frame although a frame follows it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames: list[Frame] = []
        self.damage: list[tuple[int, int]] = []
        self.end = 0
        self.size = 0
        self.damaged_end = False
        self._foreign = False
        self._false_marks = 0

    def scan(self) -> list[Frame]:
        """Find the frames behind those known; returns the new ones.

        Raises OSError, and RecordingError for a file that holds something else or is of a newer release.
        """
        known = len(self.frames)
        # Without O_NONBLOCK, opening a pipe would wait for its other end.
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise RecordingError(f"{self.path} is no file: recordings are read from files and directories")
            self.size = found.st_size
            self._hop(descriptor)
        finally:
            os.close(descriptor)
        if self._foreign:
            raise RecordingError(
                f"{self.path} is no recording of events: nothing in it is. The collector's are called "
                f"{file_path(Path(), 1).name} and so on"
            )
        return self.frames[known:]

    def _hop(self, descriptor: int) -> None:
        offset = self.end
        while offset + HEADER_BYTES <= self.size:
            frame = decode_header(offset, os.pread(descriptor, HEADER_BYTES, offset))
            if frame is None:
                found = self._search(descriptor, offset + 1)
                if found is None:
                    self._foreign = not self.frames
                    self.damaged_end = True
                    return
                self.damage.append((self.end, found.offset))
                frame = found
            if frame.end > self.size:
                return
            self.frames.append(frame)
            offset = self.end = frame.end

    def _search(self, descriptor: int, offset: int) -> Frame | None:
        """The next whole frame from ``offset`` on."""
        overlap = len(MARK) - 1
        while offset < self.size:
            block = os.pread(descriptor, MIB, offset)
            at = block.find(MARK)
            while at >= 0 and self._false_marks < FALSE_MARKS_MAX:
                self._false_marks += 1
                head = block[at : at + HEADER_BYTES]
                if len(head) < HEADER_BYTES:
                    head = os.pread(descriptor, HEADER_BYTES, offset + at)
                frame = decode_header(offset + at, head)
                if frame is not None and frame.end <= self.size:
                    return frame
                at = block.find(MARK, at + 1)
            if len(block) <= overlap:
                return None
            offset += len(block) - overlap
        return None

    def read(self, frame: Frame) -> bytes:
        """The compressed bytes of a frame; raises OSError."""
        return self.read_whole(frame)[HEADER_BYTES:]

    def read_whole(self, frame: Frame) -> bytes:
        """A frame with its header; raises OSError."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, frame.end - frame.offset, frame.offset)
        finally:
            os.close(descriptor)
