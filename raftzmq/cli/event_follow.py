"""``events --follow``: the live stream, from now on or from a time in the record on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from raftzmq.cli.event_choice import Choice
from raftzmq.cli.event_printer import Show
from raftzmq.cli.live_events import Found, live_events
from raftzmq.cli.output import note

PATIENCE_S = 5.0
"""Nodes say something every second at least: after this somebody who sees nothing is told what that may mean."""
ALL = b"raftzmq."


def follow_events(endpoint: str, choice: Choice, show: Show, *, names: Sequence[str]) -> None:
    """Show the chosen events as they come, without end.

    ``names`` are the nodes as far as they are known; others are learned from what they say.
    """
    told = Told(endpoint, choice)
    for found in chosen_events(endpoint, choice, told, names):
        told.show(show, [pair for pair in found if choice(pair[1])])


class Told:
    """Tells the user what is waited for, so that a silence never goes unexplained."""

    def __init__(self, endpoint: str, choice: Choice) -> None:
        self._endpoint = endpoint
        self._what = choice.words()
        self._connected_at: float | None = None
        self._quiet = False
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

    def show(self, show: Show, found: Found) -> None:
        """Show events, or say after a while that there are none yet."""
        if found:
            self._quiet = True
            show(found)
        elif self._is_long() and not self._quiet:
            self._quiet = True
            note(f"still nothing of {self._what}: 'raftzmq status' says which nodes run")

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
    for found in live_events(endpoint, prefixes, told.connection):
        if learns:
            for node in {event["node"] for _, event in found} - known.keys() - {"collector"}:
                known[node] = None
                prefixes += [prefix for prefix in choice.prefixes([node]) if prefix not in prefixes]
        yield found
