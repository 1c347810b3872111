"""Checks a recording against itself: do its events add up to the states that the collector saw at the time?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from raftzmq.collector.cluster_state import ClusterState
from raftzmq.collector.merged import Merged
from raftzmq.collector.recording import Recording

DIFFERENCES_MAX = 20
"""Differences that are kept one by one; all are counted."""
PROGRESS_EVENTS = 10_000


@dataclass(slots=True)
class Difference:
    """A checkpoint whose state is not what the events before it add up to."""

    position: int
    recorded: str
    replayed: str
    what: str


@dataclass(slots=True)
class Check:
    """What a check found. ``agreed`` and ``differed`` count checkpoints that could be compared.

    ``begun`` counts those that a comparison can only begin at: the first of the recording, of a collector's life, or
    after a hole. ``holes`` are the (first, last) positions that are not in the recording.
    """

    events: int = 0
    agreed: int = 0
    differed: int = 0
    begun: int = 0
    missing: int = 0
    holes: list[tuple[int, int]] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON-able values."""
        return asdict(self)


class _Fold:
    """The state along a recording, as far as it is known."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.state: ClusterState | None = ClusterState()
        self._following = 1

    def take(self, merged: Merged) -> None:
        if merged.position != self._following:
            self.state = None  # what is missing may have changed anything
            if self.check.events:
                last = merged.position - 1
                self.check.missing += last - self._following + 1
                if len(self.check.holes) < DIFFERENCES_MAX:
                    self.check.holes.append((self._following, last))
        self._following = merged.position + 1
        self.check.events += 1
        event = merged.event
        if event["type"] == "checkpoint" and event["node"] == "collector":
            self._compare(merged)
        elif self.state is not None:
            self.state.fold(event)

    def _compare(self, merged: Merged) -> None:
        event = merged.event
        recorded = str(event.get("state_hash"))
        try:
            given = ClusterState.from_json(event.get("state"))
        except ValueError as error:
            self._differ(merged, recorded, "-", str(error))
            return
        if given.hash() != recorded:
            self._differ(merged, recorded, given.hash(), "its own state has another hash")
            return
        if self.state is None:
            self.check.begun += 1
        elif self.state.hash() == recorded:
            self.check.agreed += 1
        elif self.state.collector != event.get("boot"):
            self.check.begun += 1  # another life of the collector, which began with what it knew then
        else:
            self._differ(merged, recorded, self.state.hash(), _first_difference(self.state.to_json(), given.to_json()))
        # Go on from the recorded state, so that one difference is told once.
        self.state = ClusterState()
        self.state.fold(event)

    def _differ(self, merged: Merged, recorded: str, replayed: str, what: str) -> None:
        self.check.differed += 1
        if len(self.check.differences) < DIFFERENCES_MAX:
            self.check.differences.append(Difference(merged.position, recorded, replayed, what))


def check_recording(
    recording: Recording,
    *,
    since_position: int = 0,
    until_position: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Check:
    """Fold the events from ``since_position`` up to and with ``until_position``; compare at every checkpoint.

    ``progress`` is called now and then with the number of events behind.
    """
    check = Check()
    fold = _Fold(check)
    for merged in recording.events(since_position=since_position, until_position=until_position):
        fold.take(merged)
        if check.events % PROGRESS_EVENTS == 0:
            progress(check.events)
    progress(check.events)
    return check


def _first_difference(replayed: Any, recorded: Any, path: str = "state") -> str:
    """Where two states differ first, in a few words."""
    if isinstance(replayed, dict) and isinstance(recorded, dict):
        for name in sorted(replayed.keys() | recorded.keys()):
            if replayed.get(name) != recorded.get(name):
                return _first_difference(replayed.get(name), recorded.get(name), f"{path}.{name}")
    return f"{path} was recorded as {_short(recorded)}, and the events give {_short(replayed)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
