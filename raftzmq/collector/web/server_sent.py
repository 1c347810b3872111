"""``/events``: the stream as server-sent events, for curl and for EventSource; resumable.

The format is that of the HTML standard, section 9.2 (server-sent events).
"""

from __future__ import annotations

import asyncio
import re

from aiohttp import web

from raftzmq.collector.web.backlog import Kept
from raftzmq.collector.web.connection import Connection
from raftzmq.collector.web.hub import Hub
from raftzmq.collector.web.reader import SEND_S, Reader
from raftzmq.collector.web.refusal import COMMON_HEADERS, Refusal
from raftzmq.collector.web.selection import selection_of_query

QUIET_S = 15.0
"""After so long without an event a comment goes out: so a connection that died is found."""
_ID = re.compile(r"([0-9a-zA-Z_]{1,64})-(\d{1,16})")


async def serve_events(request: web.BaseRequest, hub: Hub) -> web.StreamResponse:
    """Follow the stream until the reader leaves, or reads nothing for `SEND_S` seconds.

    Begins with the next event; with ``Last-Event-ID`` (or ``?last_event_id=``) behind that event, or, if what comes
    after it is gone, with an event ``reset`` whose data are the state.
    """
    query = request.query
    wanted = selection_of_query(query.getall("type", []), query.getall("node", []))
    last = request.headers.get("Last-Event-ID") or query.get("last_event_id")
    if last and not _ID.fullmatch(last):
        raise Refusal(400, f"{last[:64]!r} is no id of an event: it is what stood behind 'id:', <boot>-<position>")
    response = web.StreamResponse(headers={**COMMON_HEADERS, "Content-Type": "text/event-stream; charset=utf-8"})
    with Reader(hub, wanted) as reader:
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        connection = request.protocol
        assert isinstance(connection, Connection)
        connection.streaming = True
        try:
            async with asyncio.timeout(None) as limit:
                await _follow(reader, hub, response, last, limit)
        except TimeoutError:
            hub.slow += 1
        except ConnectionError:
            pass  # the reader has left
        finally:
            connection.streaming = False
        connection.end()
    return response


async def _follow(
    reader: Reader, hub: Hub, response: web.StreamResponse, last: str | None, limit: asyncio.Timeout
) -> None:
    loop = asyncio.get_running_loop()

    async def send(text: bytes) -> float:
        limit.reschedule(loop.time() + SEND_S)
        await response.write(text)
        limit.reschedule(None)
        return loop.time()

    sent_at = await send(_begin(reader, hub, last))
    while True:
        if reader.has_lost():
            sent_at = await send(_reset(reader, hub, "behind"))
        events = reader.next()
        if events:
            sent_at = await send(b"".join(_event(hub.boot, one) for one in events))
        elif loop.time() - sent_at >= QUIET_S:
            sent_at = await send(b":\n\n")
        else:
            await reader.wait(QUIET_S)


def _begin(reader: Reader, hub: Hub, last: str | None) -> bytes:
    """Find the place to begin at; what to say first."""
    reader.position = hub.backlog.newest
    found = _ID.fullmatch(last) if last else None
    if found is None:
        return f": events of {hub.config.cluster_id} behind position {reader.position}\nretry: 1000\n\n".encode()
    boot, position = found[1], int(found[2])
    if boot != hub.boot:
        return b"retry: 1000\n\n" + _reset(reader, hub, "the collector was restarted")
    if not hub.backlog.oldest - 1 <= position <= hub.backlog.newest:
        return b"retry: 1000\n\n" + _reset(reader, hub, "behind")
    reader.position = position
    return b"retry: 1000\n\n"


def _reset(reader: Reader, hub: Hub, reason: str) -> bytes:
    """The state in place of what cannot be had any more."""
    body, reader.position = hub.start_of(reason)
    return b"id: %b-%d\nevent: reset\ndata: %b\n\n" % (hub.boot.encode(), reader.position, body)


def _event(boot: str, one: Kept) -> bytes:
    position, _, _, payload = one
    if b"\n" in payload or b"\r" in payload:  # allowed in JSON between its parts, but here a line ends the data
        payload = payload.replace(b"\n", b" ").replace(b"\r", b" ")
    return b"id: %b-%d\ndata: %b\n\n" % (boot.encode(), position, payload)
