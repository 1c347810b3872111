"""Every type of event: when it happens, what its fields mean and in which unit, and where its rule comes from.

A node emits nothing that is not here (a test reads its sources to make sure), so a subscriber can rely on this page.
Paper sections are those of "In Search of an Understandable Consensus Algorithm (Extended Version)", thesis chapters
those of Ongaro's "Consensus: Bridging Theory and Practice".
"""

from __future__ import annotations

from raftzmq.events.consensus_types import ELECTIONS, LOG
from raftzmq.events.event_type import EventType, Field, Level
from raftzmq.events.health_types import COLLECTOR, HEALTH, LAB
from raftzmq.events.traffic_types import CLIENTS, MESSAGES

ENVELOPE: dict[str, Field] = {
    "v": Field("version", "version of this envelope, 1; fields may join it, what a field means stays"),
    "node": Field("node", "the node that speaks, or `collector`"),
    "boot": Field("id", "random id of the process's life: a restart changes it"),
    "seq": Field("count", "counts from 1 per (boot, topic); a jump means that events were lost"),
    "order": Field("count", "counts from 1 per boot over all topics: the order in which the node made its events"),
    "ts": Field("seconds", "wall clock since 1970, for people; nothing is ordered by it"),
    "mono_ns": Field("nanoseconds", "the node's monotonic clock, comparable within one boot"),
    "lamport": Field("count", "Lamport time: what was sent before something was received has the smaller one"),
    "term": Field("term", "the node's current term (Raft §5.1)"),
    "type": Field("type", "the event's type, also the last part of its topic"),
}
"""The fields that every event begins with."""

NODE_TYPES: tuple[EventType, ...] = (*ELECTIONS, *LOG, *CLIENTS, *MESSAGES, *HEALTH, *LAB)
"""What nodes say, as against `COLLECTOR`."""

EVENT_TYPES: dict[str, EventType] = {event.kind: event for event in (*NODE_TYPES, *COLLECTOR)}
"""Every type of event by its name."""

USUAL_TYPES: tuple[str, ...] = tuple(event.kind for event in NODE_TYPES if event.level is not Level.DETAIL)
"""What the collector subscribes to unless it is told otherwise: everything but single messages."""
