"""Exactly once against the real state machine: nodes that lose, delay and repeat, leaders that come and go.

Consensus itself is played perfectly (one log, one state); everything between it and the client goes wrong. At the end
each put's fate is known for certain and is held against what its future said.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from raftzmq.client.arguments import put_command, size_of
from raftzmq.client.protocol import Protocol
from raftzmq.client.results import PutResult, fail, key_value, settle
from raftzmq.codec import PROTOCOL_MAX
from raftzmq.codec.clients import (
    Answer,
    Execute,
    Failure,
    Hello,
    Read,
    Welcome,
    decode_client_header,
    encode_header,
    encode_results,
)
from raftzmq.core.types import EntryKind, make_entry
from raftzmq.kv.commands import Get, OpenSession, Parcel, decode_parcel, decode_queries, encode_batch, encode_parcel
from raftzmq.kv.machine import StateMachine
from raftzmq.kv.sessions import Sessions
from raftzmq.kv.tables import Tables
from raftzmq.storage.memory_table import MemoryTable
from tests.client.script import MS, SECOND, A, B, C, Ticket

NODES = {A: "a", B: "b", C: "c"}


@dataclass
class Proposed:
    """A parcel at a leader: it answers ``to``, unless it loses its leadership before."""

    node: str
    request: int
    payload: bytes


@dataclass
class World:
    """Three nodes, one client, a network. What happens when comes from the seed alone."""

    seed: int
    sessions_max: int = 100
    rivals: float = 0.0
    """How often somebody else opens a session, per round."""
    now_us: int = 0
    leader: str | None = None
    log_index: int = 0
    proposed: list[Proposed] = field(default_factory=list)
    mail: list[tuple[int, int, bool, str, list[bytes]]] = field(default_factory=list)
    """(due, number, to the client, endpoint, frames)."""
    expired: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        tables = Tables(MemoryTable(), MemoryTable(), MemoryTable(), MemoryTable())
        sessions = Sessions(tables.sessions, sessions_max=self.sessions_max)
        self.machine = StateMachine(tables, sessions=sessions)
        self.protocol = Protocol((A, B, C), client=b"client")
        self.open: set[str] = set()
        self.up: set[str] = set()
        self.greeted: set[str] = set()
        self.tickets: dict[bytes, Ticket] = {}
        self.reads: list[tuple[bytes, Ticket]] = []
        self.acknowledged: set[bytes] = set()
        self.number = 0

    # --- the network ---

    def post(self, to_client: bool, endpoint: str, frames: list[bytes]) -> None:
        rng = self.rng
        if rng.random() < 0.1:
            return
        # TCP doesn't repeat a message, and a node's "surely not" is about the one sending that it saw; the client must
        # only be proof against hearing things twice.
        for _ in range(2 if to_client and rng.random() < 0.1 else 1):
            delay_us = rng.choice((1, 1, 1, 5, 50, 700, 3000)) * MS
            self.number += 1
            self.mail.append((self.now_us + delay_us, self.number, to_client, endpoint, frames))

    def deliver(self) -> None:
        due = sorted(letter for letter in self.mail if letter[0] <= self.now_us)
        self.mail = [letter for letter in self.mail if letter[0] > self.now_us]
        for _, _, to_client, endpoint, frames in due:
            if not to_client:
                self.on_node(endpoint, frames)
            elif endpoint in self.up:
                self.protocol.receive(endpoint, frames, self.now_us)

    def run_client(self) -> None:
        protocol, outbox = self.protocol, self.protocol.outbox
        while True:
            protocol.step(self.now_us)
            wiring, outbox.wiring = outbox.wiring, []
            frames, outbox.frames = outbox.frames, []
            for wanted, endpoint in wiring:
                (self.open.add if wanted else self.open.discard)(endpoint)
                self.up.discard(endpoint)
            for endpoint, message in frames:
                if endpoint in self.up:
                    self.post(False, endpoint, message)
            if not wiring and not frames:
                break
        for futures, converts, results in outbox.answered:
            settle(futures, converts, results)
        for futures, error in outbox.failed:
            fail(futures, error)
        outbox.answered, outbox.failed = [], []

    # --- the nodes ---

    def on_node(self, endpoint: str, frames: list[bytes]) -> None:
        header = decode_client_header(frames[0])
        if isinstance(header, Hello):
            self.greeted.add(endpoint)
            believed = self.leader if self.rng.random() < 0.8 else self.rng.choice((A, B, C, None))
            members = [(name, at) for at, name in NODES.items()]
            welcome = Welcome(PROTOCOL_MAX, "test", NODES[endpoint], "boot", NODES.get(believed or "", ""), members)
            self.post(True, endpoint, [encode_header(welcome)])
        elif endpoint not in self.greeted:
            self.fail(endpoint, header.request, "handshake")
        elif isinstance(header, Execute):
            if endpoint != self.leader:
                self.fail(endpoint, header.request, "not_leader", leader=self.leader)
            elif self.rng.random() < 0.1:
                self.fail(endpoint, header.request, self.rng.choice(("overloaded", "deadline_exceeded")))
            else:
                decode_parcel(frames[1])
                self.proposed.append(Proposed(endpoint, header.request, frames[1]))
        elif isinstance(header, Read):
            results = [self.machine.query(query) for query in decode_queries(frames[1])]
            self.post(True, endpoint, [encode_header(Answer(header.request, 0, True)), encode_results(results)])

    def fail(self, endpoint: str, request: int, code: str, *, definite: bool = True, leader: str | None = None) -> None:
        failure = Failure(request, code, "", definite, NODES.get(leader or "", ""), leader or "")
        self.post(True, endpoint, [encode_header(failure)])

    def commit(self, count: int) -> None:
        """Apply some proposals, and answer those whose node still leads."""
        for _ in range(min(count, len(self.proposed))):
            proposed = self.proposed.pop(0)
            self.log_index += 1
            data = encode_batch(self.now_us, [proposed.payload], 1)
            entry = make_entry(self.machine.chain, self.log_index, 1, EntryKind.COMMANDS, data)
            (outcome,) = self.machine.apply(entry)
            if proposed.node != self.leader:
                continue
            if isinstance(outcome, dict):
                self.expired += outcome["error"] == "session_expired"
                self.fail(proposed.node, proposed.request, outcome["error"])
            else:
                self.answer(proposed, outcome)

    def answer(self, proposed: Proposed, results: list[Any]) -> None:
        cut = self.rng.randrange(len(results)) if self.rng.random() < 0.3 else 0
        parts = [(0, results[:cut], False), (cut, results[cut:], True)] if cut else [(0, results, True)]
        for first, part, done in parts:
            frames = [encode_header(Answer(proposed.request, first, done)), encode_results(part)]
            self.post(True, proposed.node, frames)

    def change_leader(self) -> None:
        """What the old leader proposed may still be applied, or is lost; it tells its clients that it can't know."""
        for proposed in self.proposed:
            if proposed.node == self.leader:
                self.fail(proposed.node, proposed.request, "outcome_unknown", definite=False)
        self.proposed = [proposed for proposed in self.proposed if self.rng.random() < 0.5]
        self.leader = self.rng.choice((A, B, C, None))

    def other_client(self) -> None:
        """Somebody opens a session: with few of them allowed, ours is forgotten."""
        self.proposed.append(Proposed("", 0, encode_parcel(Parcel(0, 0, 0, [OpenSession(b"other")]))))

    # --- the run ---

    def put(self) -> None:
        key = b"key-%d" % len(self.tickets)
        ticket = self.tickets[key] = Ticket()
        command = put_command(key, key, None)
        timeout_us = self.rng.choice((50 * MS, SECOND, 5 * SECOND, 5 * SECOND))
        self.protocol.parcels.queue.add(command, size_of(command), ticket, PutResult, timeout_us)

    def get(self) -> None:
        acknowledged = [key for key, ticket in self.tickets.items() if ticket.done() and ticket.error is None]
        if acknowledged:
            key, ticket = self.rng.choice(acknowledged), Ticket()
            self.reads.append((key, ticket))
            query = Get(key)
            self.protocol.reads.queue.add(query, size_of(query), ticket, key_value, 5 * SECOND)

    def round(self, *, calls: bool, trouble: bool) -> None:
        rng = self.rng
        self.now_us += rng.choice((1, 1, 2, 10)) * MS
        if calls and rng.random() < 0.5:
            for _ in range(rng.randrange(1, 5)):
                self.put() if rng.random() < 0.8 else self.get()
        for endpoint in sorted(self.open - self.up):
            if rng.random() < 0.5:
                self.up.add(endpoint)
                self.protocol.connected(endpoint, self.now_us)
        if trouble and self.up and rng.random() < 0.01:
            endpoint = rng.choice(sorted(self.up))
            self.up.discard(endpoint)
            self.greeted.discard(endpoint)
            self.protocol.disconnected(endpoint, self.now_us)
        if trouble and rng.random() < 0.01:
            self.change_leader()
        if trouble and rng.random() < self.rivals:
            self.other_client()
        self.commit(rng.randrange(3))
        self.deliver()
        self.run_client()


