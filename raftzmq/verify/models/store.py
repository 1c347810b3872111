"""This store's keys: values with revisions (design section 5), one object per key.

What is checked of a key is all that its results show: a get returns the value of the latest write, with that write's
revision, the revision and number of writes since it was created; each write's revision is above those of all before
it; a delete and a compare-and-swap tell the truth about what was there. What ties the keys together, one counter for
all revisions, is `raftzmq.verify.revisions`'s.

A state knows as much as results have told: after a write of unknown outcome the revision is only known to lie above
the one before it, until a read shows it. A store that isn't known to have been empty begins with nothing known.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from raftzmq.verify.history import Operation
from raftzmq.verify.models.model import OTHER, text

Row = tuple[Any, int, int, int, int]
"""value, create_revision, mod_revision, version, lease: what a get returns of a key that exists."""


class KeyState(NamedTuple):
    """A key. None is what isn't known; the latest write, a delete or not, has revision ``floor`` or a higher one."""

    exists: bool | None
    value: Any
    create: int | None
    mod: int | None
    version: int | None
    lease: int | None
    floor: int


NOTHING_KNOWN: Final = KeyState(None, None, None, None, None, None, 0)
NEVER_WRITTEN: Final = KeyState(False, None, None, None, None, None, 0)


class Store:
    """``put (value, lease) → revision``, ``get () → row or None``, ``delete () → (deleted, revision)``,
    ``cas (expected, new, mod_revision) → (succeeded, revision)``, ``range (start, end) → (revision, rows, last)``.

    A range counts as a get, within its time, of every key of the history that lies in what it covered: those that it
    returned and those that it should have. That its keys are of one and the same instant is checked by revisions only.
    """  # fmt: skip

    def __init__(self, *, empty: bool = False) -> None:
        self.initial = NEVER_WRITTEN if empty else NOTHING_KNOWN

    def partition(self, operations: Sequence[Operation]) -> dict[Hashable, list[Operation]]:
        """By key, ranges taken apart."""
        parts: dict[Hashable, list[Operation]] = {}
        for operation in operations:
            if operation.name != "range":
                parts.setdefault(operation.key, []).append(operation)
            else:
                for row_key in operation.result[1]:
                    parts.setdefault(row_key, [])
        for operation in operations:
            if operation.name == "range":
                _, rows, last = operation.result
                for key, part in parts.items():
                    if covers(operation, key, last):
                        part.append(replace(operation, key=key, name="get", arguments=(), result=rows.get(key)))
        return parts

    def step(self, state: KeyState, operation: Operation) -> KeyState | None:
        """See `Model.step`."""
        name = operation.name
        if name == "get":
            return _absent(state) if operation.result is None else _present(state, operation.result)
        if name == "put":
            value, lease = operation.arguments
            return _put(state, value, lease, operation.result)
        if name == "delete":
            return _delete(state, operation.result)
        return _swap(state, operation)

    def looks(self, operation: Operation) -> bool:
        """See `Model.looks`."""
        if operation.name in ("delete", "cas"):
            return operation.known and not operation.result[0]
        return operation.name == "get"

    def rank(self, operation: Operation) -> int | None:
        """See `Model.rank`: the revision of a write."""
        if not operation.known or self.looks(operation):
            return None
        return int(operation.result if operation.name == "put" else operation.result[1])

    def blur(self, state: KeyState) -> KeyState:
        """See `Model.blur`."""
        return KeyState(None, OTHER, None, None, None, None, state.floor)

    def explains(self, writer: Operation, observer: Operation) -> bool:
        """See `Model.explains`."""
        left = _written(writer)
        return left is not None and bool(left == _observed(observer))

    def settles(self, operation: Operation) -> bool:
        """See `Model.settles`."""
        return operation.known and not self.looks(operation)

    def describe(self, operation: Operation) -> str:
        """See `Model.describe`."""
        return f"{_call(operation)} → {_result(operation) if operation.known else 'unknown'}"

    def show(self, state: KeyState) -> str:
        """See `Model.show`."""
        if state.exists is False:
            return "doesn't exist"
        if state == NOTHING_KNOWN:
            return "may hold anything"
        revision = f"{state.floor} or later" if state.mod is None else state.mod
        value = text(state.value) if isinstance(state.value, str | bytes) else "something"
        return f"holds {value} of revision {revision}" + ("" if state.exists else ", or doesn't exist")


def covers(operation: Operation, key: Any, last: Any) -> bool:
    """Does a range of ``[start, end)``, cut off before ``last`` (None: not), say whether ``key`` exists?"""
    start, end = operation.arguments
    return bool(start <= key and (end is None or key < end) and (last is None or key < last))


