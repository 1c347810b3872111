"""Bugs to plant, each by replacing one function: what the simulator must find, and by which property.

Each is a mistake that a real implementation has made, or that a paper warns of.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from raftzmq.core.elections import Elections
from raftzmq.core.log import Log
from raftzmq.core.progress import Progress
from raftzmq.core.quorum import agreed
from raftzmq.core.raft import Raft
from raftzmq.core.replication import Leadership, Round
from raftzmq.core.types import Entry, Mark
from raftzmq.errors import CorruptionError
from raftzmq.kv.sessions import Session, Sessions
from raftzmq.node.applying import Applying
from raftzmq.node.node import Node
from raftzmq.node.proposals import Proposals
from raftzmq.node.replies import Replies
from raftzmq.node.work import LogJob, Timed
from raftzmq.records import log_index
from raftzmq.simulation.disk import SimulatedDisk
from raftzmq.storage import memory
from raftzmq.storage.log import LogContents, LogTables, read_log
from raftzmq.storage.memory import MemoryLog, MemoryState
from tests.simulation.mutant import Mutant
from tests.simulation.snapshot_mutants import SNAPSHOT_MUTANTS

original_write = MemoryLog.write
original_take_entries = Raft._take_entries
original_take_append = Raft._take_append
original_fail = Replies.fail
original_truncate = Log.truncate_from
original_save = MemoryState.commit
original_start_round = Leadership.start_round
original_request_read = Leadership.request_read
original_on_request_vote = Elections._on_request_vote
original_propose = Node._propose
original_seen = Sessions.seen


def forget_hard_state(self: MemoryLog, job: LogJob) -> None:
    """Term and vote don't reach the disk."""
    append = job.append
    if append is not None:
        job = replace(job, append=replace(append, hard_state=None))
    original_write(self, job)


def answer_before_disk(self: Raft, message: Any) -> bool:
    """What is in memory counts as durable at once."""
    taken = original_take_entries(self, message)
    self.log.stable = self.log.last_index
    return taken


def vote_before_disk(self: Raft) -> Any:
    """Votes leave beside the write that they should wait for."""
    self._messages += [message for message in self._held if message.to != self.node]
    self._held = [message for message in self._held if message.to == self.node]
    return original_take_append(self)


def count_unsynced(self: Leadership, commit_index: int) -> int:
    """The leader counts its own entries before its disk has them."""
    match = {peer: progress.match_index for peer, progress in self.peers.items()}
    index = agreed(self._per_voter(self.log.last_index, match))
    return index if index > commit_index and self.log.term_at(index) == self.term else commit_index


def commit_old_terms(self: Leadership, commit_index: int) -> int:
    """An entry of an earlier term is committed by counting (Raft, figure 8)."""
    match = {peer: progress.match_index for peer, progress in self.peers.items()}
    return max(commit_index, agreed(self._per_voter(self.log.stable, match)))


def any_log_will_do(self: Log, last_index: int, last_term: int) -> bool:
    """A vote for whoever asks, however far behind."""
    return True


def keep_stable(self: Log, index: int) -> None:
    """What was durable before a truncation still counts, though other entries come to stand there."""
    stable = self.stable
    original_truncate(self, index)
    self.stable = stable


def commit_what_the_leader_says(self: Raft, index: int) -> None:
    """A follower commits up to the leader's commit index, whether or not its log agrees that far."""
    self.commit_index = max(self.commit_index, min(index, self.log.last_index))


def lose_sessions(self: Sessions) -> None:
    """The session table isn't read back after a restart."""


def remember_nothing(self: Sessions, session: Session, sequence: int) -> None:
    """No command is recognized as seen."""


def confirm_at_once(self: Leadership) -> list[Any]:
    """A ReadIndex round ends without a majority's answer."""
    done = list(self._rounds)
    self._rounds.clear()
    return done


def read_without_a_commit(self: Leadership, commit_index: int, *, again: bool = False) -> bool:
    """A new leader gives a read index before it has committed anything in its term."""
    term_start, self.term_start = self.term_start, 0
    try:
        return original_start_round(self, commit_index, again=again)
    finally:
        self.term_start = term_start


def say_definite(
    self: Replies, routing: bytes, request: int, code: str, message: str, *, definite: bool = True
) -> None:
    """An outcome that isn't known is reported as a failure for good."""
    original_fail(self, routing, request, code, message, definite=True)


def skip_state_entries(self: MemoryState) -> Mark:
    """The applied index is saved, what was applied is not."""
    for name in ("keys", "history"):
        self._overlays[name]._changes.clear()
    return original_save(self)


def stay_rejected(self: Progress, prev_log_index: int, retry_index: int) -> bool:
    """A follower whose log doesn't fit is sent the same again, for ever."""
    return False


def wake_me_at_once(self: Applying) -> int:
    """The node always wants to be woken, whether or not there is anything to do."""
    return 0


def forget_the_client(self: Proposals, index: int, term: int) -> tuple[()]:
    """Who waits for a batch is forgotten: no write is ever answered."""
    return ()


def truncate_always(self: Raft, message: Any) -> bool:
    """Whatever stands after the entry that the leader names gives way, though it may be what the leader sends."""
    if message.entries:
        if message.prev_log_index < self.log.last_index:
            self.log.truncate_from(message.prev_log_index + 1)
        self.log.append(message.entries)
    return True


def one_too_high(self: Log, entries: tuple[Entry, ...]) -> None:
    """What was truncated while it was on its way to the disk counts as durable, by one."""
    last = entries[-1].index
    if self._truncated_in_flight is not None:
        last = min(last, self._truncated_in_flight)
    self.stable = last


