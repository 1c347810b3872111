"""The streams of all nodes as one: each made whole (`Source`), all in causal order (`Order`), counted by position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from raftzmq.collector.envelope import COLLECTOR_NODE, check_names, read_event
from raftzmq.collector.merged import Merged
from raftzmq.collector.order import HELD_BYTES_MAX, Order, Passed
from raftzmq.collector.progress import Progress
from raftzmq.collector.source import GAP_TOPIC, Counts, Question, Row, Source
from raftzmq.config import MIB
from raftzmq.events import USUAL_TYPES, EventMaker, topic_of
from raftzmq.events.lamport import LamportClock

CLOCK = "clock"
"""Says how far a node is: without it events wait in vain, so it is subscribed to whoever wants it."""
SOURCE_BYTES_MIN = MIB
"""What one node's events may take behind a hole, however many nodes share `HELD_BYTES_MAX`."""


class Stream:
    """Takes in what nodes publish and answer, and gives out one stream: pure, told the time.

    ``kinds`` are the types of events wanted from each node; others may be added for a while (`subscribe`). ``now_us``
    is a clock of the collector's own in microseconds, which must not run while the collector doesn't; ``wall_ns`` the
    wall clock in nanoseconds. ``progress`` and ``position`` are those of a collector before this one.
    """

    def __init__(
        self,
        nodes: Sequence[str],
        boot: str,
        now_us: int,
        wall_ns: Callable[[], int],
        *,
        kinds: Iterable[str] = USUAL_TYPES,
        progress: Progress | None = None,
        position: int = 0,
    ) -> None:
        check_names(nodes)
        self.position = position
        self.progress = progress or Progress()
        self.late = 0
        self._counts = Counts()
        self._order = Order()
        wanted = frozenset(kinds)
        self._hidden = frozenset({CLOCK}) - wanted
        self.kinds = wanted | {CLOCK}
        share = max(SOURCE_BYTES_MIN, HELD_BYTES_MAX // max(1, len(nodes)))
        self._sources = {
            node: Source(
                *(node, self.kinds, self._order.push, self._counts, now_us, self.progress.nodes.get(node)),
                held_bytes_max=share,
            )
            for node in nodes
        }
        self._topics: dict[bytes, tuple[Source, str]] = {}
        for node in nodes:
            self.subscribe(node, ())
        self._behind: set[str] = set()
        self._clock = LamportClock(self.progress.key)
        self._term = 0
        self._maker = EventMaker(COLLECTOR_NODE, boot, wall_ns, self._clock)
        self._maker.subscribe(b"")

    @property
    def held(self) -> int:
        """Events that wait for their turn in the causal order."""
        return len(self._order)

    def totals(self) -> dict[str, int]:
        """Counts since the start: see `Counts`, and what the order did."""
        return {**asdict(self._counts), "late": self.late, "forced": self._order.forced, "held": self.held}

    def subscribe(self, node: str, details: Iterable[str]) -> None:
        """Beside the usual types, take these (and no others) from a node."""
        source = self._sources[node]
        source.subscribe(details)
        # Topics that aren't subscribed to any more stay known: some of their events may still be on the way.
        self._topics.update({topic_of(node, kind): (source, kind) for kind in (*self.kinds, *details)})

    # --- what comes in ---

    def accept(self, frames: Sequence[bytes], now_us: int) -> None:
        """A message of a node's publisher: topic and event. Whatever is neither is counted and dropped."""
        known = self._topics.get(frames[0]) if len(frames) == 2 else None
        event = None if known is None else read_event(frames[1], known[0].node, known[1])
        if known is None or event is None:
            self._counts.malformed += 1
            return
        known[0].accept(known[1], frames[0], frames[1], event, now_us)

    def welcome(self, node: str) -> None:
        """A node can be asked from now on."""
        self._sources[node].welcome()

    def answer(
        self, node: str, boot: str, rows: Sequence[Row], oldest: Mapping[str, int], more: bool, now_us: int
    ) -> None:
        """What a node answered to its last question; see `Source.answer`."""
        self._sources[node].answer(boot, rows, oldest, more, now_us)

    def unanswered(self, node: str) -> None:
        """A node's last question got lost."""
        self._sources[node].unanswered()

    def questions(self) -> list[tuple[str, Question]]:
        """What the nodes are to be asked now. A node has one question at a time: a new one replaces the last."""
        asked = [(node, source.question()) for node, source in self._sources.items() if source.filling]
        return [(node, question) for node, question in asked if question is not None]

    # --- what goes out ---

    def release(self, now_us: int) -> list[Merged]:
        """The next events of the merged stream."""
        sources = self._sources.values()
        for source in sources:
            if source.filling:
                source.tick(now_us)
        released = self._order.release(now_us, sources)
        if not released:
            return []
        merged: list[Merged] = []
        add, fold = merged.append, self.progress.fold
        new = tuple.__new__  # what a NamedTuple calls in the end, at half the cost
        clock, behind, position, term = self._clock, self._behind, self.position, self._term
        for one in released:
            key, _, topic, payload, event = one
            if topic is GAP_TOPIC or key < clock.value or event["type"] in self._hidden:
                self.position, self._term = position, term
                merged += self._special(one, now_us)
                position = self.position
                continue
            clock.value = key
            if behind:
                behind.discard(event["node"])
            if event["term"] > term:
                term = event["term"]
            position += 1
            fold(event)
            add(new(Merged, (position, topic, payload, event)))
        self.position, self._term = position, term
        return merged

    def _special(self, one: Passed, now_us: int) -> list[Merged]:
        """What becomes of a gap, of an event that comes too late, and of one that is for the order alone."""
        key, _, topic, payload, event = one
        kind = event["topic"].rpartition(".")[2] if topic is GAP_TOPIC else event["type"]
        if kind in self._hidden:
            return []
        if topic is GAP_TOPIC:
            return [self.emit("gap", event, now_us)]
        said = []
        if key < self._clock.value:
            self.late += 1
            if event["node"] not in self._behind or "mid" in event:
                # A node that hears nobody stays behind for long: once is enough to know it, but for single messages,
                # whose receipts may have been passed on.
                self._behind.add(event["node"])
                fields = {
                    "source": event["node"],
                    "topic": topic.decode(),
                    "source_seq": event["seq"],
                    "lamport_passed": self._clock.value,
                }
                said.append(self.emit("late", fields, now_us))
        self.position += 1
        self.progress.fold(event)
        return [*said, Merged(self.position, topic, payload, event)]

    def emit(self, kind: str, fields: Mapping[str, Any], now_us: int) -> Merged:
        """An event of the collector's own, at its place in the merged stream: after all that was released."""
        self._maker.emit(kind, self._term, now_us, fields)
        [(topic, payload)] = self._maker.take()
        event: dict[str, Any] = orjson.loads(payload)
        self.progress.fold(event)
        self.position += 1
        return Merged(self.position, topic, payload, event)
