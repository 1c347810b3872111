"""Compaction of the log, and snapshots where a follower needs what was compacted away (Raft §7, thesis chapter 5).

The state is the snapshot: a node keeps it beside its log anyway. So compacting is only forgetting entries that the
state has made durable, and a snapshot is a copy of the state as of a mark. The core decides when either is due; the
bytes are the node's and its storage's affair.

An install touches two environments, state and log, which cannot change in one transaction. The state's pointer is
switched first; a crash then leaves a state beyond its log, which the next start recognizes and completes.
"""

from __future__ import annotations

from raftzmq.config import Retention, Timing
from raftzmq.core.elections import Elections, Randomness
from raftzmq.core.messages import AppendEntriesResponse, InstallSnapshot
from raftzmq.core.replication import Leadership
from raftzmq.core.roles import Follower
from raftzmq.core.types import Mark
from raftzmq.errors import InvariantViolation

PROMISE_ELECTIONS = 10
"""Election timeouts of silence after which the log is no longer kept for a follower that has installed a snapshot."""
STUCK_ELECTIONS = 30
"""Those after which it isn't for one that is heard and takes nothing; slow lines need a while for a batch."""


class Snapshots(Elections):
    """The part of `Raft` that shortens the log and jumps over what is gone from it."""

    def __init__(self, node: str, timing: Timing, rng: Randomness, retention: Retention) -> None:
        super().__init__(node, timing, rng)
        self.retention = retention
        self.last_applied = 0
        self._handed = 0
        self._durable_index = 0
        self._install: Mark | None = None

    @property
    def installing(self) -> Mark | None:
        """Where the snapshot ends that is being put in the place of the state; None if there is none."""
        return self._installing

    def wants_snapshot(self, index: int, term: int) -> bool:
        """Would a snapshot that ends so be installed (rule 10)? Not what is committed, or in the log already."""
        return self._installing is None and index > self.commit_index and self.log.term_at(index) != term

    # --- inputs ---

    def state_durable(self, mark: Mark) -> None:
        """The state has made durable what it had applied up to ``mark``: the log may forget it (rule 6).

        Raises InvariantViolation if the log has another entry there.
        """
        if self.log.term_at(mark.index) is not None:
            entry = self.log.mark_at(mark.index)
            if (entry.term, entry.chain) != (mark.term, mark.chain):
                raise InvariantViolation(
                    f"the state has made entry {mark.index} of term {mark.term} durable; the log has one of term "
                    f"{entry.term} there"
                )
        self._durable_index = max(self._durable_index, mark.index)

    def snapshot_failed(self, peer: str) -> None:
        """The snapshot for ``peer`` did not get there; if it is heard and still lacks it, another one is asked for."""
        if isinstance(self._state, Leadership) and peer in self._state.peers:
            self._state.peers[peer].snapshot_failed()

    def snapshot_offered(self, peer: str, index: int) -> bool:
        """Let the snapshot that ``peer`` awaits be one that ends at ``index``; whether the log has all that follows.

        The copy that there is may end before the one that was asked for. It does as well, as long as the log still
        has what follows it; and from now on that is kept (`Leadership.promised_from`).
        """
        if not isinstance(self._state, Leadership) or peer not in self._state.peers or index < self.log.mark.index:
            return False
        progress = self._state.peers[peer]
        if progress.snapshot is not None:
            progress.snapshot = min(progress.snapshot, index)
        return True

    def snapshot_installed(self, mark: Mark) -> None:
        """The state is now, durably, the snapshot that ends at ``mark``: the log follows it (rule 10)."""
        if mark != self._installing:
            raise InvariantViolation(f"a snapshot up to {mark.index} was installed that nobody asked for")
        if isinstance(self._state, Leadership):
            raise InvariantViolation(f"a snapshot up to {mark.index} was installed under a leader")
        self._installing = None
        self.commit_index = max(self.commit_index, mark.index)
        self.last_applied = self._handed = self._durable_index = mark.index
        self._applying_since_us = None
        if self.log.term_at(mark.index) != mark.term:
            self.log.restart_after(mark)
        self._snapshot_fact("installed", mark, self.leader)
        if isinstance(self._state, Follower):
            self._state.matched = max(self._state.matched, mark.index)
            self._state.answer_owed = True

    # --- following ---

    def _on_install_snapshot(self, message: InstallSnapshot) -> None:
        """A snapshot is here whole. Install it unless this log is as far already (rule 10); its term is the current."""
        mark = message.mark
        follower = self._follow(message)
        if self._installing is not None:
            return
        if self.wants_snapshot(mark.index, mark.term):
            self._install = self._installing = mark
            self._snapshot_fact("install", mark, message.sender)
            return
        if mark.index > self.commit_index:
            # The log has it: only the commit index learns something, and the suffix stays.
            self.commit_index = mark.index
        follower.matched = max(follower.matched, self.commit_index)
        self._answer_append(follower)

    def _snapshot_fact(self, step: str, mark: Mark, peer: str | None) -> None:
        """What the state is made of is no affair of the core's: whoever passes this on knows the digest."""
        index, term, chain = mark.index, mark.term, mark.chain
        self._fact("snapshot", step=step, index=index, entry_term=term, chain=chain, digest=None, peer=peer)

    def _answer_append(self, follower: Follower) -> None:
        if follower.leader is None:
            return
        match = min(follower.matched, self.log.stable)
        self._messages.append(
            AppendEntriesResponse(
                self.node, follower.leader, self.current_term, True, match, follower.round, follower.matched
            )
        )

    # --- output ---

    def _take_compaction(self) -> Mark | None:
        """Shorten the log to what is to be kept; its new mark, or None if there is too little to remove."""
        keep, log = self.retention, self.log
        if log.bytes < keep.keep_bytes + keep.step_bytes:
            return None
        last = min(self._durable_index, self.last_applied)
        if isinstance(self._state, Leadership):
            silent_since = self._now - PROMISE_ELECTIONS * self.timing.election_max_us
            stuck_since = self._now - STUCK_ELECTIONS * self.timing.election_max_us
            last = min(last, self._state.promised_from(silent_since, stuck_since))
            if log.bytes <= keep.bound_bytes // 2:
                last = min(last, self._state.needed_from())
        index = log.compactable(last, keep.keep_bytes, keep.entries_max)
        if index <= log.mark.index:
            return None
        log.compact(log.mark_at(index))
        return log.mark
