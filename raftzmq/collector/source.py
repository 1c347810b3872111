"""The events of one node, whole and in the order in which the node made them.

A publisher drops what a slow subscriber doesn't fetch, and sends nothing to one that comes late. What is missing shows:
``seq`` counts the events of one type, ``order`` those of all types. The node keeps its newest events in a ring, so
what is missing is asked for, and whatever comes meanwhile waits behind it::

    event ──▶ next in order? ──yes──▶ passed on
                    │ no
                    ▼
                  held ──▶ `question` ──▶ the node's ring ──▶ `answer` ──▶ sorted by ``order``, passed on
                                                                           (a gap where the ring has nothing)

A question asks for everything after what is known, of all types, so an answer is complete up to its last event. What
it lacks is lost for certain only up to the newest event that came by subscription: what is newer may still be on its
way from there, though the ring has forgotten it already.

That a node runs in another boot is taken from what it publishes alone. An answer may overtake the last events of the
boot before, and they would be lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from raftzmq.collector.envelope import read_event
from raftzmq.collector.progress import NodeProgress
from raftzmq.config import MIB
from raftzmq.events import topic_of

PATIENCE_US = 500_000
"""Without an answer for so long, what is missing is given up as lost: the stream has to go on."""
SKIPS_US = 1_000_000
"""Types that nobody here subscribed to leave holes in ``order``, too. Once a question has shown that nothing is behind
such a hole, the next ones are believed for so long, rather than asking for each."""
HELD_BYTES_MAX = 16 * MIB
"""What may wait behind a hole. What comes on top is dropped and asked for when its turn has come."""
ENDED_BOOTS = 8
"""Boots that are known to be over: an event of one comes too late for anything."""
GAP_TOPIC = b""
"""Marks a gap among what is passed on; its event is the fields of a ``gap``."""

Row = tuple[str, int, bytes]
"""An event from the ring: type, ``seq``, JSON."""
Push = Callable[[int, bytes, bytes, dict[str, Any]], None]
"""Takes key, topic, payload and event."""


class Question(NamedTuple):
    """What a node is asked for: (type, first ``seq``, 0 for up to the newest) of a boot."""

    boot: str
    ranges: list[tuple[str, int, int]]


@dataclass(slots=True)
class Counts:
    """What all sources have seen since the collector started."""

    events: int = 0
    """Passed on, those from rings included."""
    filled: int = 0
    """Of these, had from a ring."""
    gaps: int = 0
    missing: int = 0
    """Events in these gaps."""
    duplicates: int = 0
    malformed: int = 0
    put_off: int = 0
    """Dropped because too many waited behind a hole; the ring is asked for them."""


class _Held(NamedTuple):
    kind: str
    seq: int
    payload: bytes
    event: dict[str, Any]
    filled: bool


class Source:
    """One node, as far as it was heard.

    ``kinds`` are the types that are always subscribed to; `subscribe` adds others for a while, whose streams begin with
    the first event heard. ``push`` is called for each event in its turn. `Frontier` of `raftzmq.collector.order`.
    """

    def __init__(
        self,
        node: str,
        kinds: Iterable[str],
        push: Push,
        counts: Counts,
        now_us: int,
        known: NodeProgress | None = None,
        *,
        held_bytes_max: int = HELD_BYTES_MAX,
    ) -> None:
        self.node = node
        self.heard_us = now_us
        known = known or NodeProgress()
        self.key = known.key
        self._boot = known.boot
        self._order = known.order
        self._kinds = frozenset(kinds)
        self._passing: frozenset[str] = frozenset()
        self._seqs = {kind: known.seqs.get(kind, 0) for kind in sorted(self._kinds)}
        self._lost = dict(known.lost)
        self._topics = {kind: topic_of(node, kind) for kind in self._kinds}
        self._ended: deque[str] = deque(maxlen=ENDED_BOOTS)
        self._push = push
        self._counts = counts
        self._met = False
        # What waits behind a hole, by `order`; and whether there is a hole, or an answer that is due.
        self.filling = True
        self._held: dict[int, _Held] = {}
        self._held_bytes = 0
        self._held_bytes_max = held_bytes_max
        self._since_us = now_us
        self._answers = True
        self._believed_until_us = -1
        # The question that is under way: of which boot, and what had been heard when it was asked.
        self._asked: str | None = None
        self._asked_order = 0

    # --- what is subscribed to ---

    def subscribe(self, kinds: Iterable[str]) -> None:
        """These and no others are subscribed to beside the usual ones."""
        self._passing = frozenset(kinds) - self._kinds
        self._topics.update({kind: topic_of(self.node, kind) for kind in self._passing})
        self._seqs = {k: seq for k, seq in self._seqs.items() if k in self._kinds or k in self._passing}

    # --- what was heard ---

    def accept(self, kind: str, topic: bytes, payload: bytes, event: dict[str, Any], now_us: int) -> None:
        """An event came by subscription; `read_event` found it right."""
        self.heard_us = now_us
        seq, order = event["seq"], event["order"]
        seqs = self._seqs
        if (
            order == self._order + 1
            and not self.filling
            and event["boot"] == self._boot
            and seqs.get(kind, -1) + 1 == seq
        ):
            self._order = order
            seqs[kind] = seq
            key = event["lamport"]
            if key < self.key:  # the clock of a new boot may have begun lower
                key = self.key
            else:
                self.key = key
            self._counts.events += 1
            self._push(key, topic, payload, event)
            return
        self._accept_oddly(kind, seq, order, payload, event, now_us)

    def _accept_oddly(
        self, kind: str, seq: int, order: int, payload: bytes, event: dict[str, Any], now_us: int
    ) -> None:
        """The same where something isn't as usual."""
        boot = event["boot"]
        if boot != self._boot:
            if boot in self._ended:
                self._counts.duplicates += 1
                return
            self._begin(boot, now_us)
        self._met = True
        known = self._seqs.get(kind)
        if known is None:
            if kind not in self._passing:
                return  # under way when its subscription ended
            known = self._seqs[kind] = seq - 1
        if seq <= known or order in self._held:
            self._counts.duplicates += 1
            return
        one = _Held(kind, seq, payload, event, filled=False)
        if not self.filling:
            jumps, skips = seq > known + 1, order > self._order + 1
            if not self._answers or not (jumps or (skips and now_us >= self._believed_until_us)):
                self._pass(order, one, "silent")
                return
            self.filling = True
        self._hold(order, one, now_us)

    def _hold(self, order: int, one: _Held, now_us: int) -> None:
        if not self._held:
            self._since_us = now_us
        elif self._held_bytes + len(one.payload) > self._held_bytes_max:
            self._counts.put_off += 1
            return
        self._held[order] = one
        self._held_bytes += len(one.payload)

    # --- questions ---

    def question(self) -> Question | None:
        """What to ask the node now, if there is anything that it wasn't asked yet."""
        if not self.filling or self._asked is not None or not self._met:
            return None
        self._asked = self._boot
        self._asked_order = max(self._held, default=self._order)
        return Question(self._boot, [(kind, seq + 1, 0) for kind, seq in self._seqs.items()])

    def unanswered(self) -> None:
        """The question got lost: it may be asked again."""
        self._asked = None

    def welcome(self) -> None:
        """The node can be asked (again): for what was missed and hasn't shown yet, too."""
        self._answers = self.filling = True
        self._asked = None

    def answer(self, boot: str, rows: Sequence[Row], oldest: Mapping[str, int], more: bool, now_us: int) -> None:
        """The answer to the last question: ``rows`` in the node's order, and by type the oldest ``seq`` still there.

        ``more``: the ring has more of what was asked for than fits into one answer.
        """
        self.heard_us = now_us
        asked, self._asked = self._asked, None
        if asked is None:
            return
        self._answers = True
        self._since_us = now_us
        if boot != asked:  # its ring has ended with it, and the events that are still to come from it are the last
            self._flow(max(self._held, default=0), "boot")
            self.filling = False
            return
        reach = self._take(boot, rows)
        if more and self._order < reach < self._asked_order:
            self._flow(reach, "gone")
            return
        skipped, missing = self._flow(self._asked_order, "gone")
        if skipped > missing and all(oldest.get(kind, 0) <= seq + 1 for kind, seq in self._seqs.items()):
            self._believed_until_us = now_us + SKIPS_US
        self._settle(now_us)

    def _take(self, boot: str, rows: Sequence[Row]) -> int:
        """Put what came from the ring to what is held; the highest ``order`` among it."""
        reach = 0
        for kind, seq, payload in rows:
            if kind not in self._seqs:
                continue  # its subscription ended since the question
            event = read_event(payload, self.node, kind)
            if event is None or event["boot"] != boot or event["seq"] != seq:
                self._counts.malformed += 1
                continue
            order = event["order"]
            reach = max(reach, order)
            if seq > self._seqs[kind] and order not in self._held:
                self._held[order] = _Held(kind, seq, payload, event, filled=True)
                self._held_bytes += len(payload)
        return reach

    def tick(self, now_us: int) -> None:
        """Give up what was waited for too long."""
        if self.filling and self._held and now_us - self._since_us >= PATIENCE_US:
            self._flow(max(self._held), "silent")
            self.filling = self._answers = False

    # --- passing on ---

    def _begin(self, boot: str, now_us: int) -> None:
        """The node runs in another boot: what is missing of the last one can't be had any more."""
        if self._held:
            self._flow(max(self._held), "boot")
        elif self._boot and not self._met:
            # It ended while nobody listened: whether it made more than is known can't be known.
            self._say_gap(topic_of(self.node, ""), self._order + 1, self._order + 1, 0, "boot")
        if self._boot:
            self._ended.append(self._boot)
        self._boot, self._order = boot, 0
        self._seqs = dict.fromkeys(sorted(self._kinds), 0)
        self._lost = {}
        self._asked = None
        self.filling = True
        self._since_us = now_us

    def _flow(self, reach: int, reason: str) -> tuple[int, int]:
        """Pass on what is held up to an ``order``: how many numbers it skipped, and how many events it said lost."""
        skipped = missing = 0
        for order in sorted([order for order in self._held if order <= reach]):
            skipped += max(0, order - self._order - 1)
            missing += self._pass_held(order, reason)
        return skipped, missing

    def _settle(self, now_us: int) -> None:
        """Pass on what is held as far as nothing is missing. Is there another hole?"""
        for order in sorted(self._held):
            one = self._held[order]
            skips = order > self._order + 1 and now_us >= self._believed_until_us
            if skips or one.seq > self._seqs.get(one.kind, one.seq) + 1:
                break
            self._pass_held(order, "gone")
        # What the ring had beyond the hole comes by subscription as well, or is asked for again.
        self._held = {order: one for order, one in self._held.items() if not one.filled}
        self._held_bytes = sum(len(one.payload) for one in self._held.values())
        self.filling = bool(self._held)

    def _pass_held(self, order: int, reason: str) -> int:
        one = self._held.pop(order)
        self._held_bytes -= len(one.payload)
        return self._pass(order, one, reason) if one.seq > self._seqs.get(one.kind, one.seq) else 0

    def _pass(self, order: int, one: _Held, reason: str) -> int:
        """Pass an event on, after a gap if its type has one; how many events were lost in it."""
        expected = self._seqs[one.kind] + 1
        missing = one.seq - expected
        if missing:
            self._say_gap(self._topics[one.kind], expected, one.seq, missing, reason)
        self._seqs[one.kind] = one.seq
        key = one.event["lamport"]
        if order > self._order:
            self._order = order
            self.key = key = max(key, self.key)
        self._counts.events += 1
        self._counts.filled += one.filled
        self._push(key, self._topics[one.kind], one.payload, one.event)
        return missing

    def _say_gap(self, topic: bytes, expected: int, received: int, missing: int, reason: str) -> None:
        name = topic.decode()
        kind = name.rpartition(".")[2]
        total = self._lost[kind] = self._lost.get(kind, 0) + missing
        self._counts.gaps += 1
        self._counts.missing += missing
        fields = {
            "source": self.node,
            "source_boot": self._boot,
            "topic": name,
            "expected": expected,
            "received": received,
            "missing": missing,
            "total": total,
            "reason": reason,
        }
        self._push(self.key, GAP_TOPIC, b"", fields)
