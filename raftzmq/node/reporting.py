"""What a node says about itself: facts of the core and steps of the node, as events, for those who listen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from raftzmq.codec.snapshots import SnapshotId
from raftzmq.config import MICROSECONDS
from raftzmq.core import Raft
from raftzmq.core.ready import Append, Fact, Ready
from raftzmq.core.types import Entry, Mark
from raftzmq.events import EventMaker
from raftzmq.node.work import Loaded, StateJob, StateResult, Timed

GATHER_MAX = 256
"""Events after which they leave, however little time has passed."""
PATIENCE = 4
"""How many times as long they may wait while nothing else happens in this node."""
NEVER = 2**62


class Reporter:
    """Gathers the fields of an event only if somebody wants it.

    ``wanted`` and ``ring`` are the maker's: whether an event is to be made, and what is kept of those that were.
    """

    def __init__(self, maker: EventMaker, raft: Raft) -> None:
        self._maker = maker
        self._raft = raft
        self.wanted = maker.wanted
        self.ring = maker.ring
        self.gather_us = 0
        """How long events may gather before they leave together, for a driver to which each departure costs much."""
        self._gathering_since_us: int | None = None
        self.deadline_us = NEVER
        """When `take` wants to be called, if no round comes before that anyway: one of its own has its price."""
        self._commit_index = raft.commit_index
        self._installed_digest: int | None = None
        self._held_back_us: int | None = None
        self._dropped: Counter[str] = Counter()
        self._dropped_after_us: dict[str, int] = {}

    def subscription(self, prefix: bytes, wanted: bool, now_us: int) -> None:
        """Pass on what the publisher was told."""
        if wanted:
            self._maker.subscribe(prefix, now_us)
        else:
            self._maker.unsubscribe(prefix, now_us)

    def take(self, now_us: int) -> Sequence[tuple[bytes, bytes]]:
        """The events made since the last call that gave some; none while they may gather."""
        waiting = self._maker.waiting
        if not waiting:
            return ()
        if self._gathering_since_us is None:
            self._gathering_since_us = now_us
            self.deadline_us = now_us + PATIENCE * self.gather_us
        if now_us - self._gathering_since_us < self.gather_us and waiting < GATHER_MAX:
            return ()
        self._gathering_since_us = None
        self.deadline_us = NEVER
        return self._maker.take()

    def emit(self, kind: str, now_us: int, /, **fields: Any) -> None:
        """An event that is rare enough for its fields to be gathered anyway."""
        self._maker.emit(kind, self._raft.current_term, now_us, fields)

    def boot(self, loaded: Loaded, now_us: int) -> Fact:
        """What the node starts from."""
        log = self._raft.log
        fields = {
            "cluster": loaded.cluster_id,
            "incarnation": loaded.incarnation,
            "voted_for": loaded.voted_for,
            "mark_index": log.mark.index,
            "mark_chain": log.mark.chain,
            "first_index": log.first_index,
            "last_index": log.last_index,
            "last_term": log.last_term,
            "last_chain": log.last_chain,
            "applied_index": loaded.applied_index,
            "digest": loaded.digest,
            "revision": loaded.revision,
            "voters": list(self._raft.voters),
        }
        self.emit("boot", now_us, **fields)
        return Fact("boot", loaded.current_term, fields)

    def request(self, kind: str, commands: int, size: int, now_us: int) -> None:
        """A request came through the door."""
        if self.wanted("request"):
            self.emit("request", now_us, kind=kind, commands=commands, bytes=size)

    def dropped(self, kind: str, count: int, now_us: int) -> None:
        """Messages were dropped: said once a second and kind, since an absent peer drops twenty heartbeats in one."""
        self._dropped[kind] += count
        if now_us >= self._dropped_after_us.get(kind, now_us):
            self._dropped_after_us[kind] = now_us + MICROSECONDS
            self.emit("dropped", now_us, what=kind, count=self._dropped.pop(kind))

    def snapshot(self, step: str, which: Mark | SnapshotId, peer: str | None, now_us: int) -> None:
        """A step of a snapshot on its way, which ends where ``which`` says."""
        term = which.term if isinstance(which, Mark) else which.entry_term
        index, chain = which.index, which.chain
        self.emit("snapshot", now_us, step=step, index=index, entry_term=term, chain=chain, digest=None, peer=peer)

    def installed(self, digest: int) -> None:
        """The state is a snapshot now, with this checksum: the core, whose fact is about to come, doesn't know it."""
        self._installed_digest = digest

    def ready(self, ready: Ready, now_us: int) -> None:
        """The core's facts, new entries and the commit index."""
        for fact in ready.facts:
            if fact.kind == "snapshot" and fact.fields["step"] == "installed":
                fact.fields["digest"] = self._installed_digest
            self._maker.emit(fact.kind, fact.term, now_us, fact.fields)
        if self.wanted("append"):
            self._track_append(ready.append, now_us)
        else:
            self._held_back_us = None
        if ready.append is not None and ready.append.compact_to is not None and self.wanted("compact"):
            self.emit("compact", now_us, index=ready.append.compact_to.index, bytes=self._raft.log.bytes)
        if self._raft.commit_index != self._commit_index:
            if self.wanted("commit"):
                self._commit(now_us)
            self._commit_index = self._raft.commit_index

    def _track_append(self, append: Append | None, now_us: int) -> None:
        """Tell of new entries, and note since when some wait for the append before theirs."""
        if append is not None:
            if append.entries:
                self._append(append.entries, now_us)
            self._held_back_us = None
        elif self._held_back_us is None and not self._raft.log.all_handed:
            self._held_back_us = now_us

    def _append(self, entries: Sequence[Entry], now_us: int) -> None:
        self.emit(
            "append",
            now_us,
            first=entries[0].index,
            last=entries[-1].index,
            terms=[entry.term for entry in entries],
            chains=[entry.chain for entry in entries],
            bytes=sum([len(entry.data) for entry in entries]),
            batch=len(entries),
            waited_us=0 if self._held_back_us is None else now_us - self._held_back_us,
            role=str(self._raft.role),
        )

    def _commit(self, now_us: int) -> None:
        index, log = self._raft.commit_index, self._raft.log
        term, chain = log.term_at(index), log.known_chain(index)
        self.emit("commit", now_us, index=index, previous=self._commit_index, entry_term=term, chain=chain)

    def logged(self, append: Append, timed: Timed, now_us: int) -> None:
        """The log's transaction is durable, and the core knows."""
        if not self.wanted("storage"):
            return
        log, stored = self._raft.log, self._raft.stored
        self.emit(
            "storage",
            now_us,
            what="log",
            elapsed_us=timed.elapsed_us,
            commit_us=timed.commit_us,
            entries=len(append.entries),
            bytes=sum([len(entry.data) for entry in append.entries]),
            last=log.stable,
            chain=log.known_chain(log.stable),
            voted_for=stored.voted_for,
            vote_term=stored.current_term,
            restarted_after=None if append.snapshot is None else append.snapshot.index,
        )

    def applied(self, job: StateJob, result: StateResult, commands: int, timed: Timed, now_us: int) -> None:
        """A job of the state, with so many commands, is visible."""
        entries = job.entries
        if entries and self.wanted("apply"):
            self.emit(
                "apply",
                now_us,
                first=entries[0].index,
                last=entries[-1].index,
                chain=entries[-1].chain,
                commands=commands,
                revision=result.revision,
                digest=result.digest,
                elapsed_us=timed.elapsed_us,
            )
        if result.answers and self.wanted("read"):
            self.emit("read", now_us, count=sum(len(a) for _, a in result.answers), index=result.applied_index)

    def replied(self, first: int, last: int, requests: int, now_us: int) -> None:
        """Clients were handed the results of entries ``first`` to ``last``."""
        if self.wanted("reply"):
            commit_index = self._raft.commit_index
            self.emit("reply", now_us, first=first, last=last, commit_index=commit_index, requests=requests)

    def state_durable(self, index: int, entries: int, size: int, timed: Timed, now_us: int) -> None:
        """The state's transaction, which ends at ``index``, is durable: so many entries of so many bytes."""
        if not self.wanted("storage"):
            return
        self.emit(
            "storage",
            now_us,
            what="state",
            elapsed_us=timed.elapsed_us,
            commit_us=timed.commit_us,
            entries=entries,
            bytes=size,
            last=index,
            chain=None,
            voted_for=None,
            vote_term=None,
            restarted_after=None,
        )


def commands_in(result: StateResult) -> int:
    """How many commands a job of the state applied; a parcel that was refused as a whole counts for one."""
    return sum([len(parcel) if type(parcel) is list else 1 for parcels in result.results for parcel in parcels])
