"""A bare connection to one node, in the protocol's own frames: it follows no redirect and hides no retry.

What the shipped client does for its users (find the leader, try elsewhere) would blur which node said what.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

import zmq

from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import (
    Answer,
    Failure,
    Hello,
    NodeFrame,
    Read,
    StatusAnswer,
    StatusRequest,
    Welcome,
    decode_node_header,
    decode_results,
    encode_header,
)
from raftzmq.kv.commands import Query, StateHash, encode_queries
from raftzmq.transport.sockets import connect


class NoAnswer(Exception):
    """The node said nothing in time, or said that it cannot answer."""


class Connection:
    """A DEALER to one node's client endpoint; greets at once. Not for several threads."""

    def __init__(self, endpoint: str, *, timeout: float = 5.0) -> None:
        self.timeout = timeout
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.ROUTING_ID, b"\x01" + os.urandom(15))
        connect(self._socket, endpoint, "connect")
        self._request = 0
        self._send(Hello(PROTOCOL_MIN, PROTOCOL_MAX, "", b"live-test"))

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._context.term()

    def status(self) -> dict[str, Any]:
        """The node's own row of ``status --json``; raises NoAnswer."""
        request = self._next()
        self._send(StatusRequest(request))
        _, payload = self._answer(request, StatusAnswer)
        row: dict[str, Any] = json.loads(payload)
        return row

    def read(self, *queries: Query) -> list[Any]:
        """The results of linearizable queries, from this node; raises NoAnswer."""
        return self.collect(self.send_read(*queries))

    def send_read(self, *queries: Query) -> int:
        """Ask without waiting; the id is for `collect`."""
        request = self._next()
        self._send(Read(request, int(self.timeout * 1e6)), encode_queries(list(queries)))
        return request

    def collect(self, request: int) -> list[Any]:
        """All results of a request; raises NoAnswer."""
        results: list[Any] = []
        while True:
            header, payload = self._answer(request, Answer)
            assert isinstance(header, Answer)
            results += decode_results(payload)
            if header.done:
                return results

    def receive(self, seconds: float) -> tuple[int, list[Any] | NoAnswer] | None:
        """Whatever comes next: a request's id and its results or the node's refusal. None if nothing comes."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                header, payload = self._receive(deadline)
            except NoAnswer:
                return None
            if isinstance(header, Answer):
                return header.request, decode_results(payload)
            if isinstance(header, Failure):
                return header.request, NoAnswer(f"{header.code}: {header.message}")

    def state_hash(self) -> tuple[int, int, str]:
        """last_applied, revision and digest of everything the node stores; raises NoAnswer."""
        (result,) = self.read(StateHash())
        if not isinstance(result, list):
            raise NoAnswer(f"the node cannot hash its state: {result}")
        return result[0], result[1], result[2]

    def _next(self) -> int:
        self._request += 1
        return self._request

    def _send(self, header: Any, *payload: bytes) -> None:
        self._socket.send_multipart([encode_header(header), *payload])

    def _receive(self, deadline: float) -> tuple[NodeFrame, bytes]:
        if not self._socket.poll(max(0, int((deadline - time.monotonic()) * 1000))):
            raise NoAnswer("the node did not answer in time")
        frames = self._socket.recv_multipart()
        return decode_node_header(frames[0]), frames[1] if len(frames) > 1 else b""

    def _answer(self, request: int, kind: type[NodeFrame]) -> tuple[NodeFrame, bytes]:
        """The next frame of ``kind`` for a request; older requests' answers are passed over."""
        deadline = time.monotonic() + self.timeout
        while True:
            header, payload = self._receive(deadline)
            if isinstance(header, Welcome):
                continue
            if header.request == request:
                if isinstance(header, Failure):
                    raise NoAnswer(f"{header.code}: {header.message}")
                if isinstance(header, kind):
                    return header, payload
