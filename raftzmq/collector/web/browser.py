"""``/ws``: one WebSocket per browser, over which the state comes first and then events in batches.

To the browser, as JSON text::

    {"state": {…}, "position": 17, "boot": "…"}                    at first
    {"position": 20, "events": [[18, {…}], [20, {…}]]}             events with their positions, several times a second
    {"state": {…}, "position": 9000, "boot": "…", "reset": "…"}    in place of what was missed, if it was too much
    {"filter": {"types": null, "nodes": ["n1"]}}                   what is sent from now on, after it was asked for
    {"error": {"code": …, "message": …}}                           for a message that isn't understood

From the browser: ``{"filter": {"types": ["role"], "nodes": ["n1"]}}``; what is left out or null means all.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from raftzmq.collector.web.backlog import Kept
from raftzmq.collector.web.connection import Connection
from raftzmq.collector.web.hub import Hub
from raftzmq.collector.web.reader import SEND_S, Reader
from raftzmq.collector.web.refusal import COMMON_HEADERS, Refusal, error_body
from raftzmq.collector.web.selection import selection_of_message, selection_of_query

MESSAGE_BYTES_MAX = 16 * 1024
"""A message of a browser: the longest filter that can be."""
MESSAGES_PER_S = 20
"""Messages of a browser in a second: nobody turns filters on and off faster, and each is parsed and answered."""
BEHIND_EVENTS_MAX = 10_000
"""A browser that is behind by more is shown the state instead: nobody looks at ten thousand events."""
PING_S = 20.0
"""So a browser that vanished without a word is found."""


async def serve_browser(request: web.BaseRequest, hub: Hub) -> web.StreamResponse:
    """Follow the stream until the browser leaves, or reads nothing for `SEND_S` seconds."""
    query = request.query
    wanted = selection_of_query(query.getall("type", []), query.getall("node", []))
    socket = web.WebSocketResponse(
        max_msg_size=MESSAGE_BYTES_MAX, compress=False, heartbeat=PING_S, autoping=True, timeout=1.0
    )
    if not socket.can_prepare(request):
        raise Refusal(426, "this path speaks WebSocket; /events is for all else", {"Upgrade": "websocket"})
    connection = request.protocol
    assert isinstance(connection, Connection)
    with Reader(hub, wanted) as reader:
        for name, value in COMMON_HEADERS.items():
            socket.headers[name] = value
        await socket.prepare(request)
        connection.streaming = True
        sending = asyncio.create_task(_send(reader, hub, socket, connection))
        try:
            await _receive(reader, socket)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            connection.streaming = False
    return socket


async def _send(reader: Reader, hub: Hub, socket: web.WebSocketResponse, connection: Connection) -> None:
    """The state, then events, until there is nobody any more."""
    try:
        body, reader.position = hub.start_of()
        await _send_text(socket, body)
        while True:
            if reader.has_lost() or reader.behind() > BEHIND_EVENTS_MAX:
                body, reader.position = hub.start_of("behind")
                await _send_text(socket, body)
            events = reader.next()
            if events:
                await _send_text(socket, _batch(events))
            else:
                await reader.wait(PING_S)
    except TimeoutError:
        hub.slow += 1
        connection.end()
    except ConnectionError:
        connection.end()


async def _send_text(socket: web.WebSocketResponse, body: bytes) -> None:
    async with asyncio.timeout(SEND_S):
        await socket.send_str(body.decode())


def _batch(events: list[Kept]) -> bytes:
    return b'{"position":%d,"events":[%b]}' % (
        events[-1][0],
        b",".join([b"[%d,%b]" % (position, payload) for position, _, _, payload in events]),
    )


async def _receive(reader: Reader, socket: web.WebSocketResponse) -> None:
    """Take the browser's messages until it leaves."""
    loop = asyncio.get_running_loop()
    second, count = loop.time(), 0
    async for message in socket:
        if loop.time() - second >= 1.0:
            second, count = loop.time(), 0
        count += 1
        if count > MESSAGES_PER_S:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages: slow down")
            return
        try:
            if message.type is not WSMsgType.TEXT:
                raise Refusal(400, "messages must be JSON text")
            try:
                document = orjson.loads(message.data)
            except orjson.JSONDecodeError:
                raise Refusal(400, "the message is not JSON") from None
            reader.want(selection_of_message(document))
            answer = _told(reader)
        except Refusal as refusal:
            answer = error_body(refusal.status, refusal.message)
        try:
            await _send_text(socket, answer)
        except (TimeoutError, ConnectionError):
            return


def _told(reader: Reader) -> bytes:
    """The filter that is in force."""
    wanted = reader.wanted
    return orjson.dumps(
        {
            "filter": {
                "types": None if wanted.types is None else sorted(wanted.types),
                "nodes": None if wanted.nodes is None else sorted(wanted.nodes),
            }
        }
    )
