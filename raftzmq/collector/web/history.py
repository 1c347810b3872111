"""``GET /v1/history``: how a key came to be what it is, version by version, the newest first.

Each version says the revision that made it, so the one before is what the key was a revision earlier; and so on back
to where it was created, or to where the store has forgotten (compacted) what was.

::

    {"key": …, "versions": [{"revision": 40, "version": 7, "value": …, "bytes": 5}, …], "create_revision": 3,
     "end": "created"}

``end``: ``created``, ``compacted``, ``more`` (older ones are asked for with ``revision``), or ``none``: no such key.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from raftzmq.client.aio import Client
from raftzmq.client.results import KeyValue
from raftzmq.collector.web.keys import REVISION_MAX
from raftzmq.collector.web.kv_clients import Budget, KvClients
from raftzmq.collector.web.pages import json_response
from raftzmq.collector.web.refusal import Refusal
from raftzmq.collector.web.stored import bytes_asked, number_asked, shown_value
from raftzmq.config import MIB
from raftzmq.errors import Compacted
from raftzmq.events.maker import text_or_b64

PARAMETERS = ("key", "key_b64", "revision", "limit")
VERSIONS, VERSIONS_MAX = 30, 100
"""Versions in one answer: each is a read of its own."""
VALUE_BYTES = 2048
"""Of each value: enough to see what changed in a text."""
READ_BYTES_MAX = 16 * MIB
"""Read from the nodes for one answer."""


class History:
    """Reads from the cluster, linearizably."""

    def __init__(self, clients: KvClients) -> None:
        self._clients = clients

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """The versions from a revision on backwards; raises Refusal."""
        query = request.query
        key = bytes_asked(query, "key")
        if key is None:
            raise Refusal(400, "say which key: /v1/history?key=NAME, or key_b64= for bytes that are no text")
        revision = number_asked(query, "revision", 0, 1, REVISION_MAX)
        limit = number_asked(query, "limit", VERSIONS, 1, VERSIONS_MAX)
        return json_response(await self._clients.read(lambda client: _walk(client, key, revision, limit)))


async def _walk(client: Client, key: bytes, revision: int, limit: int) -> dict[str, Any]:
    budget = Budget()
    versions: list[KeyValue] = []
    read = 0
    while True:
        try:
            item = await client.get(key, revision=revision or None, timeout=budget.seconds)
        except Compacted:
            if not versions and not revision:
                raise
            end = "compacted"
            break
        if item is None:
            end = "created" if versions else "none"
            break
        versions.append(item)
        read += len(item.value)
        revision = item.mod_revision - 1
        if item.mod_revision == item.create_revision:
            end = "created"
            break
        if len(versions) >= limit or read >= READ_BYTES_MAX or budget.over:
            end = "more"
            break
    return {
        "key": text_or_b64(key),
        "versions": [
            {"revision": item.mod_revision, "version": item.version, **shown_value(item.value, VALUE_BYTES)}
            for item in versions
        ],
        "create_revision": versions[-1].create_revision if versions else None,
        "end": end,
    }
