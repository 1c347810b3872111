"""What `raftzmq top` measures of one node, beside what the node says of itself."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Any, NamedTuple

from raftzmq.cli.top_seconds import Samples, Seconds

PERCENTILE_S = 10
"""Percentiles are of so many seconds: enough syncs for a 99th, and soon over when a disk recovers."""
STANDS_S = 2.0
"""Nodes tell their Lamport time every heartbeat interval."""
GROWS_S = 5
GROWS_ENTRIES = 50
"""A lag that never fell for `GROWS_S` seconds and rose by so much grows; less is the breath of a busy node."""

Event = dict[str, Any]


class _Clock(NamedTuple):
    """Both clocks of a node as one event has them, and when it was heard."""

    now: float
    mono_ns: int
    ts: float


class NodeFigures:
    """Rates, percentiles and clocks of one node; times are seconds of the viewer's monotonic clock."""

    def __init__(self) -> None:
        self.heard: float | None = None
        self.commands = Seconds()
        self.syncs = Samples()
        self.leaderless: float | None = None
        """Since when it has had no leader."""
        self._told: set[str] = set()
        self._boot = ""
        self._lags: deque[tuple[int, int]] = deque(maxlen=GROWS_S + 1)
        self._lamport = 0
        self._ticked: float | None = None
        self._clocks: deque[_Clock] = deque(maxlen=int(4 * STANDS_S))
        self._revision: tuple[float, int] | None = None
        self._rate: float | None = None

    @property
    def complete(self) -> bool:
        """Has the node told where it stands and what it counts?"""
        return len(self._told) == 2

    def puts_per_s(self, now: float) -> float | None:
        """Commands applied in the last whole second, or, of a node that is polled, between the last two looks."""
        return self.commands.last(now) if self._revision is None else self._rate

    def puts_history(self, now: float) -> list[float | None]:
        """Commands applied in each of the last whole seconds; of a node that is polled, up to the last look."""
        return self.commands.history(now if self._revision is None else self._revision[0])

    def fold(self, event: Event, now: float) -> None:
        """Take in an event of the node; raises KeyError or TypeError for one that isn't well made."""
        kind = event["type"]
        if self.heard is None:
            self.commands.add(now, 0)  # from now on silence is a measurement: nothing was applied
        self.heard = now
        self._revision = None
        if event["boot"] != self._boot:
            self._boot, self._lamport, self._ticked = event["boot"], 0, None
        if kind == "apply":
            self.commands.add(now, _number(event["commands"]))
        elif kind == "storage":
            if event["what"] == "log" and event["commit_us"]:
                self.syncs.add(now, _number(event["commit_us"]))
        elif kind == "clock":
            self._tick(event, now)
        elif kind in ("role", "leader"):
            self._follow(bool(event["leader"]) if kind == "leader" else event["role"] in ("leader", "follower"), now)
        elif kind in ("standing", "metrics"):
            self._told.add(kind)
            if kind == "standing":
                self._follow(event["leader"] is not None, now)

    def _follow(self, led: bool, now: float) -> None:
        if led:
            self.leaderless = None
        elif self.leaderless is None:
            self.leaderless = now

    def _tick(self, event: Event, now: float) -> None:
        lamport = _number(event["lamport"])
        if lamport > self._lamport:
            self._lamport, self._ticked = lamport, now
        clock = _Clock(now, _number(event["mono_ns"]), event["ts"])
        if not self._clocks or clock.now - self._clocks[-1].now >= 0.5:
            self._clocks.append(clock)

    def poll(self, revision: int, now: float) -> None:
        """Take in the store's revision, where nothing tells of single commands."""
        self.heard = now
        self._told = {"standing", "metrics"}
        if self._revision is not None and now > self._revision[0]:
            since, before = self._revision
            self._rate = max(0, revision - before) / (now - since)
            # Spread over the time since the last look, so that a slow look doesn't make a peak.
            for second in range(int(since), int(now) + 1):
                part = max(0.0, min(now, second + 1) - max(since, second)) / (now - since)
                self.commands.add(second, max(0, revision - before) * part)
        else:
            self.commands.add(now, 0)
        self._revision = now, revision

    def note_lag(self, lag: int, now: float) -> None:
        """Note how far behind the node is; the last word of a second counts."""
        second = int(now)
        if self._lags and self._lags[-1][0] == second:
            self._lags.pop()
        self._lags.append((second, lag))

    def lag_grows(self, now: float) -> bool:
        """Has the lag only risen of late, and by much?"""
        recent = [lag for second, lag in self._lags if second >= int(now) - GROWS_S]
        rises = all(before <= after for before, after in pairwise(recent))
        return len(recent) > GROWS_S and rises and recent[-1] - recent[0] >= GROWS_ENTRIES

    def standing_clock(self, now: float) -> str:
        """Which clock of the node stands, in words; empty if both go, or if the node isn't heard at all."""
        if self.heard is None or now - self.heard > STANDS_S:
            return ""
        if self._ticked is not None and self.heard - self._ticked > STANDS_S:
            return f"Lamport time stands at {self._lamport:,}, though other events come"
        stood = [clock.mono_ns for clock in self._clocks if clock.ts == self._clocks[-1].ts]
        passed = (max(stood) - min(stood)) / 1_000_000_000 if stood else 0.0
        return f"wall clock stands: {passed:.0f} s have passed by its other clock" if passed >= STANDS_S else ""


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value
