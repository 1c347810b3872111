"""What a node says about itself: structured events on its XPUB socket, encoded only while somebody listens.

An event is a ZeroMQ message of two frames: the topic ``raftzmq.<node>.<type>`` and a JSON object. Every object
begins with the envelope ``v node boot seq order ts mono_ns lamport term type``; the rest depends on the type and is
described in `raftzmq.events.catalogue`. ``seq`` counts from 1 per (boot, topic), so that a subscriber to few topics
sees a gap exactly when it lost something that it asked for.
"""

from raftzmq.events.catalogue import ENVELOPE, EVENT_TYPES, NODE_TYPES, USUAL_TYPES
from raftzmq.events.event_type import EventType, Field, Level
from raftzmq.events.maker import EventMaker, topic_of

__all__ = [
    "ENVELOPE",
    "EVENT_TYPES",
    "NODE_TYPES",
    "USUAL_TYPES",
    "EventMaker",
    "EventType",
    "Field",
    "Level",
    "topic_of",
]
