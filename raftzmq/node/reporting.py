"""What a node says about itself: facts of the core and steps of the node, as events, for those who listen."""

from __future__ import annotations

from collections import Counter
from typing import Any

from raftzmq.config import MICROSECONDS
from raftzmq.core import Raft
from raftzmq.core.ready import Append, Fact, Ready
from raftzmq.core.types import EntryKind
from raftzmq.events import EventMaker
from raftzmq.node.work import Loaded, StateJob, StateResult, Timed


class Reporter:
    """Gathers the fields of an event only if somebody wants it."""

    def __init__(self, maker: EventMaker, raft: Raft) -> None:
        self._maker = maker
        self._raft = raft
        self._commit_index = raft.commit_index
        self._dropped: Counter[str] = Counter()
        self._dropped_after_us: dict[str, int] = {}

    def subscription(self, prefix: bytes, wanted: bool, now_us: int) -> None:
        """Pass on what the publisher was told."""
        if wanted:
            self._maker.subscribe(prefix, now_us)
        else:
            self._maker.unsubscribe(prefix, now_us)

    def take(self) -> list[tuple[bytes, bytes]]:
        """The events made since the last call."""
        return self._maker.take()

    def emit(self, kind: str, now_us: int, /, **fields: Any) -> None:
        """An event that is rare enough for its fields to be gathered anyway."""
        self._maker.emit(kind, self._raft.current_term, now_us, fields)

    def boot(self, loaded: Loaded, now_us: int) -> Fact:
        """What the node starts from. Nobody has subscribed yet: who wants to know finds it in the ring."""
        fields = {
            "cluster": loaded.cluster_id,
            "incarnation": loaded.incarnation,
            "voted_for": loaded.voted_for,
            "first_index": self._raft.log.first_index,
            "last_index": self._raft.log.last_index,
            "applied_index": loaded.applied_index,
            "voters": list(self._raft.voters),
        }
        self.emit("boot", now_us, **fields)
        return Fact("boot", loaded.current_term, fields)

    def request(self, kind: str, commands: int, size: int, now_us: int) -> None:
        """A request came through the door."""
        if self._maker.wanted("request"):
            self.emit("request", now_us, kind=kind, commands=commands, bytes=size)

    def dropped(self, kind: str, count: int, now_us: int) -> None:
        """Messages were dropped: said once a second and kind, since an absent peer drops twenty heartbeats in one."""
        self._dropped[kind] += count
        if now_us >= self._dropped_after_us.get(kind, now_us):
            self._dropped_after_us[kind] = now_us + MICROSECONDS
            self.emit("dropped", now_us, what=kind, count=self._dropped.pop(kind))

    def ready(self, ready: Ready, now_us: int) -> None:
        """The core's facts, new entries and the commit index."""
        for fact in ready.facts:
            self._maker.emit(fact.kind, fact.term, now_us, fact.fields)
        if ready.append is not None and ready.append.entries and self._maker.wanted("append"):
            entries = ready.append.entries
            self.emit(
                "append",
                now_us,
                first=entries[0].index,
                last=entries[-1].index,
                bytes=sum(len(entry.data) for entry in entries),
                batch=len(entries),
                role=str(self._raft.role),
            )
        if ready.append is not None and ready.append.compact_to is not None and self._maker.wanted("compact"):
            self.emit("compact", now_us, index=ready.append.compact_to.index, bytes=self._raft.log.bytes)
        if self._raft.commit_index != self._commit_index:
            if self._maker.wanted("commit"):
                self.emit("commit", now_us, index=self._raft.commit_index, previous=self._commit_index)
            self._commit_index = self._raft.commit_index

    def logged(self, append: Append, timed: Timed, now_us: int) -> None:
        """The log's transaction is durable."""
        if self._maker.wanted("storage"):
            size = sum(len(entry.data) for entry in append.entries)
            self._storage("log", timed, len(append.entries), size, now_us)

    def applied(self, job: StateJob, result: StateResult, timed: Timed, now_us: int) -> None:
        """A job of the state is visible."""
        if job.entries and self._maker.wanted("apply"):
            commands = sum(
                len(parcel) if isinstance(parcel, list) else 1 for parcels in result.results for parcel in parcels
            )
            self.emit(
                "apply",
                now_us,
                first=job.entries[0].index,
                last=job.entries[-1].index,
                commands=commands,
                revision=result.revision,
                digest=result.digest,
                elapsed_us=timed.elapsed_us,
            )
        if result.answers and self._maker.wanted("read"):
            self.emit("read", now_us, count=sum(len(a) for _, a in result.answers), index=result.applied_index)
        if job.entries and not job.commit and self._maker.wanted("storage"):
            size = sum(len(e.data) for e in job.entries if e.kind is EntryKind.COMMANDS)
            self._storage("state", timed, len(job.entries), size, now_us)

    def state_durable(self, timed: Timed, now_us: int) -> None:
        """The state's transaction is durable."""
        if self._maker.wanted("storage"):
            self._storage("state", timed, 0, 0, now_us)

    def _storage(self, what: str, timed: Timed, entries: int, size: int, now_us: int) -> None:
        self.emit(
            "storage",
            now_us,
            what=what,
            elapsed_us=timed.elapsed_us,
            commit_us=timed.commit_us,
            entries=entries,
            bytes=size,
        )
