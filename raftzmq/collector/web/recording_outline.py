"""A recording seen from afar: how dense its events are along time, what happened in it, and who led when.

Times and densities come from the frames' headers, which are known at once. What happened stands in the events: they
are looked through piece by piece, without parsing those of other types, so that an hour's recording takes seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import orjson

from raftzmq.collector.recording_frame import Frame, read_event
from raftzmq.collector.web.backlog import Kept
from raftzmq.collector.web.recording_ticks import TICK_TYPES, WEIGHTS, Reign, Reigns, Tick, tick_of

SILENCE_S = 10.0
"""No silence takes more room on the timeline than this: nobody wants to see the night without a cluster."""
EVENT_S = 1e-6
"""Events take room even if clocks say that no time has passed."""
TICKS_MAX = 20_000
"""Marks that are kept of a recording."""
SHOWN_MAX = 400
"""Marks, and reigns, in one outline: more than there are pixels to tell them apart."""
_WORTH = re.compile(rb'"type"\s*:\s*"(?:%b)"' % "|".join(sorted(TICK_TYPES)).encode())


class Stretch(NamedTuple):
    """Some events in a row: the first position, how many, and the wall clocks (seconds) of the first and the latest."""

    position: int
    events: int
    ts: float
    latest_ts: float


def stretch_of(frame: Frame) -> Stretch:
    """What a frame's header says."""
    return Stretch(frame.position, frame.events, frame.ts, frame.latest_ts)


def stretches_of(tail: Sequence[Kept], size: int = 200) -> list[Stretch]:
    """The same of events that aren't in a file yet."""
    found = []
    for start in range(0, len(tail), size):
        some = tail[start : start + size]
        first, last = (orjson.loads(one[3])["ts"] for one in (some[0], some[-1]))
        found.append(Stretch(some[0][0], len(some), first, max(first, last)))
    return found


class Axis:
    """Positions along time, as far as clocks allow: silences are shortened, and no event is without room."""

    def __init__(self, stretches: Iterable[Stretch]) -> None:
        self._stretches = [one for one in stretches if one.events]
        previous: float | None = None
        lengths = []
        for one in self._stretches:
            begin = one.ts if previous is None else previous
            passed = one.latest_ts - begin
            previous = one.latest_ts
            lengths.append(min(max(passed, 0.0), SILENCE_S) + one.events * EVENT_S)
        self._ends = list(accumulate(lengths))
        self.seconds = self._ends[-1] if self._ends else 0.0
        """How long it is."""

    def points(self, count: int) -> tuple[list[int], list[int]]:
        """``count`` + 1 places at the same distance from one another: positions, and milliseconds since 1970."""
        positions, times = [], []
        total, index, begin = self.seconds, 0, 0.0
        for k in range(count + 1):
            at = total * k / count
            while index < len(self._ends) - 1 and self._ends[index] < at:
                begin, index = self._ends[index], index + 1
            if not self._stretches:
                positions.append(0)
                times.append(0)
                continue
            one, length = self._stretches[index], self._ends[index] - begin
            part = min(1.0, max(0.0, (at - begin) / length)) if length > 0 else 1.0
            positions.append(one.position + round(part * one.events))
            times.append(_ms(one.ts + part * max(0.0, one.latest_ts - one.ts)))
        return positions, times


def _ms(ts: float) -> int:
    return int(ts * 1000) if 0 <= ts < 1e11 else 0


