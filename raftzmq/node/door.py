"""The door: what clients may send, checked before anything inside the node sees it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import HANDSHAKE, ClientFrame, Execute, Failure, Hello, decode_client_header
from raftzmq.config import (
    BATCH_BYTES_MAX,
    BATCH_COMMANDS_MAX,
    CLIENT_BYTES_MAX,
    CLIENT_FRAMES_MAX,
    CLIENTS_MAX,
    COMMAND_BYTES_MAX,
    SESSION_WINDOW,
)
from raftzmq.errors import InvalidRequest, TooLarge
from raftzmq.kv.commands import CompareAndSwap, OpenSession, Parcel, Query, decode_parcel, decode_queries

MAX_TIMEOUT_US = 3_600_000_000
"""An hour: a client that asks for more waits no longer than that."""


class Door:
    """Knows which routing ids have greeted, and checks the shape of requests."""

    def __init__(self, cluster: str, node: str) -> None:
        self._cluster = cluster
        self._node = node
        self._greeted: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._greeted)

    def open(self, frames: Sequence[bytes]) -> tuple[ClientFrame, bytes]:
        """The header and payload of a message; raises InvalidRequest and TooLarge.

        A message of too many bytes or frames is refused before it is decoded: libzmq limits single frames only.
        """
        if not 1 <= len(frames) <= CLIENT_FRAMES_MAX:
            raise InvalidRequest(f"a request has 1 to {CLIENT_FRAMES_MAX} frames, not {len(frames)}")
        if sum(map(len, frames)) > CLIENT_BYTES_MAX:
            raise TooLarge(f"a request has at most {CLIENT_BYTES_MAX} bytes")
        header = decode_client_header(frames[0])
        return header, frames[1] if len(frames) > 1 else b""

    def greet(self, routing: bytes, hello: Hello) -> Failure | None:
        """Take a client in, or say why not."""
        if hello.minimum > PROTOCOL_MAX or hello.maximum < PROTOCOL_MIN:
            return Failure(
                0,
                "refused",
                f"{self._node} speaks protocol {PROTOCOL_MIN} to {PROTOCOL_MAX}, the client {hello.minimum} to "
                f"{hello.maximum}: use a client of a matching release",
                True,
            )
        if hello.cluster and hello.cluster != self._cluster:
            return Failure(
                0,
                "refused",
                f"{self._node} belongs to cluster {self._cluster!r}, the client asks for {hello.cluster!r}: check the "
                "endpoints",
                True,
            )
        self._greeted[routing] = None
        self._greeted.move_to_end(routing)
        while len(self._greeted) > CLIENTS_MAX:
            self._greeted.popitem(last=False)
        return None

    def has_greeted(self, routing: bytes) -> bool:
        """Is this client known? The least recently seen ones are forgotten first."""
        if routing not in self._greeted:
            return False
        self._greeted.move_to_end(routing)
        return True

    def handshake_wanted(self, request: int) -> Failure:
        """The answer to a client that hasn't greeted."""
        return Failure(request, HANDSHAKE, f"{self._node} doesn't know this client: it must greet first", True)

    def check_parcel(self, header: Execute, payload: bytes) -> Parcel:
        """Decode what is to be proposed, so that nothing else enters the log; raises InvalidRequest, TooLarge."""
        parcel = decode_parcel(payload)
        commands = parcel.commands
        if len(commands) > BATCH_COMMANDS_MAX:
            raise TooLarge(f"a message has at most {BATCH_COMMANDS_MAX} commands, not {len(commands)}")
        size_max = BATCH_BYTES_MAX if len(commands) > 1 else COMMAND_BYTES_MAX
        if len(payload) > size_max:
            raise TooLarge(f"a message with {len(commands)} commands has at most {size_max} bytes, not {len(payload)}")
        if parcel.session == 0:
            if len(commands) != 1 or not isinstance(commands[0], OpenSession):
                raise InvalidRequest("commands need a session; opening one travels alone")
            return parcel
        if parcel.lowest > parcel.first or parcel.first + len(commands) > parcel.lowest + SESSION_WINDOW:
            raise InvalidRequest(
                f"sequences {parcel.first} to {parcel.first + len(commands) - 1} are not within {SESSION_WINDOW} of "
                f"the lowest unanswered one, {parcel.lowest}"
            )
        kinds = set(map(type, commands))
        if OpenSession in kinds:
            raise InvalidRequest("a session is opened outside of sessions")
        if CompareAndSwap in kinds:
            for command in commands:
                if isinstance(command, CompareAndSwap) and None not in (command.expected, command.mod_revision):
                    raise InvalidRequest("compare by value or by mod_revision, not by both")
        return parcel

    @staticmethod
    def check_queries(payload: bytes) -> tuple[Query, ...]:
        """Decode what is to be read; raises InvalidRequest, TooLarge."""
        queries = tuple(decode_queries(payload))
        if not queries:
            raise InvalidRequest("a read without queries")
        if len(queries) > BATCH_COMMANDS_MAX:
            raise TooLarge(f"a message has at most {BATCH_COMMANDS_MAX} queries, not {len(queries)}")
        return queries

    @staticmethod
    def deadline(timeout_us: int, now_us: int) -> int:
        """When the client gives up, on this node's clock."""
        return now_us + min(timeout_us, MAX_TIMEOUT_US)
