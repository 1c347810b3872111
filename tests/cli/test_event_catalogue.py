"""``events --catalogue`` and ``--schema``: what there is, for people and for programs."""

from __future__ import annotations

import json

import pytest

from raftzmq.events import EVENT_TYPES
from raftzmq.events.schema import catalogue, event_schema
from tests.cli.support import on_terminal, raftzmq


def printed(*arguments: str) -> str:
    done = raftzmq("events", *arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


@pytest.mark.parametrize("flag", ["--catalogue", "--types"])
def test_it_explains_every_type_and_field(flag: str) -> None:
    text = printed(flag)
    for event in EVENT_TYPES.values():
        assert f"\n{event.kind} ({event.level}): {event.when}. {event.source}\n" in text
        for name, field in event.fields.items():
            assert f"    {name:<18} {field.unit:<13} {field.meaning}" in text
    assert text.startswith("every event begins with\n    v ")
    assert "\x1b" not in text


def test_some_types_can_be_chosen() -> None:
    lines = [line for line in printed("--catalogue", "--type", "trace,commit").splitlines() if line[0] != " "]
    assert [line.split()[0] for line in lines] == ["commit", "trace"]
    document = json.loads(printed("--json", "--catalogue", "--type", "role"))
    assert [entry["type"] for entry in document["types"]] == ["role"]


@pytest.mark.parametrize("arguments", [("--catalogue", "--json"), ("--json", "--catalogue")])
def test_programs_get_json(arguments: tuple[str, ...]) -> None:
    assert json.loads(printed(*arguments)) == catalogue()


def test_the_schema_is_indented_for_a_file_and_on_one_line_for_a_program() -> None:
    assert json.loads(printed("--schema")) == event_schema()
    assert printed("--schema").startswith('{\n  "$schema"')
    assert printed("--schema", "--json").count("\n") == 1


def test_colours_are_for_terminals() -> None:
    code, text = on_terminal("events", "--catalogue", "--type", "commit")
    assert code == 0
    assert "\x1b[1mcommit\x1b[0m (usual)" in text
    assert "\x1b" not in on_terminal("events", "--catalogue", variables={"NO_COLOR": "1"})[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--catalogue", "--schema"), "ask for one at a time"),
        (("--catalogue", "--type", "nonsense"), "no such type of event: nonsense"),
    ],
)
def test_mistakes_are_explained(arguments: tuple[str, ...], sentence: str) -> None:
    done = raftzmq("events", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr.decode()
