"""The client for asyncio. Its methods return futures, which are awaited like coroutines' results.

``put`` and its like are plain functions: the call is on its way when they return, awaited or not, and many can be
under way together (in no order among themselves). All calls of one turn of the event loop travel as one message::

    async with raftzmq.aio.Client() as client:
        await client.put("greeting", "hello")
        results = await asyncio.gather(*(client.put(f"key/{n}", b"value") for n in range(1000)))

A future that is cancelled is only no longer waited for: its command may be applied all the same.

What a call costs with 1,000 in flight, as ratios of processor time of the loop's thread (warm, a node that answers at
once; bare futures made and resolved by asyncio alone are 0.5 of what was there before):

=============================================================================== ==== ====
step                                                                            gets puts
=============================================================================== ==== ====
the running loop asked for once a turn; no calls between ``put`` and the queue; 0.84 0.90
results of puts made together
=============================================================================== ==== ====
"""

from __future__ import annotations

import asyncio
import os
from asyncio import Future, get_running_loop
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from raftzmq.client.arguments import (
    FRAMING_BYTES,
    Text,
    cas_command,
    get_query,
    put_command,
    range_query,
    size_of,
    to_endpoints,
    to_key,
    to_timeout_us,
    to_trace,
)
from raftzmq.client.batches import NEVER
from raftzmq.client.probes import STATUS_US, AimedRead, StatusCall
from raftzmq.client.protocol import Protocol
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
from raftzmq.client.wires import Wire, Wires, monotonic_us
from raftzmq.config import KEY_BYTES_MAX, MICROSECONDS, VALUE_BYTES_MAX
from raftzmq.errors import ClientClosed, InvalidRequest
from raftzmq.kv.commands import Command, Delete, Get, Put, Query, StateHash

if TYPE_CHECKING:
    from raftzmq.client.recorder import Recorder


