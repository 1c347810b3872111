"""Nodes that are followed from somewhere in the middle, lost from sight, and seen again.

What such a node has is known from one index on, and what it lacks only where something says so. Its commit and applied
index and its terms still can't go back within a boot; what its disk had, it still has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raftzmq.verify.commitments import Commitments
from raftzmq.verify.known_log import UNKNOWN_TERM, EntryId, KnownLog, same
from raftzmq.verify.seen_node import SeenNode

FORGET_STEP = 1_000
"""Forgetting looks at all that is remembered: not for a few entries."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node says that it stands.

    ``last_index`` and ``last`` end its log in memory, ``stable_index`` on disk; ``mark_index`` is the entry before it.
    ``vote`` is whom it votes for in ``term``. ``durable_index`` ends its state on disk. ``digest`` goes with
    ``applied_index``, ``commit_chain`` with ``commit_index``.
    """

    term: int
    vote: str | None
    leader: bool
    mark_index: int
    last_index: int
    last: EntryId
    stable_index: int
    commit_index: int
    commit_chain: int | None
    applied_index: int
    durable_index: int
    digest: int


class Joining(Commitments):
    """Observations for who doesn't see everything."""

    _forgotten = 0

    def lost(self, node: str) -> None:
        """Something of ``node`` was missed: what its log and disk have now, and whether it leads, is unknown."""
        seen = self.node(node)
        seen.leader = seen.exact = False
        seen.log, seen.disk = KnownLog(closed=False), KnownLog(closed=False)
        seen.doubted, seen.seam = False, 0

    def restarted(self, node: str) -> None:
        """``node`` has started again, and nothing is known of what it found on its disk."""
        seen = self.node(node)
        self.lost(node)
        seen.boot += 1
        seen.up = True
        seen.commit = seen.applied = seen.mark = seen.installed = seen.term = 0

    def replaced(self, node: str) -> None:
        """``node`` has another data directory: what the one before had is no longer expected of it."""
        self.lost(node)
        seen = self.node(node)
        seen.stored_term, seen.stored_vote = 0, None

    def rejoined(self, node: str, place: Place) -> None:
        """``node`` starts from what its disk has: memory and disk are the same, and the state is at what it applied."""
        seen = self.node(node)
        if seen.boot:
            self._still_has(node, seen, place)
        if place.applied_index > place.last_index:
            text = f"{node} starts with a state at {place.applied_index}, and its log ends at {place.last_index}"
            self._report("state_behind_log", (node,), text)
        self.restarted(node)
        seen.term = seen.stored_term = place.term
        seen.stored_vote = place.vote
        if place.vote is not None:
            self._voted(node, place.term, place.vote, self._durable_votes)
        seen.commit = seen.applied = seen.state = place.applied_index
        self._begin(node, seen, place)

    def _still_has(self, node: str, seen: SeenNode, place: Place) -> None:
        """What was known to be on its disk is there: a later term, vote or entry may be, too, for the end of a boot
        need not have been seen."""
        self._checks["durability"] += 1
        vote_gone = place.term == seen.stored_term and seen.stored_vote not in (None, place.vote)
        if place.term < seen.stored_term or vote_gone:
            self._report(
                "durability",
                (node,),
                f"{node} stored term {seen.stored_term} and vote {seen.stored_vote}, "
                f"and starts with term {place.term} and vote {place.vote}",
            )
        index = min(seen.disk.last, self.committed.last)
        committed = self.committed.get(index)
        if committed is None or not seen.disk.has(index, committed):
            self._skipped["durability"] += 1
        elif place.last_index < index or (place.last_index == index and not same(place.last, committed)):
            text = (
                f"{node} stored entry {index}, which was committed, and starts with a log that ends at "
                f"{place.last_index} in term {place.last[0]}"
            )
            self._drops("durability", node, seen, index, text)

    def _begin(self, node: str, seen: SeenNode, place: Place) -> None:
        seen.mark = place.mark_index
        seen.doubted, seen.seam = False, 0
        seen.log = KnownLog.ending(place.last_index, place.last, closed=False)
        stable = place.last if place.stable_index == place.last_index else None
        seen.disk = KnownLog.ending(place.stable_index, stable, closed=False)
        self._saw_place(node, place)

    def _saw_place(self, node: str, place: Place) -> None:
        if place.last_index:
            self.saw_entry(node, place.last_index, place.last)
        self.saw_digest(node, place.applied_index, place.digest)

    def stands(self, node: str, place: Place, *, joining: bool) -> None:
        """``node`` says where it stands. What was known of it and doesn't agree is given up for that.

        That isn't a violation unless something went back: what happened between may just not have been told.
        ``joining``: what it says is all that is known of it, its term and role included.
        """
        seen = self.node(node)
        if not seen.boot:
            seen.boot, seen.up = 1, True
        for what, before, now in (
            ("term", seen.term, place.term),
            ("commit index", seen.commit, place.commit_index),
            ("applied index", seen.applied, place.applied_index),
        ):
            self._checks["monotonic"] += 1
            if now < before:
                self._report("monotonic", (node,), f"{node}'s {what} went back from {before} to {now}")
        if place.commit_index > place.last_index:
            text = f"{node} has committed up to {place.commit_index}, and its log ends at {place.last_index}"
            self._report("monotonic", (node,), text)
        if place.vote is not None:
            self.decided(node, place.term, place.vote)
        if place.leader:
            self.saw_leader(node, place.term)
        if joining:
            seen.term, seen.leader = place.term, place.leader
        seen.applied = max(seen.applied, place.applied_index)
        seen.state = max(seen.state, place.durable_index)
        elsewhere = seen.log.last > place.last_index or seen.log.differs(place.last_index, place.last)
        behind = seen.log.last < place.last_index and seen.disk.last < place.stable_index
        if joining or elsewhere or behind or seen.doubted:
            self._begin(node, seen, place)
        else:
            self._saw_place(node, place)
            if seen.disk.last != place.stable_index:
                seen.disk.restart(place.stable_index, seen.log.get(place.stable_index))
        if place.commit_index > seen.commit:
            self._stands_committed(node, seen, place)

    def _stands_committed(self, node: str, seen: SeenNode, place: Place) -> None:
        """It committed this when nobody looked: who had it on disk then can't be found out."""
        seen.commit = place.commit_index
        entry = seen.log.get(place.commit_index)
        if entry is None and place.commit_chain is not None:
            entry = (UNKNOWN_TERM, place.commit_chain)
        self._agrees(node, seen, place.commit_index, entry)
        if entry is not None and place.commit_index > self.committed.last:
            self._extend_committed(seen, place.commit_index, entry)
            self._committed_in[place.term] = max(place.commit_index, self._committed_in.get(place.term, 0))

    # ---- while it is followed

    def in_term(self, node: str, term: int, *, leader: bool) -> None:
        """``node`` is in ``term``, and leads it or doesn't."""
        seen = self.node(node)
        self._checks["monotonic"] += 1
        if term < seen.term:
            self._report("monotonic", (node,), f"{node} went back from term {seen.term} to {term}")
        elected = leader and not (seen.leader and term == seen.term)
        seen.term, seen.leader = term, leader
        if elected:
            self._elected(node, seen)

    def spoke(self, node: str, term: int) -> None:
        """``node`` did something in ``term``: if that is later than is known, it leads no more, as far as known."""
        seen = self.node(node)
        if term > seen.term:
            seen.term, seen.leader = term, False

    def appended(self, node: str, first: int, entries: Sequence[EntryId]) -> None:
        """``entries`` from index ``first`` on are in the log of ``node``; some may have been known to be there."""
        seen = self.node(node)
        log = seen.log
        if seen.unproven and seen.leader and first == log.last + 1:
            # Nothing lies between what was known and what a leader appends: that was all of its log.
            log.closed = True
            self._completes(node, seen)
            log.closed = False
        seen.unproven = False
        if seen.doubted:
            seen.seam = first
        if first > log.last + 1:
            log.restart(first - 1, None)
        last = first + len(entries) - 1
        while first <= min(log.last, last) and not log.differs(first, entries[0]):
            if log.get(first) is None:
                self.saw_entry(node, first, entries[0])
            first, entries = first + 1, entries[1:]
        self._changed(node, seen, first, entries, stayed=seen.leader)
        index = min(last, seen.commit)
        if first <= index and self.committed.get(index) is not None:
            self._checks["state_machine_safety"] += 1
            if self.committed.differs(index, log.get(index)):
                text = f"{node} takes another entry at {index} than it knows committed"
                self._report("state_machine_safety", (node,), text)

    def _changed(self, node: str, seen: SeenNode, first: int, entries: Sequence[EntryId], *, stayed: bool) -> None:
        """Everything in its log from ``first`` on gives way to ``entries``; it ``stayed`` the leader, or didn't."""
        log = seen.log
        self._checks["leader_append_only"] += 1
        if first <= log.last and stayed:
            self._suspect(
                "leader_append_only",
                (node,),
                f"{node}, leader of term {seen.term}, replaced its log from {first} on, which ended at {log.last}",
            )
        if first <= min(log.last, seen.commit):
            self._suspect(
                "state_machine_safety",
                (node,),
                f"{node} replaced its log from {first} on after it had committed up to {seen.commit}",
            )
        log.truncate(first)
        for index, entry in enumerate(entries, first):
            self.saw_entry(node, index, entry)
        log.append(entries)

    def durable(self, node: str, term: int, vote: str | None, index: int, chain: int | None) -> None:
        """The disk of ``node`` has this term and vote, and its log up to ``index``, where ``chain`` is if it's known.

        What it has beyond that gives way to something else: it doesn't count.
        """
        seen = self.node(node)
        self._stored_hard_state(node, term, vote)
        disk = seen.disk
        before = disk.get(index)
        if chain is not None and before is not None and before[1] != chain and not seen.exact:
            # Written anew: it was dropped in between, and something is missing of what would have said so.
            self._keeps(node, seen, index, None, "removed")
            entry = (UNKNOWN_TERM, chain)
            disk.restart(index, entry if seen.log.differs(index, entry) else seen.log.get(index) or entry)
            return
        if index < disk.last:
            self._keeps(node, seen, index + 1, None, "removed")
            disk.truncate(index + 1)
        elif index > disk.last:
            between = seen.log.between(disk.last + 1, index)
            if between is not None:
                disk.append(between)
            else:
                known = seen.log.get(index)
                disk.restart(index, known or (None if chain is None else (UNKNOWN_TERM, chain)))
        own = disk.get(index)
        if chain is None or own is None:
            return
        self._checks["log_matching"] += 1
        if own[1] != chain:
            text = f"{node} has chain {chain:08x} at {index} on its disk, and {own[1]:08x} in its log"
            self._suspect("log_matching", (node,), text)

    def commits(self, node: str, term: int, index: int, entry: EntryId | None) -> None:
        """``node``, in ``term``, has committed up to ``index``, where ``entry`` is if that is known."""
        seen = self.node(node)
        self.spoke(node, term)
        if entry is not None and entry[0] != UNKNOWN_TERM:
            self.saw_entry(node, index, entry)
        self._commits(node, seen, index, entry)

    def jumped(self, node: str, index: int, entry: EntryId) -> None:
        """A snapshot that ends at ``index`` is the state of ``node`` now; its log follows, unless it has that entry."""
        seen = self.node(node)
        self.saw_entry(node, index, entry)
        if seen.log.has(index, entry):
            return
        if index <= seen.log.base:
            seen.log, seen.disk = KnownLog(closed=False), KnownLog(closed=False)
            return
        seen.log.restart(index, entry)
        seen.disk.truncate(index)

    def applied_from(self, node: str, first: int) -> None:
        """``node`` is about to say that it applied the entries from ``first`` on."""
        seen = self.node(node)
        if first <= seen.applied:
            text = f"{node} applied entry {first} again: it had applied up to {seen.applied}"
            self._report("monotonic", (node,), text)

    def answered(self, node: str, last: int, commit_index: int) -> None:
        """``node`` answered clients for entries up to ``last``, with this commit index (Raft §5.3, §8)."""
        seen = self.node(node)
        self._checks["acknowledged_writes"] += 1
        known = min(seen.commit, commit_index) if seen.exact else commit_index
        if last > known:
            text = f"{node} answered clients for entries up to {last}, and had committed up to {known}"
            self._report("acknowledged_writes", (node,), text)

    def truncated(self, node: str, first: int) -> None:
        """``node`` dropped its entries from ``first`` on, in memory; its disk follows, and counts no longer."""
        seen = self.node(node)
        self._checks["leader_append_only"] += 1
        if seen.leader:
            text = f"{node}, leader of term {seen.term}, dropped its log from {first} on"
            self._report("leader_append_only", (node,), text)
        self._checks["state_machine_safety"] += 1
        if first <= seen.commit:
            text = f"{node} dropped its log from {first} on after it had committed up to {seen.commit}"
            self._report("state_machine_safety", (node,), text)
        self._keeps(node, seen, first, None, "dropped")
        seen.log.truncate(first)
        seen.disk.truncate(first)

    def forget(self, index: int) -> None:
        """Forget the entries up to ``index`` of all logs: comparisons with them are skipped from here on."""
        for seen in self._nodes.values():
            seen.log.forget(index)
            seen.disk.forget(index)
        self._forget_commits(index)
        self._forget_entries(index)

    def forget_settled(self, kept: int) -> None:
        """Forget what every voter has committed, applied and on its disk, and whatever lies ``kept`` entries back.

        So a node that is down for long doesn't hold on to everything; and terms long past are forgotten, too.
        """
        self._forget_terms()
        seen = [self.node(voter) for voter in self._voters]
        settled = min((min(n.commit, n.applied, n.disk.last) for n in seen), default=0)
        newest = max((n.log.last for n in self._nodes.values()), default=0)
        index = max(settled, newest - kept, self.committed.last - kept)
        if index >= self._forgotten + FORGET_STEP:
            self._forgotten = index
            self.forget(index)
