"""Reads recordings: the events between two places, the last ones, the cluster's state at a place."""

from __future__ import annotations

import os
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

from raftzmq.collector.cluster_state import ClusterState
from raftzmq.collector.merged import Merged
from raftzmq.collector.recording_file import RecordingFile, file_number, recorded_files
from raftzmq.collector.recording_frame import Frame, RecordingError, decode_frame, decode_payloads

FRAMES_KEPT = 8
"""Decoded frames that are kept for `Recording.payloads`: who moves along a recording looks at the same ones again."""
NOTES_MAX = 100
"""Notes that are kept: a file full of damage is described well enough by these."""

Place = tuple[RecordingFile, Frame]
Found = TypeVar("Found")


class Recording:
    """The events of one recorded file, or of all those in a directory, in the order of their positions.

    Opening reads the frames' headers only: its cost grows with the frames, not with the events. A collector may write
    on, and remove old files, meanwhile; `refresh` finds what came since. Damaged parts are left out and named in
    ``notes``, one sentence each. Making one raises RecordingError for what is not there, can't be read, or isn't a
    recording.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._files: list[RecordingFile] = []
        self._places: list[Place] = []
        self._positions: list[int] = []
        self._lock = threading.Lock()
        self._lately: OrderedDict[tuple[Path, int], list[bytes]] = OrderedDict()
        if not path.exists():
            raise RecordingError(_none_in(path, "no such file or directory; "))
        self.refresh()
        if not self._files:
            raise RecordingError(self.notes[0] if self.notes else _none_in(path))

    def refresh(self) -> bool:
        """Take in what has been recorded since the last look; says whether there was anything."""
        before = len(self._places)
        paths = recorded_files(self.path) if self.path.is_dir() else [self.path]
        newest = file_number(self._files[-1].path) if self._files else 0
        known = {file.path for file in self._files}
        files = self._files[-1:] + [RecordingFile(p) for p in paths if p not in known and file_number(p) >= newest]
        for file in files:
            self._scan(file, alone=paths == [self.path])
        self._note_torn(files[:-1])
        return len(self._places) > before

    def _scan(self, file: RecordingFile, *, alone: bool) -> None:
        damaged = len(file.damage)
        try:
            found = file.scan()
        except FileNotFoundError:  # removed as the oldest a moment ago
            return
        except OSError as error:
            raise RecordingError(f"cannot read the recording {file.path}: {error.strerror}") from None
        except RecordingError as error:
            if alone:
                raise
            self.notes.append(str(error))
            return
        if file not in self._files:
            self._files.append(file)
        for first, end in file.damage[damaged:]:
            self._note(file, f"{end - first:,} bytes from byte {first:,} on are damaged and left out")
        if file.damaged_end:
            self._note(file, f"the last {file.size - file.end:,} bytes are damaged and left out")
        last = self._positions[-1] if self._positions else 0
        for frame in found:
            if frame.position > last:
                self._places.append((file, frame))
                self._positions.append(frame.position)
                last = frame.last_position
            else:
                self._note(file, f"the frame at byte {frame.offset:,} repeats positions and is left out")

    def _note_torn(self, files: list[RecordingFile]) -> None:
        """Nobody writes these any more, so what is incomplete at the end of one stays so."""
        for file in files:
            if file in self._files and file.end < file.size and not file.damaged_end:
                self._note(file, f"the last {file.size - file.end:,} bytes are cut off and left out")

    def _note(self, file: RecordingFile, text: str) -> None:
        note = f"{file.path.name}: {text}"
        if len(self.notes) < NOTES_MAX and note not in self.notes:
            self.notes.append(note)

    @property
    def frame_count(self) -> int:
        """How many frames there are."""
        return len(self._places)

    @property
    def event_count(self) -> int:
        """How many events there are."""
        return sum(frame.events for _, frame in self._places)

    @property
    def first_position(self) -> int:
        """The position of the first event, 0 if there is none."""
        return self._positions[0] if self._positions else 0

    @property
    def last_position(self) -> int:
        """The position of the last event, 0 if there is none."""
        return self._places[-1][1].last_position if self._places else 0

    @property
    def first_ts(self) -> float:
        """The wall clock of the first event, seconds since 1970; 0 if there is none."""
        return self._places[0][1].ts if self._places else 0.0

    @property
    def last_ts(self) -> float:
        """The latest wall clock in the recording, 0 if it is empty."""
        return max((frame.latest_ts for _, frame in self._places), default=0.0)

    @property
    def checkpoints(self) -> list[int]:
        """The positions of the checkpoints."""
        return [frame.position for _, frame in self._places if frame.checkpoint]

    def position_at(self, ts: float) -> int:
        """The position of the first event whose wall clock is at or after ``ts``; the one after the last if none is.

        Wall clocks of nodes differ: later events may have earlier times.
        """
        latest = list(accumulate((frame.latest_ts for _, frame in self._places), max))
        low, high = 0, len(latest)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if latest[middle] < ts else (low, middle)
        for place in self._places[low:]:
            for merged in self._read(place):
                if merged.event["ts"] >= ts:
                    return merged.position
        return self.last_position + 1

    def events(
        self, *, since_position: int = 0, until_position: int | None = None, since_ts: float | None = None
    ) -> Iterator[Merged]:
        """The events from a position on (or from the first at or after a time), up to and with a position.

        What is recorded while this goes on is included only after a `refresh`.
        """
        if since_ts is not None:
            since_position = max(since_position, self.position_at(since_ts))
        index = max(0, bisect_right(self._positions, since_position) - 1)
        while index < len(self._places):
            place = self._places[index]
            if until_position is not None and place[1].position > until_position:
                return
            for merged in self._read(place):
                if merged.position < since_position:
                    continue
                if until_position is not None and merged.position > until_position:
                    return
                yield merged
            index += 1

    def payloads(self, since_position: int, until_position: int | None = None) -> Iterator[tuple[int, bytes]]:
        """The same by position as position and JSON: for who passes them on, at a quarter of the cost."""
        for place in self._places[max(0, bisect_right(self._positions, since_position) - 1) :]:
            first = place[1].position
            if until_position is not None and first > until_position:
                return
            begin = max(0, since_position - first)
            end = None if until_position is None else until_position - first + 1
            yield from enumerate(self._payloads_of(place)[begin:end], first + begin)

    def _payloads_of(self, place: Place) -> list[bytes]:
        """All of a frame; threads may ask at once."""
        file, frame = place
        key = file.path, frame.offset
        with self._lock:
            if key in self._lately:
                self._lately.move_to_end(key)
                return self._lately[key]
        found = self._decode(place, decode_payloads)
        if found:
            with self._lock:
                self._lately[key] = found
                while len(self._lately) > FRAMES_KEPT:
                    self._lately.popitem(last=False)
        return found

    def frames(self, first: int, last: int) -> list[tuple[RecordingFile, Frame]]:
        """The frames with the events from one position to another, each with its file."""
        return [place for place in self._places if place[1].last_position >= first and place[1].position <= last]

    def last(
        self, count: int, *, chosen: Callable[[dict[str, Any]], bool] = lambda _: True, since: float = 0.0
    ) -> Iterator[Merged]:
        """The last ``count`` events that ``chosen`` accepts and whose time isn't before ``since``, oldest first.

        They are looked for from the end, and read again from where they begin: a million of them need no memory.
        """
        least = 0 if since <= 0 else self.position_at(since)
        begin, left = self.last_position + 1, count
        for place in reversed(self._places):
            if place[1].last_position < least or left <= 0:
                break
            for merged in reversed(self._read(place)):
                if left > 0 and merged.event["ts"] >= since and chosen(merged.event):
                    begin, left = merged.position, left - 1
        for merged in self.events(since_position=begin):
            if merged.event["ts"] >= since and chosen(merged.event):
                yield merged

    def state_at(self, position: int) -> ClusterState:
        """The state that the events up to and with ``position`` add up to, from the last checkpoint before it.

        At 0, before all events, it is empty.

        Raises RecordingError where nothing is known: before the first checkpoint, unless the recording goes back to
        the very first event.
        """
        if position < 1:
            return ClusterState()
        index = bisect_right(self._positions, position) - 1
        while index >= 0 and not self._places[index][1].checkpoint and self._positions[index] != 1:
            index -= 1
        if index < 0:
            first = next(iter(self.checkpoints), None)
            raise RecordingError(
                f"the state at position {position} is not known: {self.path} "
                + (f"begins at {self.first_position} and has no checkpoint" if first is None else "")
                + (f"has its first checkpoint at {first}; ask for that or a later one" if first is not None else "")
            )
        state = ClusterState()
        following = self._positions[index]
        for merged in self.events(since_position=following, until_position=position):
            if merged.position > following:
                missing = merged.position - following
                self.notes.append(
                    f"{missing:,} events from position {following:,} on are missing: the state lacks them"
                )
            following = merged.position + 1
            state.fold(merged.event)
        return state

    def _read(self, place: Place) -> list[Merged]:
        return self._decode(place, decode_frame)

    def _decode(self, place: Place, decode: Callable[[Frame, bytes], list[Found]]) -> list[Found]:
        """The events of a frame; none, and a note, if it is damaged or its file was removed."""
        file, frame = place
        try:
            return decode(frame, file.read(frame))
        except FileNotFoundError:
            self._note(file, "was removed as the oldest of the directory while it was being read")
        except OSError as error:
            self._note(file, f"cannot be read at byte {frame.offset:,}: {os.strerror(error.errno or 0)}")
        except ValueError as error:
            positions = f"{frame.position:,} to {frame.last_position:,}"
            self._note(
                file, f"the frame at byte {frame.offset:,} is damaged, positions {positions} are left out: {error}"
            )
        return []


def _none_in(path: Path, why: str = "") -> str:
    return (
        f"no events are recorded in {path}: {why}the collector records them. Start it with bin/up or 'raftzmq "
        "collector', or name a file or directory that it wrote"
    )
