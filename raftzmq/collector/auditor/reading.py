"""From events to what `Invariants` wants to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raftzmq.collector.auditor.followed import Followed
from raftzmq.verify import Invariants, OpenCommit, Place

Event = dict[str, Any]

DISK, COMMIT, STATE = "disk", "commit", "state"
"""Kinds of knowledge: how far a node's disk, its commit index and its durable state are."""
SETTLING = frozenset({"boot", "standing", "storage", "clock"})
"""The types that tell how far a disk is, or that it is no further."""
OPEN_MAX = 500
"""Commits that may wait until it turns out who had them on disk. Of one on top of that it never does."""


class Reading:
    """Reads the events of nodes; whatever cannot be is reported to the `Violations` of ``invariants``.

    Raises KeyError, TypeError or ValueError for an event that lacks what the catalogue says of its type.
    """

    def __init__(self, invariants: Invariants) -> None:
        self._invariants = invariants
        self._voters: list[str] = []
        self._handlers: dict[str, Callable[[Followed, Event], None]] = {
            "boot": self._boot,
            "standing": self._standing,
            "role": self._role,
            "term": self._term,
            "vote": self._vote,
            "election": self._election,
            "append": self._append,
            "truncate": self._truncate,
            "storage": self._storage,
            "commit": self._commit,
            "apply": self._apply,
            "reply": self._reply,
            "compact": self._compact,
            "snapshot": self._snapshot,
            "sent": self._sent,
            "heartbeat_sent": self._sent,
        }

    def read(self, followed: Followed, event: Event, position: int) -> None:
        """Take the next event of a node's present boot."""
        invariants = self._invariants
        kind = event["type"]
        if invariants.open_commits and kind in SETTLING:
            self._settle(followed, event)
        before = len(invariants.open_commits)
        if kind != "boot":  # which is compared with what the boot before it left
            invariants.node(followed.name).doubted = bool(followed.unheard)
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(followed, event)
        for opened in invariants.open_commits[before:]:
            opened.time, opened.position = event.get("lamport", 0), position
        if len(invariants.open_commits) > OPEN_MAX:
            self._give_up(invariants.open_commits[0])

    # ---- commits whose disks weren't known

    def _settle(self, followed: Followed, event: Event) -> None:
        """Did this node's disk have them? What it stored before another counted it has the smaller Lamport time."""
        invariants, name, kind = self._invariants, followed.name, event["type"]
        disk, lamport = invariants.node(name).disk, event.get("lamport", 0)
        for opened in list(invariants.open_commits):
            if name not in opened.awaited or (lamport < opened.time and kind != "boot"):
                continue
            if disk.has(opened.index, opened.entry):
                invariants.settle(opened, name, True)
            elif kind == "boot":
                # Its Lamport time begins anew. What its disk lacks it may store yet, before it is counted.
                if event["last_index"] >= opened.index:
                    invariants.settle(opened, name, None)
            elif kind == "standing":
                # What isn't there now was not there then: of what is committed nothing is removed.
                invariants.settle(opened, name, False if event["stable_index"] < opened.index else None)
            elif DISK in followed.anchors:
                # Made only while somebody listens: what was stored before has been told, too.
                differs = disk.differs(opened.index, opened.entry) and not followed.unheard
                lacked = opened.index > disk.last or differs
                invariants.settle(opened, name, False if lacked else None)

    def _give_up(self, opened: OpenCommit) -> None:
        for name in list(opened.awaited):
            if opened in self._invariants.open_commits:
                self._invariants.settle(opened, name, None)

    # ---- where it stands

    def _boot(self, followed: Followed, event: Event) -> None:
        if event["incarnation"] != followed.incarnation:
            if followed.incarnation:
                self._invariants.replaced(followed.name)
            followed.incarnation = event["incarnation"]
        self._vote_among(event["voters"])
        applied = event["applied_index"]
        place = Place(
            term=event["term"],
            vote=event["voted_for"],
            leader=False,
            mark_index=event["mark_index"],
            last_index=event["last_index"],
            last=(event["last_term"], event["last_chain"]),
            stable_index=event["last_index"],
            commit_index=applied,
            commit_chain=None,
            applied_index=applied,
            durable_index=applied,
            digest=event["digest"],
        )
        self._invariants.rejoined(followed.name, place)

    def _standing(self, followed: Followed, event: Event) -> None:
        self._vote_among(event["voters"])
        place = Place(
            term=event["term"],
            vote=event["voted_for"],
            leader=event["role"] == "leader",
            mark_index=event["mark_index"],
            last_index=event["last_index"],
            last=(event["last_term"], event["last_chain"]),
            stable_index=event["stable_index"],
            commit_index=event["commit_index"],
            commit_chain=event["commit_chain"],
            applied_index=event["applied_index"],
            durable_index=event["durable_index"],
            digest=event["digest"],
        )
        self._invariants.stands(followed.name, place, joining=not followed.known)
        followed.joined = not followed.known
        followed.stands()

    def _vote_among(self, voters: list[str]) -> None:
        if voters != self._voters:
            self._voters = list(voters)
            self._invariants.vote_among(voters)

    # ---- elections

    def _fact(self, followed: Followed, event: Event, *, leader: bool) -> None:
        """The core's facts come in their order, but a node may have said in between where it stands by now."""
        term = event["term"]
        if not followed.joined or term >= self._invariants.node(followed.name).term:
            self._invariants.in_term(followed.name, term, leader=leader)

    def _role(self, followed: Followed, event: Event) -> None:
        self._fact(followed, event, leader=event["role"] == "leader")

    def _term(self, followed: Followed, event: Event) -> None:
        seen = self._invariants.node(followed.name)
        self._fact(followed, event, leader=seen.leader and seen.term == event["term"])

    def _vote(self, followed: Followed, event: Event) -> None:
        if event["granted"] and not event["pre_vote"]:
            self._invariants.decided(followed.name, event["term"], event["candidate"])

    def _election(self, followed: Followed, event: Event) -> None:
        if not event["pre_vote"]:
            self._invariants.decided(followed.name, event["term"], followed.name)

    # ---- the log

    def _append(self, followed: Followed, event: Event) -> None:
        entries = list(zip(event["terms"], event["chains"], strict=True))
        if len(entries) != event["last"] - event["first"] + 1:
            raise ValueError(f"{len(entries)} entries from {event['first']} to {event['last']}")
        self._invariants.spoke(followed.name, event["term"])
        self._invariants.appended(followed.name, event["first"], entries)

    def _truncate(self, followed: Followed, event: Event) -> None:
        self._invariants.spoke(followed.name, event["term"])
        self._invariants.truncated(followed.name, event["first"])

    def _storage(self, followed: Followed, event: Event) -> None:
        name = followed.name
        if event["what"] == "state":
            self._invariants.state_stored(name, event["last"])
            followed.anchors.add(STATE)
            return
        self._invariants.node(name).exact = DISK in followed.anchors
        self._invariants.durable(name, event["vote_term"], event["voted_for"], event["last"], event["chain"])
        followed.anchors.add(DISK)

    def _commit(self, followed: Followed, event: Event) -> None:
        term, chain = event["entry_term"], event["chain"]
        entry = None if chain is None or term is None else (term, chain)
        self._invariants.commits(followed.name, event["term"], event["index"], entry)
        followed.anchors.add(COMMIT)

    def _compact(self, followed: Followed, event: Event) -> None:
        self._invariants.node(followed.name).exact = STATE in followed.anchors
        self._invariants.compacted(followed.name, event["index"])

    def _snapshot(self, followed: Followed, event: Event) -> None:
        if event["step"] != "installed" or event["chain"] is None:
            return
        name, index, entry = followed.name, event["index"], (event["entry_term"], event["chain"])
        self._invariants.installed(name, index, entry, event["digest"])
        self._invariants.jumped(name, index, entry)

    # ---- the state and those who wait for it

    def _apply(self, followed: Followed, event: Event) -> None:
        seen = self._invariants.node(followed.name)
        seen.exact = COMMIT in followed.anchors
        seen.disk.closed = DISK in followed.anchors
        self._invariants.applied_from(followed.name, event["first"])
        self._invariants.applied(followed.name, event["last"], event["chain"], event["digest"])
        seen.disk.closed = False

    def _reply(self, followed: Followed, event: Event) -> None:
        self._invariants.node(followed.name).exact = COMMIT in followed.anchors
        self._invariants.answered(followed.name, event["last"], event["commit_index"])

    def _sent(self, followed: Followed, event: Event) -> None:
        """A vote, or an acknowledgement of entries: on the sender's disk before it leaves (Raft figure 2)."""
        name, message, body = followed.name, event["message"], event["body"]
        seen = self._invariants.node(name)
        seen.exact = seen.disk.closed = DISK in followed.anchors
        if message == "AppendEntriesResponse":
            if body["success"] and body["match_index"]:
                self._invariants.matched(name, body["term"], body["match_index"])
        elif message == "RequestVote" and not body["pre_vote"]:
            self._invariants.granted(name, body["term"], name)
        elif message == "RequestVoteResponse" and body["granted"] and not body["pre_vote"]:
            self._invariants.granted(name, body["term"], event["peer"])
        seen.disk.closed = False
