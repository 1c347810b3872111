"""Which events a user asked for: by type, node, level and text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PULSE = frozenset({"clock", "standing", "metrics", "checkpoint"})
"""What comes by itself at intervals, whether something happens or not: among lines for people it would drown the rest.
Whoever names these types, or a level, gets them."""
LEVELS = ("rare", "usual", "detail")
"""In the order of how many there are; see `raftzmq.events.event_type.Level`."""

Event = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """What to show. An empty set or text chooses everything.

    ``level`` is the most talkative level that is shown: ``usual`` means the rare ones too. Types that are named count
    more than the level. ``text`` is looked for in the event as it was published and in its line for people; capital
    letters make no difference.
    """

    types: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    level: str = ""
    text: str = ""
    pulse: bool = True
    """Show what comes by itself, too, without having been asked for by name."""

    def __call__(self, event: Event) -> bool:
        """Was this event asked for?"""
        kind = event["type"]
        if self.types:
            if kind not in self.types:
                return False
        elif self.level:
            if not self._within_level(kind):
                return False
        elif not self.pulse and kind in PULSE:
            return False
        if self.nodes and event["node"] not in self.nodes:
            return False
        return not self.text or self._has_text(event)

    def _within_level(self, kind: str) -> bool:
        from raftzmq.events.catalogue import EVENT_TYPES

        known = EVENT_TYPES.get(kind)
        return known is None or LEVELS.index(known.level) <= LEVELS.index(self.level)

    def _has_text(self, event: Event) -> bool:
        import orjson

        from raftzmq.cli.event_lines import event_line

        wanted = self.text.casefold()
        if wanted in event_line(event, colours=False).casefold():
            return True
        return wanted in orjson.dumps(event).decode().casefold()

    def details(self) -> frozenset[str]:
        """The types of single messages among what was asked for: nodes make them only for who names them."""
        from raftzmq.events.catalogue import EVENT_TYPES

        detailed = frozenset(kind for kind, event in EVENT_TYPES.items() if event.level == "detail")
        if self.types:
            return self.types & detailed
        return detailed if self.level == "detail" else frozenset()

    def prefixes(self, names: Iterable[str]) -> list[bytes]:
        """The narrowest subscriptions that bring all that was asked for, of a cluster whose nodes have these names."""
        details = self.details()
        wide = not self.types or bool(self.types - details)
        if not self.nodes:
            found = [b"raftzmq."] if wide else []
            return found + [f"raftzmq.{node}.{kind}".encode() for node in names for kind in sorted(details)]
        kinds = sorted(self.types or ({""} | details))
        return [f"raftzmq.{node}.{kind}".encode() for node in sorted(self.nodes) for kind in kinds]

    def words(self) -> str:
        """The choice in words, for whoever waits for the first of them."""
        what = ", ".join(sorted(self.types)) or (f"{self.level} events" if self.level else "any event")
        who = f" of {', '.join(sorted(self.nodes))}" if self.nodes else ""
        return what + who + (f" with {self.text!r} in it" if self.text else "")
