"""Nodes played by a script: virtual time, frames by hand, futures that remember how they ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from raftzmq.client.arguments import get_query, put_command, size_of
from raftzmq.client.protocol import Protocol
from raftzmq.client.results import Convert, PutResult, fail, key_value, settle
from raftzmq.codec import PROTOCOL_MAX
from raftzmq.codec.clients import (
    Answer,
    ClientFrame,
    Execute,
    Failure,
    Hello,
    NodeFrame,
    Read,
    Welcome,
    decode_client_header,
    encode_header,
    encode_results,
)
from raftzmq.errors import RequestError
from raftzmq.kv.commands import Command, OpenSession, Parcel, Query, decode_parcel, decode_queries

T = TypeVar("T", bound=ClientFrame)

A, B, C = "tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "tcp://127.0.0.1:3"
NAMES = {A: "a", B: "b", C: "c"}
SECOND = 1_000_000
MS = 1_000


class Ticket:
    """A future that nobody waits for. A second ending is an error."""

    def __init__(self) -> None:
        self.result: Any = None
        self.error: RequestError | None = None
        self.ended_us = -1
        self._done = False

    def done(self) -> bool:
        return self._done

    def set_result(self, result: Any) -> None:
        assert not self._done, "ended twice"
        self._done, self.result = True, result

    def set_exception(self, error: RequestError) -> None:
        assert not self._done, "ended twice"
        self._done, self.error = True, error

    def failed(self, kind: type[RequestError], *, definite: bool) -> bool:
        """Did it end with such an error?"""
        return type(self.error) is kind and self.error.definite is definite


@dataclass
class Sent:
    """A message that the client sent."""

    to: str
    header: ClientFrame
    payload: bytes

    @property
    def request(self) -> int:
        assert not isinstance(self.header, Hello)
        return self.header.request

    @property
    def parcel(self) -> Parcel:
        assert isinstance(self.header, Execute)
        return decode_parcel(self.payload)

    @property
    def queries(self) -> list[Query]:
        assert isinstance(self.header, Read)
        return decode_queries(self.payload)


class Script:
    """A protocol and the world around it."""

    def __init__(self, *endpoints: str, cluster: str = "", up: tuple[str, ...] = (A, B, C)) -> None:
        self.protocol = Protocol(endpoints or (A, B, C), client=b"client", cluster=cluster)
        self.now_us = 1_000 * SECOND
        self.up = set(up)
        """Endpoints where a connection stands as soon as it is asked for."""
        self.open: list[str] = []
        """Endpoints with a socket."""
        self._sent: list[Sent] = []
        self._tickets: list[Ticket] = []

    # --- what callers do ---

    def put(self, key: str = "k", value: str = "v", timeout_us: int = 5 * SECOND) -> Ticket:
        return self.write(put_command(key, value, None), PutResult, timeout_us)

    def write(self, command: Command, convert: Convert, timeout_us: int = 5 * SECOND) -> Ticket:
        ticket = self.ticket()
        self.protocol.parcels.queue.add(command, size_of(command), ticket, convert, timeout_us)
        return ticket

    def get(self, key: str = "k", timeout_us: int = 5 * SECOND) -> Ticket:
        query = get_query(key, "linearizable", None)
        ticket = self.ticket()
        self.protocol.reads.queue.add(query, size_of(query), ticket, key_value, timeout_us)
        return ticket

    def ticket(self) -> Ticket:
        self._tickets.append(Ticket())
        return self._tickets[-1]

    # --- time ---

    def step(self) -> list[Sent]:
        """Step as a driver does, and give what was sent since the last look."""
        protocol, outbox = self.protocol, self.protocol.outbox
        while True:
            protocol.step(self.now_us)
            wiring, outbox.wiring = outbox.wiring, []
            for wanted, endpoint in wiring:
                if wanted:
                    assert endpoint not in self.open
                    self.open.append(endpoint)
                    if endpoint in self.up:
                        protocol.connected(endpoint, self.now_us)
                else:
                    self.open.remove(endpoint)
            frames, outbox.frames = outbox.frames, []
            if not frames and not wiring:
                break
            for endpoint, message in frames:
                assert endpoint in self.open
                payload = message[1] if len(message) > 1 else b""
                self._sent.append(Sent(endpoint, decode_client_header(message[0]), payload))
        for futures, converts, results in outbox.answered:
            settle(futures, converts, results)
        for futures, error in outbox.failed:
            fail(futures, error)
        outbox.answered, outbox.failed = [], []
        for ticket in self._tickets:
            if ticket.done() and ticket.ended_us < 0:
                ticket.ended_us = self.now_us
        sent, self._sent = self._sent, []
        return sent

    def advance(self, us: int) -> list[Sent]:
        """Let time pass, stepping whenever the protocol asks for it."""
        end_us = self.now_us + us
        sent = self.step()
        for _ in range(100_000):
            if self.protocol.deadline_us > end_us:
                break
            self.now_us = max(self.now_us, self.protocol.deadline_us)
            sent += self.step()
        else:
            raise AssertionError("the protocol asks to be stepped without end")
        self.now_us = end_us
        return sent + self.step()

    # --- what nodes do ---

    def say(self, endpoint: str, header: NodeFrame, *payload: bytes) -> None:
        self.protocol.receive(endpoint, [encode_header(header), *payload], self.now_us)

    def welcome(
        self,
        endpoint: str,
        leader: str = "",
        *,
        boot: str = "boot",
        cluster: str = "test",
        members: tuple[str, ...] = (A, B, C),
        version: int = PROTOCOL_MAX,
    ) -> None:
        rows = [(NAMES[e], e) for e in members]
        self.say(endpoint, Welcome(version, cluster, NAMES[endpoint], boot, leader, rows))

    def answer(self, sent: Sent, results: list[Any], first: int = 0, *, done: bool = True) -> None:
        self.say(sent.to, Answer(sent.request, first, done), encode_results(results))

    def fail(
        self, sent: Sent, code: str, *, definite: bool = True, leader: str = "", endpoint: str = "", message: str = "no"
    ) -> None:
        self.say(sent.to, Failure(sent.request, code, message, definite, leader, endpoint))

    def kill(self, endpoint: str) -> None:
        """The node is gone: its connection breaks and doesn't come back by itself."""
        self.up.discard(endpoint)
        self.protocol.disconnected(endpoint, self.now_us)

    def start(self, endpoint: str) -> None:
        """The node is back: a socket that tries will reach it."""
        self.up.add(endpoint)
        if endpoint in self.open:
            self.protocol.connected(endpoint, self.now_us)

    # --- common beginnings ---

    def lead(self, endpoint: str = A, session: int = 7) -> None:
        """Have the client find a leader and open a session, with a put that is answered."""
        ticket = self.put("first")
        for sent in self.step():
            if isinstance(sent.header, Hello):
                self.welcome(sent.to, NAMES[endpoint])
        sents = self.step()
        while not any(isinstance(sent.header, Execute) for sent in sents):
            for sent in sents:
                if isinstance(sent.header, Hello):
                    self.welcome(sent.to, NAMES[endpoint])
            sents = self.step()
        (opening,) = sents
        assert isinstance(opening.parcel.commands[0], OpenSession)
        self.answer(opening, [session])
        (first,) = self.step()
        self.answer(first, [1])
        self.step()
        assert ticket.result == PutResult(1)


def of_kind(sents: list[Sent], kind: type[ClientFrame]) -> list[Sent]:
    """Those whose header is of a kind."""
    return [sent for sent in sents if isinstance(sent.header, kind)]


def hellos(sents: list[Sent]) -> list[str]:
    """Whom handshakes were sent to, in order."""
    return [sent.to for sent in sents if isinstance(sent.header, Hello)]


def executes(sents: list[Sent]) -> list[Sent]:
    """The parcels among what was sent."""
    return of_kind(sents, Execute)


def reads(sents: list[Sent]) -> list[Sent]:
    """The reads among what was sent."""
    return of_kind(sents, Read)
