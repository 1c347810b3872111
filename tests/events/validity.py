"""Is what was said valid by the published schema?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from raftzmq.events import ENVELOPE, EVENT_TYPES
from raftzmq.events.schema import event_schema

MOST = 100
"""Of each type: a check takes about a millisecond."""


def validator(kind: str) -> Draft202012Validator:
    """For events of one type: it says what is wrong, where that of all types only says that something is."""
    schema = event_schema()
    del schema["oneOf"]
    return Draft202012Validator({**schema, "$ref": f"#/$defs/{kind}"})


def faults(events: Iterable[dict[str, Any]], most: int = MOST) -> list[str]:
    """What is wrong with the first ``most`` events of each type; a field that the catalogue doesn't have is, too."""
    validators: dict[str, Draft202012Validator] = {}
    seen: Counter[str] = Counter()
    found = []
    for event in events:
        kind = event.get("type", "")
        if kind not in EVENT_TYPES:
            found.append(f"no type of event: {kind!r}")
            continue
        seen[kind] += 1
        if seen[kind] > most:
            continue
        if kind not in validators:
            validators[kind] = validator(kind)
        error = best_match(validators[kind].iter_errors(event))
        if error is not None:
            found.append(f"{kind}: {error.json_path}: {error.message}")
        unknown = set(event) - {*ENVELOPE, *EVENT_TYPES[kind].fields}
        if unknown:
            found.append(f"{kind}: {sorted(unknown)} are not in the catalogue")
    return found
