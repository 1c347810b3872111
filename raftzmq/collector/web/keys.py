"""``GET /v1/keys``: the keys that begin with a prefix, a page at a time, each with its value's beginning.

::

    {"revision": 41, "items": [{"key": …, "value": …, "bytes": 5, "create_revision": 3, "mod_revision": 40,
     "version": 7, "lease": 0}], "more": true, "from": "Y29sb3Vy"}

The next page is asked for with ``from`` and ``revision`` as they were answered, so all pages are of one moment.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from aiohttp import web

from raftzmq.client.aio import Client
from raftzmq.client.results import KeyValue
from raftzmq.collector.web.kv_clients import Budget, KvClients
from raftzmq.collector.web.pages import json_response
from raftzmq.collector.web.stored import bytes_asked, bytes_of, number_asked, shown_row
from raftzmq.config import MIB

PARAMETERS = ("prefix", "prefix_b64", "from", "revision", "limit")
ROWS, ROWS_MAX = 50, 200
VALUE_BYTES = 256
"""Of each value: a line of a table."""
READ_BYTES_MAX = 8 * MIB
"""Read from the nodes for one page: large values come few at a time, and a page of them is a short one."""
REVISION_MAX = 2**63 - 1


class Keys:
    """Reads from the cluster, linearizably."""

    def __init__(self, clients: KvClients) -> None:
        self._clients = clients

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """One page; raises Refusal."""
        query = request.query
        prefix = bytes_asked(query, "prefix") or b""
        resume_key = bytes_of("from", {"b64": query["from"]}) if "from" in query else None
        revision = number_asked(query, "revision", 0, 1, REVISION_MAX)
        limit = number_asked(query, "limit", ROWS, 1, ROWS_MAX)
        return json_response(
            await self._clients.read(lambda client: _page(client, prefix, resume_key, revision, limit))
        )


async def _page(client: Client, prefix: bytes, resume_key: bytes | None, revision: int, limit: int) -> dict[str, Any]:
    budget = Budget()
    items: list[KeyValue] = []
    while True:
        found = await client.range(
            prefix or None,
            limit=limit - len(items),
            revision=revision or None,
            resume_key=resume_key,
            timeout=budget.seconds,
        )
        items += found.items
        resume_key, revision = found.resume_key, found.revision
        read = sum(len(item.value) for item in items)
        if not found.more or len(items) >= limit or read >= READ_BYTES_MAX or budget.over:
            break
    return {
        "revision": revision,
        "items": [shown_row(item, VALUE_BYTES) for item in items],
        "more": resume_key is not None,
        "from": None if resume_key is None else b64encode(resume_key).decode(),
    }
