"""Asks nodes for events that didn't arrive: a connection to the clients' door of each, as any client has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import zmq

from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import (
    HANDSHAKE,
    EventsAnswer,
    EventsRequest,
    Failure,
    Hello,
    Welcome,
    decode_events,
    decode_node_header,
    encode_header,
)
from raftzmq.collector.source import Question, Row
from raftzmq.config import CLIENT_FRAMES_MAX, Address
from raftzmq.errors import InvalidRequest
from raftzmq.transport.frames import SENT, receive_frames, skip_frames, try_send
from raftzmq.transport.sockets import client_dealer

GREET_US = 100_000
"""Between greetings to a node that hasn't answered one: it may be down, and its socket connects by itself."""
REFUSED_US = 5_000_000
"""After a refusal (another cluster's node, another release) the next greeting waits for so long on top of that."""
ANSWER_US = 500_000
"""Without an answer for so long the node is greeted again: it has restarted, or forgotten who asks."""
TURN = 16
"""Messages of one node that are taken at once: it owes a single one."""


class Answered(NamedTuple):
    """What a node said: that it is there (``answer`` None), or the answer to the question it was asked last."""

    node: str
    answer: EventsAnswer | None
    rows: Sequence[Row]


@dataclass(slots=True, eq=False)
class _Door:
    """One node's door: whether it knows this client, and the question that is to be asked or answered."""

    node: str
    socket: zmq.Socket[bytes]
    greeted: bool = False
    greeted_us: int = -GREET_US
    question: Question | None = None
    request: int = 0
    sent_us: int = -1
    """When the question was sent; -1: it wasn't yet."""


class Filler:
    """All nodes' doors. Nothing here waits: `take` what has come in, and call `step` now and then.

    ``refused`` counts what was no answer: bytes that can't be read, and refusals.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], nodes: Iterable[Address], cluster: str) -> None:
        """Raises ConfigurationError for an address that is none."""
        self.refused = 0
        self._hello = encode_header(Hello(PROTOCOL_MIN, PROTOCOL_MAX, cluster, os.urandom(16)))
        self._doors = {node.node: _Door(node.node, client_dealer(context, node.client)) for node in nodes}

    @property
    def waiting(self) -> bool:
        """Is an answer due?"""
        return any(door.sent_us >= 0 for door in self._doors.values())

    def close(self) -> None:
        """Close the connections."""
        for door in self._doors.values():
            door.socket.close(linger=0)

    def ask(self, node: str, question: Question, now_us: int) -> None:
        """Ask a node, soon; a question that it was asked before is forgotten."""
        door = self._doors[node]
        door.question = question
        door.request += 1
        door.sent_us = -1
        self._send(door, now_us)

    def step(self, now_us: int) -> list[str]:
        """Greet nodes and send what waits; the nodes whose question got lost."""
        lost = []
        for door in self._doors.values():
            if door.sent_us >= 0 and now_us - door.sent_us >= ANSWER_US:
                lost.append(self._forget(door))
            if not door.greeted:
                if now_us - door.greeted_us >= GREET_US:
                    door.greeted_us = now_us
                    try_send(door.socket, [self._hello])
            elif door.question is not None and door.sent_us < 0:
                self._send(door, now_us)
        return lost

    def _forget(self, door: _Door) -> str:
        door.greeted = False
        door.question = None
        door.sent_us = -1
        return door.node

    def _send(self, door: _Door, now_us: int) -> None:
        if door.greeted and door.question is not None:
            header = EventsRequest(door.request, door.question.boot, door.question.ranges)
            if try_send(door.socket, [encode_header(header)]) == SENT:
                door.sent_us = now_us

    def take(self, now_us: int) -> list[Answered]:
        """What nodes have said."""
        said: list[Answered] = []
        for door in self._doors.values():
            if door.question is not None or not door.greeted:
                self._take(door, said, now_us)
        return said

    def _take(self, door: _Door, said: list[Answered], now_us: int) -> None:
        for _ in range(TURN):
            frames = receive_frames(door.socket, most=CLIENT_FRAMES_MAX)
            if frames is None:
                break
            if len(frames) > CLIENT_FRAMES_MAX:
                while not skip_frames(door.socket, TURN):
                    pass
            answered = self._read(door, frames, now_us)
            if answered is not None:
                said.append(answered)

    def _read(self, door: _Door, frames: list[bytes], now_us: int) -> Answered | None:
        try:
            header = decode_node_header(frames[0])
            if isinstance(header, Welcome):
                door.greeted = True
                self._send(door, now_us)
                return Answered(door.node, None, ())
            if isinstance(header, EventsAnswer) and len(frames) == CLIENT_FRAMES_MAX:
                if header.request != door.request or door.question is None:
                    return None  # of a question that was given up
                rows = decode_events(frames[1])
                door.question = None
                door.sent_us = -1
                return Answered(door.node, header, rows)
        except InvalidRequest:
            self.refused += 1
            return None
        if isinstance(header, Failure) and header.request in (0, door.request):
            if header.code != HANDSHAKE:  # it doesn't want this client, and says so in its events
                door.greeted_us = now_us + REFUSED_US
            door.greeted = False
            door.sent_us = -1
        self.refused += 1
        return None
