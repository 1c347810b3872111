"""What a blocking call of the sync client waits for: one answer, for the one thread that asked.

It has what `Queue` and the recorder use of a future, and waits with a bare lock: a future for nobody but its caller
would make a condition, with two more locks and a queue, for each call.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any


class Reply:
    """The end of one call, for `wait`."""

    __slots__ = ("_callbacks", "_done", "_error", "_lock", "_result")

    def __init__(self) -> None:
        self._lock = Lock()
        """Held until the call has ended."""
        self._lock.acquire()
        self._done = False
        self._result: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Reply], None]] = []

    def wait(self) -> Any:
        """Wait for the call's end, and return what it returns; raises its error. Once only."""
        self._lock.acquire()
        error = self._error
        if error is None:
            return self._result
        # The error's traceback leads to this frame: neither it nor what it leads to may lead back to the error.
        self._error = None
        try:
            raise error
        finally:
            del error

    # --- for the thread that ends calls ---

    def done(self) -> bool:
        """Has the call ended?"""
        return self._done

    def cancelled(self) -> bool:
        """Always False."""
        return False

    def exception(self) -> BaseException | None:
        """The error of a call that has ended, for callbacks."""
        return self._error

    def result(self) -> Any:
        """The result of a call that has ended, for callbacks."""
        return self._result

    def add_done_callback(self, callback: Callable[[Reply], None]) -> None:
        """Have ``callback`` called before the caller goes on; before the call is on its way only."""
        self._callbacks.append(callback)

    def set_result(self, result: Any) -> None:
        """The call has ended well."""
        self._result = result
        self._end()

    def set_exception(self, error: BaseException) -> None:
        """The call has failed."""
        self._error = error
        self._end()

    def _end(self) -> None:
        self._done = True
        for callback in self._callbacks:
            callback(self)
        self._lock.release()
