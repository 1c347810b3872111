"""Bugs to plant, each by replacing one function: what the simulator must find, and by which property.

Each is a mistake that a real implementation has made, or that a paper warns of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from raftzmq.core.log import Log
from raftzmq.core.progress import Progress
from raftzmq.core.quorum import agreed
from raftzmq.core.raft import Raft
from raftzmq.core.replication import Leadership
from raftzmq.kv.sessions import Session, Sessions
from raftzmq.node.applying import Applying
from raftzmq.node.node import Node
from raftzmq.node.proposals import Proposals
from raftzmq.node.work import LogJob
from raftzmq.storage.memory import MemoryLog, MemoryState

original_write = MemoryLog.write
original_take_entries = Raft._take_entries
original_take_append = Raft._take_append
original_fail = Node._fail
original_truncate = Log.truncate_from
original_save = MemoryState.commit
original_start_round = Leadership.start_round


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


def remember_nothing(self: Session, sequence: int) -> None:
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


def say_definite(self: Node, routing: bytes, request: int, code: str, message: str, *, definite: bool = True) -> None:
    """An outcome that isn't known is reported as a failure for good."""
    original_fail(self, routing, request, code, message, definite=True)


def skip_state_entries(self: MemoryState) -> int:
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


@dataclass(frozen=True, slots=True)
class Mutant:
    """``function`` takes the place of ``owner.name``; one of ``properties`` must break within ``seeds`` seeds."""

    owner: type
    name: str
    function: Callable[..., Any] | property
    properties: tuple[str, ...]
    seeds: int = 60
    events: int = 500


READS = ("linearizable_reads",)
STATES = ("results", "exactly_once", "state_machine_safety")
RARE = {"seeds": 150, "events": 2_000}
"""For what takes a deposed leader, and somebody who asks it while another is at work already."""

MUTANTS = {
    "vote not stored": Mutant(MemoryLog, "write", forget_hard_state, ("durability",)),
    "vote before the disk": Mutant(Raft, "_take_append", vote_before_disk, ("durable_promise",)),
    "reply before the disk": Mutant(Raft, "_take_entries", answer_before_disk, ("durable_promise",)),
    "truncation keeps stable": Mutant(Log, "truncate_from", keep_stable, ("durable_promise", "state_behind_log"), 150),
    "leader counts unsynced entries": Mutant(Leadership, "commit_index", count_unsynced, ("durable_commit",)),
    "old term committed by counting": Mutant(Leadership, "commit_index", commit_old_terms, ("current_term_commit",)),
    "election restriction off": Mutant(Log, "up_to_date", any_log_will_do, ("leader_completeness",), 150),
    "commit beyond what matches": Mutant(
        Raft, "_commit_to", commit_what_the_leader_says, ("state_machine_safety", "state_behind_log"), 150
    ),
    "session table lost": Mutant(Sessions, "_load", lose_sessions, STATES, 150),
    "retries not recognized": Mutant(Session, "seen", remember_nothing, ("exactly_once",)),
    "read index without a round": Mutant(Leadership, "confirmed_rounds", confirm_at_once, READS, **RARE),
    "read before the term's first commit": Mutant(Leadership, "start_round", read_without_a_commit, READS, **RARE),
    "unknown outcome called definite": Mutant(Node, "_fail", say_definite, ("definite_failures",), **RARE),
    "applied index saved without the data": Mutant(MemoryState, "commit", skip_state_entries, (*STATES, *READS)),
    "replication stops at a conflict": Mutant(Progress, "rejected", stay_rejected, ("progress",)),
    "a deadline that has passed": Mutant(Applying, "deadline_us", property(wake_me_at_once), ("patience",)),
    "writes are never answered": Mutant(Proposals, "settle", forget_the_client, ("progress",)),
}
