"""What ties a store's keys together: all writes draw their revisions from one counter (design section 5).

Every key for itself may be linearizable while the counter is not. Three rules, each a comparison or two per operation:

- No two writes have one revision.
- The counter is a linearizable object as well: what began after somebody had been shown revision r sees r or more, and
  a write that began then gets more (Herlihy and Wing 1990; `raftzmq.verify.realtime` does this while it happens).
- An answer as of revision r, a range's or that of a read in the past, holds every write up to r and none above it.

They are necessary, not sufficient: a write of unknown outcome has no revision to compare, and of a range the instant is
known as a revision only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from raftzmq.verify.history import Operation
from raftzmq.verify.models.model import text
from raftzmq.verify.models.store import Store, covers
from raftzmq.verify.window import Window

_MODEL = Store()


def contradiction(operations: Sequence[Operation]) -> Window | None:
    """The first contradiction among the revisions of a store's operations, or None."""
    return _doubled(operations) or _too_late(operations) or _torn(operations)


def _window(reason: str, *operations: Operation) -> Window:
    return Window(operations, tuple(_describe(operation) for operation in operations), reason)


def _describe(operation: Operation) -> str:
    if not operation.name.startswith("range"):
        name, _, past = operation.name.partition("-")
        shown = Operation(operation.client, None, name, operation.arguments, operation.result, 0, 0)
        when = f" at revision {operation.arguments[0]}" if past else ""
        return f"key {text(operation.key)}{when}: {_MODEL.describe(shown)}"
    revision, rows, _ = operation.result
    return f"range → {len(rows)} keys as of revision {revision}"


def _written(operation: Operation) -> int:
    """The revision that a write made; 0 for what made none, or none that is known."""
    if not operation.known:
        return 0
    if operation.name == "put":
        return int(operation.result)
    if operation.name in ("delete", "cas") and operation.result[0]:
        return int(operation.result[1])
    return 0


def _shown(operation: Operation) -> int:
    """The highest revision that an answer proves to have been reached."""
    if operation.name in ("put",):
        return int(operation.result)
    if operation.name in ("delete", "cas"):
        return int(operation.result[1])
    if operation.name.startswith("range"):
        return int(operation.result[0])
    if operation.name == "get-at":
        return int(operation.arguments[0])
    return 0 if operation.result is None else int(operation.result[2])


def _doubled(operations: Sequence[Operation]) -> Window | None:
    seen: dict[int, Operation] = {}
    for operation in operations:
        revision = _written(operation)
        if revision and seen.setdefault(revision, operation) is not operation:
            return _window(f"two writes got revision {revision}", seen[revision], operation)
    return None


def _too_late(operations: Sequence[Operation]) -> Window | None:
    """An operation that was called after a revision had been shown, and went below it."""
    events = []
    for position, operation in enumerate(operations):
        if operation.returned is not None:
            events += [(operation.called, 0, position), (operation.returned, 1, position)]
    highest, teller = 0, -1
    began: dict[int, tuple[int, int]] = {}
    for _, returns, position in sorted(events):
        operation = operations[position]
        if not returns:
            began[position] = highest, teller
            continue
        floor, told = began[position]
        revision, written = _shown(operation), _written(operation)
        current = bool(written) or operation.name == "range" or (operation.name == "delete")
        if current and told >= 0 and (revision < floor or (written and revision == floor)):
            did = "wrote" if written else "saw"
            reason = f"A had been told of revision {floor} before B was called, and B {did} revision {revision}"
            return _window(reason, operations[told], operation)
        if revision > highest:
            highest, teller = revision, position
    return None


def _torn(operations: Sequence[Operation]) -> Window | None:
    """An answer as of a revision that lacks a write up to it, or holds one above it."""
    writes: dict[Any, list[tuple[int, int]]] = {}
    loose: set[Any] = set()
    for position, operation in enumerate(operations):
        revision = _written(operation)
        if revision:
            writes.setdefault(operation.key, []).append((revision, position))
        # What may have been removed at a time that nobody knows can be missing from any answer.
        if operation.name == "delete" and not operation.known:
            loose.add(operation.key)
        if operation.name == "put" and operation.arguments[1]:
            loose.add(operation.key)
    for written in writes.values():
        written.sort()
    for operation in operations:
        for key, as_of, row in _answers(operation, writes):
            if row is not None and row[2] > as_of:
                return _window(f"A, as of revision {as_of}, holds revision {row[2]} of key {text(key)}", operation)
            known = writes.get(key, [])
            place = bisect_right(known, (as_of, len(operations)))
            if not place:
                continue
            revision, position = known[place - 1]
            if _lacks(operations[position], revision, row, may_vanish=key in loose):
                reason = f"B, as of revision {as_of}, doesn't show what A did to key {text(key)} at revision {revision}"
                return _window(reason, operations[position], operation)
    return None


def _answers(operation: Operation, keys: Any) -> Iterator[tuple[Any, int, Any]]:
    """Key, revision and row (None: no such key) of each key that an answer as of a revision speaks of."""
    if operation.name == "get-at":
        yield operation.key, operation.arguments[0], operation.result
    elif operation.name.startswith("range"):
        as_of, rows, last = operation.result
        for key in keys:
            if covers(operation, key, last):
                yield key, as_of, rows.get(key)
        for key in rows.keys() - keys.keys():
            yield key, as_of, rows[key]


def _lacks(write: Operation, revision: int, row: Any, *, may_vanish: bool) -> bool:
    """Is ``row``, as of a revision from ``revision`` on, one that can't be after ``write``?"""
    if row is None:
        return write.name != "delete" and not may_vanish
    if row[2] == revision:
        return write.name == "delete" or bool(row[0] != write.arguments[write.name == "cas"])
    return bool(row[2] < revision)
