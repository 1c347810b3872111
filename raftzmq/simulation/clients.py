"""Simulated clients: well-behaved in what they say, careless in how often and to whom they say it.

Each opens a session, keeps a few requests under way, follows redirects, and sends a parcel again, as it was, to any
node: after a timeout, after an uncertain outcome, and now and then for no reason. When its session is forgotten it
opens another and leaves it open what became of its writes. It speaks the frames of `raftzmq.codec.clients` and shares
no code with the shipped client, so each checks what the other takes for granted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from raftzmq.codec import PROTOCOL_MAX, PROTOCOL_MIN
from raftzmq.codec.clients import (
    HANDSHAKE,
    NOT_LEADER,
    Answer,
    Execute,
    Failure,
    Hello,
    Read,
    Welcome,
    decode_node_header,
    decode_results,
    encode_header,
)
from raftzmq.kv.commands import Command, Get, OpenSession, Parcel, Query, encode_parcel, encode_queries
from raftzmq.simulation import describe
from raftzmq.simulation.judge import Judge
from raftzmq.simulation.workload import Workload
from raftzmq.simulation.world import World

PATIENCE_US = (30_000, 250_000)
"""How long a client waits for the answer to one sending: around the time that an election takes."""
PAUSES_US = (1_000, 5_000, 50_000)
"""How long it rests after an answer, one of these."""
TRIES_MAX = 3
"""More tries lengthen the wait no more, or nobody would ask while an election is still fresh."""
TRANSIENT = ("overloaded", "no_leader", "deadline_exceeded", "outcome_unknown")
EXPIRED = "session_expired"


@dataclass(slots=True, eq=False)
class Request:
    """Something asked for, however often it is sent. ``began`` is the floor of real time when it was made.

    ``restarts``: how often nodes had been started again by then. ``insisted``: never left at a failure.
    """

    began: int
    commands: list[Command] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)
    first: int = 0
    session: int = 0
    pinned: str = ""
    insisted: bool = False
    restarts: int = 0
    tries: int = 0
    sent: int = 0
    definite: int = 0
    done: bool = False

    @property
    def opens(self) -> bool:
        """Whether it opens a session."""
        return bool(self.commands) and isinstance(self.commands[0], OpenSession)


@dataclass(slots=True, eq=False)
class Sending:
    """One message, its ``number``-th try, that carried a request to ``node``, and what has come back of the answer."""

    request: Request
    node: str
    began: int
    number: int
    parts: dict[int, list[Any]] = field(default_factory=dict)
    expected: int = -1


class SimulatedClient:
    """One client. Without a `Workload` it asks for nothing but what `ask` gives it."""

    def __init__(self, world: World, judge: Judge, name: str, workload: Workload | None) -> None:
        self._world = world
        self._judge = judge
        self._workload = workload
        self._nodes = [address.node for address in world.config.nodes]
        self._endpoints = {address.client: address.node for address in world.config.nodes}
        self.name = name
        self.routing = b""
        self._number = 0
        self._rng = world.chance(f"client/{name}")
        kept = world.scenario.requests
        self._kept = None if kept is None else {r: int(r.rpartition(".")[2]) for r in kept if r.startswith(f"{name}.")}
        self._wished = 0
        self._forget()

    def _forget(self) -> None:
        self.routing = self._rng.randbytes(16)
        self._session = 0
        self._next = 0
        self._target = self._rng.choice(self._nodes)
        self._greeted: dict[str, bool] = {}
        self._unsent: dict[str, list[Request]] = {}
        self._sendings: dict[int, Sending] = {}
        self._requests: list[Request] = []
        self._waiting: list[Request] = []

    # ---- asking

    def start(self) -> None:
        """Open a session, then begin to work: unless the scenario leaves out all that this client would ask for."""
        if self._workload is None or self._kept is None or self._kept:
            self._world.requests.append(f"{self.name}.0")
            self._open()

    def _open(self) -> None:
        self._make(Request(self._world.observer.realtime.floor, commands=[OpenSession(self.name.encode())]))

    def restart(self) -> None:
        """Forget everything, as a client's process does that ends: its requests may be executed or not."""
        if self._world.transcript.on:
            self._world.transcript.line(self.name, "starts anew")
        self._forget()
        self.start()

    def stop(self) -> None:
        """Ask for nothing new; what is under way goes on."""
        self._workload = None

    def ask(self, request: Request) -> None:
        """Ask for something from outside of the workload, as soon as there is a session."""
        if self._session or request.queries:
            self._make(request)
        else:
            self._waiting.append(request)

    def _skips(self, request: Request) -> bool:
        """Ask for something from the workload, unless the scenario leaves it out."""
        self._wished += 1
        name = f"{self.name}.{self._wished}"
        if self._kept is not None and name not in self._kept:
            return True
        self._world.requests.append(name)
        self._make(request)
        return False

    def _make(self, request: Request) -> None:
        request.restarts = self._world.coverage.counts["restarts"]
        if request.commands and not request.opens:
            request.session = self._session
            request.first = self._next
            self._next += len(request.commands)
        self._requests.append(request)
        target = self._target
        if request.queries and self._rng.random() < 0.6:
            target = self._rng.choice(self._nodes)
        self._send(request, target)

    def _work(self) -> None:
        """Keep as many requests under way as the conditions say."""
        workload = self._workload
        if workload is None or not self._session:
            return
        depth = self._world.conditions.depth
        floor = self._world.observer.realtime.floor
        reads = sum(bool(request.queries) for request in self._requests)
        writes = len(self._requests) - reads
        # Each kind has room of its own: writes that hang must not keep a client from asking what is true meanwhile.
        wishes = [Request(floor, queries=workload.queries()) for _ in range(reads, depth)]
        wishes += [Request(floor, commands=workload.commands()) for _ in range(writes, depth)]
        skipped = [self._skips(request) for request in wishes]
        if any(skipped) and self._kept and self._wished < max(self._kept.values()):
            self._world.schedule.after(self._rng.choice(PAUSES_US), self._work)

    # ---- sending

    def _send(self, request: Request, node: str) -> None:
        if request.done:
            return
        node = request.pinned or node
        patience = self._rng.randint(*PATIENCE_US)
        request.tries += 1
        self._world.schedule.after(patience, self._unanswered, request, request.tries, self.routing)
        if not self._greeted.get(node):
            waiting = self._unsent.setdefault(node, [])
            if request not in waiting:
                waiting.append(request)
            hello = Hello(PROTOCOL_MIN, PROTOCOL_MAX, "", self.name.encode())
            self._world.to_node(self.name, self.routing, node, [encode_header(hello)])
            return
        self._number += 1
        request.sent += 1
        if request.sent > 1 and request.commands:
            self._world.coverage.add("retries")
        self._sendings[self._number] = Sending(request, node, self._world.observer.realtime.floor, request.tries)
        if request.queries:
            frames = [encode_header(Read(self._number, patience)), encode_queries(request.queries)]
        else:
            frames = [encode_header(Execute(self._number, patience)), self._parcel(request)]
        self._world.to_node(self.name, self.routing, node, frames)
        if request.commands and request.sent < 4 and self._rng.random() < self._world.conditions.impatience:
            self._send_soon(request, self._rng.choice((node, self._rng.choice(self._nodes))))

    def _parcel(self, request: Request) -> bytes:
        if request.opens:
            return encode_parcel(Parcel(0, 0, 0, request.commands))
        lowest = min((r.first for r in self._requests if r.commands and not r.opens), default=self._next)
        return encode_parcel(Parcel(request.session, lowest, request.first, request.commands))

    def _send_soon(self, request: Request, node: str) -> None:
        self._world.schedule.after(
            self._rng.randint(0, self._world.conditions.back_off_us * min(request.tries, TRIES_MAX)),
            self._send_if_same,
            request,
            node,
            self.routing,
        )

    def _send_if_same(self, request: Request, node: str, routing: bytes) -> None:
        if routing == self.routing:
            self._send(request, node)

    def _unanswered(self, request: Request, tries: int, routing: bytes) -> None:
        """Patience is over, unless there was an answer or a later try."""
        if not request.done and tries == request.tries and routing == self.routing:
            self._target = self._rng.choice(self._nodes)
            self._send(request, self._target)

    # ---- answers

    def receive(self, node: str, routing: bytes, frames: list[bytes]) -> None:
        """An answer has arrived."""
        if routing != self.routing:
            return
        self._world.count()
        if self._world.transcript.on:
            self._world.transcript.line(self.name, f"← {node}: {describe.node_frames(frames)}")
        header = decode_node_header(frames[0])
        if isinstance(header, Welcome):
            self._world.coverage.add("handshakes")
            self._greeted[node] = True
            if header.leader and self._rng.random() < 0.5:
                self._target = header.leader
            for request in self._unsent.pop(node, []):
                self._send(request, node)
        elif isinstance(header, Failure):
            self._failed(node, header)
        elif isinstance(header, Answer):
            self._part(node, header, decode_results(frames[1]))

    def _failed(self, node: str, failure: Failure) -> None:
        sending = self._sendings.pop(failure.request, None)
        if sending is None:
            return
        request = sending.request
        request.definite += failure.definite
        if request.done or sending.number != request.tries:
            # A later sending is under way: its answer decides, or every careless one would breed others for ever.
            return
        if failure.code == HANDSHAKE:
            self._greeted.pop(node, None)
            self._send(request, node)
        elif failure.code == NOT_LEADER:
            self._world.coverage.add("redirects")
            known = self._endpoints.get(failure.endpoint)
            self._target = known or self._rng.choice(self._nodes)
            if known is not None and request.tries % 3:
                self._send(request, known)
            elif not self._gives_up(node, request):
                self._send_soon(request, self._target)
        elif failure.code in TRANSIENT:
            if failure.code == "outcome_unknown":
                self._world.coverage.add("outcomes_unknown")
            if not self._gives_up(node, request):
                self._send_soon(request, self._rng.choice(self._nodes))
        elif failure.code == EXPIRED and request.commands:
            self._judge.expired(node, request.session)
            self._expired(node)
        else:
            what = "a read" if request.queries else f"a parcel of session {request.session} from {request.first}"
            self._judge.refused(node, what, failure.code, failure.message)

    def _gives_up(self, node: str, request: Request) -> bool:
        """Now and then a client takes a definite failure for an answer; then it must have been the truth."""
        if request.definite < request.sent or request.opens or request.insisted or self._rng.random() < 0.5:
            return False
        if request.commands:
            self._judge.gave_up(self.name, node, request.session, request.first, len(request.commands))
        self._done(request)
        return True

    def _expired(self, node: str) -> None:
        """The session is forgotten, and with it what became of the writes that were under way in it."""
        self._world.coverage.add("sessions_expired")
        lost = [request for request in self._requests if request.commands and not request.opens]
        self._sendings = {n: sending for n, sending in self._sendings.items() if sending.request not in lost}
        self._session = self._next = 0
        for request in lost:
            if request.insisted:
                self._requests.remove(request)
                self._waiting.append(request)
                request.tries += 1
                continue
            if request.definite == request.sent:
                self._judge.gave_up(self.name, node, request.session, request.first, len(request.commands))
            self._done(request)
        if self._workload is not None or self._waiting:
            self._open()

    def _part(self, node: str, answer: Answer, results: list[Any]) -> None:
        sending = self._sendings.get(answer.request)
        if sending is None:
            return
        sending.parts[answer.first] = results
        if answer.done:
            sending.expected = answer.first + len(results)
        if sum(map(len, sending.parts.values())) != sending.expected:
            return
        del self._sendings[answer.request]
        whole = [result for _, part in sorted(sending.parts.items()) for result in part]
        request = sending.request
        if request.done:
            if request.commands and not request.opens:
                self._judge.again(node, request.session, request.first, whole)
        elif request.queries:
            self._world.coverage.add("reads", len(whole))
            self._judge.answered(node, request.queries, whole, sending.began)
            self._learn(request.queries, whole)
            self._done(request)
        elif request.opens:
            self._opened(request, whole)
        else:
            self._world.coverage.add("writes", len(whole))
            if request.sent > 1 and self._world.coverage.counts["restarts"] > request.restarts:
                self._world.coverage.add("retries_over_restarts")
            self._judge.acknowledged(node, request.session, request.first, request.commands, whole, request.began)
            self._target = node
            self._done(request)

    def _learn(self, queries: list[Query], results: list[Any]) -> None:
        if self._workload is not None:
            for query, row in zip(queries, results, strict=False):
                if isinstance(query, Get) and not isinstance(row, dict):
                    self._workload.learned(query.key, None if row is None else row[1], 0 if row is None else row[3])

    def _opened(self, request: Request, results: list[Any]) -> None:
        if isinstance(results[0], int):
            self._session = results[0]
            self._done(request)
            for waiting in self._waiting:
                self._make(waiting)
            self._waiting.clear()
        else:
            self._judge.refused(self._target, "the opening of a session", "an error result", repr(results[0]))

    def _done(self, request: Request) -> None:
        request.done = True
        self._requests.remove(request)
        pause = self._rng.choice(PAUSES_US)
        self._world.schedule.after(pause, self._work)
