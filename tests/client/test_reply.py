"""What a blocking call waits for."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from raftzmq.client.reply import Reply


class Trouble(Exception):
    """An error that can be looked for when nobody should have it any more."""


def test_a_caller_gets_what_the_call_returned() -> None:
    for _ in range(200):
        reply = Reply()
        thread = threading.Thread(target=reply.set_result, args=(5,))
        thread.start()
        assert reply.wait() == 5
        thread.join(30)
        assert reply.done()
        assert not reply.cancelled()


def test_a_caller_gets_the_error_and_nobody_keeps_it() -> None:
    reply = Reply()
    error = Trouble("no")
    gone = weakref.ref(error)
    reply.set_exception(error)
    del error
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(Trouble, match="no") as told:
            reply.wait()
        del told
        assert gone() is None, "a cycle keeps the error and all that its traceback leads to"
    finally:
        gc.enable()


def test_callbacks_see_the_end_before_the_caller_goes_on() -> None:
    for outcome in (7, Trouble()):
        reply = Reply()
        seen: list[tuple[bool, BaseException | None, object]] = []

        def look(ended: Reply, seen: list[tuple[bool, BaseException | None, object]] = seen) -> None:
            seen.append((ended.done(), ended.exception(), ended.result()))

        reply.add_done_callback(look)
        if isinstance(outcome, Trouble):
            threading.Thread(target=reply.set_exception, args=(outcome,)).start()
            with pytest.raises(Trouble):
                reply.wait()
            assert seen == [(True, outcome, None)]
        else:
            threading.Thread(target=reply.set_result, args=(outcome,)).start()
            assert reply.wait() == 7
            assert seen == [(True, None, 7)]
