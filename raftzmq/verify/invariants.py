"""Raft's safety properties over a run, checked observation by observation (Raft figure 3; thesis 3.4 to 3.7).

An entry is known by its term and its chain value: the chain is a checksum over the entry and everything before it, so
two logs with equal chain values at an index are equal up to there, and comparing them costs one comparison.

What is followed per node is what its memory shows (term, role, log, commit and applied index) and what its disk
holds. They differ: memory leads, and only the disk counts towards a majority.
"""

from __future__ import annotations

from collections.abc import Sequence

from raftzmq.verify.joining import Joining
from raftzmq.verify.known_log import EntryId, KnownLog
from raftzmq.verify.seen_node import SeenNode

START: EntryId = (0, 0)


class Invariants(Joining):
    """Follows every node of a cluster and reports what Raft makes impossible to its ``violations``.

    Who sees everything uses what stands here: `booted` with the whole log, then `observed`, `stored` and so on. Who
    sees events uses `rejoined`, `stands`, `lost` and the rest of `Joining` beside it.
    """

    # ---- the life of a node

    def booted(
        self,
        node: str,
        *,
        term: int,
        vote: str | None,
        mark: tuple[int, EntryId] = (0, START),
        log: Sequence[EntryId],
        applied: int,
        digest: int,
    ) -> None:
        """``node`` starts with what its disk has: term and vote, a log after ``mark``, and a state at ``applied``."""
        seen = self._nodes[node]
        known = self._before(node, seen, *mark)
        known.append(log)
        if seen.boot:
            self._remembered(node, seen, term, vote, known)
        self._checks["state_behind_log"] += 1
        if known.lacks(applied) or self.committed.lacks(applied):
            self._report(
                "state_behind_log",
                (node,),
                f"{node} starts with a state at {applied}, its log ends at {known.last}, committed "
                f"{self.committed.last}",
            )
        seen.boot += 1
        seen.mark, seen.state = mark[0], applied
        seen.up, seen.leader = True, False
        seen.term = seen.stored_term = term
        seen.stored_vote = vote
        seen.log, seen.disk = known, known.prefix(known.last)
        seen.commit = seen.applied = applied
        self.saw_digest(node, applied, digest)

    def _before(self, node: str, seen: SeenNode, index: int, last: EntryId) -> KnownLog:
        """What a log that begins after entry ``index`` has forgotten."""
        if index and index == seen.installed and seen.disk.excludes(index, last):
            # The crash came between the state and its log: the log has just been made to follow, and so was the term.
            self.log_restarted(node, index, last)
            if last[0] > seen.stored_term:
                seen.stored_term, seen.stored_vote = last[0], None
        if index and seen.disk.excludes(index, last):
            self._report("durability", (node,), f"{node} starts with a log after entry {index}, which it never stored")
        return seen.disk.prefix(index)

    def _remembered(self, node: str, seen: SeenNode, term: int, vote: str | None, log: KnownLog) -> None:
        self._checks["durability"] += 1
        if (term, vote) != (seen.stored_term, seen.stored_vote):
            self._report(
                "durability",
                (node,),
                f"{node} stored term {seen.stored_term} and vote {seen.stored_vote}, "
                f"and starts with term {term} and vote {vote}",
            )
        if log.entries != seen.disk.entries:
            same = 0
            while same < min(log.last, seen.disk.last) and log.entries[same] == seen.disk.entries[same]:
                same += 1
            self._report(
                "durability",
                (node,),
                f"{node} stored {seen.disk.last} entries and starts with {log.last}; they differ from {same + 1} on",
            )

    def stopped(self, node: str) -> None:
        """``node`` runs no more: what its disk hadn't got is gone."""
        seen = self._nodes[node]
        seen.up = seen.leader = False

    # ---- what a running node's memory shows

    def log_of(self, node: str) -> KnownLog:
        """The log of ``node`` as last observed: what `observed` wants the difference to."""
        return self._nodes[node].log

    def commit_of(self, node: str) -> int:
        """The commit index of ``node`` as last observed."""
        return self._nodes[node].commit

    def observed(
        self, node: str, *, term: int, leader: bool, first: int, entries: Sequence[EntryId], commit: int
    ) -> None:
        """``node`` is in ``term``, a leader or not, and has committed up to ``commit``.

        ``entries`` replaced everything in its log from index ``first`` on; nothing changed if there are none and
        ``first`` is the index after the last.
        """
        seen = self._nodes[node]
        was_leader, previous_term = seen.leader, seen.term
        self._checks["monotonic"] += 1
        if term < previous_term:
            self._report("monotonic", (node,), f"{node} went back from term {previous_term} to {term}")
        seen.term, seen.leader = term, leader
        stayed = leader and was_leader and term == previous_term
        if entries or first <= seen.log.last:
            self._changed(node, seen, first, entries, stayed=stayed)
        if leader and not stayed:
            self._elected(node, seen)
        if commit != seen.commit:
            self._commits(node, seen, commit)

    # ---- compaction and snapshots

    def begins_after(self, node: str, index: int, last: EntryId) -> None:
        """The log of ``node`` in memory begins after entry ``index``: it was compacted, or a snapshot ended there."""
        seen = self._nodes[node]
        if index == seen.mark:
            return
        if index < seen.mark:
            self._report("monotonic", (node,), f"{node}'s log began after {seen.mark} and now begins after {index}")
        seen.mark = index
        if seen.log.excludes(index, last):
            self._snapshot(node, index, last)
            seen.log = self.committed.prefix(index)

    def _snapshot(self, node: str, index: int, last: EntryId) -> None:
        self._checks["installed_snapshots"] += 1
        if self.committed.excludes(index, last):
            self._report(
                "installed_snapshots",
                (node,),
                f"{node} installs a snapshot that ends at entry {index} of term {last[0]}, which isn't committed",
            )

    def installed(self, node: str, index: int, last: EntryId, digest: int) -> None:
        """The state of ``node`` is, durably, a snapshot that ends at entry ``index``."""
        seen = self._nodes[node]
        self._snapshot(node, index, last)
        if index <= seen.applied:
            text = f"{node} installs a snapshot that ends at {index}, but has applied up to {seen.applied}"
            self._report("installed_snapshots", (node,), text)
        seen.applied = seen.state = seen.installed = index
        self.saw_digest(node, index, digest)

    def state_stored(self, node: str, index: int) -> None:
        """The state of ``node`` is durable up to ``index``."""
        seen = self._nodes[node]
        seen.state = max(seen.state, index)

    def compacted(self, node: str, index: int) -> None:
        """The disk of ``node`` has forgotten the entries up to ``index``."""
        seen = self._nodes[node]
        if not seen.exact:
            self._skipped["compaction"] += 1
            return
        self._checks["compaction"] += 1
        if index > seen.state:
            text = f"{node} has forgotten its log up to {index}, but its state is durable up to {seen.state} alone"
            self._report("compaction", (node,), text)

    def log_restarted(self, node: str, index: int, last: EntryId) -> None:
        """The disk of ``node`` has dropped its log: it begins after entry ``index``, where a snapshot ended."""
        seen = self._nodes[node]
        self._snapshot(node, index, last)
        following = self.committed.get(index + 1)
        if following is not None and seen.disk.has(index + 1, following):
            self._report("durable_commit", (node,), f"{node} dropped a committed entry after {index} for a snapshot")
        if index != seen.installed:
            self._report(
                "state_behind_log",
                (node,),
                f"{node} dropped its log up to {index}, but the snapshot in its state ends at {seen.installed}",
            )
        seen.disk = self.committed.prefix(index)

    # ---- disks and promises

    def stored(
        self, node: str, hard_state: tuple[int, str | None] | None, first: int, entries: Sequence[EntryId]
    ) -> None:
        """``node``'s disk took a term and vote (None: unchanged), and ``entries`` from ``first`` on, if any."""
        seen = self._nodes[node]
        if hard_state is not None:
            self._stored_hard_state(node, *hard_state)
        if entries:
            disk = seen.disk
            for index in range(first, min(disk.last, self.committed.last) + 1):
                kept = entries[index - first] if index - first < len(entries) else None
                if not self._keeps(node, seen, index, kept, "removed"):
                    break
            disk.truncate(first)
            disk.append(entries)

    def matched(self, node: str, term: int, index: int) -> None:
        """``node`` tells the leader of ``term`` that it has its log up to ``index``: there, or in a snapshot."""
        seen = self._nodes[node]
        if index <= seen.installed:
            return
        disk = seen.disk
        self._checks["durable_promise"] += 1
        if disk.lacks(index):
            self._report(
                "durable_promise",
                (node,),
                f"{node} acknowledges entries up to {index} in term {term}; its disk ends at {disk.last}",
            )
            return
        leader, boot = self._leaders.get(term, ("", 0))
        known, entry = self._nodes.get(leader), disk.get(index)
        if known is None or not known.leader or known.term != term or known.boot != boot or entry is None:
            return
        if known.log.excludes(index, entry):
            self._suspect(
                "durable_promise",
                (node, leader),
                f"{node} acknowledges entries up to {index} to {leader}, leader of term {term}, but its disk has "
                f"another entry there (term {entry[0]})",
            )

    # ---- the state

    def applied(self, node: str, index: int, chain: int | None, digest: int) -> None:
        """``node`` has applied up to ``index``, whose entry has ``chain`` (None: unknown), and its state ``digest``."""
        seen = self._nodes[node]
        self._checks["monotonic"] += 1
        if index < seen.applied:
            self._report("monotonic", (node,), f"{node}'s applied index went back from {seen.applied} to {index}")
        seen.applied = index
        self._checks["state_behind_log"] += 1
        beyond = (seen.exact and index > seen.commit) or seen.disk.lacks(index)
        if beyond or seen.disk.differs(index, seen.log.get(index)):
            report = self._report if beyond else self._suspect
            report(
                "state_behind_log",
                (node,),
                f"{node} applied up to {index}, with commit index {seen.commit} and {seen.disk.last} entries on disk",
            )
        committed = self.committed.get(index)
        if chain is not None and committed is not None:
            self._checks["state_machine_safety"] += 1
            if committed[1] != chain:
                text = f"{node} applied another entry at {index} than was committed"
                self._report("state_machine_safety", (node,), text)
        self.saw_digest(node, index, digest)
