"""Histories that raftzmq's clients record (``Client(record=path)``): JSON, one object a line, version 1.

::

    {"type":"open","version":1,"client":"5f0c…","pid":17,"boot":"0d3e…"}
    {"type":"call","client":"5f0c…","id":1,"at_us":1000,"operation":{"op":"put","key":"a","value":"x"}}
    {"type":"return","client":"5f0c…","id":1,"at_us":1800,"result":{"revision":5}}
    {"type":"call","client":"5f0c…","id":2,"at_us":1900,"operation":{"op":"get","key":"a"}}
    {"type":"return","client":"5f0c…","id":2,"at_us":2500,"result":{"value":"x","create_revision":5,"mod_revision":5,
     "version":1,"lease":0}}

- ``open``: a client begins. ``client`` is unlike every other's. ``boot`` names the machine and since when it has been
  up: clocks of two boots can't be compared, so a file has one. Any number of clients may record into one file, at
  once, and files may be joined end to end.
- ``call``: stands in the file before anything of it is sent. ``at_us``: the system's monotonic clock, which all
  processes of a machine share, in microseconds. ``id`` is unique within the client; its calls may overlap.
- ``return``: exactly one of ``result``; ``failed``, an error's code: surely not executed; ``unknown``, an error's code:
  it may take effect at any later time, or never. A call without ``return`` is unknown, too: its client is gone.

========  ==========================================================================  =================================
op        fields                                                                      result
========  ==========================================================================  =================================
put       key, value; lease (0)                                                       revision
get       key; revision (0: now)                                                      null, or value, create_revision,
                                                                                      mod_revision, version, lease
delete    key                                                                         deleted, revision
cas       key, value; expected (null: must not exist) or mod_revision                 succeeded, revision
range     start; end (null: to the last key), limit, revision (0: now)                revision, more, resume_key, items:
                                                                                      rows as of get, with key
========  ==========================================================================  =================================

Keys and values are text where they are UTF-8, else ``{"b64": …}``. A line that a crash cut off, so that it is no JSON,
is passed over where it is the last one, or where an ``open`` follows: a call that is cut off was never sent, and one
whose return is cut off is unknown. `History.torn` tells which. Nothing else may be unreadable, and no field may be
unknown; where nothing else stands in the file at all, there is no history.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import msgspec

from raftzmq.verify.history import History, HistoryError, Operation

NAME: Final = "raftzmq"
VERSION: Final = 1


class _Base64(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    b64: str


_Text: TypeAlias = str | _Base64


class _Open(msgspec.Struct, tag="open", frozen=True):
    version: int
    client: str
    pid: int = 0
    boot: str = ""


class _Call(msgspec.Struct, tag="call", frozen=True, forbid_unknown_fields=True):
    client: str
    id: int
    at_us: int
    operation: msgspec.Raw


class _Return(msgspec.Struct, tag="return", frozen=True, forbid_unknown_fields=True):
    client: str
    id: int
    at_us: int
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    failed: str | None = None
    unknown: str | None = None


class _Put(msgspec.Struct, tag_field="op", tag="put", forbid_unknown_fields=True):
    key: _Text
    value: _Text
    lease: int = 0


class _Get(msgspec.Struct, tag_field="op", tag="get", forbid_unknown_fields=True):
    key: _Text
    revision: int = 0


class _Delete(msgspec.Struct, tag_field="op", tag="delete", forbid_unknown_fields=True):
    key: _Text


class _Cas(msgspec.Struct, tag_field="op", tag="cas", forbid_unknown_fields=True):
    key: _Text
    value: _Text
    expected: _Text | None = None
    mod_revision: int | None = None


class _Range(msgspec.Struct, tag_field="op", tag="range", forbid_unknown_fields=True):
    start: _Text
    end: _Text | None = None
    limit: int = 0
    revision: int = 0


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    revision: int


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    value: _Text
    create_revision: int
    mod_revision: int
    version: int
    lease: int


class _Deleted(msgspec.Struct, forbid_unknown_fields=True):
    deleted: bool
    revision: int


class _Swapped(msgspec.Struct, forbid_unknown_fields=True):
    succeeded: bool
    revision: int


class _Item(_Row, forbid_unknown_fields=True, kw_only=True):
    key: _Text


class _Found(msgspec.Struct, forbid_unknown_fields=True):
    revision: int
    more: bool
    resume_key: _Text | None
    items: list[_Item]


_Requested: TypeAlias = _Put | _Get | _Delete | _Cas | _Range
_decode_line = msgspec.json.Decoder(_Open | _Call | _Return).decode
_decode_operation = msgspec.json.Decoder(_Requested).decode
_decode_written = msgspec.json.Decoder(_Written).decode
_decode_row = msgspec.json.Decoder(_Row | None).decode
_decode_deleted = msgspec.json.Decoder(_Deleted).decode
_decode_swapped = msgspec.json.Decoder(_Swapped).decode
_decode_found = msgspec.json.Decoder(_Found).decode
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, ValueError)


def read_recording(file: str, lines: Sequence[bytes], *, empty: bool = False) -> History:
    """The history of a file's lines; ``empty``: the store held nothing when it began. Raises HistoryError."""
    reader = _Reader(file)
    torn: list[int] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            item = _decode_line(line)
        except _BROKEN as error:
            if not isinstance(error, msgspec.ValidationError) and (number == len(lines) or _opens(lines[number])):
                torn.append(number)
                continue
            raise HistoryError(file, number, _sentence(error)) from None
        try:
            reader.take(number, item)
        except _BROKEN as error:
            raise HistoryError(file, number, _sentence(error)) from None
    if torn and reader.is_empty:
        raise HistoryError(file, torn[0], "this line is cut off, and there is no operation beside it: nothing to judge")
    return reader.history("empty-store" if empty else "store", tuple(torn))