def take_all_committed(self: Raft) -> tuple[Entry, ...]:
    """What is committed is applied, whether or not it is on this node's own disk."""
    last = self.commit_index
    if last <= self._handed or self._installing is not None:
        return ()
    first, self._handed = self._handed + 1, last
    return tuple(self.log.entry(index) for index in range(first, last + 1))


def join_the_last_round(self: Leadership, reader: str, context: int) -> None:
    """A read is content with a round whose heartbeats left before it came."""
    if not self._rounds:
        original_request_read(self, reader, context)
        return
    last = self._rounds.pop()
    self._rounds.append(Round(last.number, last.index, (*last.reads, (reader, context))))


def seen_last_alone(self: Sessions, session: Session, sequence: int) -> tuple[Any] | None:
    """Of each session the last result is kept, as for a client that never sends two requests at a time."""
    return original_seen(self, session, sequence) if sequence == session.highest else None


def sync_again(self: SimulatedDisk, job: LogJob, report: Any) -> None:
    """A sync that failed is tried again; the kernel, which has forgotten what was dirty, says that all is well."""
    self._schedule.after(1, self._if_alive, self._life, report, job, Timed())


def cut_at_the_damage(tables: LogTables) -> LogContents:
    """A log whose records fail their checksums loses them and what follows, as if they had never been acknowledged."""
    while True:
        try:
            return read_log(tables)
        except CorruptionError:
            keys = [key for key, _ in tables.entries.scan(b"")]
            if not keys:
                raise
            tables.entries.delete(max(keys, key=log_index))


def nobody_is_near(self: Elections) -> bool:
    """Votes are given to whoever asks, though the leader was heard just now."""
    return False


def take_wall_time(self: Node, now_us: int) -> None:
    """Log time is what the leader's wall clock shows."""
    self.proposals._log_time_us = self.report._maker._wall_ns() // 1_000
    self.proposals._log_time_at_us = now_us
    original_propose(self, now_us)


def vote_again(self: Elections, message: Any) -> None:
    """Whom one has voted for in this term is no matter."""
    self.voted_for = None if message.term == self.current_term else self.voted_for
    original_on_request_vote(self, message)


READS = ("linearizable_reads",)
STATES = ("results", "exactly_once", "state_machine_safety")
RARE = 2_000
"""Events of a run for what takes a deposed leader, and somebody who asks it while another is at work already."""

MUTANTS: dict[str, Mutant] = {
    "vote not stored": Mutant(MemoryLog, "write", forget_hard_state, ("durability",)),
    "vote before the disk": Mutant(Raft, "_take_append", vote_before_disk, ("durable_promise",)),
    "two votes in a term": Mutant(Elections, "_on_request_vote", vote_again, ("one_vote", "election_safety")),
    "reply before the disk": Mutant(Raft, "_take_entries", answer_before_disk, ("durable_promise",)),
    "truncation keeps stable": Mutant(Log, "truncate_from", keep_stable, ("durable_promise", "state_behind_log")),
    "truncation on any mismatch": Mutant(
        Raft, "_take_entries", truncate_always, ("durable_commit", "state_machine_safety", "leader_append_only")
    ),
    "stable one too high after a truncation": Mutant(
        Log, "stored", one_too_high, ("durable_promise", "durable_commit", "state_behind_log"), RARE
    ),
    "leader counts unsynced entries": Mutant(Leadership, "commit_index", count_unsynced, ("durable_commit",)),
    "old term committed by counting": Mutant(Leadership, "commit_index", commit_old_terms, ("current_term_commit",)),
    "election restriction off": Mutant(Log, "up_to_date", any_log_will_do, ("leader_completeness",)),
    "pre-vote without stickiness": Mutant(Elections, "_leader_is_near", nobody_is_near, ("stickiness",)),
    "commit beyond what matches": Mutant(
        Raft, "_commit_to", commit_what_the_leader_says, ("state_machine_safety", "state_behind_log")
    ),
    "committed beyond stable": Mutant(Raft, "_take_committed", take_all_committed, ("state_behind_log",)),
    "read index without a round": Mutant(Leadership, "confirmed_rounds", confirm_at_once, READS, RARE),
    "read joins a round already sent": Mutant(Leadership, "request_read", join_the_last_round, READS, RARE),
    "read before the term's first commit": Mutant(Leadership, "start_round", read_without_a_commit, READS, RARE),
    "session table lost on restart": Mutant(Sessions, "_load", lose_sessions, STATES),
    "retries not recognized": Mutant(Sessions, "seen", remember_nothing, ("exactly_once",)),
    "only the last sequence remembered": Mutant(Sessions, "seen", seen_last_alone, ("exactly_once",)),
    "unknown outcome called definite": Mutant(Replies, "fail", say_definite, ("definite_failures",), RARE),
    "applied index saved without the data": Mutant(MemoryState, "commit", skip_state_entries, (*STATES, *READS)),
    "retry after a failed sync": Mutant(
        SimulatedDisk, "_log_sync_failed", sync_again, ("durable_promise", "durable_commit", "state_behind_log")
    ),
    "bad checksum truncated": Mutant(memory, "read_log", cut_at_the_damage, ("corruption_halts", "durability")),
    "log time from the wall clock": Mutant(Node, "_propose", take_wall_time, ("log_time",)),
    "replication stops at a conflict": Mutant(Progress, "rejected", stay_rejected, ("progress",)),
    "a deadline that has passed": Mutant(Applying, "deadline_us", property(wake_me_at_once), ("patience",)),
    "writes are never answered": Mutant(Proposals, "settle", forget_the_client, ("progress",)),
    **SNAPSHOT_MUTANTS,
}
