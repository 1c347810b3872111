"""Questions about faults to nodes in lab mode: a connection to each, opened, asked and closed again.

What a node does about one is its own affair alone, so there is no leader to look for and nothing to send again: a node
that doesn't answer in time is told of by name.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import msgspec
import zmq

from raftzmq.client.wires import shared_context
from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import (
    ChaosAnswer,
    ChaosRequest,
    Failure,
    Hello,
    NodeFrame,
    Welcome,
    decode_node_header,
    encode_header,
)
from raftzmq.errors import InvalidRequest, OutcomeUnknown, RequestError, Unreachable, request_error
from raftzmq.transport.frames import receive_frames, try_send
from raftzmq.transport.sockets import client_dealer

REQUEST = 1
"""Each connection has one request."""
AGAIN_S = 0.05
"""Between greetings, until the connection stands."""

_decode_row = msgspec.json.Decoder(dict[str, Any]).decode

Row = dict[str, Any]


class _Asked:
    """One node: its connection, what it is to be asked, and how it ended."""

    def __init__(self, endpoint: str, request: ChaosRequest) -> None:
        self.endpoint = endpoint
        self.socket = client_dealer(shared_context(), endpoint)
        self.outcome: Row | RequestError | None = None
        self._frame = encode_header(msgspec.structs.replace(request, request=REQUEST))
        self._sent = False

    def greet(self) -> None:
        if not self._sent:
            try_send(self.socket, [encode_header(Hello(PROTOCOL_MIN, PROTOCOL_MAX, "", os.urandom(16)))])

    def read(self) -> None:
        """Take what has come, and ask once the node has greeted back."""
        while self.outcome is None and (frames := receive_frames(self.socket)) is not None:
            try:
                self._take(decode_node_header(frames[0]), frames[1:])
            except (InvalidRequest, msgspec.DecodeError, UnicodeDecodeError, IndexError):
                self.outcome = InvalidRequest(f"what {self.endpoint} answers is no answer of a node", definite=False)

    def _take(self, header: NodeFrame, payload: list[bytes]) -> None:
        if isinstance(header, Welcome) and not self._sent:
            self._sent = True
            try_send(self.socket, [self._frame])
        elif isinstance(header, Failure):
            self.outcome = request_error(header.code, header.message, definite=header.definite)
        elif isinstance(header, ChaosAnswer):
            self.outcome = _decode_row(payload[0])

    def give_up(self, timeout: float) -> None:
        """Nothing came in time."""
        if self._sent:
            self.outcome = OutcomeUnknown(f"{self.endpoint} was asked and did not answer within {timeout:g} s")
        else:
            self.outcome = Unreachable(f"{self.endpoint} did not answer within {timeout:g} s")


def ask_nodes(requests: Mapping[str, ChaosRequest], timeout: float) -> dict[str, Row | RequestError]:
    """Ask all at once, by endpoint; what each has answered (``node``, ``term``, ``links``), or why it didn't.

    ``timeout`` is in seconds. Raises ConfigurationError for what is no endpoint.
    """
    asked: list[_Asked] = []
    try:
        for endpoint, request in requests.items():
            asked.append(_Asked(endpoint, request))
        _exchange(asked, timeout)
    finally:
        for one in asked:
            one.socket.close()
    return {one.endpoint: one.outcome for one in asked if one.outcome is not None}


def _exchange(asked: list[_Asked], timeout: float) -> None:
    poller = zmq.Poller()
    for one in asked:
        poller.register(one.socket, zmq.POLLIN)
    deadline = time.monotonic() + timeout
    while waiting := [one for one in asked if one.outcome is None]:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        for one in waiting:
            one.greet()
        poller.poll(int(1000 * min(left, AGAIN_S)) + 1)
        for one in waiting:
            one.read()
    for one in asked:
        if one.outcome is None:
            one.give_up(timeout)
