"""A message with entries that was lost, and how the leader found out and sent them again: read from single messages."""

from __future__ import annotations

from dataclasses import dataclass

from raftzmq.labs.history import END, History, Moment

APPEND, ANSWER = "AppendEntries", "AppendEntriesResponse"


@dataclass(slots=True)
class LostEntry:
    """``lost`` left the leader for ``peer`` with entries ``first`` to ``last`` and never arrived.

    ``refusal`` is the peer's answer to ``question``, which names an entry that it lacks; ``again`` is the message with
    which the leader sends the lost entries once more. What wasn't seen is None.
    """

    lost: Moment
    leader: str
    peer: str
    first: int
    last: int
    question: Moment | None = None
    refusal: Moment | None = None
    again: Moment | None = None

    @property
    def again_last(self) -> int:
        """The last entry of ``again``, 0 if it wasn't seen."""
        return int(self.again.event["body"]["entries"][1]) if self.again is not None else 0


def lost_entries(history: History) -> list[LostEntry]:
    """Messages with entries to somebody who had been given entries by the same leader before, and heard it after."""
    arrived = {moment.event["mid"] for moment in history.of("received")}
    found = []
    for moment in history.of("sent", message=APPEND):
        event = moment.event
        if event["mid"] in arrived or not event["body"]["entries"]:
            continue
        leader, peer = moment.node, str(event["peer"])
        before = [m for m in _taken(history, peer, leader) if m.position < moment.position]
        after = [m for m in _taken(history, peer, leader) if m.position > moment.position]
        if before and after:
            first, last = event["body"]["entries"]
            found.append(_followed(history, LostEntry(moment, leader, peer, first, last)))
    return found


def _taken(history: History, peer: str, leader: str) -> list[Moment]:
    """What ``peer`` took from ``leader`` with entries in it."""
    return [m for m in history.of("received", peer, message=APPEND, peer=leader) if m.event["body"]["entries"]]


def _followed(history: History, found: LostEntry) -> LostEntry:
    """What came of it, as far as it was seen."""
    answers = history.of("sent", found.peer, after=found.lost.position, message=ANSWER, peer=found.leader)
    found.refusal = next((m for m in answers if not m.event["body"]["success"]), None)
    if found.refusal is None:
        return found
    previous = found.refusal.event["body"]["prev_log_index"]
    questions = [
        m
        for kind in ("received", "heartbeat_received")
        for m in history.of(kind, found.peer, before=found.refusal.position, message=APPEND, peer=found.leader)
        if m.event["body"]["prev_log_index"] == previous and m.position > found.lost.position
    ]
    found.question = max(questions, key=lambda m: m.position, default=None)
    resent = history.of("sent", found.leader, after=found.refusal.position, message=APPEND, peer=found.peer)
    found.again = next((m for m in resent if _covers(m, found.first)), None)
    return found


def _covers(moment: Moment, index: int) -> bool:
    entries = moment.event["body"]["entries"]
    return bool(entries) and entries[0] <= index <= entries[1]


def joined_log(history: History, node: str, index: int, *, before: int = END) -> Moment | None:
    """When the entry at ``index`` last joined the log of ``node``."""
    found = [m for m in history.of("append", node, before=before) if m.event["first"] <= index <= m.event["last"]]
    return found[-1] if found else None


def chain_there(moment: Moment, index: int) -> int:
    """The chain value of the entry at ``index`` among those of an `append`."""
    return int(moment.event["chains"][index - moment.event["first"]])
