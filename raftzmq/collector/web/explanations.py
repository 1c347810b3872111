"""``GET /v1/explain``: where the time of a request went, as ``raftzmq explain`` says it.

``request=POSITION`` names a ``trace`` event by its position in the stream, or in a recording (``recording=ID``);
``tag=TAG`` a command of the page's client box, which may have made several requests (an append reads first). It is
taken apart here and not in the browser: the disks of all nodes count, and their events are many more than a browser
wants to keep, in a replay even of a time before the moment that is shown::

    {"requests": [{"position": 812, "node": "n1", "latency_us": 3120, "parts": […], "beside": […], "words": […],
                   "disks": {"n1": 700, "n2": 950}, …}]}
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson
from aiohttp import web

from raftzmq.collector.explained_json import explanation_json
from raftzmq.collector.explainer import RIPE_EVENTS, Explainer
from raftzmq.collector.explaining import explain
from raftzmq.collector.web.backlog import Kept
from raftzmq.collector.web.hub import Hub
from raftzmq.collector.web.pages import json_response
from raftzmq.collector.web.recording_shelf import LIVE, Shelf
from raftzmq.collector.web.recording_view import RecordingView
from raftzmq.collector.web.refusal import Refusal
from raftzmq.collector.web.selection import Selection
from raftzmq.collector.web.stored import number_asked
from raftzmq.config import TRACE_CHARACTERS_MAX

PARAMETERS = ("request", "tag", "recording")
EARLIER_EVENTS: Final = 4_000
"""Events before a trace in which its entry was appended: a second of a busy cluster."""
PATIENCE_S: Final = 2.0
"""How long is waited for a command's trace: it comes a few hundredths of a second behind the command's answer."""
DISKS_S: Final = 0.5
"""And for what the followers' disks tell of it: one that is down never will."""
REQUESTS_MAX: Final = 20
"""Explained for one tag: an append that others came between has two requests a try."""
_TRACES = Selection(types=frozenset({"trace"}))
_AROUND = Selection(types=frozenset({"append", "storage", "standing", "boot"}))
_ALL: Final = 1 << 30
POSITION_MAX: Final = 2**53 - 1

Trace = tuple[int, dict[str, Any]]
"""A ``trace`` event and its position."""


