"""What a node's events add up to: where it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

INTEGER_MAX = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly: a JavaScript number is a double."""
TEXT_MAX = 256
"""Characters of a text that are kept: names, ids and reasons are shorter, and memory must be bounded."""
ITEMS_MAX = 1000
"""Entries of a list or mapping that are kept: more than any cluster has nodes."""

Count = Annotated[int, msgspec.Meta(ge=0, le=INTEGER_MAX)]
Whole = Annotated[int, msgspec.Meta(ge=-INTEGER_MAX, le=INTEGER_MAX)]
Scalar = Whole | bool | str | None
Event = dict[str, Any]


class NodeState(msgspec.Struct):
    """One node, as far as its events tell; null is what they haven't told yet.

    Names are those of the events' fields. Values are replaced, never changed in place, so that a copy may share them.
    ``paused``: its process was stopped in its tracks; ``lab``: it takes faults that somebody makes on purpose.
    ``heard_ms`` is the time of the merged stream when the node was heard last, not its own clock.
    """

    boot: str | None = None
    boots: Count = 0
    incarnation: str | None = None
    heard_ms: Count = 0
    stopped: bool = False
    paused: bool = False
    lab: bool = False
    role: str | None = None
    term: Count = 0
    leader: str | None = None
    voted_for: str | None = None
    voters: list[str] = []
    mark_index: Count | None = None
    mark_chain: Count | None = None
    last_index: Count | None = None
    stable_index: Count | None = None
    commit_index: Count | None = None
    applied_index: Count | None = None
    durable_index: Count | None = None
    digest: Count | None = None
    revision: Count | None = None
    has_room: bool | None = None
    pid: Count | None = None
    election_due_us: Count | None = None
    next_index: dict[str, Count] = {}
    match_index: dict[str, Count] = {}
    missing: Count = 0
    metrics: dict[str, Scalar | dict[str, Count]] = {}

    def fold(self, event: Event) -> None:
        """Take in an event of this node; raises KeyError, TypeError or ValueError for one that isn't well made.

        Of a type that tells nothing about where the node stands, boot and term alone count.
        """
        boot, term = event["boot"], event["term"]
        if boot != self.boot:
            self._restart(text(boot))
        if term != self.term:
            if count(term) > self.term:
                self.voted_for = None
            self.term = term
        take = _TAKE.get(event["type"])
        if take is not None:
            take(self, event)

    def _restart(self, boot: str) -> None:
        """Another life of the process: what only the process knew is gone, what its disk held isn't."""
        self.boot = boot
        self.boots += 1
        self.stopped = self.paused = False
        self.role = self.leader = self.pid = self.election_due_us = None
        self.next_index = self.match_index = {}
        self.metrics = {}

    def _boot(self, e: Event) -> None:
        self.incarnation = text(e["incarnation"])
        self.role, self.has_room = "follower", True  # a full disk is said by an event of its own
        self.voted_for = text_or_none(e["voted_for"])
        self.voters = names(e["voters"])
        self.mark_index, self.mark_chain = count(e["mark_index"]), count(e["mark_chain"])
        self.last_index = self.stable_index = count(e["last_index"])
        self.commit_index = self.applied_index = self.durable_index = count(e["applied_index"])
        self.digest, self.revision = count(e["digest"]), count(e["revision"])

    def _role(self, e: Event) -> None:
        self.role = text(e["role"])
        if self.role != "leader":
            self.next_index = self.match_index = {}
        if self.role == "candidate":
            self.voted_for = text(e["node"])

    def _vote(self, e: Event) -> None:
        if e["granted"] is True and e["pre_vote"] is False:
            self.voted_for = text(e["candidate"])

    def _leader(self, e: Event) -> None:
        self.leader = text_or_none(e["leader"])

    def _append(self, e: Event) -> None:
        self.last_index = count(e["last"])

    def _truncate(self, e: Event) -> None:
        self.last_index = max(0, count(e["first"]) - 1)
        self.stable_index = min(self.stable_index or 0, self.last_index)

    def _commit(self, e: Event) -> None:
        self.commit_index = count(e["index"])

    def _compact(self, e: Event) -> None:
        self.mark_index, self.mark_chain = count(e["index"]), None

    def _snapshot(self, e: Event) -> None:
        if e["step"] != "installed":
            return
        index = count(e["index"])
        self.mark_index, self.mark_chain = index, count_or_none(e["chain"])
        self.applied_index = self.durable_index = index
        self.last_index = max(self.last_index or 0, index)
        self.commit_index = max(self.commit_index or 0, index)
        self.digest = count_or_none(e["digest"])

    def _room(self, e: Event) -> None:
        self.has_room = flag(e["has_room"])

    def _apply(self, e: Event) -> None:
        self.applied_index = count(e["last"])
        self.digest, self.revision = count(e["digest"]), count(e["revision"])

    def _storage(self, e: Event) -> None:
        if e["what"] == "state":
            self.durable_index = count(e["last"])
            return
        self.stable_index = count(e["last"])
        if e["vote_term"] == self.term:
            self.voted_for = text_or_none(e["voted_for"])
        if e["restarted_after"] is not None:
            self.mark_index = count(e["restarted_after"])

    def _standing(self, e: Event) -> None:
        self.role, self.leader = text(e["role"]), text_or_none(e["leader"])
        self.voted_for, self.voters = text_or_none(e["voted_for"]), names(e["voters"])
        self.mark_index, self.mark_chain = count(e["mark_index"]), count(e["mark_chain"])
        self.last_index, self.stable_index = count(e["last_index"]), count(e["stable_index"])
        self.commit_index, self.applied_index = count(e["commit_index"]), count(e["applied_index"])
        self.durable_index = count(e["durable_index"])
        self.digest, self.revision = count(e["digest"]), count(e["revision"])
        self.next_index, self.match_index = counts(e["next_index"]), counts(e["match_index"])
        self.election_due_us = count_or_none(e["election_due_us"])
        self.has_room, self.pid = flag(e["has_room"]), count(e["pid"])
        self.lab = flag(e.get("lab", False))  # in recordings of older releases there is none

    def _metrics(self, e: Event) -> None:
        self.metrics = {
            name: counts(value) if isinstance(value, dict) else scalar(value)
            for name, value in list(e.items())[:ITEMS_MAX]
            if name not in _ENVELOPE
        }


