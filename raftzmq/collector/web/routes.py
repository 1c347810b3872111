"""What is answered at which path: read by everybody, or done for who knows the token.

`site` has a line for each path. An answer that takes long must not be made on the event loop: ``await`` an executor.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import orjson
from aiohttp import web

from raftzmq.collector.web.connection import Connection
from raftzmq.collector.web.gate import check_parameters, check_posted
from raftzmq.collector.web.refusal import COMMON_HEADERS, Refusal
from raftzmq.collector.web.token import Token
from raftzmq.config import MIB

BODY_BYTES_MAX = 64 * 1024
"""What a control call says is some names and numbers."""
DROPPED_BYTES_MAX = 8 * MIB
"""A body that is longer than it may be is read up to this, so that the refusal is heard."""
BODY_S = 10.0
"""How long it may be on its way."""
JSON = "application/json"

Answer = Callable[[web.BaseRequest], web.StreamResponse | Awaitable[web.StreamResponse]]
Act = Callable[[dict[str, Any]], Awaitable[Any]]
"""Given the JSON object that was posted, does something and returns what to answer as JSON. Raises Refusal."""

Kind = TypeVar("Kind")


class _Read(NamedTuple):
    answer: Answer
    parameters: tuple[str, ...]
    token: bool


class _Post(NamedTuple):
    answer: Answer
    content_type: str
    bytes_max: int


class Routes:
    """Paths and what answers them; a path that ends in ``/`` stands for all below it as well, the longest first."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self._reads: dict[str, _Read] = {}
        self._posts: dict[str, _Post] = {}
        self._closing: list[Callable[[], Awaitable[None]]] = []

    def read(self, path: str, answer: Answer, *parameters: str, token: bool = False) -> None:
        """GET and HEAD: ``answer`` changes nothing. ``parameters``: of its query; ``token``: only for who knows it."""
        self._reads[path] = _Read(answer, parameters, token)

    def act(self, path: str, act: Act, *, bytes_max: int = BODY_BYTES_MAX) -> None:
        """POST of a JSON object, of at most ``bytes_max`` bytes, by who knows the token; answered in JSON."""

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            document = await _object(request, bytes_max)
            return web.Response(
                body=orjson.dumps(await act(document)) + b"\n", content_type=JSON, headers=COMMON_HEADERS
            )

        self.take(path, answer, content_type=JSON, bytes_max=bytes_max)

    def take(self, path: str, answer: Answer, *, content_type: str, bytes_max: int) -> None:
        """POST of anything else, by who knows the token; ``answer`` reads ``request.content`` itself."""
        self._posts[path] = _Post(answer, content_type, bytes_max)

    def at_end(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have something closed when the server ends, on its event loop."""
        self._closing.append(close)

    async def close(self) -> None:
        """Close what was asked for, the last first."""
        while self._closing:
            await self._closing.pop()()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request that has passed the gate; raises Refusal."""
        path, method = request.path, request.method
        reads, posts = _find(self._reads, path), _find(self._posts, path)
        if reads is None and posts is None:
            there = ", ".join([*self._reads, *(one for one in self._posts if one not in self._reads)])
            raise Refusal(404, f"there is nothing at {path[:64]}; there are: {there}")
        if method in ("GET", "HEAD") and reads is not None:
            if reads.token:
                self._token.check(request)
            check_parameters(request.query, *reads.parameters)
            return await _made(reads.answer, request)
        if method == "POST" and posts is not None:
            return await self._post(request, posts)
        allowed = [*(["GET", "HEAD"] if reads else []), *(["POST"] if posts else [])]
        what = f"it is read with {allowed[0]}" if reads else "it takes POST"
        raise Refusal(405, f"{method[:16]} does nothing at {path[:64]}: {what}", {"Allow": ", ".join(allowed)})

    async def _post(self, request: web.BaseRequest, route: _Post) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, Connection)
        try:
            check_posted(request, route.content_type, route.bytes_max)
        except Refusal as refusal:
            if refusal.status == 413:
                self._token.check(request)
                with connection.working():
                    await _drop_body(request)
            raise
        self._token.check(request)
        check_parameters(request.query)
        with connection.working():
            return await _made(route.answer, request)


def _find(routes: dict[str, Kind], path: str) -> Kind | None:
    found = routes.get(path)
    if found is None:
        above = [one for one in routes if len(one) > 1 and one.endswith("/") and path.startswith(one)]
        found = routes[max(above, key=len)] if above else None
    return found


async def _made(answer: Answer, request: web.BaseRequest) -> web.StreamResponse:
    found = answer(request)
    return await found if inspect.isawaitable(found) else found


async def _drop_body(request: web.BaseRequest) -> None:
    """Read a body that is too long, and forget it: who is cut off while sending never sees why."""
    if (request.content_length or 0) > DROPPED_BYTES_MAX:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(BODY_S):
            while await request.content.readany():
                pass


async def _object(request: web.BaseRequest, bytes_max: int) -> dict[str, Any]:
    """The JSON object of a request; raises Refusal."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > bytes_max:
                    raise Refusal(413, f"the body is longer than {bytes_max} bytes")
    except TimeoutError:
        raise Refusal(408, f"the body did not come within {BODY_S:g} s") from None
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"the body is not JSON: {str(error)[:128]}") from None
    if not isinstance(document, dict):
        raise Refusal(400, "the body must be a JSON object")
    return document
