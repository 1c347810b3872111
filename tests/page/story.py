"""What a cluster says while a story happens to it: elections, entries, messages that arrive or are lost; no cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.collector.streams import event

Event = dict[str, Any]


def chain_of(index: int, term: int) -> int:
    """Stands for the checksum of a log up to there: the same for the same entry."""
    return (index * 2_654_435_761 + term * 40_503) % 2**32


class Story:
    """Nodes with logs of their own; each thing that happens adds its ``events``, a millisecond after the one before.

    A node's log is the list of its entries' terms behind ``mark``.
    """

    def __init__(self, nodes: int = 5) -> None:
        self.names = [f"n{number}" for number in range(1, nodes + 1)]
        self.events: list[Event] = []
        self.logs: dict[str, list[int]] = {name: [] for name in self.names}
        self.mark = dict.fromkeys(self.names, 0)
        self.commits = dict.fromkeys(self.names, 0)
        self.disks = dict.fromkeys(self.names, 0)
        self.lamport = dict.fromkeys(self.names, 1000)
        self.matches = dict.fromkeys(self.names, 0)
        self.leader = ""
        self.term = 0
        self.now_ms = 0
        self.mids = 0
        for name in self.names:
            self.boot(name)

    def say(self, node: str, kind: str, /, **fields: Any) -> Event:
        """One event."""
        self.now_ms += 1
        said = event(kind, node, term=self.term, ms=self.now_ms) | fields
        said |= {"seq": len(self.events) + 1, "order": len(self.events) + 1, "lamport": self.lamport[node]}
        self.events.append(said)
        return said

    def end(self, node: str) -> int:
        """The last index of its log."""
        return self.mark[node] + len(self.logs[node])

    def boot(self, node: str, boot: str = "b1") -> None:
        """It starts, with what its disk has."""
        self.logs[node] = self.logs[node][: max(0, self.disks[node] - self.mark[node])]
        said = self.say(
            node, "boot", **self._standing(node), incarnation="i", cluster="c", first_index=self.mark[node] + 1
        )
        said["boot"] = boot

    def _standing(self, node: str) -> dict[str, Any]:
        last = self.end(node)
        term = self.logs[node][-1] if self.logs[node] else 0
        return {
            "voted_for": None,
            "voters": self.names,
            "mark_index": self.mark[node],
            "mark_chain": 0,
            "last_index": last,
            "last_term": term,
            "last_chain": chain_of(last, term),
            "applied_index": self.commits[node],
            "digest": 0,
            "revision": 0,
        }

    def standing(self, node: str) -> None:
        """Where it stands, whole."""
        leads = node == self.leader
        others = [name for name in self.names if name != node]
        self.say(
            node,
            "standing",
            **self._standing(node),
            role="leader" if leads else "follower",
            leader=self.leader or None,
            stable_index=self.disks[node],
            commit_index=self.commits[node],
            commit_chain=None,
            durable_index=self.commits[node],
            next_index={name: self.end(node) + 1 for name in others} if leads else {},
            match_index={name: self.matches[name] for name in others} if leads else {},
            election_due_us=None if leads else 150_000,
            has_room=True,
            pid=1,
        )

    def message(self, a: str, b: str, name: str, *, lost: bool = False, beat: bool = False, **body: Any) -> None:
        """One goes from `a` to `b`, and comes there if it isn't lost."""
        self.mids += 1
        self.lamport[a] += 1
        told = {"mid": f"{a}:{self.mids}", "message": name, "bytes": 0, "body": {"term": self.term, **body}}
        self.say(a, "heartbeat_sent" if beat else "sent", peer=b, **told)
        if not lost:
            self.lamport[b] = max(self.lamport[a], self.lamport[b]) + 1
            self.say(b, "heartbeat_received" if beat else "received", peer=a, **told)

    def elect(self, leader: str, voters: Sequence[str] | None = None) -> None:
        """It asks for votes in a new term, gets them and leads; its first entry is an empty one."""
        self.term += 1
        voters = [name for name in (self.names if voters is None else voters) if name != leader]
        last = self.end(leader)
        self.say(leader, "role", role="candidate", previous="follower", reason="no leader was heard in time")
        self.say(leader, "election", pre_vote=False, last_log_index=last)
        for voter in voters:
            asked: dict[str, Any] = {"last_log_index": last, "last_log_term": 0, "pre_vote": False, "told": False}
            self.message(leader, voter, "RequestVote", **asked)
            self.say(voter, "vote", candidate=leader, granted=True, pre_vote=False, reason="voted")
            self.message(voter, leader, "RequestVoteResponse", granted=True, pre_vote=False)
        self.say(leader, "role", role="leader", previous="candidate", reason="a majority voted for this node")
        self.leader = leader
        self.matches = dict.fromkeys(self.names, 0)
        for name in [leader, *voters]:
            self.say(name, "leader", leader=leader)
        self.write(1, to=voters)

    def append(self, node: str, count: int, *, term: int | None = None, disk: bool = True) -> None:
        """Entries join its log, and its disk."""
        term = self.term if term is None else term
        first, last = self.end(node) + 1, self.end(node) + count
        self.logs[node] += [term] * count
        chains = [chain_of(index, term) for index in range(first, last + 1)]
        role = "leader" if node == self.leader else "follower"
        told = {"first": first, "last": last, "terms": [term] * count, "chains": chains, "bytes": count, "batch": count}
        self.say(node, "append", **told, waited_us=0, role=role)
        if disk:
            self.store(node)

    def store(self, node: str) -> None:
        """All of its log is on its disk."""
        self.disks[node] = self.end(node)
        work = {"elapsed_us": 900, "commit_us": 800, "entries": 1, "bytes": 1, "chain": 0, "restarted_after": None}
        self.say(node, "storage", what="log", last=self.disks[node], voted_for=None, vote_term=self.term, **work)

    def write(
        self, count: int, *, to: Sequence[str] | None = None, lost: Sequence[str] = (), commit: bool = True
    ) -> None:
        """A client's entries go to the leader and to these followers; lost on the way to those."""
        leader = self.leader
        followers = [name for name in (self.names if to is None else to) if name != leader]
        self.say(leader, "request", kind="execute", commands=count, bytes=count)
        self.append(leader, count)
        for name in followers:
            self._replicate(name, lost=name in lost)
        if not commit:
            return
        self.commit(leader, self.end(leader))
        self.say(
            leader, "reply", first=self.end(leader), last=self.end(leader), commit_index=self.end(leader), requests=1
        )
        for name in followers:
            if name not in lost:
                told: dict[str, Any] = {
                    "prev_log_index": self.end(name),
                    "prev_log_term": self.term,
                    "round": 0,
                    "entries": [],
                }
                self.message(leader, name, "AppendEntries", beat=True, leader_commit=self.commits[leader], **told)
                self.commit(name, self.end(name))

    def _replicate(self, name: str, *, lost: bool = False) -> None:
        """The leader sends what this follower hasn't; it drops what conflicts, and answers."""
        leader = self.leader
        base = max(self.mark[name], self.mark[leader])
        mine, theirs = (self.logs[node][base - self.mark[node] :] for node in (name, leader))
        agreed = next(
            (i for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), min(len(mine), len(theirs))
        )
        first, last = base + agreed + 1, self.end(leader)
        told: dict[str, Any] = {
            "prev_log_index": first - 1,
            "prev_log_term": self.term,
            "leader_commit": self.commits[leader],
            "round": 0,
        }
        self.message(leader, name, "AppendEntries", lost=lost, entries=[first, last], **told)
        if lost:
            return
        if len(mine) > agreed:
            self.say(name, "truncate", first=first, last=self.end(name), leader=leader)
            del self.logs[name][first - 1 - self.mark[name] :]
            self.disks[name] = min(self.disks[name], self.end(name))
        for term in theirs[agreed:]:
            self.append(name, 1, term=term, disk=False)
        self.store(name)
        self.matches[name] = last
        answer: dict[str, Any] = {"success": True, "match_index": last, "round": 0, "prev_log_index": first - 1}
        self.message(name, leader, "AppendEntriesResponse", **answer, hint_index=0, hint_term=0)

    def commit(self, node: str, index: int) -> None:
        """It learns that entries up to there are committed, and applies them."""
        term = self.logs[node][index - self.mark[node] - 1]
        told = {"chain": chain_of(index, term)}
        self.say(node, "commit", index=index, previous=self.commits[node], entry_term=term, **told)
        work = {"commands": 1, "revision": index, "digest": 1, "elapsed_us": 40}
        self.say(node, "apply", first=self.commits[node] + 1, last=index, **told, **work)
        self.commits[node] = index

    def compact(self, node: str, index: int) -> None:
        """A snapshot holds what is up to there; the log forgets it."""
        del self.logs[node][: index - self.mark[node]]
        self.mark[node] = index
        self.say(node, "compact", index=index, bytes=0)


def minority_leader() -> Story:
    """A leader is cut off with one follower: its entries don't commit, and give way to the others' once it is back."""
    story = Story(5)
    story.elect("n1")
    story.write(6)
    story.compact("n4", 4)
    story.write(3, to=["n2"], commit=False)
    story.standing("n1")
    story.elect("n3", voters=["n3", "n4", "n5"])
    story.write(2, to=["n4", "n5"])
    return story
