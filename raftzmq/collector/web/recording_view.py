"""One recording as the page looks at it: the state at a place, the events around it, and its outline.

All of it reads files, and is for threads of an executor; several may ask at once.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from raftzmq.collector.cluster_state import ClusterState
from raftzmq.collector.envelope import COLLECTOR_NODE
from raftzmq.collector.order import HOLD_US
from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_frame import RecordingError
from raftzmq.collector.web.backlog import Kept
from raftzmq.collector.web.recording_outline import Happenings, outline, stretch_of, stretches_of
from raftzmq.collector.web.recording_scan import Precedence
from raftzmq.collector.web.recording_terms import TermHistory
from raftzmq.config import MIB, MICROSECONDS

EVENTS_MAX = 5000
"""Events in one answer."""
BYTES_MAX = 4 * MIB
"""Of events in one answer: a stranger's recording may have long ones."""
STATE_EVENTS = 1000
"""While a state is looked for, those on the way are kept at such distances, and the one that was found: the next place
is often near."""
STATES_MAX = 100
SCAN_S = 0.25
"""The outline grows for so long with each answer; then others may read."""
TS_MAX = 1e11
NOTES_MAX = 5

Line = tuple[int, bytes]
"""A position, and the event's JSON."""


class RecordingView:
    """A file or directory of recorded events.

    ``tail`` is, for the collector's own directory, what it has passed on since: not all of it is in a file yet. A
    directory may still be empty then. Making one raises RecordingError for what is no recording, unless ``live``.
    """

    def __init__(self, path: Path, *, live: bool = False) -> None:
        self.path = path
        self._grows = live or path.is_dir()
        self._lock = threading.Lock()
        self._scanning = threading.Lock()
        self._precedence = Precedence()
        self._states: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._happenings = Happenings()
        self._terms = TermHistory()
        self._recording: Recording | None = None
        try:
            self._recording = Recording(path)
        except RecordingError:
            if not live:
                raise

    # --- what there is ---

    @property
    def recorded_position(self) -> int:
        """The last position that is known to be in a file."""
        return 0 if self._recording is None else self._recording.last_position

    def refresh(self) -> Recording | None:
        """Take in what has been recorded since; the recording, None if there is none yet. Raises RecordingError."""
        if not self._grows:
            return self._recording
        with self._lock:
            try:
                if self._recording is None or self._rotated(self._recording):
                    self._recording = Recording(self.path)
                else:
                    self._recording.refresh()
            except RecordingError:
                if self._recording is not None:
                    raise
            return self._recording

    @staticmethod
    def _rotated(recording: Recording) -> bool:
        """Has its oldest file been removed?"""
        places = recording.frames(recording.first_position, recording.first_position)
        return bool(places) and not places[0][0].path.exists()

    def span(self, tail: Sequence[Kept] = ()) -> tuple[int, int]:
        """The first position whose state is known, and the last position; (0, 0) if there is nothing."""
        recording = self.refresh()
        last = max(tail[-1][0] if tail else 0, 0 if recording is None else recording.last_position)
        if recording is None or not recording.frame_count:
            bases = [one[0] for one in tail if _is_checkpoint(one)]
            first = 1 if tail and tail[0][0] == 1 else bases[0] if bases else tail[0][0] if tail else 0
            return first, last
        if recording.first_position == 1:
            return 1, last
        checkpoints = recording.checkpoints
        return (checkpoints[0] if checkpoints else recording.first_position), last

    def about(self, tail: Sequence[Kept] = ()) -> dict[str, Any]:
        """Size, positions, times, and what is wrong with it."""
        first, last = self.span(tail)
        recording = self._recording
        times = [orjson.loads(tail[index][3])["ts"] for index in (0, -1)] if tail else []
        if recording is not None and recording.frame_count:
            times = [recording.first_ts, *times[1:], recording.last_ts]
        return {
            "bytes": self.size(),
            "first_position": first,
            "last_position": last,
            "first_ms": _ms(times[0]) if times else 0,
            "last_ms": _ms(max(times[1:])) if times else 0,
            "notes": [] if recording is None else recording.notes[:NOTES_MAX],
        }

    def size(self) -> int:
        """Bytes of its files."""
        if self._recording is None:
            return 0
        total = 0
        for path in {file.path for file, _ in self.places(0, self._recording.last_position)}:
            try:
                total += path.stat().st_size
            except OSError:
                continue  # removed as the oldest a moment ago
        return total

    def places(self, first: int, last: int) -> list[Any]:
        """The frames with the events from one position to another, from a checkpoint on if there is one."""
        if self._recording is None:
            return []
        begins = [position for position in self._recording.checkpoints if position <= first]
        return self._recording.frames(begins[-1] if begins else first, last)

    # --- events ---

    def lines(self, after: int, count: int, tail: Sequence[Kept] = ()) -> list[Line]:
        """The next events behind a position: at most ``count``, and not many more than `BYTES_MAX` bytes."""
        with self._precedence.first():
            self.refresh()
            found: list[Line] = []
            size = 0
            for position, payload in self._payloads(after + 1, None, tail):
                if len(found) >= count or size >= BYTES_MAX:
                    break
                found.append((position, payload))
                size += len(payload)
            return found

    def _payloads(self, first: int, last: int | None, tail: Sequence[Kept]) -> Iterator[Line]:
        """Positions and JSON, from one position to another."""
        following = first
        if self._recording is not None:
            for position, payload in self._recording.payloads(first, last):
                yield position, payload
                following = position + 1
        for position, _, _, payload in tail:
            if position >= following and (last is None or position <= last):
                yield position, payload

    def position_at(self, ms: int, tail: Sequence[Kept] = ()) -> int:
        """The position of the last event that isn't after this time.

        Events are in causal order: by the clock, some come behind later ones, by as much as the order holds them back.
        So whoever asks for the time of an event gets a place at which it has happened.
        """
        recording = self.refresh()
        ts = min(ms / 1000 + 0.001, TS_MAX)
        last = self.recorded_position
        if recording is not None and recording.frame_count:
            last = recording.position_at(ts) - 1
        for looked, (position, payload) in enumerate(self._payloads(last + 1, None, tail)):
            at = orjson.loads(payload)["ts"]
            if at < ts:
                last = position
            elif at >= ts + HOLD_US / MICROSECONDS or looked >= EVENTS_MAX:
                break
        return last

    # --- states ---

    def moment(self, position: int, lead: int, tail: Sequence[Kept] = ()) -> dict[str, Any]:
        """The cluster at a position, or at the nearest one that is known.

        ``state`` is what all events up to ``from`` add up to, ``lines`` those behind it up to and with ``position``:
        ``lead`` of them, if there are so many and they are short enough. Whoever asks adds those up.
        """
        with self._precedence.first():
            return self._moment(position, lead, tail)

    def _moment(self, position: int, lead: int, tail: Sequence[Kept]) -> dict[str, Any]:
        first, last = self.span(tail)
        position = min(max(position, first - 1 if first == 1 else first), last)
        if lead:
            begin = max(position - lead, first - 1 if first == 1 else first)
            # Adding events up here is dearer than in the browser, but sending and parsing them all takes longer still.
            state = self.state(begin, tail)
            lines = list(self._payloads(begin + 1, position, tail))
            if len(lines) <= EVENTS_MAX and sum(len(payload) for _, payload in lines) <= BYTES_MAX:
                found = {"position": position, "from": begin, "state": state.to_json(), "lines": lines}
                return {**found, "first": first, "last": last}
        state = self.state(position, tail)
        found = {"position": position, "from": position, "state": state.to_json(), "lines": []}
        return {**found, "first": first, "last": last}

    def state(self, position: int, tail: Sequence[Kept] = ()) -> ClusterState:
        """What the events up to and with ``position`` add up to, as far as they are known."""
        base, state = self._base(position, tail)
        kept = base
        at = base
        for at, payload in self._payloads(base + 1, position, tail):
            state.fold(orjson.loads(payload))
            if at >= kept + STATE_EVENTS and at <= self.recorded_position:
                self._keep(at, state.to_json())
                kept = at
        if kept < at <= self.recorded_position:
            self._keep(at, state.to_json())
        return state

    def _base(self, position: int, tail: Sequence[Kept]) -> tuple[int, ClusterState]:
        """A position not after this one, and the state there."""
        recording = self._recording
        checkpoints = [] if recording is None else recording.checkpoints
        index = bisect_right(checkpoints, position) - 1
        base = checkpoints[index] if index >= 0 else 0
        if position > self.recorded_position:
            newer = [one[0] for one in tail if one[0] <= position and _is_checkpoint(one)]
            base = max(base, newer[-1] if newer else 0)
        with self._lock:
            nearer = [at for at in self._states if base <= at <= position]
            if nearer:
                self._states.move_to_end(max(nearer))
                return max(nearer), ClusterState.from_json(self._states[max(nearer)])
        return max(base - 1, 0), ClusterState()

    def _keep(self, position: int, document: dict[str, Any]) -> None:
        with self._lock:
            self._states[position] = document
            self._states.move_to_end(position)
            while len(self._states) > STATES_MAX:
                self._states.popitem(last=False)

    # --- the outline ---

    def outline(self, first: int, last: int, buckets: int, tail: Sequence[Kept] = ()) -> dict[str, Any]:
        """Times, density, marks and reigns between two positions (`recording_outline.outline`).

        ``complete`` is false while it has to be looked through: what was found so far is there, and the next answer
        has more.
        """
        begin, end = self.span(tail)
        first, last = min(max(first, begin), end), min(last or end, end)
        complete = self._scan()
        newer = [one for one in tail if one[0] > self.recorded_position]
        places = [] if self._recording is None else self._recording.frames(first, last)
        stretches = [*(stretch_of(frame) for _, frame in places), *stretches_of(newer)]
        happenings = self._happenings.with_tail(newer) if newer and complete else self._happenings
        return {**outline(stretches, happenings, first, max(first, last), buckets), "complete": complete}

    def next_tick(self, position: int, step: int, tail: Sequence[Kept] = ()) -> tuple[int | None, bool]:
        """The position of the next mark after, or before, a position; and whether all that matters was looked at."""
        self.refresh()
        complete = self._scan()
        found = self._happenings.with_tail(tail).next_tick(position, step)
        known = complete or (position <= self._happenings.position if step < 0 else found is not None)
        return None if found is None else found.position, known

    def terms(self, position: int, tail: Sequence[Kept] = ()) -> tuple[dict[str, Any], bool]:
        """Where terms begin in each log at a position; and whether all before it was looked through."""
        self.refresh()
        complete = self._scan_of(self._terms) or self._terms.position >= position
        with self._scanning:
            known = self._terms.with_tail(tail) if complete else self._terms
            return known.at(position), complete

    def _scan(self) -> bool:
        return self._scan_of(self._happenings)

    def _scan_of(self, what: Happenings | TermHistory) -> bool:
        recording = self._recording
        if recording is None:
            return True
        with self._scanning:
            places = recording.frames(what.position + 1, recording.last_position)
            for frame, lines in self._precedence.scan(places, what.position, SCAN_S):
                what.take_frame(frame, lines)
            return not places or what.position >= places[-1][1].last_position


def _is_checkpoint(one: Kept) -> bool:
    return one[2] == "checkpoint" and one[1] == COLLECTOR_NODE


def _ms(ts: float) -> int:
    return int(ts * 1000) if 0 <= ts < TS_MAX else 0
