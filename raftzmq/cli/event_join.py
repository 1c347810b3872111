"""From what is recorded into what is live, without a gap and without a double."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

KEYS_KEPT = 8192
"""How many of the last recorded events are remembered. An event is recorded a second after it was published at the
latest, and is heard live at once: of those that are read before their live twin is heard there are a few at most."""

Event = dict[str, Any]
Found = tuple[bytes, Event]
"""A payload as it was published, and the event in it."""
Key = tuple[Any, ...]


def event_key(event: Event) -> Key:
    """What names an event for ever: its node, that node's life, its type, and its number among those."""
    return event["node"], event.get("boot"), event["type"], event.get("seq")


class EventJoin:
    """Puts a recording and the live stream together.

    The collector records the events that it publishes in the order in which it publishes them. So the first event
    that is heard live stands in the recording too, sooner or later: all before it comes from the recording, it and
    all after it from the stream. Until it is found there, what is heard waits here.

    ``read(position)`` gives the recorded events behind a position, as (position, payload, event), with what has been
    recorded since the last call.
    """

    def __init__(self, read: Callable[[int], Iterator[tuple[int, bytes, Event]]]) -> None:
        self.joined = False
        self._read = read
        self._reading: Iterator[tuple[int, bytes, Event]] = iter(())
        self._position = 0
        self._waiting: list[Found] = []
        self._first: Key | None = None
        self._recent: dict[Key, None] = {}

    @property
    def heard(self) -> bool:
        """Has anything been heard live?"""
        return self._first is not None

    def hear(self, found: Iterable[Found]) -> list[Found]:
        """Take in what came live; once joined, all of it that has not been shown is to be shown."""
        self._waiting.extend(found)
        if not self._waiting:
            return []
        if self._first is None:
            self._first = event_key(self._waiting[0][1])
            self.joined = self.joined or self._first in self._recent  # it was read before it was heard
        return self._take() if self.joined else []

    def catch_up(self, most: int) -> tuple[list[Found], bool]:
        """The next recorded events to show, at most so many, and whether the recording may hold more for now.

        When the first live event is reached, what waited follows, and the two are joined.
        """
        found: list[Found] = []
        while not self.joined and len(found) < most:
            following = next(self._reading, None)
            if following is None:
                self._reading = self._read(self._position)
                following = next(self._reading, None)
                if following is None:
                    return found, False
            position, payload, event = following
            key = event_key(event)
            if key == self._first:
                self.joined = True
                found += self._take()
            else:
                self._position = position
                self._remember(key)
                found.append((payload, event))
        return found, not self.joined

    def give_up(self) -> list[Found]:
        """Join the two as they are: what waited, without what is doubled; there may be a gap before it."""
        self.joined = True
        return self._take()

    def _take(self) -> list[Found]:
        """What waited and has not been read from the recording."""
        waiting, self._waiting = self._waiting, []
        if self._recent and waiting:
            waiting = [pair for pair in waiting if event_key(pair[1]) not in self._recent]
            if waiting:  # the stream has passed what was read: nothing of it comes again
                self._recent.clear()
        return waiting

    def _remember(self, key: Key) -> None:
        self._recent[key] = None
        if len(self._recent) > KEYS_KEPT:
            del self._recent[next(iter(self._recent))]
