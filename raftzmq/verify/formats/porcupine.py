"""Histories of strings by key, as EDN maps: what Porcupine's tests of a key-value store read.

::

    {:process 4, :type :invoke, :f :append, :key "1", :value "x 4 0 y"}
    {:process 4, :type :ok, :f :append, :key "1", :value "x 4 0 y"}

``:fail`` and ``:info`` mean what they mean in Jepsen's: surely not executed, and not known.
"""

from __future__ import annotations

from collections.abc import Iterable

from raftzmq.verify.formats.calls import Calls, Event
from raftzmq.verify.formats.edn import parse_map
from raftzmq.verify.history import History, HistoryError

NAME = "porcupine-kv"
_FUNCTIONS = ("get", "put", "append")
_TYPES = ("invoke", "ok", "fail", "info")


def read_porcupine(file: str, lines: Iterable[str]) -> History:
    """The history of a file's lines; raises HistoryError."""
    calls = Calls(file, frozenset({"get"}))
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            _take(calls, number, _event(line))
        except ValueError as error:
            raise HistoryError(file, number, str(error)) from None
    return calls.history(NAME, "strings")


def _event(line: str) -> Event:
    item = parse_map(line)
    kind, name, key, value = item.get("type"), item.get("f"), item.get("key"), item.get("value")
    if kind not in _TYPES or name not in _FUNCTIONS:
        raise ValueError(f":{kind} :{name} is none of {', '.join(_TYPES)} of {', '.join(_FUNCTIONS)}")
    if "process" not in item or not isinstance(key, str):
        raise ValueError("an operation has a :process and a :key that is text")
    if not isinstance(value, str) and (name != "get" or kind == "ok"):
        raise ValueError(f"the :value of {name} is text, not {value!r}")
    return Event(str(item["process"]), kind, name, key, value)


def _take(calls: Calls, line: int, event: Event) -> None:
    if event.type == "invoke":
        calls.invoke(line, event)
        return
    begun = calls.end(line, event)
    if event.type == "fail":
        calls.not_executed()
    elif event.type == "info":
        calls.unknown(begun)
    elif event.name == "get":
        calls.returned(begun, line, (), event.value)
    else:
        calls.returned(begun, line, (begun[1].value,), None)
