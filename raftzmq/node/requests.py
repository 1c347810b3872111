"""What clients ask of a node: checked at the door, then queued, answered, or refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from raftzmq.codec import PROTOCOL_MAX
from raftzmq.codec.clients import ChaosRequest, Execute, Hello, Read, StatusRequest, Welcome, encode_header
from raftzmq.config import STATE_LAG_BYTES_MAX
from raftzmq.errors import RequestError
from raftzmq.node.answers import failure_frames
from raftzmq.node.proposals import Waiting
from raftzmq.node.status import status_frames

if TYPE_CHECKING:
    from raftzmq.node.node import Node


class Requests:
    """Takes the messages of the clients of ``node``."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def take(self, routing: bytes, frames: Sequence[bytes], now_us: int) -> bool:
        """A message from a client; False if it was refused."""
        node = self._node
        request = 0
        try:
            header, payload = node.door.open(frames)
            if isinstance(header, Hello):
                self._greet(routing, header, now_us)
                return True
            request = header.request
            if not node.door.has_greeted(routing):
                node.replies.send(routing, failure_frames(node.door.handshake_wanted(request)))
                return False
            if isinstance(header, Execute):
                self._execute(routing, header, payload, now_us)
            elif isinstance(header, Read):
                self._read(routing, header, payload, now_us)
            elif isinstance(header, StatusRequest):
                node.replies.send(routing, status_frames(node, request))
            elif isinstance(header, ChaosRequest):
                node.replies.send(routing, node.lab.answer(header, now_us))
            else:
                node.replies.send(routing, node.side_channel.answer(header))
        except RequestError as error:
            node.counts["refused_requests"] += 1
            node.report.emit("client_refused", now_us, reason=error.message[:500])
            node.replies.fail(routing, request, error.code, error.message)
            return False
        return True

    def _greet(self, routing: bytes, hello: Hello, now_us: int) -> None:
        node = self._node
        failure = node.door.greet(routing, hello)
        if failure is not None:
            node.report.emit("client_refused", now_us, reason=failure.message)
            node.replies.send(routing, failure_frames(failure))
            return
        members = [(member.node, member.client) for member in node.members]
        leader = node.raft.leader or ""
        welcome = Welcome(PROTOCOL_MAX, node.cluster_id, node.name, node.boot, leader, members)
        node.replies.send(routing, [encode_header(welcome)])

    def _execute(self, routing: bytes, header: Execute, payload: bytes, now_us: int) -> None:
        node = self._node
        if node.raft.leadership is None:
            node.replies.redirect(routing, header.request)
            return
        parcel = node.door.check_parcel(header, payload)
        lags = node.applying.lag_bytes > STATE_LAG_BYTES_MAX
        if not node.proposals.has_room(len(payload)) or lags or node.pace.is_full:
            node.replies.overloaded(routing, header.request, f"{node.name} has too much waiting: try again later")
            return
        opens = parcel.session == 0
        deadline_us = node.door.deadline(header.timeout_us, now_us)
        commands = len(parcel.commands)
        visit = None if opens else node.tracing.visit(header.trace, "execute", header.request, commands, now_us)
        node.proposals.add(Waiting(routing, header.request, payload, commands, deadline_us, opens, visit))
        node.report.request("session" if opens else "execute", commands, len(payload), now_us)

    def _read(self, routing: bytes, header: Read, payload: bytes, now_us: int) -> None:
        node = self._node
        queries = node.door.check_queries(payload)
        if not node.reads.has_room(len(queries), len(payload)):
            node.replies.overloaded(routing, header.request, f"{node.name} has too many reads waiting")
            return
        deadline_us = node.door.deadline(header.timeout_us, now_us)
        token = node.reads.add(routing, header.request, queries, deadline_us, len(payload))
        node.tracing.read(token, header.trace, header.request, len(queries), now_us)
        node.report.request("read", len(queries), len(payload), now_us)
