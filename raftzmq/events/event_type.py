"""What a type of event is: when it happens, what its fields mean, who gets it, and where its rule comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Field(NamedTuple):
    """One field of an event: its unit (or what kind of value it is) and its meaning."""

    unit: str
    meaning: str


class Level(StrEnum):
    """How much there is of a type of event, and therefore when it is made.

    `RARE`: a few in an hour, made always, so that who comes late can ask for them. `USUAL`: per batch or per interval,
    made while somebody subscribes and shortly after. `DETAIL`: single messages, made only while somebody asks for this
    very type; a subscription to all events of a node includes it, the collector's usual one does not.
    """

    RARE = "rare"
    USUAL = "usual"
    DETAIL = "detail"


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event. ``when`` says when it is made, ``source`` where the rule behind it stands."""

    kind: str
    level: Level
    when: str
    source: str
    fields: dict[str, Field]


def event_type(kind: str, level: Level, when: str, source: str, *fields: str) -> EventType:
    """An event type whose fields are given as "name unit meaning…"."""
    return EventType(kind, level, when, source, dict(map(_field, fields)))


def _field(text: str) -> tuple[str, Field]:
    name, unit, meaning = text.split(" ", 2)
    return name, Field(unit, meaning)
