"""The client for threads: blocking calls, and ``NAME_async`` twins that return `concurrent.futures.Future`.

A background thread owns the sockets and the protocol; calls reach it through a queue and wake it through a
descriptor. What callers ask for while it is busy travels as one message::

    with raftzmq.Client() as client:
        client.put("greeting", "hello")
        futures = [client.put_async(f"key/{n}", b"value") for n in range(1000)]

What one step gained, as ratios of the whole process's time per call (warm, a node that answers at once):

================================================================ ==== ==== ===== =====
step                                                             gets puts 1 get 1 put
                                                                 (1,000)   (one at once)
================================================================ ==== ==== ===== =====
futures that make their conditions late, `Reply` for calls that  0.43 0.49 0.75  0.70
block, calls handed to the protocol together, short checks
================================================================ ==== ==== ===== =====
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any

from raftzmq.client.arguments import (
    Text,
    cas_command,
    get_call,
    get_query,
    put_call,
    range_query,
    size_of,
    to_endpoints,
    to_key,
    to_timeout_us,
    to_trace,
)
from raftzmq.client.batches import Call
from raftzmq.client.call_future import CallFuture
from raftzmq.client.probes import STATUS_US, AimedRead, StatusCall
from raftzmq.client.reply import Reply
from raftzmq.client.results import (
    CasResult,
    Convert,
    DeleteResult,
    KeyValue,
    PutResult,
    RangeResult,
    StateDigest,
    cas_result,
    delete_result,
    key_value,
    range_result,
    state_digest,
)
from raftzmq.client.worker import Worker
from raftzmq.kv.commands import Command, Delete, Query, StateHash

if TYPE_CHECKING:
    from raftzmq.client.recorder import Recorder


def _recorded(recorder: Recorder, ask: Callable[[Call], None]) -> Callable[[Call], None]:
    """``ask``, recorded."""
    watched = recorder.watching(lambda *call: ask(call))
    return lambda call: watched(*call)


class Client:
    """A client of a cluster, for any number of threads. Connects when it is first used.

    Methods check their arguments at once (InvalidRequest, TooLarge), and fail with one of `raftzmq.errors` within
    ``timeout`` seconds. Keys and values: ``str`` is taken as UTF-8, ``bytes`` come back. A child process that was
    forked must make a client of its own. Callbacks of futures run on the client's thread: they may start calls, and
    wait for none (InvalidRequest, and RuntimeError from a future's `result`).
    """

    def __init__(
        self,
        endpoints: str | Iterable[str] | None = None,
        timeout: float = 5.0,
        cluster: str = "",
        record: str | os.PathLike[str] | None = None,
        trace: str = "",
    ) -> None:
        """``endpoints``: client endpoints of some nodes, a list or text with commas; None: the local cluster.

        The others are learned from them. ``timeout``: seconds that a call may take, unless it says otherwise.
        ``cluster``: the id that nodes must have; empty: that of the first one that answers.
        ``record``: a file to append the history of all calls to, for ``raftzmq verify``; raises RecordingFailed, as
        each call does that can't be written down.
        ``trace``: a tag of up to 64 characters for all requests of this client. The nodes' event stream tells, in
        events of type ``trace``, where the time of a request that has one went.
        """
        self._timeout_us = to_timeout_us(timeout)
        self._worker = Worker(to_endpoints(endpoints), client=os.urandom(16), cluster=cluster, trace=to_trace(trace))
        # The thread knows the worker only, so a client that was dropped without `close` doesn't keep it running.
        self._finalizer = weakref.finalize(self, self._worker.stop)
        self._ask_write: Callable[[Call], None] = self._worker.write
        self._ask_read: Callable[[Call], None] = self._worker.read
        probe = self._worker.probe
        self._ask_node: Callable[..., None] = lambda query, size, future, convert, timeout_us, endpoint: probe(
            AimedRead(endpoint, query, convert, future, timeout_us)
        )
        self._recorder: Recorder | None = None
        if record is not None:
            from raftzmq.client.recorder import Recorder

            self._recorder = Recorder(record)
            self._ask_write = _recorded(self._recorder, self._worker.write)
            self._ask_read = _recorded(self._recorder, self._worker.read)
            self._ask_node = self._recorder.watching(self._ask_node)

    @property
    def trace(self) -> str:
        """The tag of requests that are sent from now on; may be set to another. Raises InvalidRequest."""
        return self._worker.trace

    @trace.setter
    def trace(self, tag: str) -> None:
        self._worker.trace = to_trace(tag)

    # --- calls that wait ---

    def put(self, key: Text, value: Text, *, lease: int | None = None, timeout: float | None = None) -> PutResult:
        """Set ``key``; the result's ``revision`` is the store's new one."""
        reply = self._reply()
        self._ask_write((*put_call(key, value, lease), reply, PutResult, self._patience(timeout)))
        result: PutResult = reply.wait()
        return result

    def get(
        self,
        key: Text,
        *,
        consistency: str = "linearizable",
        revision: int | None = None,
        timeout: float | None = None,
    ) -> KeyValue | None:
        """Read ``key``, as of ``revision`` if given; None if it doesn't exist. Raises Compacted for an old revision."""
        reply = self._reply()
        self._ask_read((*get_call(key, consistency, revision), reply, key_value, self._patience(timeout)))
        result: KeyValue | None = reply.wait()
        return result

    def get_from(self, endpoint: str, key: Text, *, timeout: float | None = None) -> KeyValue | None:
        """Read ``key``, as linearizably as `get` does, from the node at ``endpoint``, which needn't lead.

        For tests and tools: `get` asks whichever node is best, and others if it doesn't answer.
        """
        self._worker.may_wait()
        return self.get_from_async(endpoint, key, timeout=timeout).result()

    def delete(self, key: Text, *, timeout: float | None = None) -> DeleteResult:
        """Remove ``key``; the result's ``deleted`` tells whether it existed."""
        self._worker.may_wait()
        return self.delete_async(key, timeout=timeout).result()

    def range(
        self,
        prefix: Text | None = None,
        *,
        start: Text | None = None,
        end: Text | None = None,
        limit: int | None = None,
        revision: int | None = None,
        resume_key: bytes | None = None,
        consistency: str = "linearizable",
        timeout: float | None = None,
    ) -> RangeResult:
        """Read the keys that begin with ``prefix``, or those in ``[start, end)``, in order.

        One answer has at most ``limit`` keys, and no more than 10,000 or 1 MiB; while ``more`` is set, pass its
        ``resume_key`` and ``revision`` together with the same interval for the rest.
        """
        query = range_query(prefix, start, end, limit, revision, resume_key, consistency)
        self._worker.may_wait()
        future: Future[RangeResult] = self._read(query, range_result, timeout)
        return future.result()

    def compare_and_swap(
        self,
        key: Text,
        expected: Text | None,
        new: Text,
        *,
        mod_revision: int | None = None,
        timeout: float | None = None,
    ) -> CasResult:
        """Set ``key`` to ``new`` if its value is ``expected`` (None: if it doesn't exist).

        With ``mod_revision`` (and ``expected=None``): if its last modification was at that revision (0: it doesn't
        exist). The result's ``succeeded`` tells.
        """
        self._worker.may_wait()
        return self.compare_and_swap_async(key, expected, new, mod_revision=mod_revision, timeout=timeout).result()

    def status(self, *, timeout: float | None = None) -> list[dict[str, Any]]:
        """How each known node sees the world: its row of ``status --json``, or ``reachable`` False.

        ``timeout`` (1 s without one) is for nodes that are connected and don't answer; a connection gets half a second.
        """
        self._worker.may_wait()
        return self.status_async(timeout=timeout).result()

    def state_hash(self, endpoint: str | None = None, *, timeout: float | None = None) -> StateDigest:
        """Hash all that a node has stored, that at ``endpoint`` or any: equal for nodes that applied the same entries.

        Reads the node's whole state: for tests and tools.
        """
        self._worker.may_wait()
        return self.state_hash_async(endpoint, timeout=timeout).result()

    # --- their twins ---

    def put_async(
        self, key: Text, value: Text, *, lease: int | None = None, timeout: float | None = None
    ) -> Future[PutResult]:
        """`put`, as a future."""
        future: CallFuture[PutResult] = CallFuture()
        self._ask_write((*put_call(key, value, lease), future, PutResult, self._patience(timeout)))
        return future

    def get_async(
        self,
        key: Text,
        *,
        consistency: str = "linearizable",
        revision: int | None = None,
        timeout: float | None = None,
    ) -> Future[KeyValue | None]:
        """`get`, as a future."""
        future: CallFuture[KeyValue | None] = CallFuture()
        self._ask_read((*get_call(key, consistency, revision), future, key_value, self._patience(timeout)))
        return future

    def get_from_async(self, endpoint: str, key: Text, *, timeout: float | None = None) -> Future[KeyValue | None]:
        """`get_from`, as a future."""
        query = get_query(key, "linearizable", None)
        (aim,) = to_endpoints([endpoint])
        future: CallFuture[KeyValue | None] = CallFuture()
        self._ask_node(query, size_of(query), future, key_value, self._patience(timeout), aim)
        return future

    def delete_async(self, key: Text, *, timeout: float | None = None) -> Future[DeleteResult]:
        """`delete`, as a future."""
        return self._write(Delete(to_key(key)), delete_result, timeout)

    def range_async(
        self,
        prefix: Text | None = None,
        *,
        start: Text | None = None,
        end: Text | None = None,
        limit: int | None = None,
        revision: int | None = None,
        resume_key: bytes | None = None,
        consistency: str = "linearizable",
        timeout: float | None = None,
    ) -> Future[RangeResult]:
        """`range`, as a future."""
        query = range_query(prefix, start, end, limit, revision, resume_key, consistency)
        return self._read(query, range_result, timeout)

    def compare_and_swap_async(
        self,
        key: Text,
        expected: Text | None,
        new: Text,
        *,
        mod_revision: int | None = None,
        timeout: float | None = None,
    ) -> Future[CasResult]:
        """`compare_and_swap`, as a future."""
        return self._write(cas_command(key, expected, new, mod_revision), cas_result, timeout)

    def status_async(self, *, timeout: float | None = None) -> Future[list[dict[str, Any]]]:
        """`status`, as a future."""
        future: CallFuture[list[dict[str, Any]]] = CallFuture()
        self._worker.probe(StatusCall(future, STATUS_US if timeout is None else to_timeout_us(timeout)))
        return future

    def state_hash_async(self, endpoint: str | None = None, *, timeout: float | None = None) -> Future[StateDigest]:
        """`state_hash`, as a future."""
        if endpoint is None:
            return self._read(StateHash(), state_digest, timeout)
        future: CallFuture[StateDigest] = CallFuture()
        (aim,) = to_endpoints([endpoint])
        self._worker.probe(AimedRead(aim, StateHash(), state_digest, future, self._patience(timeout)))
        return future

    def close(self) -> None:
        """Close the connections and end the thread.

        Calls that wait fail with ClientClosed, whose ``definite`` is true if they were never sent.
        """
        if self._finalizer.detach() is None:
            return
        self._worker.stop()
        self._worker.join()
        if self._recorder is not None:
            self._recorder.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # --- the way to the thread ---

    def _reply(self) -> Reply:
        self._worker.may_wait()
        return Reply()

    def _write(self, command: Command, convert: Convert, timeout: float | None) -> Future[Any]:
        future: CallFuture[Any] = CallFuture()
        self._ask_write((command, size_of(command), future, convert, self._patience(timeout)))
        return future

    def _read(self, query: Query, convert: Convert, timeout: float | None) -> Future[Any]:
        future: CallFuture[Any] = CallFuture()
        self._ask_read((query, size_of(query), future, convert, self._patience(timeout)))
        return future

    def _patience(self, timeout: float | None) -> int:
        return self._timeout_us if timeout is None else to_timeout_us(timeout)
