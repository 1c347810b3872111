"""A register with read, write and compare-and-swap, which starts as nil: what Jepsen tests etcd with."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from raftzmq.verify.history import Operation
from raftzmq.verify.models.model import OTHER, text

State = tuple[Any]
"""The value in a tuple: nil is a value too."""


class Register:
    """``read () → value``, ``write (value)``, ``cas (expected, new) → succeeded``."""

    initial: State = (None,)

    def partition(self, operations: Sequence[Operation]) -> dict[Hashable, list[Operation]]:
        """All of them: there is one register."""
        return {None: list(operations)} if operations else {}

    def step(self, state: State, operation: Operation) -> State | None:
        """See `Model.step`."""
        if operation.name == "read":
            return state if state == (operation.result,) else None
        if operation.name == "write":
            return operation.arguments
        expected, new = operation.arguments
        matches = state == (expected,)
        if not operation.known:
            return (new,) if matches else state
        if operation.result is not matches:
            return None
        return (new,) if matches else state

    def looks(self, operation: Operation) -> bool:
        """See `Model.looks`."""
        return operation.name == "read" or operation.result is False

    def rank(self, operation: Operation) -> int | None:
        """See `Model.rank`: nothing numbers them."""
        return None

    def blur(self, state: State) -> State:
        """See `Model.blur`."""
        return (OTHER,)

    def explains(self, writer: Operation, observer: Operation) -> bool:
        """See `Model.explains`."""
        if self.looks(writer) or observer.name == "write":
            return False
        seen = observer.result if observer.name == "read" else observer.arguments[0]
        return bool(writer.arguments[-1] == seen)

    def settles(self, operation: Operation) -> bool:
        """See `Model.settles`."""
        return operation.known and not self.looks(operation)

    def describe(self, operation: Operation) -> str:
        """See `Model.describe`."""
        if operation.name == "read":
            return f"read → {text(operation.result)}"
        called = f"{operation.name} {' '.join(map(text, operation.arguments))}"
        if not operation.known:
            return f"{called} → unknown"
        if operation.name == "write":
            return called
        return f"{called} → {'swapped' if operation.result else 'not swapped'}"

    def show(self, state: State) -> str:
        """See `Model.show`."""
        return f"holds {text(state[0])}"
