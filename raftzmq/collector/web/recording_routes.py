"""``/v1/recordings``: what can be looked at again, the state of the cluster at any moment of it, and its events.

::

    GET  /v1/recordings                          a list: what there is
    GET  /v1/recordings/ID/outline?buckets=N     times, density, marks and reigns, for a timeline; from=, to=: a part
    GET  /v1/recordings/ID/state?position=P      the state there (or ms=T), with lead=N and the N events before it
    GET  /v1/recordings/ID/events?after=P&count=N    [[position, event], …]
    GET  /v1/recordings/ID/tick?position=P&step=1    the next mark: {"position": Q}
    GET  /v1/recordings/ID/terms?position=P      {"nodes": {node: [[index, the term that begins there], …]}}
    GET  /v1/recordings/ID/file                  all of it as one file, or the part from= … to=
    POST /v1/recordings                          the body is such a file: it is opened; with the control token
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import orjson
from aiohttp import web
from multidict import MultiMapping

from raftzmq.collector.web.connection import Connection
from raftzmq.collector.web.gate import check_parameters
from raftzmq.collector.web.pages import json_response
from raftzmq.collector.web.recording_shelf import Shelf, Shelved
from raftzmq.collector.web.recording_upload import receive
from raftzmq.collector.web.recording_view import EVENTS_MAX, Line
from raftzmq.collector.web.refusal import COMMON_HEADERS, Refusal
from raftzmq.collector.web.routes import Routes
from raftzmq.config import MIB

PATH = "/v1/recordings"
FILE_TYPE = "application/zstd"
FILE_BYTES_MAX = 512 * MIB
"""Of a file that is opened: as much as a collector records by itself."""
BUCKETS, BUCKETS_MAX = 300, 2000
NUMBER_MAX = 2**53 - 1
CHUNK = 256 * 1024
SEND_S = 10.0
"""How long a reader may take nothing of a file."""
SENDING_MAX = 4
"""Files that are sent at once."""
LAB_BYTES_MAX = MIB
"""Of a lab's description beside its recording."""


def recording_routes(routes: Routes, shelf: Shelf) -> None:
    """Add all of these paths."""
    served = _Recordings(shelf)
    routes.read(PATH, served.everything)
    routes.read(f"{PATH}/", served.answer, "position", "ms", "lead", "after", "count", "buckets", "from", "to", "step")
    routes.take(PATH, served.open, content_type=FILE_TYPE, bytes_max=FILE_BYTES_MAX)
    routes.at_end(shelf.close)


