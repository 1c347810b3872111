"""A history of operations: who called what when, what came back, and what is not known (Herlihy and Wing 1990)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from raftzmq.errors import RaftzmqError


class HistoryError(RaftzmqError):
    """A file holds no history that can be read; the message names file and line."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        super().__init__(f"{file}:{line}: {problem}" if line else f"{file}: {problem}")


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One call. ``returned`` None: the outcome is unknown, it may take effect at any later time or never.

    Times are of one clock for the whole history: microseconds, or line numbers where a format has no times. An
    operation precedes another in real time if it returned strictly before the other was called; equal times don't
    order. ``name``, ``arguments`` and ``result`` are those of the history's model.
    """

    client: str
    key: Any
    name: str
    arguments: tuple[Any, ...]
    result: Any
    called: int
    returned: int | None

    @property
    def known(self) -> bool:
        """Did it return with a result?"""
        return self.returned is not None

    def until(self, time: int) -> Operation | None:
        """What somebody who stopped to listen at ``time`` knows of it; None: nothing."""
        if self.called > time:
            return None
        if self.returned is not None and self.returned > time:
            return replace(self, result=None, returned=None)
        return self


@dataclass(frozen=True, slots=True)
class History:
    """The operations of a file, in the order of their calls. Those that surely had no effect are left out.

    ``model`` is a name of `raftzmq.verify.models.MODELS`. ``failed`` counts operations that were definitely not
    executed, ``unread`` reads without an answer: neither says anything. ``torn`` are the numbers of lines that a crash
    cut off, which were passed over.
    """

    file: str
    format: str
    model: str
    operations: tuple[Operation, ...]
    failed: int = 0
    unread: int = 0
    timed: bool = False
    """Times are microseconds, not line numbers."""
    torn: tuple[int, ...] = ()