class Client:
    """A client of a cluster, for one event loop. Connects when it is first used.

    Every method but `close` returns a future, checks its arguments at once (InvalidRequest, TooLarge), and fails with
    one of `raftzmq.errors` within ``timeout`` seconds. Keys and values: ``str`` is taken as UTF-8, ``bytes`` come back.
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
        self._protocol = Protocol(
            to_endpoints(endpoints), client=os.urandom(16), cluster=cluster, trace=to_trace(trace)
        )
        self._timeout_us = to_timeout_us(timeout)
        self._wires = Wires(self._protocol, self._watch, self._unwatch)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._turn: asyncio.AbstractEventLoop | None = None
        """The running loop, from a turn's first call until they are sent: to ask for it costs a system call each."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_us = NEVER
        self._add_write = self._protocol.parcels.queue.add
        self._add_read = self._protocol.reads.queue.add
        probes = self._protocol.probes
        self._add_aimed: Callable[..., None] = lambda query, size, future, convert, timeout_us, endpoint: probes.add(
            AimedRead(endpoint, query, convert, future, timeout_us)
        )
        self._recorder: Recorder | None = None
        if record is not None:
            from raftzmq.client.recorder import Recorder

            self._recorder = Recorder(record)
            self._add_write = self._recorder.watching(self._add_write)
            self._add_read = self._recorder.watching(self._add_read)
            self._add_aimed = self._recorder.watching(self._add_aimed)

    @property
    def trace(self) -> str:
        """The tag of requests that are sent from now on; may be set to another. Raises InvalidRequest."""
        return self._protocol.requests.trace

    @trace.setter
    def trace(self, tag: str) -> None:
        self._protocol.requests.trace = to_trace(tag)

    # --- calls ---

    def put(
        self, key: Text, value: Text, *, lease: int | None = None, timeout: float | None = None
    ) -> Future[PutResult]:
        """Set ``key``; the result's ``revision`` is the store's new one."""
        if (
            type(key) is bytes
            and type(value) is bytes
            and lease is None
            and 0 < len(key) <= KEY_BYTES_MAX
            and len(value) <= VALUE_BYTES_MAX
        ):
            loop = self._turn
            if loop is None:
                return self._write(Put(key, value), FRAMING_BYTES + len(key) + len(value), PutResult, timeout)
            future: Future[PutResult] = loop.create_future()
            timeout_us = self._timeout_us if timeout is None else to_timeout_us(timeout)
            self._add_write(Put(key, value), FRAMING_BYTES + len(key) + len(value), future, PutResult, timeout_us)
            return future
        command = put_command(key, value, lease)
        return self._write(command, size_of(command), PutResult, timeout)

    def get(
        self,
        key: Text,
        *,
        consistency: str = "linearizable",
        revision: int | None = None,
        timeout: float | None = None,
    ) -> Future[KeyValue | None]:
        """Read ``key``, as of ``revision`` if given; None if it doesn't exist. Raises Compacted for an old revision."""
        if type(key) is bytes and revision is None and consistency == "linearizable" and 0 < len(key) <= KEY_BYTES_MAX:
            loop = self._turn
            if loop is None:
                return self._read(Get(key), FRAMING_BYTES + len(key), key_value, timeout)
            future: Future[KeyValue | None] = loop.create_future()
            timeout_us = self._timeout_us if timeout is None else to_timeout_us(timeout)
            self._add_read(Get(key), FRAMING_BYTES + len(key), future, key_value, timeout_us)
            return future
        query = get_query(key, consistency, revision)
        return self._read(query, size_of(query), key_value, timeout)

    def get_from(self, endpoint: str, key: Text, *, timeout: float | None = None) -> Future[KeyValue | None]:
        """Read ``key``, as linearizably as `get` does, from the node at ``endpoint``, which needn't lead.

        For tests and tools: `get` asks whichever node is best, and others if it doesn't answer.
        """
        query = get_query(key, "linearizable", None)
        (aim,) = to_endpoints([endpoint])
        future: Future[KeyValue | None] = self._enter().create_future()
        self._add_aimed(query, size_of(query), future, key_value, self._patience(timeout), aim)
        return self._soon(future)

    def delete(self, key: Text, *, timeout: float | None = None) -> Future[DeleteResult]:
        """Remove ``key``; the result's ``deleted`` tells whether it existed."""
        command = Delete(to_key(key))
        return self._write(command, size_of(command), delete_result, timeout)

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
    ) -> Future[RangeResult]:
        """Read the keys that begin with ``prefix``, or those in ``[start, end)``, in order.

        One answer has at most ``limit`` keys, and no more than 10,000 or 1 MiB; while ``more`` is set, pass its
        ``resume_key`` and ``revision`` together with the same interval for the rest.
        """
        query = range_query(prefix, start, end, limit, revision, resume_key, consistency)
        return self._read(query, size_of(query), range_result, timeout)

    def compare_and_swap(
        self,
        key: Text,
        expected: Text | None,
        new: Text,
        *,
        mod_revision: int | None = None,
        timeout: float | None = None,
    ) -> Future[CasResult]:
        """Set ``key`` to ``new`` if its value is ``expected`` (None: if it doesn't exist).

        With ``mod_revision`` (and ``expected=None``): if its last modification was at that revision (0: it doesn't
        exist). The result's ``succeeded`` tells.
        """
        command = cas_command(key, expected, new, mod_revision)
        return self._write(command, size_of(command), cas_result, timeout)

    def status(self, *, timeout: float | None = None) -> Future[list[dict[str, Any]]]:
        """How each known node sees the world: its row of ``status --json``, or ``reachable`` False.

        ``timeout`` (1 s without one) is for nodes that are connected and don't answer; a connection gets half a second.
        """
        future: Future[list[dict[str, Any]]] = self._enter().create_future()
        self._protocol.probes.add(StatusCall(future, STATUS_US if timeout is None else to_timeout_us(timeout)))
        return self._soon(future)

    def state_hash(self, endpoint: str | None = None, *, timeout: float | None = None) -> Future[StateDigest]:
        """Hash all that a node has stored, that at ``endpoint`` or any: equal for nodes that applied the same entries.

        Reads the node's whole state: for tests and tools.
        """
        if endpoint is None:
            return self._read(StateHash(), FRAMING_BYTES, state_digest, timeout)
        future: Future[StateDigest] = self._enter().create_future()
        (aim,) = to_endpoints([endpoint])
        self._protocol.probes.add(AimedRead(aim, StateHash(), state_digest, future, self._patience(timeout)))
        return self._soon(future)

    async def close(self) -> None:
        """Close the connections. Calls that wait fail with ClientClosed, whose ``definite`` is true if never sent."""
        if self._closed:
            return
        if self._loop not in (None, get_running_loop()):
            raise InvalidRequest("a client is closed in the event loop that it was used in")
        self._closed = True
        self._turn = None
        if self._timer is not None:
            self._timer.cancel()
        self._wires.close()
        self._loop = None
        if self._recorder is not None:
            # Futures tell of their end in the loop's next turn.
            await asyncio.sleep(0)
            self._recorder.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # --- the way to the protocol ---

    def _write(self, command: Command, size: int, convert: Convert, timeout: float | None) -> Future[Any]:
        timeout_us = self._patience(timeout)
        future: Future[Any] = self._enter().create_future()
        self._add_write(command, size, future, convert, timeout_us)
        return self._soon(future)

    def _read(self, query: Query, size: int, convert: Convert, timeout: float | None) -> Future[Any]:
        timeout_us = self._patience(timeout)
        future: Future[Any] = self._enter().create_future()
        self._add_read(query, size, future, convert, timeout_us)
        return self._soon(future)

    def _soon(self, future: Future[Any]) -> Future[Any]:
        if self._turn is None:
            self._turn = future.get_loop()
            self._turn.call_soon(self._flush)
        return future

    def _patience(self, timeout: float | None) -> int:
        return self._timeout_us if timeout is None else to_timeout_us(timeout)

    def _enter(self) -> asyncio.AbstractEventLoop:
        """The running event loop, in which this client lives from now on; raises as `_bind` does."""
        loop = get_running_loop()
        if loop is not self._loop:
            self._bind(loop)
        return loop

    def _bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Live in ``loop``; raises ClientClosed, and InvalidRequest if the client lives in another loop already."""
        if self._closed:
            raise ClientClosed("this client was closed: make a new one")
        if self._loop is not None:
            raise InvalidRequest(
                "this client was first used in another event loop (or process), and its sockets live there: "
                "make one client per loop"
            )
        self._loop = loop

    # --- what the event loop calls ---

    def _flush(self) -> None:
        self._turn = None
        if not self._closed:
            self._exchange()

    def _on_readable(self, wire: Wire) -> None:
        self._wires.readable(wire)
        self._exchange()

    def _on_time(self) -> None:
        self._timer, self._timer_us = None, NEVER
        self._exchange()

    def _exchange(self) -> None:
        self._wires.exchange()
        deadline_us = self._protocol.deadline_us
        if deadline_us < self._timer_us and self._loop is not None:
            # A timer that fires too early does no harm and sets the next one: calls don't cost a timer each.
            if self._timer is not None:
                self._timer.cancel()
            self._timer_us = deadline_us
            self._timer = self._loop.call_later(max(0, deadline_us - monotonic_us()) / MICROSECONDS, self._on_time)

    def _watch(self, descriptor: int, wire: Wire) -> None:
        assert self._loop is not None
        self._loop.add_reader(descriptor, self._on_readable, wire)

    def _unwatch(self, descriptor: int) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(descriptor)
