"""``events --follow``: the live stream, from now on or from a time in the record on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from raftzmq.cli.event_choice import Choice, Event
from raftzmq.cli.event_join import EventJoin
from raftzmq.cli.event_printer import Show
from raftzmq.cli.live_events import Found, live_events
from raftzmq.cli.output import note, printable

PATIENCE_S = 5.0
"""Nodes say something every second at least: after this somebody who sees nothing is told what is known of them."""
ALL = b"raftzmq."
ALIVE = "standing"
"""What every node says every second. It tells silence from absence where only some nodes are listened to."""
MESSAGES = frozenset({"sent", "received"})
"""What a cluster without work has none of."""
HEAR_S = 1.5
"""With --since the record is read once something is heard live, or after this long."""
JOIN_S = 4.0
"""Events are recorded within a second or so: one that isn't there after this long will not come any more."""
READ_MOST = 20_000
"""Recorded events that are shown between two looks at the live stream: a tenth of a second or two."""


def follow_events(
    endpoint: str,
    choice: Choice,
    show: Show,
    *,
    names: Sequence[str],
    since: float | None = None,
    record: Path | None = None,
) -> None:
    """Show the chosen events as they come, without end.

    ``names`` are the nodes as far as they are known; others are learned from what they say. ``since`` (seconds since
    1970): first what stands in ``record``, the collector's directory, from that time on.
    """
    told = Told(endpoint, choice)
    joins = since is not None and record is not None
    live = chosen_events(endpoint, choice, told, names, wide=joins)
    if since is not None and record is not None:
        for found in _joined(live, since, record):
            told.show(show, [pair for pair in found if choice(pair[1])])
    for found in live:
        told.show(show, [pair for pair in found if choice(pair[1])])


def _joined(live: Iterator[Found], since: float, record: Path) -> Iterator[Found]:
    """What was recorded since then, up to where the live stream goes on without a gap or a double."""
    from raftzmq.collector.recording import Recording
    from raftzmq.collector.recording_frame import RecordingError

    try:
        recording = Recording(record)
    except RecordingError as error:
        note(f"{printable(str(error))}; this shows only what happens from now on")
        return
    begin = recording.position_at(since)

    def read(position: int) -> Iterator[tuple[int, bytes, Event]]:
        recording.refresh()
        for merged in recording.events(since_position=max(begin, position + 1)):
            yield merged.position, merged.payload, merged.event

    join = EventJoin(read)
    begun = time.monotonic()
    while not join.heard and time.monotonic() - begun < HEAR_S:
        yield join.hear(next(live))
    ended_at: float | None = None
    more = True
    while not join.joined:
        if more or join.heard:
            found, more = join.catch_up(READ_MOST)
            yield found
        yield join.hear(next(live))
        ended_at = None if more or not join.heard else ended_at or time.monotonic()
        if ended_at is not None and time.monotonic() - ended_at > JOIN_S and not join.joined:
            note(f"{record} doesn't have what is heard: something may be missing between what it has and this")
            yield join.give_up()


class Told:
    """Tells the user what is waited for, so that a silence never goes unexplained."""

    def __init__(self, endpoint: str, choice: Choice) -> None:
        self._endpoint = endpoint
        self._what = choice.words()
        only_work = bool(choice.types) and choice.types <= MESSAGES
        self._idle = (
            "; an idle cluster sends heartbeats alone, of types heartbeat_sent and _received" if only_work else ""
        )
        self._connected_at: float | None = None
        self._quiet = False
        self._heard: set[str] = set()
        note(f"waiting for the collector at {endpoint}; bin/up starts one, or 'raftzmq collector'")

    def connection(self, made: bool) -> None:
        """The connection to the collector is there, or lost."""
        if made:
            what = "" if self._quiet else f"; waiting for {self._what} (Ctrl-C ends)"
            note(f"connected to the collector at {self._endpoint}{what}")
            self._connected_at = time.monotonic()
        elif self._connected_at is not None:
            note(f"the collector at {self._endpoint} is gone; waiting until it is back")
            self._connected_at = None

    def hear(self, nodes: Iterable[str]) -> None:
        """Nodes said something, of whatever type."""
        self._heard.update(nodes)

    def show(self, show: Show, found: Found) -> None:
        """Show events, or say after a while that there are none yet."""
        if found:
            self._quiet = True
            show(found)
        elif self._is_long() and not self._quiet:
            self._quiet = True
            note(f"still nothing of {self._what}{self._why()}")

    def _why(self) -> str:
        if self._heard:
            who = "nodes are" if len(self._heard) > 1 else "a node is"
            return f": {who} heard ({printable(', '.join(sorted(self._heard)))}), so there was none{self._idle}"
        return ", nor anything else: maybe no such node runs ('raftzmq status' tells), or other types are gathered"

    def _is_long(self) -> bool:
        return self._connected_at is not None and time.monotonic() - self._connected_at > PATIENCE_S


def chosen_events(
    endpoint: str, choice: Choice, told: Told, names: Sequence[str], *, wide: bool = False
) -> Iterator[Found]:
    """What is published of the chosen events, and maybe more. ``wide``: everything."""
    known = dict.fromkeys(names)
    # Whoever asks for single messages of nodes that aren't known yet learns of them from the rest.
    learns = bool(choice.details()) and not choice.nodes
    prefixes = choice.prefixes(known)
    if wide or learns:
        prefixes = [ALL, *(prefix for prefix in prefixes if prefix != ALL)]
    else:
        prefixes += [
            prefix for node in sorted(choice.nodes) if (prefix := f"raftzmq.{node}.{ALIVE}".encode()) not in prefixes
        ]
    for found in live_events(endpoint, prefixes, told.connection):
        heard = {event["node"] for _, event in found} - {"collector"}
        told.hear(heard & choice.nodes if choice.nodes else heard)
        if learns:
            for node in heard - known.keys():
                known[node] = None
                prefixes += [prefix for prefix in choice.prefixes([node]) if prefix not in prefixes]
        yield found
