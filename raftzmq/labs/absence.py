"""A follower that was cut off from all others for a while, and what its return did: read from the events."""

from __future__ import annotations

from dataclasses import dataclass, field

from raftzmq.labs.history import History, Moment


@dataclass(slots=True)
class Absence:
    """``node`` was cut off from ``gone`` to ``back``; ``leader`` led ``term`` when it went.

    Meanwhile it ``asked`` whether it could win, and ``campaigned``; ``term_back`` is its own term when it came back.
    After that the leader may have been ``deposed``, and ``elections`` begun by anybody; ``leader_after`` and
    ``term_after`` are how it ended.
    """

    node: str
    gone: Moment
    back: Moment
    leader: str
    term: int
    asked: list[Moment] = field(default_factory=list)
    campaigned: list[Moment] = field(default_factory=list)
    term_back: int = 0
    deposed: Moment | None = None
    elections: list[Moment] = field(default_factory=list)
    leader_after: str = ""
    term_after: int = 0


def absence_of(history: History) -> Absence | None:
    """The first absence in these events; None if nobody was cut off, or nobody led when it happened."""
    # By the clock that all share: what nobody hears has no place in the order of messages.
    moments = sorted(history.moments, key=lambda moment: int(moment.event["mono_ns"]))
    history = History(moments)
    cuts = [m for m in history.of("fault", what="set") if m.event["cut"]]
    sent = {node: {m.event["peer"] for m in cuts if m.node == node} for node in history.nodes}
    node = next((node for node, peers in sent.items() if len(peers) == len(history.nodes) - 1), None)
    gone = next((m for m in cuts if m.node == node), None)
    back = next((m for m in history.of("fault", node, what="healed")), None) if node is not None else None
    if node is None or gone is None or back is None:
        return None
    before, after = moments[: moments.index(gone)], moments[moments.index(back) :]
    between = moments[len(before) : len(moments) - len(after)]
    reigns = [m for m in before if m.event["type"] == "role" and m.event["role"] == "leader"]
    if not reigns:
        return None
    found = Absence(node, gone, back, reigns[-1].node, reigns[-1].term)
    for moment in between:
        if moment.event["type"] == "election" and moment.node == node:
            (found.asked if moment.event["pre_vote"] else found.campaigned).append(moment)
    found.term_back = max((m.term for m in [*before, *between] if m.node == node), default=0)
    _after(found, after)
    return found


def _after(found: Absence, after: list[Moment]) -> None:
    found.leader_after, found.term_after = found.leader, found.term
    for moment in after:
        event = moment.event
        if event["type"] == "election" and not event["pre_vote"]:
            found.elections.append(moment)
        elif event["type"] == "role":
            if event["role"] == "leader":
                found.leader_after, found.term_after = moment.node, moment.term
            elif event["previous"] == "leader" and moment.node == found.leader and found.deposed is None:
                found.deposed = moment
