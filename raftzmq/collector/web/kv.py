"""``POST /v1/kv``: one command of the page's client box: put, get, append or delete.

Keys and values are text or ``{"b64": …}``. Append is a read and then a compare-and-swap on the revision that was read,
again and again until nobody came between::

    {"op": "append", "key": "log", "value": "+1"}
    {"op": "append", "key": "log", "revision": 12, "tries": 1, "took_us": 3120, "tag": "page-1f…", "value": "0+1", …}

Every command's requests carry a tag of its own, under which ``/v1/explain?tag=…`` says where their time went. The time
is what the client here measured, and what each of its requests took is kept for that explanation.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, TypeVar

from raftzmq.client.aio import Client
from raftzmq.client.arguments import to_key, to_value
from raftzmq.client.results import KeyValue
from raftzmq.collector.web.kv_clients import Budget, KvClients, OwnClient
from raftzmq.collector.web.kv_refusal import KvRefusal, refusal_of
from raftzmq.collector.web.refusal import Refusal
from raftzmq.collector.web.stored import bytes_of, shown_row, shown_value
from raftzmq.config import MIB
from raftzmq.errors import RequestError
from raftzmq.events.maker import text_or_b64

T = TypeVar("T")

BODY_BYTES_MAX: Final = 2 * MIB
"""The largest value in base64, with its key. As text with many escapes it can be longer: such values go in base64."""
VALUE_BYTES: Final = 16 * 1024
"""Of a value that was read or made: as much as anybody looks at."""
TRIES_MAX: Final = 8
"""Compare-and-swaps of one append. Others write the key in between only if many do all the time."""
MEASURED_MAX: Final = 512
"""Commands whose times are remembered."""
NO_REVISION: Final = 2**62
"""A compare-and-swap that wants it never succeeds: it opens a session, and changes nothing."""
OPS: Final = {"put": True, "get": False, "append": True, "delete": False}
"""The commands, and whether they take a value."""


class _Timed:
    """A client whose calls are measured."""

    def __init__(self, client: Client, budget: Budget) -> None:
        self.client = client
        self.took_us: list[int] = []
        self._budget = budget

    async def do(self, call: Callable[[Client, float], asyncio.Future[T]]) -> T:
        begun_ns = time.monotonic_ns()
        try:
            return await call(self.client, self._budget.seconds)
        finally:
            self.took_us.append((time.monotonic_ns() - begun_ns) // 1000)


class Commands:
    """Does what is posted, with clients of the cluster."""

    def __init__(self, clients: KvClients) -> None:
        self._clients = clients
        self._measured: OrderedDict[str, list[int]] = OrderedDict()

    def measured(self, tag: str) -> list[int]:
        """What each request of a command took, in microseconds, as its client saw it; none if it isn't known."""
        return self._measured.get(tag, [])

    async def act(self, document: dict[str, Any]) -> dict[str, Any]:
        """Do one command, and say what came of it; raises Refusal."""
        op = document.get("op")
        takes_value = OPS.get(op) if isinstance(op, str) else None
        if takes_value is None:
            raise Refusal(400, f"op must be one of {', '.join(OPS)}")
        allowed = {"op", "key", "value"} if takes_value else {"op", "key"}
        if not document.keys() <= allowed:
            raise Refusal(400, f"{op} takes {', '.join(sorted(allowed - {'op'}))} and nothing else")
        key = bytes_of("key", document.get("key"))
        value = bytes_of("value", document.get("value")) if takes_value else b""
        try:
            to_key(key)
            to_value(value)  # at once, rather than when a node was found
        except RequestError as error:
            raise refusal_of(error) from None
        tag = f"page-{os.urandom(6).hex()}"
        found = await self._clients.command(lambda own: self._command(own, str(op), key, value, tag))
        return {"op": op, "key": text_or_b64(key), "tag": tag, **found}

    async def _command(self, own: OwnClient, op: str, key: bytes, value: bytes, tag: str) -> dict[str, Any]:
        budget = Budget()
        if not (own.has_read if op == "get" else own.has_written):
            await _warm_up(own, op, key, budget)
        own.client.trace = tag
        timed = _Timed(own.client, budget)
        try:
            found = await _DO[op](timed, key, value)
        finally:
            self._measured[tag] = timed.took_us
            if len(self._measured) > MEASURED_MAX:
                self._measured.popitem(last=False)
        return {**found, "took_us": sum(timed.took_us)}


async def _warm_up(own: OwnClient, op: str, key: bytes, budget: Budget) -> None:
    """Connect, and open a session: that happens once in a client's life, and is no part of a command."""
    if op == "get":
        await own.client.get(key, timeout=budget.seconds)
    else:
        # Of the same kind as the command, so that it fails in the same words.
        await own.client.compare_and_swap(key, None, b"", mod_revision=NO_REVISION, timeout=budget.seconds)
        own.has_written = True
    own.has_read = True


async def _put(timed: _Timed, key: bytes, value: bytes) -> dict[str, Any]:
    result = await timed.do(lambda client, seconds: client.put(key, value, timeout=seconds))
    return {"revision": result.revision}


async def _get(timed: _Timed, key: bytes, _: bytes) -> dict[str, Any]:
    item = await timed.do(lambda client, seconds: client.get(key, timeout=seconds))
    return {"found": False} if item is None else {"found": True, **shown_row(item, VALUE_BYTES)}


async def _delete(timed: _Timed, key: bytes, _: bytes) -> dict[str, Any]:
    result = await timed.do(lambda client, seconds: client.delete(key, timeout=seconds))
    return {"deleted": result.deleted, "revision": result.revision}


async def _append(timed: _Timed, key: bytes, value: bytes) -> dict[str, Any]:
    for tries in range(1, TRIES_MAX + 1):
        item: KeyValue | None = await timed.do(lambda client, seconds: client.get(key, timeout=seconds))
        seen, whole = (0, value) if item is None else (item.mod_revision, item.value + value)
        swapped = await timed.do(
            lambda client, seconds, seen=seen, whole=whole: client.compare_and_swap(  # type: ignore[misc]
                key, None, whole, mod_revision=seen, timeout=seconds
            )
        )
        if swapped.succeeded:
            return {"revision": swapped.revision, "tries": tries, **shown_value(whole, VALUE_BYTES)}
    raise KvRefusal(
        409,
        "conflict",
        f"others changed the key between each of {TRIES_MAX} reads and the write after it: nothing was appended. "
        "Try again when fewer write it",
        definite=True,
    )


_DO: Final = {"put": _put, "get": _get, "append": _append, "delete": _delete}
