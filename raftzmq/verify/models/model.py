"""What a sequential specification must tell the checker."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Final, Protocol

from raftzmq.verify.history import Operation


class _Token:
    """A value that equals nothing that a history can hold."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


OTHER: Final = _Token("something else")
"""In a state: a value that no operation in sight has read or compares with."""


class Model(Protocol):
    """An object by its sequential behaviour. States are hashable and compare by value.

    All but `partition`, `step`, `looks` and `rank` serve the search for a smallest window, see `raftzmq.verify.window`.
    """

    initial: Any

    def partition(self, operations: Sequence[Operation]) -> dict[Hashable, list[Operation]]:
        """The operations by object: a history is linearizable exactly if each object's part is (locality)."""

    def step(self, state: Any, operation: Operation) -> Any | None:
        """The state after ``operation``, or None if it can't come next in ``state`` with the result that it had.

        An operation of unknown outcome gets the state if it does take effect; ``state`` itself if it would change
        nothing. A state object is never None.
        """

    def looks(self, operation: Operation) -> bool:
        """Did it change nothing, whatever the state was?"""

    def rank(self, operation: Operation) -> int | None:
        """If it isn't None: operations with a rank come in the order of their ranks, or not at all."""

    def blur(self, state: Any) -> Any:
        """``state`` after any number of writes whose values no operation in sight observes."""

    def explains(self, writer: Operation, observer: Operation) -> bool:
        """Does the result of ``observer`` depend on a value that ``writer`` may have left behind?"""

    def settles(self, operation: Operation) -> bool:
        """Is nothing left, after it, of what was there before it?"""

    def describe(self, operation: Operation) -> str:
        """The call and its result, for people."""

    def show(self, state: Any) -> str:
        """What the object holds, for people: the end of a sentence that begins with its name."""


def text(value: Any) -> str:
    """A value for people: quoted text, bytes as hexadecimal escapes where they are no UTF-8, cut if it is long."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if not isinstance(value, str):
        return "nil" if value is None else str(value)
    shown = value if len(value) <= TEXT_MAX else f"{value[: TEXT_MAX // 2]}…{value[-TEXT_MAX // 2 :]}"
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown) + '"'


TEXT_MAX: Final = 60
"""Characters of a value that people are shown."""