def _absent(state: KeyState) -> KeyState | None:
    """The key was seen not to exist. Keys with a lease vanish by themselves."""
    if state.exists is False:
        return state
    if state.exists and state.lease == 0:
        return None
    return KeyState(False, None, None, None, None, None, state.floor)


def _present(state: KeyState, row: Row) -> KeyState | None:
    """The key was seen with ``row``."""
    value, create, mod, version, lease = row
    if state.exists is False or not 1 <= create <= mod or (version == 1) != (create == mod) or version < 1:
        return None
    if mod < state.floor:
        return None
    known = (state.value, state.create, state.mod, state.version, state.lease)
    if any(told is not None and told != shown for told, shown in zip(known, row, strict=True)):
        return None
    return KeyState(True, value, create, mod, version, lease, mod)


def _put(state: KeyState, value: Any, lease: int, revision: int | None) -> KeyState | None:
    """``value`` was put at ``revision`` (None: unknown)."""
    if revision is not None and revision <= state.floor:
        return None
    floor = state.floor + 1 if revision is None else revision
    if state.exists is False:
        return KeyState(True, value, revision, revision, 1, lease, floor)
    if state.exists is None or state.lease != 0:
        # Whether the key existed isn't known: one with a lease may have vanished.
        return KeyState(True, value, None, revision, None, lease, floor)
    version = None if state.version is None else state.version + 1
    return KeyState(True, value, state.create, revision, version, lease, floor)


def _delete(state: KeyState, result: tuple[bool, int] | None) -> KeyState | None:
    if result is None:
        if state.exists is False:
            return state
        return KeyState(False, None, None, None, None, None, state.floor + (state.exists is True and state.lease == 0))
    deleted, revision = result
    if not deleted:
        return _absent(state) if revision >= state.floor else None
    if state.exists is False or revision <= state.floor:
        return None
    return KeyState(False, None, None, None, None, None, revision)


def _swap(state: KeyState, operation: Operation) -> KeyState | None:
    expected, new, wanted = operation.arguments
    succeeded, revision = operation.result if operation.known else (True, None)
    if succeeded:
        matched = _matched(state, expected, wanted)
        if matched is None:
            return None if operation.known else state
        return _put(matched, new, 0, revision)
    if expected is None and wanted is None:
        wanted = 0
    if not revision:
        # It doesn't exist, so it was expected to.
        return None if wanted == 0 else _absent(state)
    if state.exists is False or wanted == revision:
        return None
    if state.mod not in (None, revision) or revision < state.floor:
        return None
    if wanted is None and state.value is not None and state.value == expected:
        return None
    return state._replace(exists=True, mod=revision, floor=revision)


def _matched(state: KeyState, expected: Any, wanted: int | None) -> KeyState | None:
    """What is known of a key that was as a compare-and-swap expected; None if it can't have been."""
    if wanted == 0 or (wanted is None and expected is None):
        return _absent(state)
    if state.exists is False:
        return None
    if wanted is None:
        if state.value is not None and state.value != expected:
            return None
        return state
    if state.mod not in (None, wanted) or wanted < state.floor:
        return None
    return state._replace(floor=wanted)


def _written(operation: Operation) -> Any:
    """The value that a write may leave behind; None for one that leaves none (`Store.blur` stands for absence, too)."""
    if operation.name == "put":
        return operation.arguments[0]
    if operation.name == "cas" and (not operation.known or operation.result[0]):
        return operation.arguments[1]
    return None


def _observed(operation: Operation) -> Any:
    """The value that a result depends on; None if it depends on none."""
    if operation.name == "get":
        return None if operation.result is None else operation.result[0]
    return operation.arguments[0] if operation.name == "cas" else None


def _call(operation: Operation) -> str:
    if operation.name == "put":
        return f"put {text(operation.arguments[0])}"
    if operation.name != "cas":
        return operation.name
    expected, new, wanted = operation.arguments
    if wanted is not None:
        return f"cas revision {wanted} to {text(new)}"
    return f"cas {'absent' if expected is None else text(expected)} to {text(new)}"


def _result(operation: Operation) -> str:
    result = operation.result
    if operation.name == "get":
        return "absent" if result is None else f"{text(result[0])}, revision {result[2]}, version {result[3]}"
    if operation.name == "put":
        return f"revision {result}"
    done, revision = result
    if operation.name == "delete":
        return f"{'deleted' if done else 'absent'}, revision {revision}"
    return f"revision {revision}" if done else f"not swapped, revision {revision}"