class Happenings:
    """The marks and reigns of a recording, as far as it was looked through."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.reigns = Reigns()
        self.position = 0
        """Up to and with which everything is known."""

    def take_frame(self, frame: Frame, lines: list[bytes]) -> None:
        """The next frame of a recording."""
        for offset, line in enumerate(lines):
            # A checkpoint holds events that were worth remembering, in which all these types may stand.
            if (offset == 0 and frame.checkpoint) or _WORTH.search(line):
                event = read_event(line)
                if event is not None:
                    self.take(frame.position + offset, event)
        self.position = frame.last_position

    def take(self, position: int, event: dict[str, Any]) -> None:
        """The next event, if its type is among those or it is a checkpoint."""
        self.reigns.take(position, event)
        tick = tick_of(position, event)
        if tick is not None:
            self.ticks.append(tick)
            if len(self.ticks) > TICKS_MAX:
                self.ticks = thinned(self.ticks, TICKS_MAX * 3 // 4)

    def with_tail(self, tail: Iterable[Kept]) -> Happenings:
        """The same and what has happened since, which isn't in a file yet."""
        found = Happenings()
        found.ticks, found.reigns, found.position = list(self.ticks), self.reigns.copy(), self.position
        for position, _, kind, payload in tail:
            if position > self.position and (kind in TICK_TYPES or kind == "checkpoint"):
                found.take(position, orjson.loads(payload))
        return found

    def next_tick(self, position: int, step: int) -> Tick | None:
        """The mark after (``step`` 1) or before (-1) a position."""
        if step > 0:
            return next((tick for tick in self.ticks if tick.position > position), None)
        return next((tick for tick in reversed(self.ticks) if tick.position < position), None)


def thinned(ticks: list[Tick], count: int) -> list[Tick]:
    """At most ``count`` of them: the weightiest, and of equal ones some from everywhere."""
    if len(ticks) <= count:
        return ticks
    kept: list[Tick] = []
    for weight in sorted(set(WEIGHTS.values()), reverse=True):
        same = [tick for tick in ticks if WEIGHTS[tick.kind] == weight]
        room = count - len(kept)
        kept += same if len(same) <= room else [same[k * len(same) // room] for k in range(room)]
        if len(kept) >= count:
            break
    return sorted(kept, key=lambda tick: tick.position)


def outline(
    stretches: Iterable[Stretch], happenings: Happenings, first: int, last: int, buckets: int
) -> dict[str, Any]:
    """What the timeline draws between two positions.

    ``seconds`` is how long it is without silences; ``positions`` and ``ms`` are those of ``buckets`` + 1 places at
    equal distances, ``counts`` the events between them.
    """
    within = [_cut(one, first, last) for one in stretches]
    axis = Axis(one for one in within if one is not None)
    positions, times = axis.points(buckets)
    ticks = thinned([tick for tick in happenings.ticks if first <= tick.position <= last], SHOWN_MAX)
    reigns = [one for one in happenings.reigns.all() if one.first <= last and (one.last is None or one.last >= first)]
    return {
        "first_position": first,
        "last_position": last,
        "seconds": round(axis.seconds, 6),
        "positions": positions,
        "ms": times,
        "counts": [after - before for before, after in pairwise(positions)],
        "reigns": [_plain(one) for one in _longest(reigns)],
        "ticks": [{"position": t.position, "ms": t.ms, "kind": t.kind, "event": t.event} for t in ticks],
        "known_position": happenings.position,
    }


def _longest(reigns: list[Reign]) -> list[Reign]:
    if len(reigns) <= SHOWN_MAX:
        return reigns
    return sorted(sorted(reigns, key=lambda one: (one.last or 2**53) - one.first)[-SHOWN_MAX:], key=lambda r: r.first)


def _plain(reign: Reign) -> dict[str, Any]:
    return {"node": reign.node, "term": reign.term, "first": reign.first, "last": reign.last}


def _cut(one: Stretch, first: int, last: int) -> Stretch | None:
    """The part of a stretch that lies between two positions; None if there is none."""
    begin, end = max(one.position, first), min(one.position + one.events - 1, last)
    if begin > end:
        return None
    span = max(0.0, one.latest_ts - one.ts)
    low = one.ts + span * (begin - one.position) / one.events
    high = one.ts + span * (end + 1 - one.position) / one.events
    return Stretch(begin, end - begin + 1, low, high)