class _Recordings:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._sending = 0

    async def everything(self, _: web.BaseRequest) -> web.Response:
        """What can be looked at."""
        found = []
        for one in self._shelf.all():
            with suppress(Refusal):  # removed, or unreadable: whoever asks for it is told
                found.append(await self._about(one))
        return json_response(found)

    async def _about(self, one: Shelved) -> dict[str, Any]:
        about = await self._shelf.read(one, lambda view, tail: view.about(tail))
        return {"id": one.ident, "name": one.name, "live": one.live, "begin": one.begin, **about}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """What is asked of one recording."""
        ident, _, what = request.path.removeprefix(f"{PATH}/").partition("/")
        answers = {
            "": (self._one, ()),
            "outline": (self._outline, ("buckets", "from", "to")),
            "state": (self._state, ("position", "ms", "lead")),
            "events": (self._events, ("after", "count")),
            "tick": (self._tick, ("position", "step")),
            "terms": (self._terms, ("position",)),
            "file": (self._file, ("from", "to")),
        }
        if what not in answers:
            raise Refusal(404, f"a recording has: {', '.join(name for name in answers if name)}; not {what[:64]!r}")
        answer, parameters = answers[what]
        check_parameters(request.query, *parameters)
        return await answer(request, self._shelf.find(ident))

    async def _one(self, _: web.BaseRequest, one: Shelved) -> web.Response:
        lab = await self._shelf.run(lambda: _lab_beside(one.path))
        return json_response({**await self._about(one), "lab": lab})

    async def _outline(self, request: web.BaseRequest, one: Shelved) -> web.Response:
        buckets = _number(request.query, "buckets", BUCKETS, 1, BUCKETS_MAX)
        first, last = _number(request.query, "from", 0), _number(request.query, "to", 0)
        found = await self._shelf.read(
            one, lambda view, tail: orjson.dumps(view.outline(first, last, buckets, tail)) + b"\n"
        )
        return _json(found)

    async def _state(self, request: web.BaseRequest, one: Shelved) -> web.Response:
        query = request.query
        if ("position" in query) == ("ms" in query):
            raise Refusal(400, "say which moment: position=, or ms= since 1970")
        position, ms = _number(query, "position", 0), _number(query, "ms", 0)
        lead = _number(query, "lead", 0, 0, EVENTS_MAX)

        def look(view: Any, tail: Any) -> bytes:
            moment = view.moment(view.position_at(ms, tail) if "ms" in query else position, lead, tail)
            lines = _joined(moment.pop("lines"))
            return b'%b,"events":%b}\n' % (orjson.dumps({"recording": one.ident, **moment})[:-1], lines)

        return _json(await self._shelf.read(one, look))

    async def _events(self, request: web.BaseRequest, one: Shelved) -> web.Response:
        after = _number(request.query, "after", 0)
        count = _number(request.query, "count", EVENTS_MAX, 1, EVENTS_MAX)
        found = await self._shelf.read(one, lambda view, tail: _joined(view.lines(after, count, tail)) + b"\n")
        return _json(found)

    async def _terms(self, request: web.BaseRequest, one: Shelved) -> web.Response:
        position = _number(request.query, "position", NUMBER_MAX)
        while True:  # each time another part of the recording is looked through
            found, complete = await self._shelf.read(one, lambda view, tail: view.terms(position, tail))
            if complete:
                return json_response({"position": position, "nodes": found})

    async def _tick(self, request: web.BaseRequest, one: Shelved) -> web.Response:
        position = _number(request.query, "position", 0)
        step = request.query.get("step", "1")
        if step not in ("1", "-1"):
            raise Refusal(400, "step is 1 for the next mark, or -1 for the one before")
        while True:  # each time another part of the recording is looked through
            found, known = await self._shelf.read(one, lambda view, tail: view.next_tick(position, int(step), tail))
            if known:
                return json_response({"position": found})

    async def _file(self, request: web.BaseRequest, one: Shelved) -> web.StreamResponse:
        first, last = _number(request.query, "from", 0), _number(request.query, "to", NUMBER_MAX)
        if self._sending >= SENDING_MAX:
            raise Refusal(503, f"{SENDING_MAX} files are being sent already: try again soon", {"Retry-After": "5"})
        places = await self._shelf.read(one, lambda view, _: (view.refresh(), view.places(first, last))[1])
        if not places:
            raise Refusal(404, "nothing is recorded there yet")
        name = f"{one.name}-{places[0][1].position}-{places[-1][1].last_position}.events.jsonl.zst"
        response = web.StreamResponse(headers={**COMMON_HEADERS, "Content-Type": FILE_TYPE})
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        response.content_length = sum(frame.end - frame.offset for _, frame in places)
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        connection = request.protocol
        assert isinstance(connection, Connection)
        self._sending += 1
        try:
            with connection.working():
                await self._send(response, places)
        except (TimeoutError, OSError):  # the reader has left, or what was to be read has gone
            connection.end()
        finally:
            self._sending -= 1
        return response

    async def _send(self, response: web.StreamResponse, places: list[Any]) -> None:
        paths = {file.path for file, _ in places}
        files = await self._shelf.run(lambda: {path: path.open("rb") for path in paths})
        try:  # opened once: a rotation must not take them away
            for file, frame in places:
                data = await self._shelf.run(partial(_read, files[file.path], frame))
                for begin in range(0, len(data), CHUNK):
                    async with asyncio.timeout(SEND_S):
                        await response.write(data[begin : begin + CHUNK])
            await response.write_eof()
        finally:
            for opened in files.values():
                opened.close()

    async def open(self, request: web.BaseRequest) -> web.Response:
        """Take a file and put it on the shelf."""
        name = unquote(request.headers.get("Slug", ""), errors="replace").replace("\\", "/").rpartition("/")[2]
        path = await receive(request, self._shelf, FILE_BYTES_MAX)
        return json_response(await self._about(await self._shelf.put(path, name)))


def _read(opened: Any, frame: Any) -> bytes:
    opened.seek(frame.offset)
    data: bytes = opened.read(frame.end - frame.offset)
    if len(data) != frame.end - frame.offset:
        raise OSError("the file was cut off meanwhile")
    return data


def _number(query: MultiMapping[str], name: str, default: int, least: int = 0, most: int = NUMBER_MAX) -> int:
    text = query.get(name)
    if text is None:
        return default
    if len(text) > 16 or not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise Refusal(400, f"{name} is a whole number from {least} to {most}, not {text[:32]!r}")
    return int(text)


def _joined(lines: list[Line]) -> bytes:
    return b"[%b]" % b",".join([b"[%d,%b]" % line for line in lines])


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers=COMMON_HEADERS)


def _lab_beside(path: Path) -> Any:
    """What a lab says of its recording, None if it is no lab's."""
    try:
        beside = (path if path.is_dir() else path.parent) / "lab.json"
        if beside.stat().st_size > LAB_BYTES_MAX:
            return None
        return json.loads(beside.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
