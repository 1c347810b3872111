"""Pairs calls with their returns, for formats in which a process does one thing at a time and lines are the clock."""

from __future__ import annotations

from typing import Any, NamedTuple

from raftzmq.verify.history import History, HistoryError, Operation


class Event(NamedTuple):
    """A line: ``type`` is invoke, ok, fail (surely not executed) or info (unknown)."""

    process: str
    type: str
    name: str
    key: Any
    value: Any


class Calls:
    """Takes events line by line; `history` gives the operations."""

    def __init__(self, file: str, reads: frozenset[str]) -> None:
        self._file = file
        self._reads = reads
        self._open: dict[str, tuple[int, Event]] = {}
        self._unknown: list[tuple[int, Event]] = []
        self._operations: list[Operation] = []
        self._failed = 0
        self._unread = 0

    def invoke(self, line: int, event: Event) -> None:
        """A process calls; raises HistoryError if it waits for an answer already."""
        if event.process in self._open:
            begun, _ = self._open[event.process]
            raise HistoryError(
                self._file, line, f"process {event.process} calls, but its call of line {begun} hasn't returned"
            )
        self._open[event.process] = line, event

    def end(self, line: int, event: Event) -> tuple[int, Event]:
        """A process' call ends: its line and event; raises HistoryError if there is none of that name."""
        begun = self._open.pop(event.process, None)
        if begun is None:
            raise HistoryError(self._file, line, f"process {event.process} ends a call that it didn't make")
        if (begun[1].name, begun[1].key) != (event.name, event.key):
            raise HistoryError(
                self._file,
                line,
                f"process {event.process} ends {event.name}, but its call of line {begun[0]} is another",
            )
        return begun

    def returned(self, begun: tuple[int, Event], line: int, arguments: tuple[Any, ...], result: Any) -> None:
        """A call returned ``result``."""
        called, event = begun
        self._operations.append(
            Operation(event.process, event.key, event.name, arguments, result, called, line),
        )

    def not_executed(self) -> None:
        """A call surely had no effect."""
        self._failed += 1

    def unknown(self, begun: tuple[int, Event]) -> None:
        """A call may take effect any time from now on, or never."""
        self._unknown.append(begun)

    def history(self, format: str, model: str) -> History:  # noqa: A002  the name that users know it by
        """Everything; what is still open at the end of the file is of unknown outcome."""
        for called, event in [*self._unknown, *self._open.values()]:
            if event.name in self._reads:
                self._unread += 1
            else:
                arguments = event.value if isinstance(event.value, tuple) else (event.value,)
                self._operations.append(Operation(event.process, event.key, event.name, arguments, None, called, None))
        operations = tuple(sorted(self._operations, key=lambda operation: operation.called))
        return History(self._file, format, model, operations, self._failed, self._unread)
