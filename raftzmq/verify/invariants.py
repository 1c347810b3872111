"""Raft's safety properties over a run, checked observation by observation (Raft figure 3; thesis 3.4 to 3.7).

An entry is known by its term and its chain value: the chain is a checksum over the entry and everything before it, so
two logs with equal chain values at an index are equal up to there, and comparing them costs one comparison.

What is followed per node is what its memory shows (term, role, log, commit and applied index) and what its disk
holds. They differ: memory leads, and only the disk counts towards a majority.
"""

from __future__ import annotations

from collections.abc import Sequence

from raftzmq.verify.violation import Violations

EntryId = tuple[int, int]
"""An entry's term and chain value."""


class _Node:
    """One node as seen from outside: ``log`` in memory and ``disk`` durable, entry 1 at position 0.

    ``mark``: where its log in memory begins; what came before stands in ``log`` all the same. ``state``: up to where
    its state is durable. ``installed``: where the last snapshot ended that took the place of its state.
    """

    __slots__ = (
        *("applied", "boot", "commit", "disk", "installed", "leader", "log", "mark", "state", "stored_term"),
        *("stored_vote", "term", "up"),
    )

    def __init__(self) -> None:
        self.boot = 0
        self.up = False
        self.term = 0
        self.leader = False
        self.commit = 0
        self.applied = 0
        self.mark = self.state = self.installed = 0
        self.log: list[EntryId] = []
        self.disk: list[EntryId] = []
        self.stored_term = 0
        self.stored_vote: str | None = None


