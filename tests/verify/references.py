"""The models once more, as plain programs that execute an operation: what the checker's models are held against."""

from __future__ import annotations

from typing import Any

from raftzmq.verify.history import Operation

REVISION_MAX = 16


def register(state: Any, operation: Operation) -> list[tuple[Any, Any]]:
    """A register."""
    if operation.name == "read":
        return [(state, state)]
    if operation.name == "write":
        return [(True, operation.arguments[0])]
    expected, new = operation.arguments
    return [(True, new)] if state == expected else [(False, state)]


def strings(state: str, operation: Operation) -> list[tuple[Any, Any]]:
    """A string."""
    if operation.name == "get":
        return [(state, state)]
    (value,) = operation.arguments
    return [(None, value if operation.name == "put" else state + value)]


Key = tuple[Any, int]
"""The row (value, create, mod, version, lease) or None, and the revision of the latest write."""


def store(state: Key, operation: Operation) -> list[tuple[Any, Any]]:
    """A key of the store. Writes of other keys may take any number of revisions in between."""
    row, last = state
    later = range(last + 1, REVISION_MAX + 1)
    name = operation.name
    if name == "get":
        return [(row, state)]
    if name == "put":
        value, lease = operation.arguments
        return [(revision, (_written(row, value, revision, lease), revision)) for revision in later]
    if name == "delete":
        if row is None:
            return [((False, revision), state) for revision in range(last, REVISION_MAX + 1)]
        return [((True, revision), (None, revision)) for revision in later]
    expected, new, wanted = operation.arguments
    mod = 0 if row is None else row[2]
    if wanted is not None:
        matches = wanted == mod
    else:
        matches = row is None if expected is None else row is not None and row[0] == expected
    if not matches:
        return [((False, mod), state)]
    return [((True, revision), (_written(row, new, revision, 0), revision)) for revision in later]


def _written(row: Any, value: bytes, revision: int, lease: int) -> Any:
    if row is None:
        return value, revision, revision, 1, lease
    return value, row[1], revision, row[3] + 1, lease
