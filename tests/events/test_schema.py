"""The JSON Schema and the JSON of the catalogue: made from the catalogue, and true of what nodes really say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from raftzmq.config import LAMPORT_MAX
from raftzmq.events import ENVELOPE, EVENT_TYPES, NODE_TYPES, Field
from raftzmq.events.schema import catalogue, event_schema, field_schema, may_be_null
from raftzmq.kv.commands import Get
from tests.events.validity import faults, validator
from tests.node.support import SECOND, Rig, puts

SCHEMA = event_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
WHO = {"v": 1, "node": "n1", "boot": "b", "seq": 1, "order": 9}
ENVELOPE_VALUES = {**WHO, "ts": 1.5, "mono_ns": 7, "lamport": 3, "term": 2}
COMMIT = {**ENVELOPE_VALUES, "type": "commit", "index": 9, "previous": 8, "entry_term": 2, "chain": 5}


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["$defs"]) == {"envelope", *EVENT_TYPES}
    assert SCHEMA["$id"].endswith(":1"), "the version of events"


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_field_of_the_catalogue_is_in_it(kind: str) -> None:
    fields = EVENT_TYPES[kind].fields
    entry = SCHEMA["$defs"][kind]
    assert set(entry["properties"]) == {"type", *fields}
    assert entry["required"] == list(fields)
    assert all(field.meaning in entry["properties"][name]["description"] for name, field in fields.items())
    assert not validator(kind).is_valid({**ENVELOPE_VALUES, "type": kind})


def test_events_of_a_node_are_valid_and_have_no_other_fields() -> None:
    rig = Rig()
    rig.node.on_subscription(b"", True, rig.now)
    rig.lead()
    session = rig.open_session()
    rig.execute(2, puts(session, 0, "a", "b"))
    rig.settle()
    rig.read(3, Get(b"a"))
    rig.settle()
    rig.node.on_client(b"nobody", [b"nonsense"], rig.now)
    rig.node.on_peer(b"stranger", [b"nonsense"], rig.now)
    rig.node.on_dropped("peer", 3, rig.now)
    rig.advance(2 * SECOND)
    rig.depose("n3")
    rig.settle()
    kept = [payload for _, _, _, payload in rig.node.report.ring.find([(kind, 1, 2**62) for kind in EVENT_TYPES])]
    events = [json.loads(payload) for payload in kept]
    assert faults(events) == []
    seen = {event["type"] for event in events}
    for event in {event["type"]: event for event in events}.values():
        VALIDATOR.validate(event)
    absent = {
        "compact",
        "corrupt",
        "disrupt_refused",
        "fault",
        "heartbeat_received",
        "room",
        "snapshot",
        "truncate",
        "vote",
    }
    assert {event.kind for event in NODE_TYPES} - seen <= absent


WRONG: list[tuple[str, Any]] = [
    ("v", 2),
    ("node", ""),
    ("node", 5),
    ("seq", 0),
    ("order", 0),
    ("ts", "now"),
    ("mono_ns", -1),
    ("lamport", LAMPORT_MAX + 1),
    ("term", None),
    ("type", "nonsense"),
    ("index", -1),
    ("index", "9"),
    ("chain", 2**32),
    ("chain", None),
]


def test_a_right_event_is_valid_also_with_a_field_more() -> None:
    """Fields may join a type: who wrote a reader before that must be able to go on."""
    VALIDATOR.validate(COMMIT)
    VALIDATOR.validate({**COMMIT, "joined_later": {}})


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_not(name: str, value: Any) -> None:
    assert not VALIDATOR.is_valid({**COMMIT, name: value})


@pytest.mark.parametrize("name", COMMIT)
def test_a_missing_field_is_not(name: str) -> None:
    assert not VALIDATOR.is_valid({key: value for key, value in COMMIT.items() if key != name})


@pytest.mark.parametrize(
    ("field", "right", "wrong"),
    [
        (Field("node", "who, null if nobody"), ["n1", None], [1, ""]),
        (Field("node", "who"), ["n1"], [None]),
        (Field("microseconds", "by peer, until it left"), [{}, {"n2": 5}], [5, {"n2": "5"}, None]),
        (Field("indexes", "of a leader: by peer, the next"), [{}, {"n2": 5}], [{"n2": {}}, {"n2": -1}]),
        (Field("role", "the role"), ["leader", "pre-candidate"], ["king", None]),
        (Field("flag", "whether"), [True], [1, "true"]),
        (Field("checksums", "of each"), [[], [1, 2]], [[-1], 5]),
        (Field("nodes", "who"), [["n1"]], ["n1", [5]]),
        (Field("status", "how it ended"), [-1, 0], ["0"]),
    ],
)
def test_what_a_field_may_hold_follows_from_its_unit(field: Field, right: list[Any], wrong: list[Any]) -> None:
    validator = Draft202012Validator(field_schema(field))
    assert all(validator.is_valid(value) for value in right)
    assert not any(validator.is_valid(value) for value in wrong)


def test_the_catalogue_as_json_says_all_that_the_catalogue_does() -> None:
    document = json.loads(json.dumps(catalogue()))
    assert (document["schema"], document["events_version"]) == (1, 1)
    assert [row["name"] for row in document["envelope"]] == list(ENVELOPE)
    assert [entry["type"] for entry in document["types"]] == list(EVENT_TYPES)
    for entry in document["types"]:
        event = EVENT_TYPES[entry["type"]]
        assert (entry["level"], entry["when"], entry["source"]) == (str(event.level), event.when, event.source)
        for row in entry["fields"]:
            field = event.fields[row["name"]]
            assert (row["unit"], row["meaning"], row["nullable"]) == (field.unit, field.meaning, may_be_null(field))
