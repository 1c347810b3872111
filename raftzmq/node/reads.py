"""Linearizable reads: waiting for a ReadIndex round, then for the state to reach its index (thesis 6.4)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import takewhile

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
SPARES_MAX = 64
"""Contexts that are kept without reads of their own: at one per repetition, those of the last few seconds."""


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
    """The reads that came since the context before; the answer is good for these and for all that are older."""

    tokens: list[int]


class Reads:
    """Every read that has not been answered.

    A read is *new* (no context asked for it yet), *asked*, *indexed* (its index is known, the state isn't there yet)
    or *running* (in a job of the state). Contexts start at a random number and are never used again, so an answer to
    a question of an earlier life fits nothing (it would be a stale read). A retry takes a fresh context; an answer to
    an older one is still good for the reads that had come before it.

    Each read is listed once, under the first context that asked for it, and never again when it is asked for again:
    where no answer comes, the lists would grow by all that wait with each repetition.
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
        """In the order in which they were asked, which is that of the numbers too."""
        self._asked_us = 0
        """When the last context was asked."""
        self._repeat = False
        """Is a context wanted although no read is new?"""
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
        """A fresh context for all new reads and, with them, for those asked before; or None if none is wanted."""
        if not self._new and not self._repeat:
            return None
        tokens = [token for token in self._new if token in self._unindexed]
        repeat = self._repeat and bool(self._unindexed)
        self._new.clear()
        self._repeat = False
        if not tokens and not repeat:
            return None
        context = self._next_context
        self._next_context += 1
        self._asked[context] = _Asked(tokens)
        self._asked_us = now_us
        return context

    def ask_again(self, now_us: int | None) -> None:
        """Want another context if the last one has waited for too long; with None, make all reads new (a new leader).

        The older contexts keep waiting too: where an answer takes longer than the patience here, it is one to them that
        comes. They are forgotten with their reads, or with their leader.
        """
        if now_us is None:
            self._asked.clear()
            self._new = sorted(self._unindexed)
            return
        spares: list[int] = []
        waited_for = False
        for context, asked in list(self._asked.items()):
            asked.tokens = [token for token in asked.tokens if token in self._unindexed]
            if asked.tokens:
                waited_for = True
            elif waited_for:
                spares.append(context)
            else:
                del self._asked[context]
        while len(spares) > SPARES_MAX:
            # Some of every age stay. If always the oldest went, an answer slow enough would never find its question.
            for context in spares[1::2]:
                del self._asked[context]
            del spares[1::2]
        if waited_for and now_us - self._asked_us >= self._retry_us:
            self._repeat = True

    def indexed(self, context: int, index: int) -> list[int]:
        """The core says: ``context`` may be answered once the state has applied ``index``. The reads it is about."""
        if context not in self._asked:
            return []
        # What was asked before had come before this round began too. A later context asks for reads that had not.
        done = list(takewhile(lambda number: number <= context, self._asked))
        listed = [token for number in done for token in self._asked.pop(number).tokens]
        tokens = [token for token in listed if token in self._unindexed]
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
        # Without a leader nobody asks, and behind an index that isn't reached nobody takes: what ended would pile up.
        # What goes is at least half of a list, so that this costs each read little.
        bound = 2 * len(self._waiting)
        if len(self._new) > bound:
            self._new = [token for token in self._new if token in self._unindexed]
        if len(self._indexed) > bound:
            self._indexed = deque(entry for entry in self._indexed if entry[1] in self._waiting)
        return late


def read_size(queries: int, payload_bytes: int) -> int:
    """What a read of so many queries, which came in so many bytes, is charged for while it waits."""
    return WAITING_OVERHEAD_BYTES + payload_bytes + queries * QUERY_OVERHEAD_BYTES
