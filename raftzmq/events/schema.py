"""The catalogue for programs: a JSON Schema (draft 2020-12) of every type of event, and the catalogue itself as JSON.

Both are made from `raftzmq.events.catalogue`, so they cannot say anything else. What a field may hold follows from its
unit; a meaning that speaks of null allows null, one that says "by peer" makes the field an object with a value for
each node.
"""

from __future__ import annotations

from typing import Any

from raftzmq.config import LAMPORT_MAX
from raftzmq.core import Role
from raftzmq.events.catalogue import ENVELOPE, EVENT_TYPES
from raftzmq.events.event_type import EventType, Field
from raftzmq.events.maker import EVENTS_VERSION

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_COUNT: Schema = {"type": "integer", "minimum": 0}
_TEXT: Schema = {"type": "string"}
_CHECKSUM: Schema = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
_NODE: Schema = {"type": "string", "minLength": 1, "maxLength": 64}
_BY_NAME = ("indexes", "counts")

_UNITS: dict[str, Schema] = {
    **dict.fromkeys(("count", "index", "term", "revision", "bytes", "microseconds", "nanoseconds", "pid"), _COUNT),
    **dict.fromkeys(("text", "id", "topic", "hash", "type"), _TEXT),
    "version": {"const": EVENTS_VERSION},
    "seconds": {"type": "number"},
    "status": {"type": "integer"},
    "checksum": _CHECKSUM,
    "node": _NODE,
    "role": {"enum": [str(role) for role in Role]},
    "flag": {"type": "boolean"},
    "probability": {"type": "number", "minimum": 0, "maximum": 1},
    "object": {"type": "object"},
    "nodes": {"type": "array", "items": _NODE},
    "terms": {"type": "array", "items": _COUNT},
    "checksums": {"type": "array", "items": _CHECKSUM},
    **{unit: {"type": "object", "additionalProperties": _COUNT} for unit in _BY_NAME},
}
"""What a field of each unit may hold."""


def event_schema() -> Schema:
    """The schema of an event: one of the types, told apart by ``type``.

    Fields may join a type without a new version, so a reader must not mind those that it doesn't know.
    """
    return {
        "$schema": DIALECT,
        "$id": f"urn:raftzmq:event:{EVENTS_VERSION}",
        "title": f"raftzmq event, version {EVENTS_VERSION}",
        "description": "What a node or the collector says; one JSON object, topic raftzmq.<node>.<type>.",
        "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in EVENT_TYPES],
        "$defs": {"envelope": _envelope()} | {kind: _type_schema(event) for kind, event in EVENT_TYPES.items()},
    }


def _envelope() -> Schema:
    properties = {name: field_schema(field) for name, field in ENVELOPE.items()}
    properties["seq"]["minimum"] = properties["order"]["minimum"] = 1
    properties["lamport"]["maximum"] = LAMPORT_MAX
    return {"type": "object", "properties": properties, "required": list(ENVELOPE)}


def _type_schema(event: EventType) -> Schema:
    properties = {name: field_schema(field) for name, field in event.fields.items()}
    return {
        "description": event.when,
        "$comment": f"level: {event.level}; source: {event.source}",
        "allOf": [{"$ref": "#/$defs/envelope"}],
        "properties": {"type": {"const": event.kind}} | properties,
        "required": list(event.fields),
    }


def field_schema(field: Field) -> Schema:
    """What a field may hold, with its meaning as the description."""
    schema = dict(_UNITS[field.unit])
    if "by peer" in field.meaning and field.unit not in _BY_NAME:
        schema = {"type": "object", "additionalProperties": schema}
    if may_be_null(field):
        schema = {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "description": f"{field.meaning} ({field.unit})"}


def may_be_null(field: Field) -> bool:
    """Does its meaning speak of null?"""
    return "null" in field.meaning


def catalogue() -> dict[str, Any]:
    """The catalogue as JSON, its own shape versioned by ``schema``, the events' by ``events_version``."""
    return {
        "schema": 1,
        "events_version": EVENTS_VERSION,
        "envelope": _fields(ENVELOPE),
        "types": [
            {
                "type": event.kind,
                "level": str(event.level),
                "when": event.when,
                "source": event.source,
                "fields": _fields(event.fields),
            }
            for event in EVENT_TYPES.values()
        ],
    }


def _fields(fields: dict[str, Field]) -> list[dict[str, Any]]:
    return [
        {"name": name, "unit": field.unit, "meaning": field.meaning, "nullable": may_be_null(field)}
        for name, field in fields.items()
    ]
