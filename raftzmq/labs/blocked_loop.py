"""A blocking call of a leader, and what followed from it: read from the events around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from raftzmq.labs.history import History, Moment

TAG = "call"
"""The first word of the tag by which a request tells of a call that was made."""
SLOT_MS = 50
BEFORE_MS, AFTER_MS = 250, 1000
"""What is looked at around the call."""


def tag_of(node: str, where: str, begun_s: float, ended_s: float) -> str:
    """What a request is tagged with to have a call stand in the recording; times are of the shared monotonic clock."""
    return f"{TAG} {node} {where} {begun_s:.3f} {ended_s:.3f}"


@dataclass(slots=True)
class BlockedLoop:
    """``node`` made a call ``where`` (`loop` or `executor`) between two times of the clock that all share.

    ``sent`` are the AppendEntries that left it meanwhile; ``silence_ms`` is the longest time without any that ended
    after the call began. ``elections`` are those that others began then, ``next_leader`` is who won one. ``alive`` is
    the first that the same boot of the node said after the call.
    """

    node: str
    where: str
    begun_ns: int
    ended_ns: int
    told: Moment
    sent: list[Moment] = field(default_factory=list)
    silence_ms: float = 0.0
    elections: list[Moment] = field(default_factory=list)
    next_leader: Moment | None = None
    alive: Moment | None = None

    @property
    def ms(self) -> float:
        """How long it took."""
        return (self.ended_ns - self.begun_ns) / 1e6


def blocked_loops(history: History) -> list[BlockedLoop]:
    """All calls that are told of, in order."""
    found = []
    for told in history.of("trace"):
        words = str(told.event["tag"]).split()
        if len(words) == 5 and words[0] == TAG:
            begun, ended = (round(float(word) * 1e9) for word in words[3:])
            found.append(_around(history, BlockedLoop(words[1], words[2], begun, ended, told)))
    return found


def appends_of(history: History, node: str) -> list[Moment]:
    """Every AppendEntries that left a node, with entries or without, in order of time."""
    found = [m for kind in ("sent", "heartbeat_sent") for m in history.of(kind, node, message="AppendEntries")]
    return sorted(found, key=at_ns)


def at_ns(moment: Moment) -> int:
    """The clock that all processes of a machine share."""
    return int(moment.event["mono_ns"])


def _around(history: History, call: BlockedLoop) -> BlockedLoop:
    appends = appends_of(history, call.node)
    call.sent = [m for m in appends if call.begun_ns < at_ns(m) < call.ended_ns]
    after_ns = call.ended_ns + AFTER_MS * 1_000_000
    # Who no longer leads sends nothing more: what is asked is how long it was silent as leader.
    times = [at_ns(m) for m in appends if at_ns(m) < after_ns]
    gaps = [late - early for early, late in pairwise(times) if late > call.begun_ns]
    open_end = [call.ended_ns - times[-1]] if times and times[-1] < call.ended_ns else []
    call.silence_ms = max([*gaps, *open_end], default=0) / 1e6
    since = [m for m in history if call.begun_ns < at_ns(m) < after_ns]
    call.elections = [
        m for m in since if m.event["type"] == "election" and not m.event["pre_vote"] and m.node != call.node
    ]
    leaders = [m for m in since if m.event["type"] == "role" and m.event["role"] == "leader"]
    call.next_leader = next((m for m in leaders if m.node != call.node), None)
    before = [m for m in history if m.node == call.node and at_ns(m) <= call.begun_ns]
    boot = before[-1].event["boot"] if before else None
    call.alive = next(
        (m for m in history if m.node == call.node and at_ns(m) >= call.ended_ns and m.event["boot"] == boot), None
    )
    return call


def picture(history: History, call: BlockedLoop) -> Iterator[str]:
    """Two lines of `SLOT_MS` slots: when the call was made, and what left leaders meanwhile."""
    begin = call.begun_ns - BEFORE_MS * 1_000_000
    slots = ["."] * (BEFORE_MS // SLOT_MS + round((call.ms + AFTER_MS) / SLOT_MS))

    def mark(moment: Moment, sign: str) -> None:
        slot = (at_ns(moment) - begin) // (SLOT_MS * 1_000_000)
        if 0 <= slot < len(slots):
            slots[slot] = sign

    for node in history.nodes:
        for moment in appends_of(history, node):
            mark(moment, "|")
    if call.next_leader is not None:
        mark(call.next_leader, "L")
    edge, width = BEFORE_MS // SLOT_MS, max(1, round(call.ms / SLOT_MS))
    yield f"{'':>10}{' ' * edge}{'#' * width}"
    yield f"{call.where:>8}  {''.join(slots)}"
