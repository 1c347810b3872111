"""Writes down what a client is asked for and what comes of it, for ``raftzmq verify``.

The format, and what a reader may conclude from it, is `raftzmq.verify.formats.recording`'s. A call is in the file
before it is on its way, so that a process that is killed has never written more to the store than to the file.
Returns wait for the next call, or for the end: without them an outcome is unknown, which proves less, not wrong.

A client without a recorder doesn't know that there is such a thing: `Recorder.watching` stands in the place of the
function that takes the calls.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

import orjson

from raftzmq.client.results import CasResult, DeleteResult, KeyValue, PutResult, RangeResult
from raftzmq.errors import RecordingFailed, RequestError
from raftzmq.events.maker import text_or_b64
from raftzmq.kv.commands import CompareAndSwap, Delete, Get, Put, Range
from raftzmq.verify.formats.recording import VERSION

_BUFFER_BYTES: Final = 1 << 18
"""Of returns, until they are written without a call to go with."""
_ID_BYTES: Final = 8


class Recorder:
    """One client's part of the history in the file at ``path``, which is appended to. For any number of threads.

    Raises RecordingFailed if the file can't be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._client = os.urandom(_ID_BYTES).hex()
        # A signal's handler may make calls in the midst of another call of its thread.
        self._lock = threading.RLock()
        self._calls = count(1)
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._problem = ""
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise RecordingFailed(f"{self._path} can't be written: {error.strerror}") from None
        # A client that is dropped without `close` leaves no open file, and loses no return.
        self._finalizer = weakref.finalize(self, _end, os.getpid(), self._file, self._waiting)
        boot = Path("/proc/sys/kernel/random/boot_id")
        begin = {
            "type": "open",
            "version": VERSION,
            "client": self._client,
            "pid": os.getpid(),
            "boot": boot.read_text().strip() if boot.exists() else "",
        }
        with self._lock:
            self._write(b"" if _ends_whole(self._file) else b"\n", _line(begin))

    def watching(self, ask: Callable[..., None]) -> Callable[..., None]:
        """``ask``, recorded. It takes a command or query first and its future third, as the clients' queues do."""

        def recorded(command: Any, size: int, future: Any, *rest: Any) -> None:
            # A closed client refuses the call itself, and says why.
            call = self._call(command) if self._finalizer.alive else None
            if call is None:
                ask(command, size, future, *rest)
                return
            future.add_done_callback(lambda done: self._returned(call, done))
            try:
                ask(command, size, future, *rest)
            except RequestError as error:
                self._end(call, {"failed" if error.definite else "unknown": error.code})
                raise

        return recorded

    def close(self) -> None:
        """Write what waits and close the file; raises RecordingFailed if anything couldn't be written."""
        if self._finalizer.detach() is None:
            return
        try:
            with self._lock:
                self._write()
        finally:
            os.close(self._file)

    # --- lines ---

    def _call(self, command: Any) -> int | None:
        """Write a call down; its id, or None for what no history is made of. Raises RecordingFailed."""
        operation = _operation(command)
        if operation is None:
            return None
        with self._lock:
            call = next(self._calls)
            line = {"type": "call", "client": self._client, "id": call, "at_us": _now_us(), "operation": operation}
            self._write(_line(line))
        return call

    def _returned(self, call: int, future: Any) -> None:
        """A future is done."""
        if future.cancelled():
            self._end(call, {"unknown": "cancelled"})
            return
        error = future.exception()
        if error is None:
            self._end(call, {"result": _result(future.result())})
        elif isinstance(error, RequestError):
            self._end(call, {"failed" if error.definite else "unknown": error.code})
        else:
            self._end(call, {"unknown": type(error).__name__})

    def _end(self, call: int, outcome: dict[str, Any]) -> None:
        """Wait for nobody: who holds the lock may wait for this very return, in a signal's handler."""
        line = _line({"type": "return", "client": self._client, "id": call, "at_us": _now_us(), **outcome})
        self._waiting.append(line)
        self._waiting_bytes += len(line)  # as good as threads without a lock can count
        if self._waiting_bytes < _BUFFER_BYTES or not self._lock.acquire(blocking=False):
            return
        try:
            # Nobody is here to be told of a failure: the next call is, or `close`.
            with suppress(RecordingFailed):
                if self._finalizer.alive and not self._problem:
                    self._write()
        finally:
            self._lock.release()

    def _write(self, *lines: bytes) -> None:
        """Write what waits and ``lines``; raises RecordingFailed, from then on always."""
        self._waiting_bytes = 0
        data = _taken(self._waiting) + b"".join(lines)
        if not self._problem:
            try:
                _write_all(self._file, data)
            except OSError as error:
                self._problem = error.strerror or str(error)
        if self._problem:
            raise RecordingFailed(f"the history in {self._path} can't be written: {self._problem}")


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def _line(item: dict[str, Any]) -> bytes:
    return orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE)


