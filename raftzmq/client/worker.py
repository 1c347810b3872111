"""The thread behind the sync client: it alone touches sockets and protocol; callers leave their calls in queues.

Callers append to a queue and look at one flag; both are atomic in Python, so no lock is taken per call. The thread
lowers the flag *before* it empties the queues: a call that it misses finds the flag down, and wakes it.
"""

from __future__ import annotations

import os
import select
import threading
import weakref
from collections import deque
from contextlib import suppress
from typing import Final, NoReturn

from raftzmq.client.batches import Call
from raftzmq.client.call_future import NO_WAITING, client_threads
from raftzmq.client.probes import AimedRead, StatusCall
from raftzmq.client.protocol import Protocol
from raftzmq.client.results import fail
from raftzmq.client.wires import Wire, Wires, monotonic_us
from raftzmq.errors import ClientClosed, InvalidRequest, RequestError

JOIN_S: Final = 5.0
"""How long closing waits for the thread, which has nothing left to wait for."""
POLL_MAX_MS: Final = 60_000

_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


class Worker:
    """Starts its thread with the first call. Invariant: once `_finished`, the queues are emptied by their callers."""

    def __init__(self, endpoints: tuple[str, ...], *, client: bytes, cluster: str, trace: str = "") -> None:
        self._protocol = Protocol(endpoints, client=client, cluster=cluster, trace=trace)
        self._wires = Wires(self._protocol, self._watch, self._unwatch)
        self._watched: dict[int, Wire] = {}
        self._poll = select.poll()
        self._wake_read, self._wake_write = os.pipe()
        for descriptor in (self._wake_read, self._wake_write):
            os.set_blocking(descriptor, False)
        self._poll.register(self._wake_read, select.POLLIN)
        self._writes: deque[Call] = deque()
        self._reads: deque[Call] = deque()
        self._probes: deque[StatusCall | AimedRead] = deque()
        self._awake = False
        """The thread has been told that there is something in a queue."""
        self._unusable: RequestError | None = None
        self._forked = False
        self._stopping = False
        self._finished = False
        self._lock = threading.RLock()
        """Guards the start and the end of the thread, and the descriptor that wakes it. A signal's handler, or a
        destructor, may make a call in the midst of another, on the same thread."""
        self._only = threading.Lock()
        """Held by the thread while it runs."""
        self._thread: threading.Thread | None = None
        _workers.add(self)

    # --- for callers' threads ---

    @property
    def trace(self) -> str:
        """The tag of requests that are sent from now on."""
        return self._protocol.requests.trace

    @trace.setter
    def trace(self, tag: str) -> None:
        self._protocol.requests.trace = tag

    def write(self, call: Call) -> None:
        """Queue a command; raises ClientClosed, and InvalidRequest in a forked process."""
        if self._unusable is not None:
            self._refuse(self._unusable)
        self._writes.append(call)
        if not self._awake:
            self._wake()

    def read(self, call: Call) -> None:
        """Queue a query; raises as `write` does."""
        if self._unusable is not None:
            self._refuse(self._unusable)
        self._reads.append(call)
        if not self._awake:
            self._wake()

    def probe(self, call: StatusCall | AimedRead) -> None:
        """Queue a question to particular nodes; raises as `write` does."""
        if self._unusable is not None:
            self._refuse(self._unusable)
        self._probes.append(call)
        if not self._awake:
            self._wake()

    @staticmethod
    def may_wait() -> None:
        """Before a call that waits for its end: raises InvalidRequest on a client's thread, which ends calls."""
        if threading.get_ident() in client_threads:
            raise InvalidRequest(NO_WAITING)

    def stop(self) -> None:
        """Have the thread end; `join` waits for it. May be called from anywhere, and again."""
        if self._forked:
            return
        if self._unusable is None:
            self._unusable = ClientClosed("this client was closed: make a new one")
        with self._lock:
            self._stopping = True
            if self._thread is None:
                self._finish()
            elif not self._finished:
                os.write(self._wake_write, b"\0")

    def join(self) -> None:
        """Wait for the end of the thread."""
        thread = self._thread
        if thread is not None and not self._forked and thread is not threading.current_thread():
            # Ctrl-C may have come between its making and its start: then there is nothing to wait for.
            with suppress(RuntimeError):
                thread.join(JOIN_S)

    def abandon(self) -> None:
        """This process was forked: thread and connections are its parent's."""
        self._forked = True
        self._unusable = InvalidRequest("this client was made before a fork and belongs to the parent: make a new one")

    @staticmethod
    def _refuse(error: RequestError) -> NoReturn:
        raise type(error)(error.message)

    def _wake(self) -> None:
        with self._lock:
            starts = self._thread is None or self._thread.ident is None  # not None: Ctrl-C came before it was started
            thread = threading.Thread(target=self._run, name="raftzmq-client", daemon=True) if starts else None
            # Until here a signal's handler may have done the same, or have closed the client.
            if self._finished:
                self._fail_queued()
                return
            if thread is not None and (self._thread is None or self._thread.ident is None):
                self._thread = thread
                thread.start()
            if not self._awake:
                self._awake = True
                os.write(self._wake_write, b"\0")

    # --- the thread ---

    def _run(self) -> None:
        if not self._only.acquire(blocking=False):
            return  # the one before was being started all the same
        protocol, wires = self._protocol, self._wires
        client_threads.add(threading.get_ident())
        try:
            while not self._stopping:
                self._awake = False
                self._take_calls()
                wires.exchange()
                patience_ms = (protocol.deadline_us - monotonic_us() + 999) // 1000
                for descriptor, _ in self._poll.poll(max(0, min(patience_ms, POLL_MAX_MS))):
                    wire = self._watched.get(descriptor)
                    if wire is not None:
                        wires.readable(wire)
                    elif descriptor == self._wake_read:
                        os.read(self._wake_read, 4096)
        finally:
            # Also after an error that nobody foresaw: callers must not wait for ever.
            if self._unusable is None:
                self._unusable = ClientClosed("the client's thread ended by an error, which it has printed")
            self._take_calls()
            wires.close()
            with self._lock:
                self._finish()
            client_threads.discard(threading.get_ident())

    def _take_calls(self) -> None:
        for calls, queue in (
            (self._writes, self._protocol.parcels.queue),
            (self._reads, self._protocol.reads.queue),
        ):
            # What is added from here on finds the flag down.
            count = len(calls)
            if count:
                queue.add_all([calls.popleft() for _ in range(count)])
        while self._probes:
            self._protocol.probes.add(self._probes.popleft())

    def _finish(self) -> None:
        self._finished = True
        self._awake = False
        self._fail_queued()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _fail_queued(self) -> None:
        """Fail calls that came too late for the thread."""
        error = ClientClosed("the client was closed before this call was sent")
        for calls in (self._writes, self._reads):
            while calls:
                fail([calls.popleft()[2]], error)
        while self._probes:
            fail([self._probes.popleft().future], error)

    def _watch(self, descriptor: int, wire: Wire) -> None:
        self._watched[descriptor] = wire
        self._poll.register(descriptor, select.POLLIN)

    def _unwatch(self, descriptor: int) -> None:
        del self._watched[descriptor]
        self._poll.unregister(descriptor)


def _after_fork() -> None:
    # The thread that forked is another process's now, whatever it was.
    client_threads.clear()
    for worker in _workers:
        worker.abandon()


os.register_at_fork(after_in_child=_after_fork)
