"""Questions to particular nodes: every node's status, and reads that one node itself is to answer.

They bypass the search for a leader: a node that can't be reached is an answer too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from raftzmq.client.batches import NEVER
from raftzmq.client.lane import Requests, told_us
from raftzmq.client.links import Link, Links, LinkState
from raftzmq.client.outbox import Outbox
from raftzmq.client.results import GARBLED, Convert, as_it_is, decode_read
from raftzmq.codec.clients import Answer, Failure, Read, StatusRequest, encode_header
from raftzmq.config import MICROSECONDS
from raftzmq.errors import ClientClosed, RequestError, Unreachable, request_error
from raftzmq.kv.commands import Query, encode_queries

CONNECT_US: Final = MICROSECONDS // 2
"""A status waits this long for connections to come up; where there is none, nobody listens."""
STATUS_US: Final = MICROSECONDS
"""And this long in all, unless its caller says otherwise: a node answers at once, without consensus."""

_decode_row = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(slots=True, eq=False)
class StatusCall:
    """A call of status: the rows so far, by endpoint, and who was asked."""

    future: Any
    timeout_us: int
    connect_us: int = NEVER
    deadline_us: int = NEVER
    asked: dict[str, int] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class AimedRead:
    """A read for one endpoint."""

    endpoint: str
    query: Query
    convert: Convert
    future: Any
    timeout_us: int
    deadline_us: int = NEVER
    request: int = 0


class Probes:
    """All questions to particular nodes that are under way."""

    def __init__(self, links: Links, outbox: Outbox, requests: Requests) -> None:
        self.deadline_us = NEVER
        self._links = links
        self._outbox = outbox
        self._requests = requests
        self._new: list[StatusCall | AimedRead] = []
        self._calls: dict[StatusCall, None] = {}
        self._reads: dict[AimedRead, None] = {}

    def add(self, call: StatusCall | AimedRead) -> None:
        """Take a call in; its time begins with the next `step`."""
        self._new.append(call)

    @property
    def busy(self) -> bool:
        """Is there any question?"""
        return bool(self._new or self._calls or self._reads)

    def step(self, now_us: int) -> None:
        """Ask whoever can be asked, and end what is complete or late."""
        for call in self._new:
            call.deadline_us = now_us + call.timeout_us
            if isinstance(call, StatusCall):
                call.connect_us = now_us + min(call.timeout_us, CONNECT_US)
                self._calls[call] = None
            else:
                self._reads[call] = None
                self._pin(call.endpoint, now_us)
        self._new.clear()
        for status in list(self._calls):
            self._step_status(status, now_us)
        for read in list(self._reads):
            self._step_read(read, now_us)
        times = [read.deadline_us for read in self._reads]
        for status in self._calls:
            times += [status.deadline_us] if now_us >= status.connect_us else [status.connect_us]
        self.deadline_us = min(times, default=NEVER)

    def _pin(self, endpoint: str, now_us: int) -> None:
        link = self._links.at(endpoint)
        link.pins += 1
        if link.state is LinkState.CLOSED:
            self._links.greet(link, now_us)

    def _unpin(self, endpoint: str) -> None:
        self._links.at(endpoint).pins -= 1

    # --- status ---

    def _step_status(self, call: StatusCall, now_us: int) -> None:
        for endpoint in self._links.known():
            if endpoint not in call.asked:
                call.asked[endpoint] = 0
                self._pin(endpoint, now_us)
        missing = [endpoint for endpoint in call.asked if endpoint not in call.rows]
        for endpoint in missing:
            link = self._links.at(endpoint)
            if link.state is LinkState.READY and call.asked[endpoint] == 0:
                request = call.asked[endpoint] = self._requests.add(self, call, link)
                self._outbox.frames.append((endpoint, [encode_header(StatusRequest(request))]))
        hopeless = (LinkState.CLOSED, LinkState.CONNECTING)
        hopes = [e for e in missing if now_us < call.connect_us or self._links.at(e).state not in hopeless]
        if not hopes or now_us >= call.deadline_us:
            self._end_status(call)

    def _end_status(self, call: StatusCall) -> None:
        del self._calls[call]
        for endpoint, request in call.asked.items():
            self._unpin(endpoint)
            self._requests.open.pop(request, None)
        self._outbox.answered.append(([call.future], [as_it_is], [self._table(call)]))

    def _table(self, call: StatusCall) -> list[dict[str, Any]]:
        """A row per node, the members in their order first; a node that answered at several endpoints has one."""
        names = {endpoint: node for node, endpoint in self._links.members.items()}
        members = list(self._links.members.values())
        order = [e for e in members if e in call.asked] + [e for e in call.asked if e not in members]
        rows: dict[str, dict[str, Any]] = {}
        for endpoint in order:
            row = call.rows.get(endpoint)
            if row is not None:
                name = str(row.get("node", endpoint))
                if not rows.get(name, {}).get("reachable"):
                    rows[name] = {**row, "node": name, "endpoint": endpoint, "reachable": True}
            else:
                name = names.get(endpoint) or self._links.at(endpoint).node
                rows.setdefault(name or endpoint, {"node": name, "endpoint": endpoint, "reachable": False})
        return list(rows.values())

    def on_status(self, item: Any, link: Link, payload: bytes) -> bool:
        """A node's row came; False if it is none."""
        try:
            row = _decode_row(payload)
        except GARBLED:
            return False
        if not isinstance(item, StatusCall):
            return False
        item.rows[link.endpoint] = row
        return True

    # --- reads of one node ---

    def _step_read(self, read: AimedRead, now_us: int) -> None:
        link = self._links.at(read.endpoint)
        if now_us >= read.deadline_us:
            seconds = f"{read.timeout_us / MICROSECONDS:g} s"
            self._end_read(read, Unreachable(link.refusal or f"{read.endpoint} did not answer within {seconds}"))
        elif link.state is LinkState.CLOSED:
            self._end_read(read, request_error("refused", link.refusal, definite=True))
        elif link.state is LinkState.READY and read.request == 0:
            read.request = self._requests.add(self, read, link)
            header = Read(read.request, told_us(read.deadline_us - now_us), self._requests.trace)
            self._outbox.frames.append((read.endpoint, [encode_header(header), encode_queries([read.query])]))

    def _end_read(self, read: AimedRead, error: RequestError | None) -> None:
        del self._reads[read]
        self._unpin(read.endpoint)
        self._requests.open.pop(read.request, None)
        if error is not None:
            self._outbox.failed.append(([read.future], error))

    def on_answer(self, item: Any, link: Link, header: Answer, payload: bytes, now_us: int) -> bool:
        """The result of an aimed read."""
        try:
            results, _ = decode_read(payload, [as_it_is])
        except GARBLED:
            return False
        if not isinstance(item, AimedRead) or header.first or len(results) != 1:
            return False
        self._end_read(item, None)
        self._outbox.answered.append(([item.future], [item.convert], results))
        return True

    def on_failure(self, item: Any, link: Link, failure: Failure, now_us: int) -> None:
        """The node couldn't answer."""
        if failure.code == "handshake":
            self._links.on_stranger(link, now_us)
            self._again(item, link)
        elif isinstance(item, AimedRead):
            code = "no_leader" if failure.code == "deadline_exceeded" else failure.code
            self._end_read(item, request_error(code, failure.message, definite=True))

    def on_lost(self, link: Link) -> None:
        """The connection broke: ask again when it stands."""
        for call in self._calls:
            self._again(call, link)
        for read in self._reads:
            self._again(read, link)

    def _again(self, item: Any, link: Link) -> None:
        if isinstance(item, StatusCall):
            if link.endpoint in item.asked:
                self._requests.open.pop(item.asked[link.endpoint], None)
                item.asked[link.endpoint] = 0
        elif item.endpoint == link.endpoint:
            self._requests.open.pop(item.request, None)
            item.request = 0

    def close(self) -> None:
        """Fail all calls."""
        for call in [*self._new, *self._calls, *self._reads]:
            self._outbox.failed.append(([call.future], ClientClosed("the client was closed before the answer came")))
        self._new.clear()
        self._calls.clear()
        self._reads.clear()
