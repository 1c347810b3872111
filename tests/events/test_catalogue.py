"""The catalogue is complete: a node emits no type and no field that is not described there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import raftzmq
from raftzmq.events import ENVELOPE, EVENT_TYPES

PACKAGE = Path(str(raftzmq.__path__[0]))
EMITTERS = ("node", "core", "runtime", "collector")
CALLS = {"emit", "wanted", "_fact", "_emit", "_event"}
"""The functions whose first argument is a type of event."""


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for folder in EMITTERS:
        for path in sorted((PACKAGE / folder).glob("**/*.py")):
            yield path, ast.parse(path.read_text())


def literal(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def emits() -> Iterator[tuple[str, str, ast.Call]]:
    """(where, kind, call) of every call in the sources that makes an event or asks whether one is wanted."""
    for path, module in sources():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                kind = literal(node.args[0])
                if node.func.attr in CALLS and kind is not None:
                    yield f"{path.name}:{node.lineno}", kind, node


def test_every_kind_that_is_emitted_is_described() -> None:
    found = {kind for _, kind, _ in emits()}
    assert {"role", "vote", "gap"} <= found, "this test looks in the wrong place"
    assert not found - set(EVENT_TYPES), "emitted, but not in the catalogue"
    assert not set(EVENT_TYPES) - found, "in the catalogue, but never emitted"


def test_the_fields_that_are_emitted_are_those_described() -> None:
    wrong = []
    for where, kind, call in emits():
        fields = {keyword.arg for keyword in call.keywords}
        for argument in call.args:
            if isinstance(argument, ast.Dict):
                fields |= {None if key is None else literal(key) for key in argument.keys}
        described = set(EVENT_TYPES[kind].fields)
        if None in fields:  # a ** among them: only a part stands here
            fields = fields - {None} | described
        if fields and fields != described:
            wrong.append(f"{where} {kind}: {sorted(map(str, fields ^ described))}")
    assert wrong == []


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_a_description_is_whole(kind: str) -> None:
    event = EVENT_TYPES[kind]
    assert event.kind == kind
    assert kind.replace("_", "").isalpha()
    assert event.when
    assert event.source
    assert event.fields
    assert not set(event.fields) & set(ENVELOPE), "a field must not hide one of the envelope"
    for name, field in event.fields.items():
        assert field.unit
        assert field.meaning
        assert not name.endswith("_us") or field.unit == "microseconds"


def test_no_topic_is_the_prefix_of_another() -> None:
    """A subscription is a prefix: ``…role`` must not bring ``…roles`` too."""
    clashes = [(a, b) for a in EVENT_TYPES for b in EVENT_TYPES if a != b and b.startswith(a)]
    assert clashes == []
