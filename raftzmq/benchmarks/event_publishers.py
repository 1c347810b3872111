"""A program that stands for the nodes of a cluster as their collector sees them: true events at a given rate.

``python -m raftzmq.benchmarks.event_publishers CLUSTER.toml --rate 20000 --seconds 10`` waits until somebody listens to
all of them, prints ``begin``, tells its events, and prints one JSON object: how many of each topic it made, and by how
much it was late at most. It then answers who asks for missed ones until its standard input ends.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

from raftzmq.benchmarks.scripted_cluster import ScriptedCluster
from raftzmq.codec import PROTOCOL_MAX
from raftzmq.codec.clients import (
    EventsAnswer,
    EventsRequest,
    Hello,
    Welcome,
    decode_client_header,
    encode_events,
    encode_header,
)
from raftzmq.config import ClusterConfig, parse_cluster
from raftzmq.events import NODE_TYPES, EventMaker, topic_of
from raftzmq.transport.bare_publisher import BarePublisher

_TICK_S = 0.004
"""Between two bursts: as nodes under load, which write some hundred batches a second."""
_CLOCK_S = 0.05
_ANSWER_BYTES = 512 * 1024
_KINDS = tuple(event.kind for event in NODE_TYPES)


class EventPublishers:
    """All nodes of a cluster, in one process."""

    def __init__(self, configuration: ClusterConfig, stack: ExitStack) -> None:
        self.script = ScriptedCluster([address.node for address in configuration.nodes])
        self._cluster = configuration.cluster_id
        self._publishers = [
            stack.enter_context(BarePublisher(address.events, address.client)) for address in configuration.nodes
        ]
        self._clocked = time.monotonic()

    @property
    def heard(self) -> bool:
        """Does somebody listen to every node?"""
        return all(maker.wanted("append") for maker in self.script.makers)

    def serve(self) -> None:
        """Tell what was made, and listen to who wants what."""
        for publisher, maker in zip(self._publishers, self.script.makers, strict=True):
            now_us = time.monotonic_ns() // 1000
            for prefix, wanted in publisher.subscriptions():
                (maker.subscribe if wanted else maker.unsubscribe)(prefix, now_us)
            for sender, header, *_ in publisher.questions():
                self._answer(publisher, maker, sender, header)
            publisher.publish(maker.take())

    def made(self) -> dict[str, int]:
        """How many events there were of each topic: the last ``seq`` of each, for they count from 1."""
        return {
            topic_of(node, kind).decode(): seq
            for node, maker in zip(self.script.nodes, self.script.makers, strict=True)
            for _, kind, seq, _ in maker.ring.find((kind, 1, 2**62) for kind in _KINDS)
        }

    def tell(self, rate: float, seconds: float) -> float:
        """Tell about ``rate`` events a second for ``seconds``; the most seconds that a burst was late."""
        begun = time.monotonic()
        per_round, rounds, latest = self.script.events_per_round, 0, 0.0
        while (passed := time.monotonic() - begun) < seconds:
            due = int(passed * rate / per_round)
            latest = max(latest, (due - rounds) * per_round / rate - _TICK_S)
            # A few at a time: sockets and subscriptions are served in between, however late it is.
            for _ in range(min(due - rounds, 50)):
                self.script.round()
                rounds += 1
            self.clocks()
            self.serve()
            time.sleep(max(0.0, _TICK_S - (time.monotonic() - begun - passed)))
        return latest

    def clocks(self) -> None:
        """The event by which everybody's events find their place, when it is due."""
        if time.monotonic() - self._clocked >= _CLOCK_S:
            self._clocked = time.monotonic()
            for maker in self.script.makers:
                maker.emit("clock", 1, time.monotonic_ns() // 1000, {"interval_us": round(_CLOCK_S * 1e6)})

    def _answer(self, publisher: BarePublisher, maker: EventMaker, sender: bytes, header: bytes) -> None:
        """What a node answers to a subscriber that greets, or that asks for what it missed."""
        asked = decode_client_header(header)
        place = self.script.makers.index(maker)
        node, boot = self.script.nodes[place], f"scripted-{self.script.nodes[place]}"
        if isinstance(asked, Hello):
            welcome = Welcome(PROTOCOL_MAX, self._cluster, node, boot, self.script.nodes[0], [])
            publisher.answer([sender, encode_header(welcome)])
        if isinstance(asked, EventsRequest):
            events: list[tuple[str, int, bytes]] = []
            room, more = _ANSWER_BYTES, False
            ranges = [(kind, first, last or 2**62) for kind, first, last in asked.ranges]
            for _, kind, seq, payload in maker.ring.find(ranges) if asked.boot in ("", boot) else ():
                room -= len(payload)
                if room < 0:
                    more = True
                    break
                events.append((kind, seq, payload))
            oldest = {kind: maker.ring.oldest(kind) for kind, _, _ in asked.ranges}
            answer = EventsAnswer(asked.request, boot, more, oldest)
            publisher.answer([sender, encode_header(answer), encode_events(events)])


def _wait_for_end(ended: Event) -> None:
    sys.stdin.read()
    ended.set()


def main(file: Path, rate: float, seconds: float) -> None:
    """Wait for a listener, tell, report, and serve until standard input ends."""
    ended = Event()
    Thread(target=_wait_for_end, args=(ended,), daemon=True).start()
    with ExitStack() as stack:
        publishers = EventPublishers(parse_cluster(file.read_text()), stack)
        publishers.script.begin()
        while not publishers.heard:
            publishers.serve()
            if ended.wait(_TICK_S):
                return
        print("begin", flush=True)
        latest = publishers.tell(rate, seconds)
        publishers.serve()
        print(json.dumps({"made": publishers.made(), "late_s": latest}), flush=True)
        while not ended.wait(_CLOCK_S):
            publishers.clocks()
            publishers.serve()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="events of a healthy cluster that isn't there")
    parser.add_argument("file", type=Path, metavar="CLUSTER.toml")
    parser.add_argument("--rate", type=float, required=True, help="events per second, of all nodes together")
    parser.add_argument("--seconds", type=float, required=True)
    given = parser.parse_args()
    main(given.file, given.rate, given.seconds)