def run(seed: int, *, sessions_max: int = 100, rivals: float = 0.0) -> World:
    world = World(seed, sessions_max, rivals)
    world.leader = A
    for _ in range(1500):
        world.round(calls=True, trouble=True)
    for _ in range(3000):
        world.round(calls=False, trouble=False)
        if not world.mail and not world.proposed and all(ticket.done() for ticket in world.tickets.values()):
            break
    world.commit(10**6)
    return world


def check(world: World) -> dict[str, int]:
    """Hold what the futures said against the state."""
    counts = {"acknowledged": 0, "definite": 0, "unknown and applied": 0, "unknown and not applied": 0}
    for key, ticket in world.tickets.items():
        assert ticket.done(), f"{key!r} never ended"
        row = world.machine.query(Get(key))
        assert row is None or row[4] == 1, f"{key!r} was applied {row[4]} times"
        if ticket.error is None:
            assert row is not None, f"{key!r} was acknowledged and is missing"
            assert ticket.result.revision == row[3]
            counts["acknowledged"] += 1
        elif ticket.error.definite:
            assert row is None, f"{key!r} was surely not applied, said {ticket.error!r}, and is there"
            counts["definite"] += 1
        else:
            counts["unknown and applied" if row else "unknown and not applied"] += 1
    for key, ticket in world.reads:
        assert ticket.done()
        assert ticket.error is not None or ticket.result is not None, f"{key!r} was acknowledged and wasn't read"
    return counts


def total(worlds: list[World]) -> Counter[str]:
    """All counts together."""
    counts: Counter[str] = Counter()
    for world in worlds:
        counts.update(check(world))
        counts["suppressed"] += world.machine.suppressed
        counts["expired"] += world.expired
    return counts


def test_nothing_is_applied_twice_and_no_error_lies() -> None:
    counts = total([run(seed) for seed in range(20)])
    assert counts.pop("expired") == 0
    assert min(counts.values()) > 0, f"not every fate was met: {counts}"


def test_the_same_while_sessions_are_forgotten() -> None:
    counts = total([run(seed, sessions_max=2, rivals=0.01) for seed in range(20)])
    assert min(counts.values()) > 0, f"not every fate was met: {counts}"
