"""What is committed: by whom, on which disks, and that later leaders have it (Raft §5.4, figure 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raftzmq.verify.knowledge import Knowledge
from raftzmq.verify.known_log import UNKNOWN_TERM, EntryId, KnownLog, same
from raftzmq.verify.seen_node import SeenNode
from raftzmq.verify.violation import Violations

TERMS_KEPT = 1_000
"""Terms of which it is remembered what was committed in them, once something may be forgotten."""


@dataclass(slots=True)
class OpenCommit:
    """A commit that fewer than a majority are known to have had durably; ``maybe`` may have had it, too.

    Whoever watches finds out about each of ``awaited`` and calls `Commitments.settle`. ``time`` and
    ``position`` are the watcher's.
    """

    node: str
    term: int
    index: int
    entry: EntryId
    having: list[str]
    maybe: set[str]
    awaited: set[str]
    time: int = 0
    position: int = 0


class Commitments(Knowledge):
    """Follows elections and commit indexes. ``committed`` is the one log that all nodes' logs come to."""

    def __init__(self, voters: Sequence[str], violations: Violations, *, whole: bool = True) -> None:
        super().__init__(voters, violations, whole=whole)
        self._committed_in: dict[int, int] = {}
        self.committed = KnownLog(closed=whole)
        self.open_commits: list[OpenCommit] = []

    # ---- elections

    def _elected(self, node: str, seen: SeenNode) -> None:
        self.saw_leader(node, seen.term)
        seen.unproven = not seen.log.closed
        self._completes(node, seen)

    def _completes(self, node: str, seen: SeenNode) -> None:
        """Its log has all that was committed in earlier terms (leader completeness)."""
        for earlier, index in self._committed_in.items():
            if earlier < seen.term:
                self._complete(node, seen, index, earlier)

    def _complete(self, node: str, seen: SeenNode, index: int, term: int) -> None:
        committed = self.committed.get(index)
        if committed is None or not (seen.log.closed or seen.log.get(index)):
            self._skipped["leader_completeness"] += 1
            return
        self._checks["leader_completeness"] += 1
        if seen.log.excludes(index, committed):
            self._suspect(
                "leader_completeness",
                (node,),
                f"{node} leads term {seen.term} without entry {index}, which was committed in term {term}",
            )

    # ---- commits

    def _commits(self, node: str, seen: SeenNode, commit: int, entry: EntryId | None = None) -> None:
        """``node`` has committed up to ``commit``, where it says that ``entry`` is (None: what its log has there)."""
        self._checks["monotonic"] += 1
        if commit < seen.commit:
            self._report("monotonic", (node,), f"{node}'s commit index went back from {seen.commit} to {commit}")
            return
        seen.commit = commit
        if seen.log.lacks(commit):
            self._report("monotonic", (node,), f"{node} commits {commit} but its log ends at {seen.log.last}")
            return
        own = seen.log.get(commit)
        self._checks["state_machine_safety"] += 1
        if seen.log.differs(commit, entry):
            text = f"{node} says that it commits an entry at {commit} that isn't the one in its log"
            self._suspect("state_machine_safety", (node,), text)
        if entry is None and not seen.doubted:
            entry = own
        self._agrees(node, seen, commit, entry)
        if seen.leader and entry is not None and entry[0] != UNKNOWN_TERM:
            self._checks["current_term_commit"] += 1
            if entry[0] != seen.term:
                self._report(
                    "current_term_commit",
                    (node,),
                    f"{node}, leader of term {seen.term}, commits up to {commit}, an entry of term {entry[0]}",
                )
        if commit > self.committed.last:
            self._first_commit(node, seen, commit, entry)

    def _agrees(self, node: str, seen: SeenNode, commit: int, entry: EntryId | None) -> None:
        """What it commits is what others have committed before, as far as that goes."""
        agreed = min(commit, self.committed.last)
        known, mine = self.committed.get(agreed), entry if agreed == commit else seen.log.get(agreed)
        if known is None or mine is None:
            self._skipped["state_machine_safety"] += bool(agreed)
        elif self.committed.differs(agreed, mine):
            report = self._report if agreed == commit else self._suspect
            report(
                "state_machine_safety",
                (node,),
                f"{node} commits up to {commit}, but its entry {agreed} (term {mine[0]}) is not the one committed "
                f"before (term {known[0]})",
            )

    def _first_commit(self, node: str, seen: SeenNode, commit: int, entry: EntryId | None) -> None:
        if entry is None:
            self._skipped["durable_commit"] += 1
            return
        self._extend_committed(seen, commit, entry)
        self._counts(node, seen, commit, entry)
        self._committed_in[seen.term] = max(commit, self._committed_in.get(seen.term, 0))
        for other, known in self._nodes.items():
            if known.leader and known.term > seen.term:
                self._complete(other, known, commit, seen.term)

    def _extend_committed(self, seen: SeenNode, commit: int, entry: EntryId) -> None:
        """Entries up to ``commit`` are committed: those of a log that has them all, or at least the last."""
        first = self.committed.last + 1
        for known in (seen, *self._nodes.values()):
            if known.log.has(commit, entry) and (first >= known.seam or not known.doubted):
                between = known.log.between(first, commit)
                if between is not None:
                    self.committed.append(between)
                    return
        self.committed.restart(commit, entry)

    def _counts(self, node: str, seen: SeenNode, commit: int, entry: EntryId) -> None:
        """A majority's disks have it (Raft §5.3; the leader's own counts like any other, thesis 10.2.1)."""
        if not self._voters:
            self._skipped["durable_commit"] += 1
            return
        self._checks["durable_commit"] += 1
        disks = {voter: self._nodes[voter].disk for voter in self._voters}
        having = [voter for voter, disk in disks.items() if disk.has(commit, entry)]
        if len(having) >= self._majority:
            return
        # Where not all is seen, a disk may have taken it though another entry is known to have been there: what its
        # node says next tells.
        maybe = {v for v, d in disks.items() if v not in having and not (self._whole and d.excludes(commit, entry))}
        opened = OpenCommit(node, seen.term, commit, entry, having, maybe, set(maybe))
        if not self._hopeless(opened):
            self.open_commits.append(opened)

    def _hopeless(self, opened: OpenCommit) -> bool:
        """Report it if so many certainly lacked it that there was no majority."""
        if len(opened.having) + len(opened.maybe) >= self._majority:
            return False
        self._report(
            "durable_commit",
            (opened.node,),
            f"{opened.node} commits up to {opened.index} in term {opened.term}, but of {len(self._voters)} disks only "
            f"{len(opened.having)} have that entry ({', '.join(opened.having) or 'none'})",
        )
        return True

    def settle(self, opened: OpenCommit, node: str, had: bool | None) -> None:
        """It has turned out whether the disk of ``node`` had the entry when it was committed; None: it never will."""
        opened.awaited.discard(node)
        if had is not None:
            opened.maybe.discard(node)
        if had:
            opened.having.append(node)
        if len(opened.having) >= self._majority or self._hopeless(opened):
            self.open_commits.remove(opened)
        elif not opened.awaited:
            self._skipped["durable_commit"] += 1
            self.open_commits.remove(opened)

    def _keeps(self, node: str, seen: SeenNode, index: int, kept: EntryId | None, how: str) -> bool:
        """Where the disk of ``node`` comes to have ``kept`` at ``index``, no committed entry was; False if one was."""
        before = seen.disk.get(index)
        if before is None or self.committed.get(index) is None:
            return True
        self._checks["durable_commit"] += 1
        if (kept is not None and same(kept, before)) or not self.committed.has(index, before):
            return True
        self._drops("durable_commit", node, seen, index, f"{node} {how} the committed entry {index} from its disk")
        return False

    def _drops(self, rule: str, node: str, seen: SeenNode, index: int, text: str) -> None:
        """``node`` had the entry that is committed at ``index``, and has it no longer.

        From the term on in which it was committed every leader has it, and makes nobody drop it (leader completeness).
        A leader of an earlier term, whom ``node`` hears late, may: its copy isn't the one that was counted then.
        """
        entry = self.committed.get(index)
        term = min((term for term, at in self._committed_in.items() if at >= index), default=None)
        if entry is None or term is None or term > max(seen.term, seen.stored_term):
            self._skipped[rule] += 1
        elif entry[0] >= term:  # so the node had it in that term, or later: whatever wasn't heard since
            self._report(rule, (node,), text)
        else:
            self._suspect(rule, (node,), text)

    def _forget_commits(self, index: int) -> None:
        """Forget what was committed up to ``index``; the highest of the earlier ones stays, for later leaders."""
        self.committed.forget(index)
        past = sorted((at, term) for term, at in self._committed_in.items() if at <= self.committed.base)
        for _, term in past[:-1]:
            del self._committed_in[term]
        for term in sorted(self._committed_in)[:-TERMS_KEPT]:
            del self._committed_in[term]
