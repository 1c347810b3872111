"""Committed entries on their way into the state, one job at a time, and when the state's transaction is committed.

The state's commit makes nothing safer: what was acknowledged is in the log of a majority, and a start applies again
what the state lacks. So it may be rare. 20 batches or 50 ms were the plan; uniform writes over 100,000 keys touch
nearly every leaf of the keys table within 50 ms, so each commit wrote them all and each batch after it copied them
again. 200 batches or 250 ms cost half the state's processor time per put at 64 in flight (5.3 against 10.5 µs), and
0.84 of it at 1000. A second (1000 batches, 8 MiB) takes 0.84 of that once more at 64 and 0.86 at 1000, and puts take
0.88 and 0.87 of the time (medians of 19 pairs). Three seconds brought nothing further. The price is that a crashed
node applies up to a second of its log again.
"""

from __future__ import annotations

from collections import deque

from raftzmq.config import BATCH_BYTES_MAX, STATE_COMMIT_BATCHES, STATE_COMMIT_US, Retention
from raftzmq.core.types import Entry, Mark
from raftzmq.node.reads import Reads
from raftzmq.node.work import StateJob, StateResult

JOB_BYTES_MAX = 4 * BATCH_BYTES_MAX
"""Bytes of entries in one job: bounds how long reads and answers wait behind it."""
PATIENT_BYTES = BATCH_BYTES_MAX // 4
PATIENT_US = 10_000
"""What may gather, and for how long, where nobody waits for results: applying small entries one by one costs a
follower half of its processor time (a job of the state is a change of threads and cold caches)."""
NEVER = 2**62


class Applying:
    """The queue in front of the state. Invariant: ``durable_index <= applied_index <= handed``."""

    def __init__(self, applied_index: int, revision: int, digest: int, retention: Retention) -> None:
        self.applied_index = applied_index
        self.durable_index = applied_index
        self.revision = revision
        self.digest = digest
        self.log_time_us = 0
        self.lag_bytes = 0
        self._queue: deque[Entry] = deque()
        self._job: StateJob | None = None
        self._last_in_jobs = applied_index
        self._uncommitted_batches = 0
        self._uncommitted_bytes = 0
        self._commit_bytes = retention.commit_bytes
        self._first_write_us: int | None = None
        self._gathering_since_us = 0
        self._install: Mark | None = None

    @property
    def uncommitted(self) -> tuple[int, int]:
        """How many entries, of how many bytes, are applied and not durable in the state."""
        return self._uncommitted_batches, self._uncommitted_bytes

    @property
    def deadline_us(self) -> int:
        """When `take_job` has something to do for time's sake: what gathered is to be applied, or to be committed."""
        if self._job is not None:
            return NEVER
        deadline = NEVER if self._first_write_us is None else self._first_write_us + STATE_COMMIT_US
        return min(deadline, self._gathering_since_us + PATIENT_US) if self._queue else deadline

    def committed(self, entries: tuple[Entry, ...], now_us: int) -> None:
        """These are committed and durable in the log: apply them."""
        if not entries:
            return
        if not self._queue:
            self._gathering_since_us = now_us
        self._queue.extend(entries)
        self.lag_bytes += sum(len(entry.data) for entry in entries)

    def install(self, mark: Mark) -> None:
        """The state becomes the snapshot that ends at ``mark``; what was to be applied before that is in it."""
        self._install = mark
        self._queue.clear()

    def take_job(self, reads: Reads, now_us: int, *, patient: bool = False) -> StateJob | None:
        """The next job, if there is something to do and none is under way.

        ``patient``: nobody waits for results of these entries, so some may gather. A read ends the patience.
        """
        if self._job is not None:
            return None
        if self._install is not None:
            self._job, self._install = StateJob(install=self._install), None
            return self._job
        due = self._first_write_us is not None and now_us - self._first_write_us >= STATE_COMMIT_US
        waited = now_us - self._gathering_since_us >= PATIENT_US
        if patient and not due and not waited and not reads and self.lag_bytes < PATIENT_BYTES:
            return None
        entries: list[Entry] = []
        size = 0
        while self._queue and (not entries or size + len(self._queue[0].data) <= JOB_BYTES_MAX):
            entry = self._queue.popleft()
            size += len(entry.data)
            entries.append(entry)
        if entries:
            self._last_in_jobs = entries[-1].index
            self._uncommitted_batches += len(entries)
            self._uncommitted_bytes += size
            if self._first_write_us is None:
                self._first_write_us = now_us
        batches = reads.take(self._last_in_jobs)
        many = self._uncommitted_batches >= STATE_COMMIT_BATCHES or self._uncommitted_bytes >= self._commit_bytes
        commit = due or many
        if not entries and not batches and not commit:
            return None
        self._job = StateJob(tuple(entries), batches, commit, awaited=bool(batches) or not patient)
        return self._job

    def applied(self, job: StateJob, result: StateResult, now_us: int) -> None:
        """The job's writes are visible and its reads answered."""
        self.applied_index, self.log_time_us = result.applied_index, result.log_time_us
        self.revision, self.digest = result.revision, result.digest
        if job.install is not None:
            self._last_in_jobs = result.applied_index
            self.lag_bytes = 0
            self.durable(result.applied_index)
            return
        self.lag_bytes -= sum(len(entry.data) for entry in job.entries)
        if not job.commit:
            self._job = None

    def durable(self, index: int) -> None:
        """The job's transaction is committed."""
        self.durable_index = index
        self._uncommitted_batches = self._uncommitted_bytes = 0
        self._first_write_us = None
        self._job = None
