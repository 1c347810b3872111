"""``events --catalogue`` and ``events --schema``: what events there are, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from raftzmq.cli.output import colours_wanted, say, say_json, write

if TYPE_CHECKING:
    from raftzmq.events.event_type import Field

INDENT = 4
NAME_WIDTH, UNIT_WIDTH = 18, 13


def catalogue_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the two options to ``events``: with one of them it prints that, and does nothing else."""

    @click.option(
        "--catalogue",
        "--types",
        "wants_catalogue",
        is_flag=True,
        allow_from_autoenv=False,
        help="Explain every type of event (or those of --type): when it happens, its fields with their units.",
    )
    @click.option(
        "--schema",
        "wants_schema",
        is_flag=True,
        allow_from_autoenv=False,
        help="Print the JSON Schema (draft 2020-12) of every type of event.",
    )
    @wraps(command)
    def with_catalogue(*, wants_catalogue: bool, wants_schema: bool, **options: Any) -> None:
        if wants_catalogue and wants_schema:
            raise click.UsageError("--catalogue and --schema are two answers: ask for one at a time")
        if wants_catalogue:
            _print_catalogue(options["types"], as_json=options["as_json"])
        elif wants_schema:
            _print_schema(as_json=options["as_json"])
        else:
            command(**options)

    return with_catalogue


def _print_schema(*, as_json: bool) -> None:
    """Indented, as a file is kept; with --json on one line."""
    import orjson

    from raftzmq.events.schema import event_schema

    write(orjson.dumps(event_schema(), option=orjson.OPT_APPEND_NEWLINE | (0 if as_json else orjson.OPT_INDENT_2)))


def _print_catalogue(types: frozenset[str], *, as_json: bool) -> None:
    from raftzmq.events.catalogue import ENVELOPE, EVENT_TYPES
    from raftzmq.events.schema import catalogue

    if as_json:
        document = catalogue()
        document["types"] = [entry for entry in document["types"] if not types or entry["type"] in types]
        say_json(document)
        return
    lines = []
    if not types:
        lines += [_styled("every event", bold=True) + " begins with", *_fields(ENVELOPE), ""]
    for event in EVENT_TYPES.values():
        if not types or event.kind in types:
            title = f"{_styled(event.kind, bold=True)} ({event.level}): {event.when}"
            lines += [f"{title}. {_styled(event.source, dim=True)}", *_fields(event.fields)]
    say("\n".join(lines))


def _fields(fields: Mapping[str, Field]) -> list[str]:
    return [f"{'':{INDENT}}{name:<{NAME_WIDTH}} {f.unit:<{UNIT_WIDTH}} {f.meaning}" for name, f in fields.items()]


def _styled(text: str, **style: bool) -> str:
    return click.style(text, **style) if colours_wanted() else text