class Invariants:
    """Follows every node of a cluster and reports what Raft makes impossible to ``violations``."""

    def __init__(self, voters: Sequence[str], violations: Violations) -> None:
        self._report = violations.report
        self._voters = tuple(voters)
        self._majority = len(self._voters) // 2 + 1
        self._nodes = {voter: _Node() for voter in self._voters}
        self._leaders: dict[int, tuple[str, int]] = {}
        self._chains: dict[EntryId, tuple[int, str]] = {}
        self._votes: dict[tuple[str, int], str] = {}
        self._durable_votes: dict[tuple[str, int], str] = {}
        self._digests: dict[int, tuple[int, str]] = {}
        self._committed_in: dict[int, int] = {}
        self.committed: list[EntryId] = []

    # ---- the life of a node

    def booted(
        self,
        node: str,
        *,
        term: int,
        vote: str | None,
        mark: tuple[int, EntryId] = (0, (0, 0)),
        log: Sequence[EntryId],
        applied: int,
        digest: int,
    ) -> None:
        """``node`` starts with what its disk has: term and vote, a log after ``mark``, and a state at ``applied``."""
        seen = self._nodes[node]
        log = [*self._before(node, seen, *mark), *log]
        if seen.boot:
            self._remembered(node, seen, term, vote, log)
        if applied > min(len(log), len(self.committed)):
            self._report(
                "state_behind_log",
                (node,),
                f"{node} starts with a state at {applied}, its log ends at {len(log)}, committed {len(self.committed)}",
            )
        seen.boot += 1
        seen.mark, seen.state = mark[0], applied
        seen.up, seen.leader = True, False
        seen.term = seen.stored_term = term
        seen.stored_vote = vote
        seen.log, seen.disk = list(log), list(log)
        seen.commit = seen.applied = applied
        self._digest(node, applied, digest)

    def _before(self, node: str, seen: _Node, index: int, last: EntryId) -> list[EntryId]:
        """What a log that begins after entry ``index`` has forgotten."""
        if index and index == seen.installed and seen.disk[index - 1 : index] != [last]:
            # The crash came between the state and its log: the log has just been made to follow, and so was the term.
            self.log_restarted(node, index, last)
            if last[0] > seen.stored_term:
                seen.stored_term, seen.stored_vote = last[0], None
        if index and (index > len(seen.disk) or seen.disk[index - 1] != last):
            self._report("durability", (node,), f"{node} starts with a log after entry {index}, which it never stored")
        return seen.disk[:index]

    def _remembered(self, node: str, seen: _Node, term: int, vote: str | None, log: Sequence[EntryId]) -> None:
        if (term, vote) != (seen.stored_term, seen.stored_vote):
            self._report(
                "durability",
                (node,),
                f"{node} stored term {seen.stored_term} and vote {seen.stored_vote}, "
                f"and starts with term {term} and vote {vote}",
            )
        if list(log) != seen.disk:
            same = 0
            while same < min(len(log), len(seen.disk)) and log[same] == seen.disk[same]:
                same += 1
            self._report(
                "durability",
                (node,),
                f"{node} stored {len(seen.disk)} entries and starts with {len(log)}; they differ from {same + 1} on",
            )

    def stopped(self, node: str) -> None:
        """``node`` runs no more: what its disk hadn't got is gone."""
        seen = self._nodes[node]
        seen.up = seen.leader = False

    # ---- what a running node's memory shows

    def log_of(self, node: str) -> Sequence[EntryId]:
        """The log of ``node`` as last observed, entry 1 first: what `observed` wants the difference to."""
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
        if term < previous_term:
            self._report("monotonic", (node,), f"{node} went back from term {previous_term} to {term}")
        seen.term, seen.leader = term, leader
        stayed = leader and was_leader and term == previous_term
        if entries or first <= len(seen.log):
            self._changed(node, seen, first, entries, stayed=stayed)
        if leader and not stayed:
            self._elected(node, seen)
        if commit != seen.commit:
            self._commits(node, seen, commit)

    def _changed(self, node: str, seen: _Node, first: int, entries: Sequence[EntryId], *, stayed: bool) -> None:
        log = seen.log
        if first <= len(log):
            if stayed:
                self._report(
                    "leader_append_only",
                    (node,),
                    f"{node}, leader of term {seen.term}, replaced its log from {first} on, which ended at {len(log)}",
                )
            if first <= seen.commit:
                self._report(
                    "state_machine_safety",
                    (node,),
                    f"{node} replaced its log from {first} on after it had committed up to {seen.commit}",
                )
            del log[first - 1 :]
        for index, (term, chain) in enumerate(entries, first):
            known, owner = self._chains.setdefault((index, term), (chain, node))
            if known != chain:
                self._report(
                    "log_matching",
                    (owner, node),
                    f"entry {index} of term {term} has chain {known:08x} at {owner} and {chain:08x} at {node}",
                )
        log.extend(entries)

    def _elected(self, node: str, seen: _Node) -> None:
        term = seen.term
        known = self._leaders.setdefault(term, (node, seen.boot))
        if known != (node, seen.boot):
            again = " (before a restart)" if known[0] == node else ""
            self._report(
                "election_safety",
                tuple(dict.fromkeys((known[0], node))),
                f"term {term} has two leaders: {known[0]}{again} and {node}",
            )
        for earlier, index in self._committed_in.items():
            if earlier < term:
                self._complete(node, seen, index, earlier)

    def _complete(self, node: str, seen: _Node, index: int, term: int) -> None:
        if len(seen.log) < index or seen.log[index - 1] != self.committed[index - 1]:
            self._report(
                "leader_completeness",
                (node,),
                f"{node} leads term {seen.term} without entry {index}, which was committed in term {term}",
            )

    def _commits(self, node: str, seen: _Node, commit: int) -> None:
        if commit < seen.commit:
            self._report("monotonic", (node,), f"{node}'s commit index went back from {seen.commit} to {commit}")
            return
        seen.commit = commit
        if commit > len(seen.log):
            self._report("monotonic", (node,), f"{node} commits {commit} but its log ends at {len(seen.log)}")
            return
        committed, log = self.committed, seen.log
        agreed = min(commit, len(committed))
        if agreed and log[agreed - 1] != committed[agreed - 1]:
            self._report(
                "state_machine_safety",
                (node,),
                f"{node} commits up to {commit}, but its entry {agreed} (term {log[agreed - 1][0]}) is not the one "
                f"committed before (term {committed[agreed - 1][0]})",
            )
        if seen.leader and log[commit - 1][0] != seen.term:
            self._report(
                "current_term_commit",
                (node,),
                f"{node}, leader of term {seen.term}, commits up to {commit}, an entry of term {log[commit - 1][0]}",
            )
        if commit > len(committed):
            self._first_commit(node, seen, commit)

    def _first_commit(self, node: str, seen: _Node, commit: int) -> None:
        self.committed.extend(seen.log[len(self.committed) : commit])
        wanted = seen.log[commit - 1]
        having = [v for v, n in self._nodes.items() if len(n.disk) >= commit and n.disk[commit - 1] == wanted]
        if len(having) < self._majority:
            self._report(
                "durable_commit",
                (node,),
                f"{node} commits up to {commit} in term {seen.term}, but of {len(self._voters)} disks only "
                f"{len(having)} have that entry ({', '.join(having) or 'none'})",
            )
        self._committed_in[seen.term] = max(commit, self._committed_in.get(seen.term, 0))
        for other, known in self._nodes.items():
            if known.leader and known.term > seen.term:
                self._complete(other, known, commit, seen.term)

    # ---- compaction and snapshots

    def begins_after(self, node: str, index: int, last: EntryId) -> None:
        """The log of ``node`` in memory begins after entry ``index``: it was compacted, or a snapshot ended there."""
        seen = self._nodes[node]
        if index == seen.mark:
            return
        if index < seen.mark:
            self._report("monotonic", (node,), f"{node}'s log began after {seen.mark} and now begins after {index}")
        seen.mark = index
        if index > len(seen.log) or seen.log[index - 1] != last:
            self._snapshot(node, index, last)
            seen.log = self.committed[:index]

    def _snapshot(self, node: str, index: int, last: EntryId) -> None:
        if index > len(self.committed) or self.committed[index - 1] != last:
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
        self._digest(node, index, digest)

    def state_stored(self, node: str, index: int) -> None:
        """The state of ``node`` is durable up to ``index``."""
        seen = self._nodes[node]
        seen.state = max(seen.state, index)

    def compacted(self, node: str, index: int) -> None:
        """The disk of ``node`` has forgotten the entries up to ``index``."""
        seen = self._nodes[node]
        if index > seen.state:
            text = f"{node} has forgotten its log up to {index}, but its state is durable up to {seen.state} alone"
            self._report("compaction", (node,), text)

    def log_restarted(self, node: str, index: int, last: EntryId) -> None:
        """The disk of ``node`` has dropped its log: it begins after entry ``index``, where a snapshot ended."""
        seen = self._nodes[node]
        self._snapshot(node, index, last)
        if index < min(len(seen.disk), len(self.committed)) and seen.disk[index] == self.committed[index]:
            self._report("durable_commit", (node,), f"{node} dropped a committed entry after {index} for a snapshot")
        if index != seen.installed:
            self._report(
                "state_behind_log",
                (node,),
                f"{node} dropped its log up to {index}, but the snapshot in its state ends at {seen.installed}",
            )
        seen.disk = self.committed[:index]

    # ---- disks and promises

    def stored(
        self, node: str, hard_state: tuple[int, str | None] | None, first: int, entries: Sequence[EntryId]
    ) -> None:
        """``node``'s disk took a term and vote (None: unchanged), and ``entries`` from ``first`` on, if any."""
        seen = self._nodes[node]
        if hard_state is not None:
            term, vote = hard_state
            if term < seen.stored_term:
                self._report("monotonic", (node,), f"{node} stored term {term} after term {seen.stored_term}")
            seen.stored_term, seen.stored_vote = term, vote
            if vote is not None:
                self._voted(node, term, vote, self._durable_votes)
        if entries:
            disk = seen.disk
            for index in range(first, min(len(disk), len(self.committed)) + 1):
                kept = index - first < len(entries) and entries[index - first] == disk[index - 1]
                if disk[index - 1] == self.committed[index - 1] and not kept:
                    self._report("durable_commit", (node,), f"{node} removed the committed entry {index} from its disk")
                    break
            del disk[first - 1 :]
            disk.extend(entries)

    def _voted(self, node: str, term: int, candidate: str, votes: dict[tuple[str, int], str]) -> None:
        known = votes.setdefault((node, term), candidate)
        if known != candidate:
            self._report("one_vote", (node,), f"{node} voted for both {known} and {candidate} in term {term}")

    def granted(self, node: str, term: int, candidate: str) -> None:
        """``node`` tells others that it votes for ``candidate`` (itself, when it asks for votes) in ``term``.

        A later term on disk does as well: it forbids any other vote in this one.
        """
        self._voted(node, term, candidate, self._votes)
        if self._durable_votes.get((node, term)) != candidate and self._nodes[node].stored_term <= term:
            self._report(
                "durable_promise",
                (node,),
                f"{node} gives its vote of term {term} to {candidate} before its disk has it",
            )

    def matched(self, node: str, term: int, index: int) -> None:
        """``node`` tells the leader of ``term`` that it has its log up to ``index``: there, or in a snapshot."""
        if index <= self._nodes[node].installed:
            return
        disk = self._nodes[node].disk
        if index > len(disk):
            self._report(
                "durable_promise",
                (node,),
                f"{node} acknowledges entries up to {index} in term {term}; its disk ends at {len(disk)}",
            )
            return
        leader, boot = self._leaders.get(term, ("", 0))
        known = self._nodes.get(leader)
        if known is None or not known.leader or known.term != term or known.boot != boot or not index:
            return
        if index > len(known.log) or known.log[index - 1] != disk[index - 1]:
            self._report(
                "durable_promise",
                (node, leader),
                f"{node} acknowledges entries up to {index} to {leader}, leader of term {term}, but its disk has "
                f"another entry there (term {disk[index - 1][0]})",
            )

    # ---- the state

    def applied(self, node: str, index: int, chain: int | None, digest: int) -> None:
        """``node`` has applied up to ``index``, whose entry has ``chain`` (None: unknown), and its state ``digest``."""
        seen = self._nodes[node]
        if index < seen.applied:
            self._report("monotonic", (node,), f"{node}'s applied index went back from {seen.applied} to {index}")
        seen.applied = index
        if index > seen.commit or index > len(seen.disk) or (index and seen.disk[index - 1] != seen.log[index - 1]):
            self._report(
                "state_behind_log",
                (node,),
                f"{node} applied up to {index}, with commit index {seen.commit} and {len(seen.disk)} entries on disk",
            )
        if chain is not None and index <= len(self.committed) and self.committed[index - 1][1] != chain:
            self._report("state_machine_safety", (node,), f"{node} applied another entry at {index} than was committed")
        self._digest(node, index, digest)

    def _digest(self, node: str, index: int, digest: int) -> None:
        known, owner = self._digests.setdefault(index, (digest, node))
        if known != digest:
            self._report(
                "state_machine_safety",
                tuple(dict.fromkeys((owner, node))),
                f"after entry {index} the state of {owner} has digest {known:x}, that of {node} {digest:x}",
            )