_ENVELOPE = frozenset({"v", "node", "boot", "seq", "order", "ts", "mono_ns", "lamport", "term", "type"})

_TAKE: dict[str, Callable[[NodeState, Event], None]] = {
    "boot": NodeState._boot,
    "role": NodeState._role,
    "vote": NodeState._vote,
    "leader": NodeState._leader,
    "append": NodeState._append,
    "truncate": NodeState._truncate,
    "commit": NodeState._commit,
    "compact": NodeState._compact,
    "snapshot": NodeState._snapshot,
    "room": NodeState._room,
    "apply": NodeState._apply,
    "storage": NodeState._storage,
    "standing": NodeState._standing,
    "metrics": NodeState._metrics,
}


def count(value: Any) -> int:
    """``value`` if it is a whole number that every reader keeps exactly, from 0; else raises ValueError."""
    if type(value) is not int or not 0 <= value <= INTEGER_MAX:
        raise ValueError(value)
    return value


def whole(value: Any) -> int:
    """The same below 0 too: supervisord says -1 of a process that a signal ended."""
    if type(value) is not int or not -INTEGER_MAX <= value <= INTEGER_MAX:
        raise ValueError(value)
    return value


def count_or_none(value: Any) -> int | None:
    """A `count`, or None."""
    return None if value is None else count(value)


def ppm(value: Any) -> int:
    """A probability in millionths: the state has no fractions; raises ValueError for what is none."""
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise ValueError(value)
    return int(value * 1e6 + 0.5)


def text(value: Any) -> str:
    """``value`` if it is a text, of which `TEXT_MAX` characters are kept; else raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(value)
    return value if len(value) <= TEXT_MAX else value[:TEXT_MAX]


def text_or_none(value: Any) -> str | None:
    """The same, or None."""
    return None if value is None else text(value)


def flag(value: Any) -> bool:
    """``value`` if it is true or false; else raises ValueError."""
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def scalar(value: Any) -> Scalar:
    """A number, text, flag or null as the state keeps it; raises ValueError for anything else."""
    if value is None or isinstance(value, bool):
        return value
    return text(value) if isinstance(value, str) else whole(value)


def names(value: Any) -> list[str]:
    """A list of names; raises ValueError for anything else."""
    if not isinstance(value, list):
        raise ValueError(value)
    return [text(name) for name in value[:ITEMS_MAX]]


def counts(value: Any) -> dict[str, int]:
    """Whole numbers by name; raises ValueError for anything else."""
    if not isinstance(value, dict):
        raise ValueError(value)
    return {text(name): count(number) for name, number in list(value.items())[:ITEMS_MAX]}
