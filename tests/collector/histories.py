"""A cluster that only tells events, on a publisher that loses some: true histories, with the real makers and rings."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Any

from raftzmq.codec.clients import EventsAnswer, EventsRequest, decode_events, decode_node_header
from raftzmq.collector.merged import Merged
from raftzmq.collector.source import Question
from raftzmq.collector.stream import Stream
from raftzmq.events import EventMaker
from raftzmq.events.lamport import LamportClock
from raftzmq.events.ring import Ring
from raftzmq.node.side_channel import SideChannel

KINDS = ("boot", "role", "commit", "clock", "sent", "received")
"""Enough types to have several streams a node; `boot` and `role` are rare ones."""
STEP_US = 1000
Name = tuple[str, str, int]
"""What an event is known by: topic, boot, ``seq``."""


def name_of(event: dict[str, Any]) -> Name:
    """The name of an event."""
    return f"raftzmq.{event['node']}.{event['type']}", event["boot"], event["seq"]


@dataclass
class Host:
    """One node: its maker of events, what it published and nobody has fetched, and messages on the way to it."""

    node: str
    boots: int = 0
    wire: deque[list[bytes]] = field(default_factory=deque)
    inbox: list[tuple[str, int]] = field(default_factory=list)
    clock: LamportClock = field(default_factory=LamportClock)
    sent: int = 0

    def start(self, now_us: int, ring_bytes: int) -> None:
        """Begin a boot, its Lamport time where the wall clock is."""
        self.boots += 1
        self.clock = LamportClock(now_us)
        self.maker = EventMaker(self.node, f"{self.node}-{self.boots}", lambda: 0, self.clock)
        self.maker.ring = Ring(ring_bytes, ring_bytes)
        for kind in KINDS:
            self.maker.subscribe(f"raftzmq.{self.node}.{kind}".encode())
        self.side = SideChannel(f"{self.node}-{self.boots}", self.maker.ring)


class World:
    """Nodes n1 … that make events and send each other messages; a stream that hears what arrives of them.

    ``made`` are all events in the order in which they were made, ``out`` is what came out of the stream.
    """

    def __init__(self, rng: Random, nodes: int = 3, *, ring_bytes: int = 1 << 20) -> None:
        self.rng = rng
        self.now_us = 1_000_000
        self.ring_bytes = ring_bytes
        self.hosts = {f"n{k + 1}": Host(f"n{k + 1}") for k in range(nodes)}
        self.made: list[dict[str, Any]] = []
        self.out: list[Merged] = []
        self.asked: dict[str, Question] = {}
        self.answering = True
        self.lost = 0
        self.stream = self.new_stream()
        for host in self.hosts.values():
            self.start(host)

    def new_stream(self, **known: Any) -> Stream:
        """A collector's stream of this cluster."""
        return Stream(tuple(self.hosts), "c", self.now_us, lambda: 0, kinds=KINDS, **known)

    # --- what nodes do ---

    def start(self, host: Host, loss: float = 0.0) -> None:
        """A node starts, perhaps again."""
        host.start(self.now_us, self.ring_bytes)
        self.emit(host, "boot", loss)

    def emit(self, host: Host, kind: str, loss: float, **fields: Any) -> None:
        """A node makes an event; the publisher loses it, sends it, or sends it twice."""
        host.maker.emit(kind, 1, self.now_us, fields)
        for topic, payload in host.maker.take():
            self.made.append(json.loads(payload))
            if self.rng.random() < loss:
                self.lost += 1
                continue
            host.wire.append([topic, payload])
            if self.rng.random() < loss / 4:
                host.wire.append([topic, payload])

    def act(self, loss: float) -> None:
        """One node does one thing."""
        self.now_us += 5  # the wall clock runs faster than any Lamport time
        host = self.rng.choice(list(self.hosts.values()))
        what = self.rng.random()
        if what < 0.3:
            host.sent += 1
            mid = f"{host.node}-{host.boots}:{host.sent}"
            host_to = self.rng.choice([h for h in self.hosts.values() if h is not host] or [host])
            host_to.inbox.append((mid, host.clock.tick()))
            self.emit(host, "sent", loss, mid=mid)
        elif what < 0.7 and host.inbox:
            mid, stamp = host.inbox.pop(self.rng.randrange(len(host.inbox)))
            host.clock.merge(stamp)
            self.emit(host, "received", loss, mid=mid)
        else:
            self.emit(host, self.rng.choice(("commit", "commit", "role")), loss)

    def tell_clocks(self) -> None:
        """Every node says where its clock is."""
        for host in self.hosts.values():
            self.emit(host, "clock", 0.0)

    def talk(self) -> None:
        """Everybody hears everybody, as by heartbeats: no clock stays behind."""
        latest = max(host.clock.value for host in self.hosts.values())
        for host in self.hosts.values():
            host.clock.merge(latest)

    # --- what the collector does ---

    def hear(self, host: Host, count: int) -> None:
        """Some of what a node has published arrives."""
        for _ in range(min(count, len(host.wire))):
            self.stream.accept(host.wire.popleft(), self.now_us)

    def ask(self) -> None:
        """Questions are sent."""
        self.asked.update(self.stream.questions())

    def answer(self) -> None:
        """Nodes answer the questions that are under way."""
        for node in list(self.asked):
            if not self.answering:
                continue
            question = self.asked.pop(node)
            frames = self.hosts[node].side.answer(EventsRequest(1, question.boot, question.ranges))
            header = decode_node_header(frames[0])
            assert isinstance(header, EventsAnswer)
            rows = decode_events(frames[1])
            self.stream.answer(node, header.boot, rows, header.oldest, header.more, self.now_us)

    def release(self) -> None:
        """The stream gives out what may leave."""
        self.out += self.stream.release(self.now_us)

    def play(self, acts: int, loss: float, *, restarts: float = 0.0) -> None:
        """A history, with the collector's steps in between in any order."""
        for number in range(acts):
            self.act(loss)
            if self.rng.random() < restarts:
                self.start(self.rng.choice(list(self.hosts.values())), loss)
            if number % 20 == 19:
                self.tell_clocks()
                self.now_us += STEP_US
            step = self.rng.randrange(6)
            if step == 0:
                self.ask()
            elif step == 1:
                self.answer()
            elif step == 2:
                self.release()
            else:
                self.hear(self.rng.choice(list(self.hosts.values())), self.rng.randrange(4))

    def settle(self) -> None:
        """All that is under way arrives, all questions are answered, and all that is held leaves.

        One more event of each type shows what was lost of it before.
        """
        for host in self.hosts.values():
            for kind in KINDS:
                self.emit(host, kind, 0.0)
        for _ in range(15):
            self.talk()
            self.tell_clocks()
            for host in self.hosts.values():
                self.hear(host, len(host.wire))
            self.ask()
            self.answer()
            self.release()
            self.now_us += 100_000
        self.now_us += 1_000_000
        self.release()

    # --- what is to hold ---

    @property
    def events(self) -> list[dict[str, Any]]:
        """What came out of the nodes' events."""
        return [one.event for one in self.out if one.event["node"] != "collector"]

    def said(self, kind: str) -> list[dict[str, Any]]:
        """What came out of the collector's own."""
        return [one.event for one in self.out if one.event["node"] == "collector" and one.event["type"] == kind]

    def receipts_too_early(self) -> list[str]:
        """The messages whose receipt came out before their sending did, if both did."""
        places = {(e["type"], e["mid"]): place for place, e in enumerate(self.events) if "mid" in e}
        receipts = [(mid, place) for (kind, mid), place in places.items() if kind == "received"]
        return [mid for mid, place in receipts if places.get(("sent", mid), -1) > place]

    def in_gaps(self) -> list[Name]:
        """The events that gaps say are lost."""
        return [
            (gap["topic"], gap["source_boot"], seq)
            for gap in self.said("gap")
            for seq in range(gap["expected"], gap["received"])
        ]
