"""The future of a call of the sync client: `concurrent.futures.Future` without what most calls never use.

The standard one makes a condition, with its lock and queue, and two lists when it is made: 4 µs, more than all else
that a put costs its caller. Few futures are ever waited for one by one: of a thousand in flight, all but the oldest are
done when somebody looks. So condition and lists are made when something first asks for them, which everything that
waits does: `result` of a future that isn't done, `concurrent.futures.wait`, `as_completed`, `asyncio.wrap_future`,
`add_done_callback`.

Why no waiter is missed: a future ends either under `_making`, while it has no condition, or under its condition. A
condition is made under `_making`, too. So whoever makes one before the end is told by the standard way, and whoever
makes one after it finds the future done.

Measured warm, in µs: made 0.2 instead of 4.5, ended 0.5 instead of 1.5, its result taken 0.13 instead of 0.75.
"""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import Future, InvalidStateError
from typing import Any, Final, TypeVar

T = TypeVar("T")

client_threads: Final[set[int]] = set()
"""The identifiers of the threads that end calls. Callbacks run there, and whoever waits there for a call waits for
himself: for ever, and with him every call of that client."""
NO_WAITING: Final = (
    "a callback runs on the thread of its client, which must not wait for calls: start them with put_async and its "
    "like and add callbacks to their futures, or wait in a thread of your own"
)

_logger: Final = logging.getLogger("concurrent.futures")
"""Where the standard futures tell of callbacks that fail."""
_PENDING: Final = "PENDING"
_FINISHED: Final = "FINISHED"
"""Two of the states that the standard library's functions look for."""
_making = threading.RLock()
"""Held for a moment to make a condition, or to end a future that has none. One for all futures; a signal's handler and
the garbage collector may come back to it in the midst of that."""


def _after_fork() -> None:
    """The thread that held the lock may not be there any more."""
    global _making
    _making = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)


class CallFuture(Future[T]):
    """The future of a call. It can't be cancelled: once asked for, a command is on its way."""

    # What the base class sets for each future; as long as nothing differs, these stand for all.
    _state: str = _PENDING
    _result: Any = None
    _exception: BaseException | None = None
    _made: threading.Condition | None = None
    _waiters: Any = ()
    _done_callbacks: Any = ()

    def __init__(self) -> None:
        """Nothing is made before it is needed."""

    @property
    def _condition(self) -> threading.Condition:  # type: ignore[override]
        """The condition under which the future ends, made when first asked for, and the lists that belong to it."""
        made = self._made
        if made is None:
            with _making:
                made = self._made
                if made is None:
                    self._waiters, self._done_callbacks = [], []
                    made = self._made = threading.Condition()
        return made

    def cancel(self) -> bool:
        """Always False."""
        return False

    def done(self) -> bool:
        """Has the call ended?"""
        return self._state == _FINISHED

    def result(self, timeout: float | None = None) -> T:
        """What the call returned, waited for up to ``timeout`` seconds; raises the call's error, and TimeoutError.

        RuntimeError in a callback, for a call that hasn't ended: nothing may be waited for there.
        """
        if self._state == _FINISHED and self._exception is None:
            result: T = self._result
            return result
        self._may_wait()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """The call's error, if it has one, waited for as by `result`."""
        self._may_wait()
        return super().exception(timeout)

    def set_result(self, result: T) -> None:
        """End the call; raises InvalidStateError if it has ended."""
        if self._made is None:
            with _making:
                if self._made is None:
                    self._check_pending()
                    self._result = result
                    self._state = _FINISHED
                    return
        super().set_result(result)

    def set_exception(self, exception: BaseException | None) -> None:
        """End the call with its error; raises InvalidStateError if it has ended."""
        if self._made is None:
            with _making:
                if self._made is None:
                    self._check_pending()
                    self._exception = exception
                    self._state = _FINISHED
                    return
        super().set_exception(exception)

    def _invoke_callbacks(self) -> None:
        """Call them all: what the standard class does, but for callbacks that end with `sys.exit` and its like.

        Such a one would end the client's thread, and with it every call.
        """
        for callback in self._done_callbacks:
            try:
                callback(self)
            except BaseException:
                _logger.exception("exception calling callback for %r", self)

    def _may_wait(self) -> None:
        if self._state != _FINISHED and threading.get_ident() in client_threads:
            raise RuntimeError(NO_WAITING)

    def _check_pending(self) -> None:
        if self._state == _FINISHED:
            raise InvalidStateError("the call has ended")