def _opens(line: bytes) -> bool:
    try:
        return isinstance(_decode_line(line), _Open)
    except _BROKEN:
        return False


def _sentence(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"this is no line of a recording: {error}"
    if isinstance(error, msgspec.DecodeError):
        return f"this line is no JSON: {error}"
    return str(error)


class _Reader:
    """Joins calls and returns."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._boot = ""
        self._calls: dict[tuple[str, int], tuple[_Call, _Requested]] = {}
        self._ended: set[tuple[str, int]] = set()
        self._operations: list[Operation] = []
        self._failed = 0
        self._unread = 0

    def take(self, line: int, item: _Open | _Call | _Return) -> None:
        """One line; raises ValueError and HistoryError."""
        if isinstance(item, _Open):
            if item.version != VERSION:
                raise ValueError(f"version {item.version} of the format; this release reads version {VERSION}")
            if self._boot and item.boot and item.boot != self._boot:
                raise ValueError("recorded on another machine than the lines above, or after a reboot: clocks differ")
            self._boot = self._boot or item.boot
            return
        at = item.client, item.id
        if isinstance(item, _Call):
            if at in self._calls or at in self._ended:
                raise ValueError(f"client {item.client} made call {item.id} before")
            requested = _decode_operation(item.operation)
            _check(requested)
            self._calls[at] = item, requested
            return
        begun = self._calls.pop(at, None)
        if begun is None:
            raise ValueError(f"client {item.client} didn't make call {item.id}, or it has returned already")
        self._ended.add(at)
        self._end(*begun, item)

    def _end(self, call: _Call, requested: _Requested, end: _Return) -> None:
        if end.at_us < call.at_us:
            raise ValueError(f"call {call.id} returns before it was made: at {end.at_us} after {call.at_us}")
        given = [end.result is not msgspec.UNSET, end.failed is not None, end.unknown is not None]
        if sum(given) != 1:
            raise ValueError("a return has exactly one of result, failed, unknown")
        if end.failed is not None:
            self._failed += 1
        elif end.unknown is not None:
            self._open(call, requested)
        else:
            assert not isinstance(end.result, msgspec.UnsetType)
            self._operations.append(_returned(call, requested, end.result, end.at_us))

    def _open(self, call: _Call, requested: _Requested) -> None:
        if isinstance(requested, _Get | _Range):
            self._unread += 1
            return
        name, key, arguments = _asked(requested)
        self._operations.append(Operation(call.client, key, name, arguments, None, call.at_us, None))

    @property
    def is_empty(self) -> bool:
        """Has nobody called anything?"""
        return not self._calls and not self._ended

    def history(self, model: str, torn: tuple[int, ...]) -> History:
        """Everything; calls that never returned are of unknown outcome."""
        for call, requested in self._calls.values():
            self._open(call, requested)
        operations = tuple(sorted(self._operations, key=lambda operation: operation.called))
        return History(self._file, NAME, model, operations, self._failed, self._unread, timed=True, torn=torn)


def _bytes(text: _Text) -> bytes:
    return text.encode() if isinstance(text, str) else b64decode(text.b64, validate=True)


def _check(requested: _Requested) -> None:
    """Raise ValueError for what no client asks for."""
    if isinstance(requested, _Range):
        _bytes(requested.start)
        _bytes(requested.end or "")
    elif isinstance(requested, _Get):
        _bytes(requested.key)
    else:
        _asked(requested)


def _asked(requested: _Put | _Delete | _Cas) -> tuple[str, bytes, tuple[Any, ...]]:
    """Name, key and arguments of a write, as the model has them."""
    key = _bytes(requested.key)
    if isinstance(requested, _Put):
        return "put", key, (_bytes(requested.value), requested.lease)
    if isinstance(requested, _Delete):
        return "delete", key, ()
    if requested.expected is not None and requested.mod_revision is not None:
        raise ValueError("a cas expects a value or a mod_revision, not both")
    expected = None if requested.expected is None else _bytes(requested.expected)
    return "cas", key, (expected, _bytes(requested.value), requested.mod_revision)


def _returned(call: _Call, requested: _Requested, result: msgspec.Raw, at_us: int) -> Operation:
    """The operation with its result."""
    answer: Any
    arguments: tuple[Any, ...]
    if isinstance(requested, _Get):
        row = _decode_row(result)
        answer = None if row is None else _row(row)
        name, key, arguments = "get", _bytes(requested.key), ()
        if requested.revision:
            name, arguments = "get-at", (requested.revision,)
        return Operation(call.client, key, name, arguments, answer, call.at_us, at_us)
    if isinstance(requested, _Range):
        found = _decode_found(result)
        last = _bytes(found.resume_key) if found.more and found.resume_key is not None else None
        rows = {_bytes(item.key): _row(item) for item in found.items}
        arguments = (_bytes(requested.start), None if requested.end is None else _bytes(requested.end))
        name = "range-at" if requested.revision else "range"
        return Operation(call.client, None, name, arguments, (found.revision, rows, last), call.at_us, at_us)
    name, key, arguments = _asked(requested)
    if isinstance(requested, _Put):
        answer = _decode_written(result).revision
    elif isinstance(requested, _Delete):
        deleted = _decode_deleted(result)
        answer = deleted.deleted, deleted.revision
    else:
        swapped = _decode_swapped(result)
        answer = swapped.succeeded, swapped.revision
    return Operation(call.client, key, name, arguments, answer, call.at_us, at_us)


def _row(row: _Row) -> tuple[Any, ...]:
    return _bytes(row.value), row.create_revision, row.mod_revision, row.version, row.lease
