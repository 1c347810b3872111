"""Linearizable reads: waiting for a ReadIndex round, then for the state to reach its index (thesis 6.4)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from raftzmq.config import (
    BATCH_COMMANDS_MAX,
    QUERY_OVERHEAD_BYTES,
    WAITING_OVERHEAD_BYTES,
    WAITING_READ_BYTES_MAX,
    WAITING_READS_MAX,
)
from raftzmq.core.value import value
from raftzmq.kv.commands import Query
from raftzmq.node.work import ReadBatch

JOB_QUERIES_MAX = BATCH_COMMANDS_MAX
"""Queries after which a job of the state gets no further read. Answers have a bound in bytes, so of many reads of large
values few are answered in one job; all others would have to be handed back and forth, each time, by the loop."""


@value
class WaitingRead:
    """What is left of one request of a client: ``queries``, the first of which was number ``first`` in it.

    ``size``: what it is charged for while it waits, bytes.
    """

    token: int
    routing: bytes
    request: int
    queries: tuple[Query, ...]
    deadline_us: int
    size: int
    first: int = 0


@dataclass(slots=True)
class _Asked:
    """A context that the core was asked about, when, and the reads that its answer is for.

    ``repeated``: its reads have been asked for again since, under another context.
    """

    asked_us: int
    tokens: list[int]
    repeated: bool = False


class Reads:
    """Every read that has not been answered.

    A read is *new* (no context asked for it yet), *asked*, *indexed* (its index is known, the state isn't there yet)
    or *running* (in a job of the state). Contexts start at a random number and are never used again, so an answer to
    a question of an earlier life fits nothing (it would be a stale read). A retry takes a fresh context; an answer to
    the older one is still good for the reads that it was asked for, since they had come before it.
    """

    def __init__(self, first_context: int, retry_us: int) -> None:
        self.waiting_bytes = 0
        self._next_context = first_context
        self._next_token = 1
        self._retry_us = retry_us
        self._waiting: dict[int, WaitingRead] = {}
        self._unindexed: set[int] = set()
        self._new: list[int] = []
        self._asked: dict[int, _Asked] = {}
        self._indexed: deque[tuple[int, int]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def has_room(self, queries: int, payload_bytes: int) -> bool:
        """Is there room for a read of so many queries, which came in so many bytes? One always fits alone."""
        if not self._waiting:
            return True
        size = read_size(queries, payload_bytes)
        return len(self._waiting) < WAITING_READS_MAX and self.waiting_bytes + size <= WAITING_READ_BYTES_MAX

    def add(
        self, routing: bytes, request: int, queries: tuple[Query, ...], deadline_us: int, payload_bytes: int
    ) -> int:
        """Queue a read that was checked, and that there is room for; the token that it is known by from now on."""
        token = self._next_token
        self._next_token += 1
        size = read_size(len(queries), payload_bytes)
        self._waiting[token] = WaitingRead(token, routing, request, queries, deadline_us, size)
        self.waiting_bytes += size
        self._unindexed.add(token)
        self._new.append(token)
        return token

    def ask(self, now_us: int) -> int | None:
        """A fresh context for all new reads, or None if there are none."""
        if not self._new:
            return None
        tokens = [token for token in dict.fromkeys(self._new) if token in self._unindexed]
        self._new.clear()
        if not tokens:
            return None
        context = self._next_context
        self._next_context += 1
        self._asked[context] = _Asked(now_us, tokens)
        return context

    def ask_again(self, now_us: int | None) -> None:
        """Make reads new again whose context has waited for too long; with None, all of them (the leader changed).

        The older context keeps waiting too: where an answer takes longer than the patience here, it is the one that
        comes. It is forgotten with its reads, or with its leader.
        """
        for context, asked in list(self._asked.items()):
            tokens = [token for token in asked.tokens if token in self._unindexed]
            if now_us is None or not tokens:
                del self._asked[context]
            elif asked.repeated or now_us - asked.asked_us < self._retry_us:
                continue
            asked.repeated = True
            self._new += tokens

    def indexed(self, context: int, index: int) -> list[int]:
        """The core says: ``context`` may be answered once the state has applied ``index``. The reads it is about."""
        asked = self._asked.pop(context, None)
        if asked is None:
            return []
        tokens = [token for token in asked.tokens if token in self._unindexed]
        self._unindexed.difference_update(tokens)
        self._indexed.extend([(index, token) for token in tokens])
        return tokens

    def take(self, index: int) -> tuple[ReadBatch, ...]:
        """Reads that a state that has applied ``index`` may answer: those that have waited longest, for one job.

        One whose index isn't reached holds up those behind it, for as long as the state takes to get there.
        """
        ready: list[ReadBatch] = []
        indexed, left = self._indexed, JOB_QUERIES_MAX
        while indexed and indexed[0][0] <= index and left > 0:
            _, token = indexed.popleft()
            read = self._waiting.get(token)
            if read is not None:
                ready.append(ReadBatch(token, read.queries))
                left -= len(read.queries)
        return tuple(ready)

    def answered(self, token: int, count: int) -> WaitingRead | None:
        """The state has answered ``count`` queries: of which read, or None if it was given up.

        What is left of them waits for the next job; the index that made them linearizable stays good.
        """
        read = self._waiting.get(token)
        if read is None:
            return None
        if count < len(read.queries):
            self._waiting[token] = replace(read, queries=read.queries[count:], first=read.first + count)
            self._indexed.append((0, token))
        else:
            self._forget(read)
        return read

    def _forget(self, read: WaitingRead) -> None:
        del self._waiting[read.token]
        self.waiting_bytes -= read.size

    def expired(self, now_us: int) -> list[WaitingRead]:
        """Remove and return the reads whose time is up."""
        late = [read for read in self._waiting.values() if read.deadline_us <= now_us]
        for read in late:
            self._forget(read)
            self._unindexed.discard(read.token)
        return late


def read_size(queries: int, payload_bytes: int) -> int:
    """What a read of so many queries, which came in so many bytes, is charged for while it waits."""
    return WAITING_OVERHEAD_BYTES + payload_bytes + queries * QUERY_OVERHEAD_BYTES
