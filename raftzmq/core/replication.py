"""Being the leader: replication to followers, counting what is committed, confirming reads (Raft §5.3, thesis 6.4)."""

from __future__ import annotations

from collections import deque

from raftzmq.config import BATCH_BYTES_MAX, PEER_FRAMES_MAX
from raftzmq.core.log import Log
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse, InstallSnapshot, Message
from raftzmq.core.progress import Progress
from raftzmq.core.quorum import agreed
from raftzmq.core.value import value

ENTRIES_PER_MESSAGE = PEER_FRAMES_MAX - 2
WAITING_CONTEXTS_MAX = 64
"""Contexts of one node that wait for a round. None begins before the term's first commit, which may never come, and
whoever waits asks again and again."""

ReadKey = tuple[str, int]
"""Who asked for a read, and the context that it gave."""


@value
class Round:
    """One ReadIndex round: reads that are linearizable at ``index`` once a majority has echoed ``number``."""

    number: int
    index: int
    reads: tuple[ReadKey, ...]


class Leadership:
    """All that a leader knows beyond what every node knows. Dropped whole when it steps down."""

    def __init__(self, node: str, term: int, log: Log, now_us: int) -> None:
        self.node = node
        self.term = term
        self.log = log
        self.term_start = log.last_index + 1
        self.round = 0
        self._waiting: dict[str, deque[int]] = {}
        self._rounds: deque[Round] = deque()
        self.peers = {
            voter: Progress(next_index=log.last_index + 1, heard_us=now_us, moved_us=now_us)
            for voter in log.configuration.voters
            if voter != node
        }

    def _per_voter(self, own: int, of_peer: dict[str, int]) -> list[int]:
        return [own if voter == self.node else of_peer[voter] for voter in self.log.configuration.voters]

    def quorum_heard_us(self, now_us: int) -> int:
        """When a majority, this node included, had last been heard (thesis 6.2, CheckQuorum)."""
        return agreed(self._per_voter(now_us, {peer: p.heard_us for peer, p in self.peers.items()}))

    def commit_index(self, commit_index: int) -> int:
        """The commit index that counting replicas allows: only entries of this term count (Raft §5.4.2).

        The leader itself counts with what its own disk has (thesis 10.2.1).
        """
        own, stable, peers = self.node, self.log.stable, self.peers
        index = agreed([stable if v == own else peers[v].match_index for v in self.log.configuration.voters])
        if index > commit_index and self.log.term_at(index) == self.term:
            return index
        return commit_index

    def _message(self, peer: str, progress: Progress, commit_index: int, *, empty: bool) -> AppendEntries:
        # Of what the log no longer has, not even the term is known: the mark is the earliest place to compare.
        previous = max(progress.next_index - 1, self.log.mark.index)
        entries = (
            ()
            if empty
            else self.log.between(progress.next_index, self.log.last_index, BATCH_BYTES_MAX, ENTRIES_PER_MESSAGE)
        )
        previous_term = self.log.term_at(previous)
        assert previous_term is not None, "a leader keeps what its followers need"
        return AppendEntries(self.node, peer, self.term, previous, previous_term, commit_index, self.round, entries)

    def heartbeats(self, commit_index: int) -> list[AppendEntries]:
        """Empty AppendEntries for everybody. Where an answer doesn't fit, it also finds messages that were lost."""
        return [self._message(peer, p, commit_index, empty=True) for peer, p in self.peers.items()]

    def questions(self, commit_index: int, heard_since_us: int) -> list[AppendEntries]:
        """The heartbeats that begin a ReadIndex round: for as many as a majority takes, those who were heard last.

        Whoever else is asked would only cost everybody a message, its answer and a round. If one of them wasn't heard
        since then, all are asked; if one falls silent just now, the next heartbeat, which carries the round to
        everybody, is the second attempt.
        """
        needed = (len(self.peers) + 1) // 2
        latest = sorted(self.peers.items(), key=lambda item: item[1].heard_us, reverse=True)[:needed]
        if any(progress.heard_us < heard_since_us for _, progress in latest):
            return self.heartbeats(commit_index)
        return [self._message(peer, progress, commit_index, empty=True) for peer, progress in latest]

    def needed_from(self) -> int:
        """The highest index that every follower has, or will have from the snapshot on its way to it."""
        return min((p.match_index if p.snapshot is None else p.snapshot for p in self.peers.values()), default=2**63)

    def promised_from(self, heard_since_us: int, moved_since_us: int) -> int:
        """The lowest index at which a snapshot ends that is on its way to a follower: entries after it are needed.

        They still are once it is installed, until the follower has what the log grew by meanwhile: otherwise it would
        be gone at that moment, and the next snapshot would begin. But not for one that wasn't heard since
        ``heard_since_us``, nor for one that took no entry since ``moved_since_us``: its disk may be full for long.
        """
        promised = 2**63
        for progress in self.peers.values():
            if progress.snapshot is not None:
                promised = min(promised, progress.snapshot)
            elif (
                progress.match_index < progress.owed
                and progress.heard_us >= heard_since_us
                and progress.moved_us >= moved_since_us
            ):
                promised = min(promised, progress.match_index)
        return promised

    def replicate(self, commit_index: int, durable_index: int, heard_since_us: int) -> list[Message]:
        """Entries for every follower that lacks some and whose flow control allows it.

        Where the log no longer has them: a snapshot of the state, which is durable up to ``durable_index``, if the
        follower was heard since ``heard_since_us``; one that is down may be down for long.
        """
        messages: list[Message] = []
        last_index = self.log.last_index
        for peer, progress in self.peers.items():
            if progress.next_index > last_index:
                continue
            if progress.next_index <= self.log.mark.index and progress.snapshot is None:
                if progress.heard_us < heard_since_us:
                    continue
                progress.await_snapshot(durable_index)
                messages.append(InstallSnapshot(self.node, peer, self.term, self.log.mark_at(durable_index)))
            while progress.next_index <= last_index and progress.can_send():
                message = self._message(peer, progress, commit_index, empty=False)
                progress.sent(message.entries[-1].index, sum([len(e.data) for e in message.entries]))
                messages.append(message)
        return messages

    def on_response(self, message: AppendEntriesResponse, now_us: int) -> None:
        """Note what a follower said of its log, and that it still follows."""
        progress = self.peers.get(message.sender)
        if progress is None or max(message.match_index, message.prev_log_index) > self.log.last_index:
            return
        progress.heard_us = now_us
        progress.round = max(progress.round, min(message.round, self.round))
        if message.success:
            awaited, before = progress.snapshot is not None, progress.match_index
            progress.matched(message.match_index, message.prev_log_index)
            if progress.match_index > before:
                progress.moved_us = now_us
            if awaited and progress.snapshot is None:
                progress.owed = self.log.last_index
        else:
            fits = self.log.last_with_term_at_most(message.hint_index, message.hint_term)
            progress.rejected(message.prev_log_index, fits + 1)

    def request_read(self, reader: str, context: int) -> None:
        """Queue a read for the next round; a round whose heartbeats have left is never joined.

        Of too many by one node the oldest are never answered: an index that is good for its latest is good for them.
        """
        self._waiting.setdefault(reader, deque(maxlen=WAITING_CONTEXTS_MAX)).append(context)

    @property
    def has_reads(self) -> bool:
        """Does a read wait for a round, or for a round's answers?"""
        return bool(self._waiting or self._rounds)

    def start_round(self, commit_index: int, *, again: bool = False) -> bool:
        """Begin a round for the reads that wait; its heartbeats are the caller's to send.

        One round at a time, so that reads gather meanwhile; ``again`` starts another beside it, because messages
        of the first may have been lost. None before this term's first commit: only then does the leader know all
        that is committed (Raft §8).
        """
        if not self._waiting or (self._rounds and not again) or commit_index < self.term_start:
            return False
        self.round += 1
        reads = tuple([(reader, context) for reader, contexts in self._waiting.items() for context in contexts])
        self._rounds.append(Round(self.round, commit_index, reads))
        self._waiting.clear()
        return True

    def confirmed_rounds(self) -> list[Round]:
        """Rounds that a majority has answered since they began; they are handed out once."""
        if not self._rounds:
            return []
        echoed = agreed(self._per_voter(self.round, {peer: p.round for peer, p in self.peers.items()}))
        done = []
        while self._rounds and self._rounds[0].number <= echoed:
            done.append(self._rounds.popleft())
        return done
