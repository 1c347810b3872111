"""Strings by key, each empty at first, with get, put and append: what Porcupine's key-value histories are of."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from raftzmq.verify.history import Operation
from raftzmq.verify.models.model import OTHER, text


class Strings:
    """``get () → value``, ``put (value)``, ``append (value)``."""

    initial: Any = ""

    def partition(self, operations: Sequence[Operation]) -> dict[Hashable, list[Operation]]:
        """By key."""
        parts: dict[Hashable, list[Operation]] = {}
        for operation in operations:
            parts.setdefault(operation.key, []).append(operation)
        return parts

    def step(self, state: Any, operation: Operation) -> Any | None:
        """See `Model.step`."""
        if operation.name == "get":
            return state if state == operation.result else None
        if operation.name == "put":
            return operation.arguments[0]
        # What is appended to something that nobody will read is still that.
        return state if state is OTHER else state + operation.arguments[0]

    def looks(self, operation: Operation) -> bool:
        """See `Model.looks`."""
        return operation.name == "get"

    def rank(self, operation: Operation) -> int | None:
        """See `Model.rank`: nothing numbers them."""
        return None

    def blur(self, state: Any) -> Any:
        """See `Model.blur`."""
        return OTHER

    def explains(self, writer: Operation, observer: Operation) -> bool:
        """See `Model.explains`. A string that was read shows all that it is made of."""
        return writer.name != "get" and observer.name == "get" and writer.arguments[0] in observer.result

    def settles(self, operation: Operation) -> bool:
        """See `Model.settles`."""
        return operation.name == "put" and operation.known

    def describe(self, operation: Operation) -> str:
        """See `Model.describe`."""
        if operation.name == "get":
            return f"get → {text(operation.result)}"
        called = f"{operation.name} {text(operation.arguments[0])}"
        return called if operation.known else f"{called} → unknown"

    def show(self, state: Any) -> str:
        """See `Model.show`."""
        return f"holds {text(state)}"
