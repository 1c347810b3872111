"""Raft as a deterministic function of its inputs. The rules it keeps stand in the package's docstring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from raftzmq.config import Retention, Timing
from raftzmq.core.elections import Randomness
from raftzmq.core.log import Log
from raftzmq.core.messages import (
    AppendEntries,
    AppendEntriesResponse,
    InstallSnapshot,
    Message,
    ReadIndex,
    ReadIndexResponse,
    RequestVote,
    RequestVoteResponse,
)
from raftzmq.core.ready import Append, ReadState, Ready
from raftzmq.core.replication import Leadership
from raftzmq.core.roles import Follower
from raftzmq.core.snapshots import Snapshots
from raftzmq.core.types import Entry, HardState, Mark, chain_checksum
from raftzmq.errors import InvariantViolation

NOTHING = Ready()
"""What many rounds lead to: made once."""


class Raft(Snapshots):
    """One node's consensus. Feed inputs, then take `ready()`; call `tick` before `step` in each round."""

    def __init__(self, node: str, timing: Timing, rng: Randomness, retention: Retention | None = None) -> None:
        super().__init__(node, timing, rng, retention or Retention())
        self._in_flight: Append | None = None
        self._held_in_flight: list[Message] = []
        self._reads: list[ReadState] = []

    @property
    def stored(self) -> HardState:
        """The term and the vote that are on disk."""
        return self._stored

    # --- inputs ---

    def load(
        self, hard_state: HardState, mark: Mark, entries: Sequence[Entry], applied_index: int, now_us: int
    ) -> None:
        """Start from what the disk has: nothing else may have been called before."""
        self.current_term, self.voted_for = hard_state.current_term, hard_state.voted_for
        self._stored = hard_state
        self.log = Log(mark, entries)
        if not mark.index <= applied_index <= self.log.last_index:
            raise InvariantViolation(
                f"the state has applied {applied_index}, outside of the log's {mark.index}…{self.log.last_index}"
            )
        if self.log.last_term > self.current_term:
            raise InvariantViolation(f"the log has term {self.log.last_term} in term {self.current_term}")
        self.commit_index = self.last_applied = self._handed = self._durable_index = applied_index
        self._now = now_us
        self._reset_election_timer()

    def step(self, message: Message) -> None:
        """Take a message from another node (Raft figure 2, rules for all servers)."""
        if message.term > self.current_term:
            if isinstance(message, RequestVote):
                if self._leader_is_near() and not message.told:
                    self._refuse_disruption(message)
                    return
                if not message.pre_vote:
                    self._become_follower(message.term, None, "a candidate has a higher term")
            elif not (isinstance(message, RequestVoteResponse) and message.pre_vote and message.granted):
                leader = message.sender if isinstance(message, (AppendEntries, InstallSnapshot)) else None
                self._become_follower(message.term, leader, f"{message.sender} has a higher term")
        elif message.term < self.current_term:
            self._answer_stale(message)
            return
        if isinstance(message, AppendEntries):
            self._on_append_entries(message)
        elif isinstance(message, AppendEntriesResponse):
            if isinstance(self._state, Leadership):
                self._state.on_response(message, self._now)
                if message.match_index > self.commit_index:
                    self.commit_index = self._state.commit_index(self.commit_index)
        elif isinstance(message, RequestVote):
            self._on_request_vote(message)
        elif isinstance(message, RequestVoteResponse):
            self._on_request_vote_response(message)
        elif isinstance(message, InstallSnapshot):
            self._on_install_snapshot(message)
        elif isinstance(message, ReadIndex):
            if isinstance(self._state, Leadership):
                self._state.request_read(message.sender, message.context)
        else:
            self._on_read_index_response(message)

    def read_index(self, context: int) -> None:
        """Ask at which index a read is linearizable.

        A `ReadState` answers it, or nothing ever: then ask again, with another context.
        """
        if isinstance(self._state, Leadership):
            self._state.request_read(self.node, context)
        elif self.leader is not None:
            self._messages.append(ReadIndex(self.node, self.leader, self.current_term, context))

    def appended(self, append: Append) -> None:
        """``append`` is durable: release what waited for it (rules 1 to 4)."""
        if append is not self._in_flight:
            raise InvariantViolation("storage reports an append that isn't under way")
        began_us = self._writing_since_us
        self._in_flight = self._writing_since_us = None
        if append.hard_state is not None:
            voting = self._vote_under_way
            self._stored = append.hard_state
            if voting and began_us is not None and not self._vote_under_way:
                self._vote_stored(self._now - began_us)
        if append.snapshot is not None:
            self.log.stored_mark(append.snapshot)
        if append.entries:
            self.log.stored(append.entries)
        released, self._held_in_flight = self._held_in_flight, []
        for message in released:
            if message.to == self.node:
                self.step(message)
            else:
                self._messages.append(message)
        state = self._state
        if isinstance(state, Leadership):
            self.commit_index = state.commit_index(self.commit_index)
        elif isinstance(state, Follower) and state.answer_owed:
            state.answer_owed = state.matched > self.log.stable
            self._answer_append(state)

    def applied(self, index: int) -> None:
        """The state has applied ``index``: visible, not necessarily durable."""
        if index > self.last_applied:
            self.last_applied = index
            self._applying_since_us = self._now if index < self._handed else None

    # --- output ---

    def ready(self) -> Ready:
        """All that follows from the inputs so far."""
        leadership = self.leadership
        if leadership is not None:
            self._lead(leadership)
        append = self._take_append()
        committed = self._take_committed()
        if append is None and not (committed or self._messages or self._reads or self._facts or self._install):
            return NOTHING
        install, self._install = self._install, None
        ready = Ready(tuple(self._messages), append, committed, tuple(self._reads), tuple(self._facts), install)
        self._messages.clear()
        self._reads.clear()
        self._facts.clear()
        return ready

    def _take_append(self) -> Append | None:
        if self._in_flight is not None:
            return None
        hard_state = None
        if self.current_term != self._stored.current_term or self.voted_for != self._stored.voted_for:
            hard_state = HardState(self.current_term, self.voted_for)
        restart, entries = self.log.take_mark(), self.log.take_unstored()
        compacted = self._take_compaction() if restart is None else None
        if hard_state is None and not entries and restart is None and compacted is None:
            if self._held:
                self._messages += [m for m in self._held if m.to != self.node]
                self._held.clear()
            return None
        self._in_flight = Append(hard_state, entries, restart, compacted)
        self._held_in_flight, self._held = self._held, []
        self._writing_since_us = self._now
        return self._in_flight

    def _take_committed(self) -> tuple[Entry, ...]:
        last = min(self.commit_index, self.log.stable)
        if last <= self._handed or self._installing is not None:
            return ()
        if self._applying_since_us is None:
            self._applying_since_us = self._now
        first, self._handed = self._handed + 1, last
        return tuple([self.log.entry(index) for index in range(first, last + 1)])

    def _lead(self, leader: Leadership) -> None:
        if leader.has_reads:
            self._confirm_reads(leader)
            if leader.start_round(self.commit_index):
                self._messages += leader.questions(self.commit_index, self._now - 2 * self.timing.heartbeat_us)
                self._confirm_reads(leader)  # a single voter is a majority by itself
        heard_since = self._now - self.timing.election_max_us
        self._messages += leader.replicate(self.commit_index, self._durable_index, heard_since)

    def _confirm_reads(self, leader: Leadership) -> None:
        for done in leader.confirmed_rounds():
            for reader, context in done.reads:
                if reader == self.node:
                    self._reads.append(ReadState(context, done.index))
                else:
                    self._messages.append(ReadIndexResponse(self.node, reader, self.current_term, context, done.index))

    # --- following ---

    def _answer_stale(self, message: Message) -> None:
        """A sender of an older term learns of the newer one; without that, it could lead or campaign in vain."""
        if isinstance(message, RequestVote):
            self._messages.append(
                RequestVoteResponse(self.node, message.sender, self.current_term, False, message.pre_vote)
            )
        elif isinstance(message, AppendEntries):
            self._messages.append(
                AppendEntriesResponse(self.node, message.sender, self.current_term, False, 0, 0, message.prev_log_index)
            )

    def _on_append_entries(self, message: AppendEntries) -> None:
        """Raft §5.3 and figure 2, AppendEntries receiver; the term is the current one."""
        follower = self._follow(message)
        follower.round = max(follower.round, message.round)
        if message.prev_log_index < self.log.mark.index:
            # What lies before the mark is committed, so the leader has it too.
            follower.matched = max(follower.matched, self.log.mark.index)
            self._answer_append(follower)
            return
        if self.log.term_at(message.prev_log_index) != message.prev_log_term:
            self._reject_append(follower, message)
            return
        if message.entries and not self._has_room_for_entries():
            # As if it were a heartbeat: the leader sends them again, and will find room one day.
            message = replace(message, entries=())
        if not self._take_entries(message):
            return
        last = message.prev_log_index + len(message.entries)
        follower.matched = max(follower.matched, last)
        self._commit_to(message.leader_commit)
        if message.entries and last > self.log.stable:
            follower.answer_owed = True
        else:
            self._answer_append(follower)

    def _has_room_for_entries(self) -> bool:
        """Past its bound the log takes none, as long as something in it is committed and so will be compacted away.

        Without that there is nothing to wait for: after a power cut nobody knows what is committed before a new
        leader's first entry is, and logs that refused it would refuse it for ever.
        """
        if not self.has_room:
            return False
        return self.log.bytes <= self.retention.bound_bytes or self.commit_index <= self.log.mark.index

    def _take_entries(self, message: AppendEntries) -> bool:
        """Append what is new, replacing what conflicts; False for entries that are damaged: they are not answered."""
        chain = self.log.chain_at(message.prev_log_index)
        term = message.prev_log_term
        new: list[Entry] = []
        for index, entry in enumerate(message.entries, message.prev_log_index + 1):
            sound = entry.index == index and term <= entry.term <= message.term
            if sound and not new and self.log.term_at(index) == entry.term:
                sound = entry.chain == self.log.chain_at(index)
            elif sound:
                sound = entry.chain == chain_checksum(chain, index, entry.term, entry.kind, entry.data)
                new.append(entry)
            if not sound:
                self._fact("corrupt", what=f"entry {index} from {message.sender} fails its checksum")
                return False
            chain, term = entry.chain, entry.term
        if new and new[0].index <= self.log.last_index:
            if new[0].index <= self.commit_index:
                raise InvariantViolation(f"{message.sender} would replace the committed entry {new[0].index}")
            self._fact("truncate", first=new[0].index, last=self.log.last_index, leader=message.sender)
            self.log.truncate_from(new[0].index)
        self.log.append(new)
        return True

    def _reject_append(self, follower: Follower, message: AppendEntries) -> None:
        hint = self.log.last_with_term_at_most(message.prev_log_index, message.prev_log_term)
        match = min(follower.matched, self.log.stable)
        self._messages.append(
            AppendEntriesResponse(
                self.node,
                message.sender,
                self.current_term,
                False,
                match,
                follower.round,
                message.prev_log_index,
                hint,
                self.log.term_at(hint) or 0,
            )
        )

    def _commit_to(self, index: int) -> None:
        """What the leader has committed is committed here as far as this log is known to agree with the leader's."""
        if isinstance(self._state, Follower):
            self.commit_index = max(self.commit_index, min(index, self._state.matched))

    def _on_read_index_response(self, message: ReadIndexResponse) -> None:
        self._commit_to(message.index)
        self._reads.append(ReadState(message.context, message.index))