def _taken(waiting: deque[bytes]) -> bytes:
    """What waits, taken from there line by line: what a signal's handler takes meanwhile, nobody else writes."""
    lines = []
    while waiting:
        lines.append(waiting.popleft())
    return b"".join(lines)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _ends_whole(file: int) -> bool:
    """Does a file end with a whole line? The process that wrote it before may have been killed."""
    try:
        size = os.fstat(file).st_size
        return size == 0 or os.pread(file, 1, size - 1) == b"\n"
    except OSError:  # no regular file: nothing that was written before can be found
        return True


def _end(process: int, file: int, waiting: deque[bytes]) -> None:
    """Write what waits, if there is still somebody whose returns they are: a forked child has its parent's memory."""
    try:
        if os.getpid() == process:
            _write_all(file, b"".join(waiting))
    except OSError:
        return  # the client was dropped without `close`, which would have told
    finally:
        os.close(file)


def _operation(command: Any) -> dict[str, Any] | None:
    """A command or query as the format has it; None for one that belongs to no history."""
    match command:
        case Put():
            item = {"op": "put", "key": text_or_b64(command.key), "value": text_or_b64(command.value)}
            return {**item, "lease": command.lease} if command.lease else item
        case Get():
            item = {"op": "get", "key": text_or_b64(command.key)}
            return {**item, "revision": command.revision} if command.revision else item
        case Delete():
            return {"op": "delete", "key": text_or_b64(command.key)}
        case CompareAndSwap():
            item = {"op": "cas", "key": text_or_b64(command.key), "value": text_or_b64(command.value)}
            if command.mod_revision is not None:
                return {**item, "mod_revision": command.mod_revision}
            return {**item, "expected": None if command.expected is None else text_or_b64(command.expected)}
        case Range():
            return {
                "op": "range",
                "start": text_or_b64(command.start),
                "end": None if command.end is None else text_or_b64(command.end),
                "limit": command.limit,
                "revision": command.revision,
            }
    return None


def _result(result: Any) -> Any:
    """A result as the format has it."""
    match result:
        case PutResult():
            return {"revision": result.revision}
        case DeleteResult():
            return {"deleted": result.deleted, "revision": result.revision}
        case CasResult():
            return {"succeeded": result.succeeded, "revision": result.revision}
        case KeyValue():
            return _row(result)
        case RangeResult():
            return {
                "revision": result.revision,
                "more": result.more,
                "resume_key": None if result.resume_key is None else text_or_b64(result.resume_key),
                "items": [{"key": text_or_b64(item.key), **_row(item)} for item in result.items],
            }
    return result


def _row(item: KeyValue) -> dict[str, Any]:
    return {
        "value": text_or_b64(item.value),
        "create_revision": item.create_revision,
        "mod_revision": item.mod_revision,
        "version": item.version,
        "lease": item.lease,
    }
