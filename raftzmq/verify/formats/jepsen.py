"""Histories of a compare-and-swap register as Jepsen logs them, as lines of its log or as EDN maps.

::

    INFO  jepsen.util - 3	:invoke	:cas	[1 4]
    {:process 3, :type :invoke, :f :cas, :value [1 4]}

A failed compare-and-swap says that the register wasn't as expected (etcd's answer), unless its value is an error such
as ``:timed-out``; any other ``:fail`` says that nothing was executed. ``:info`` leaves the outcome open to the end.
What the log says beside operations (the nemesis, for one) is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from raftzmq.verify.formats.calls import Calls, Event
from raftzmq.verify.formats.edn import parse_map, parse_values
from raftzmq.verify.history import History, HistoryError

NAME = "jepsen"
LOG_LINE = re.compile(r"\s*INFO\b.*?jepsen\.util - (\S+)\s+(:\w+)\s+(:[\w-]+)\s*(.*)")
_ARGUMENTS = {"read": 0, "write": 1, "cas": 2}
_TYPES = ("invoke", "ok", "fail", "info")


def read_jepsen(file: str, lines: Iterable[str]) -> History:
    """The history of a file's lines; raises HistoryError."""
    calls = Calls(file, frozenset({"read"}))
    for number, line in enumerate(lines, 1):
        try:
            event = _event(line)
            if event is not None:
                _take(calls, number, event)
        except ValueError as error:
            raise HistoryError(file, number, str(error)) from None
    return calls.history(NAME, "register")


def _event(line: str) -> Event | None:
    """The event of a line; None if it is about something else. Raises ValueError."""
    if line.lstrip().startswith(("{", "#")):
        item = parse_map(line)
        process, kind, name = str(item.get("process")), item.get("type"), item.get("f")
        value = item["error"] if "error" in item and kind != "ok" else item.get("value")
    else:
        match = LOG_LINE.match(line)
        if match is None:
            if line.strip() and not line.lstrip().startswith(("INFO", "WARN", "ERROR", "DEBUG")):
                raise ValueError("this is neither a line of Jepsen's log nor a map {:process …}")
            return None
        process, kind, name = match[1], match[2][1:], match[3][1:]
        values = parse_values(match[4])
        if len(values) != 1:
            raise ValueError(f"an operation has one value, not {len(values)}")
        value = values[0]
    if not process.isdecimal():
        return None
    if kind not in _TYPES or name not in _ARGUMENTS:
        raise ValueError(f":{kind} :{name} is none of {', '.join(_TYPES)} of {', '.join(_ARGUMENTS)}")
    return Event(process, kind, name, None, value)


def _take(calls: Calls, line: int, event: Event) -> None:
    if event.type == "invoke":
        _arguments(event)
        calls.invoke(line, event)
        return
    begun = calls.end(line, event)
    arguments = _arguments(begun[1])
    if event.type == "info":
        calls.unknown(begun)
    elif event.type == "ok":
        result = event.value if event.name == "read" else True
        calls.returned(begun, line, arguments, result)
    elif event.name == "cas" and isinstance(event.value, tuple):
        calls.returned(begun, line, arguments, False)
    else:
        calls.not_executed()


def _arguments(event: Event) -> tuple[Any, ...]:
    count = _ARGUMENTS[event.name]
    if count == 0:
        return ()
    if count == 1:
        return (event.value,)
    if not isinstance(event.value, tuple) or len(event.value) != count:
        raise ValueError("a cas has two values: [expected new]")
    return event.value