class Explanations:
    """Reads the newest events, and recordings for older ones.

    ``measured`` gives what a tagged command's requests took, as its client saw it.
    """

    def __init__(self, hub: Hub, shelf: Shelf, measured: Callable[[str], Sequence[int]]) -> None:
        self._hub = hub
        self._shelf = shelf
        self._measured = measured

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Explain one request, or those of one tag; raises Refusal."""
        query = request.query
        if ("request" in query) == ("tag" in query):
            raise Refusal(400, "say what to explain: request=POSITION of a trace event, or tag=TAG of a command")
        if "tag" in query:
            return self._answer(*await self._told(await self._tagged(query["tag"])))
        position = number_asked(query, "request", 0, 1, POSITION_MAX)
        if "recording" in query and query["recording"] != LIVE:
            try:
                return self._answer(*await self._recorded(query["recording"], position))
            except (KeyError, TypeError, ValueError, AttributeError):
                raise Refusal(
                    422, "the events there aren't made as nodes make them: somebody edited the file"
                ) from None
        if position < self._hub.backlog.oldest:
            return self._answer(*await self._recorded(LIVE, position))
        trace = self._at(position)
        tag = trace[1]["tag"]
        return self._answer(*await self._told(await self._tagged(tag) if tag and self._measured(tag) else [trace]))

    def _answer(self, traces: Sequence[Trace], around: Explainer) -> web.Response:
        return json_response({"requests": [self._explained(trace, us, around) for trace, us in self._timed(traces)]})

    def _at(self, position: int) -> Trace:
        found, _ = self._hub.backlog.after(position - 1, _TRACES, 1)
        if not found or found[0][0] != position:
            raise Refusal(404, f"the event at position {position} is no trace of a request")
        return position, orjson.loads(found[0][3])

    async def _recorded(self, ident: str, position: int) -> tuple[list[Trace], Explainer]:
        """The trace at a position of a recording, and what the disks told around it; raises Refusal."""
        one = self._shelf.find(ident)
        traces, around = await self._shelf.read(one, lambda view, tail: _read(view, tail, position))
        if not traces:
            raise Refusal(404, f"the event at position {position} of {one.name} is no trace of a request")
        return traces, around

    async def _tagged(self, tag: str) -> list[Trace]:
        """The requests with this tag in the order in which their client sent them; as many as are known to be."""
        if not 0 < len(tag) <= TRACE_CHARACTERS_MAX:
            raise Refusal(400, f"a tag has 1 to {TRACE_CHARACTERS_MAX} characters")
        count = max(1, len(self._measured(tag)))
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE_S
        while True:
            changed = self._hub.changed
            traces = self._find(tag)
            if len(traces) >= count or loop.time() >= end or not await _set(changed, end - loop.time()):
                break
        if not traces:
            raise Refusal(404, "no node has told of this request (yet): it was never answered, or is long forgotten")
        return traces[-min(count, REQUESTS_MAX) :] if self._measured(tag) else traces[-1:]

    def _find(self, tag: str) -> list[Trace]:
        backlog = self._hub.backlog
        found, _ = backlog.after(backlog.oldest - 1, _TRACES, _ALL)
        by_number: dict[int, Trace] = {}
        mark = orjson.dumps(tag)
        for position, _, _, payload in found:
            if mark in payload:
                event = orjson.loads(payload)
                if event["tag"] == tag:
                    by_number.setdefault(event["request"], (position, event))  # it may have been sent twice
        return [by_number[number] for number in sorted(by_number)]

    async def _told(self, traces: Sequence[Trace]) -> tuple[Sequence[Trace], Explainer]:
        """These, and what the disks told around them."""
        loop = asyncio.get_running_loop()
        end = loop.time() + DISKS_S
        first = max(self._hub.backlog.oldest - 1, traces[0][0] - EARLIER_EVENTS)
        last = traces[-1][0] + RIPE_EVENTS
        around = Explainer(1)
        while True:
            changed = self._hub.changed
            found, _ = self._hub.backlog.after(first, _AROUND, _ALL)
            for position, _, _, payload in found:
                if position <= last:
                    around.take(orjson.loads(payload))
                    first = position
            if self._hub.backlog.newest >= last or self._all_told(traces, around) or loop.time() >= end:
                return traces, around
            if not await _set(changed, end - loop.time()):
                return traces, around

    def _all_told(self, traces: Sequence[Trace], around: Explainer) -> bool:
        return all(
            around.disks.find(node, event["index"]) is not None
            for _, event in traces
            if event["kind"] != "read"
            for node in self._voters(event, around)
        )

    def _voters(self, event: dict[str, Any], around: Explainer) -> tuple[str, ...]:
        if around.voters:
            return around.voters
        nodes = self._hub.state.document.get("nodes", {})
        return tuple(nodes.get(event["node"], {}).get("voters", ()))

    def _timed(self, traces: Sequence[Trace]) -> list[tuple[Trace, int | None]]:
        """Each with what its client measured, where that is known."""
        measured = self._measured(traces[0][1]["tag"])
        if len(measured) != len(traces):
            return [(trace, None) for trace in traces]
        return list(zip(traces, measured, strict=True))

    def _explained(self, trace: Trace, client_us: int | None, around: Explainer) -> dict[str, Any]:
        position, event = trace
        voters = self._voters(event, around)
        explanation = explain(event, around.disks, voters=voters, client_us=client_us)
        document = explanation_json(explanation)
        offset_us = explanation.latency_us - int(event["replied_us"])
        told = {} if event["kind"] == "read" else {node: around.disks.find(node, event["index"]) for node in voters}
        return {
            **document,
            "position": position,
            "committed_us": None if event["committed_us"] is None else offset_us + event["committed_us"],
            "disks": {node: disk.us for node, disk in told.items() if disk is not None},
        }


def _read(view: RecordingView, tail: list[Kept], position: int) -> tuple[list[Trace], Explainer]:
    """Of a recording: the trace at a position, if it is one, and what the disks told around it."""
    for earlier in (EARLIER_EVENTS, EARLIER_EVENTS // 16, 0):  # there is a bound to the bytes read at once, too
        lines = view.lines(max(0, position - 1 - earlier), earlier + RIPE_EVENTS, tail)
        found = [payload for at, payload in lines if at == position]
        if found:
            break
    else:
        return [], Explainer(1)
    event = orjson.loads(found[0])
    if event["type"] != "trace":
        return [], Explainer(1)
    around = Explainer(1)
    for _, payload in lines:
        one = orjson.loads(payload)
        if one["type"] in (_AROUND.types or ()):
            around.take(one)
    return [(position, event)], around


async def _set(changed: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return False
    return True
