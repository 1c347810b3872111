"""Hashing the whole state in LMDB, a part in each job, as it was at one moment, while more is applied.

A read transaction keeps what it saw at its beginning. It is opened right after a commit, so that this is all that is
applied. The state thread itself reads on in it: what checks and hashes rows is mostly Python, and a second thread would
take as much of the interpreter's time, all at once.
"""

from __future__ import annotations

from typing import Any

import lmdb

from raftzmq.errors import CorruptionError
from raftzmq.kv.commands import UNFINISHED, error_result
from raftzmq.kv.hashing import Hashing

HASH_STEPS_MAX = 4_000
"""Steps of `Hashing` in one job: 5 to 10 ms, which all that is to be applied waits for each time."""
PATIENCE_JOBS = 100
"""Jobs that a hash waits for a read that was begun and may have been given up: it keeps pages from being used again."""


class Hashes:
    """The one hash under way, if there is any, and for which read. For the state thread alone."""

    def __init__(self) -> None:
        self._hashing: Hashing | None = None
        self._transaction: lmdb.Transaction[bytes] | None = None
        self._token = 0
        self._as_of = (0, 0)
        self._steps = 0
        """What is left of this job's."""
        self._unasked_jobs = 0

    @property
    def busy(self) -> bool:
        """Is a hash under way?"""
        return self._hashing is not None

    def begin_job(self) -> None:
        """The next job may go on hashing."""
        self._steps = HASH_STEPS_MAX
        if self.busy:
            self._unasked_jobs += 1
            if self._unasked_jobs > PATIENCE_JOBS:
                self.drop()

    def begin(
        self, token: int, hashing: Hashing, transaction: lmdb.Transaction[bytes], applied_index: int, revision: int
    ) -> None:
        """Begin one for read ``token``, of the tables in ``transaction``, which is ended with it."""
        self.drop()
        self._token, self._hashing, self._transaction = token, hashing, transaction
        self._as_of = (applied_index, revision)

    def go_on(self, token: int) -> Any:
        """The result of read ``token``'s query, or UNFINISHED: its hash, or that of another read, takes more jobs."""
        if self._hashing is None or token != self._token or self._steps <= 0:
            return UNFINISHED
        self._unasked_jobs = 0
        before = self._hashing.steps
        try:
            digest = self._hashing.go_on(self._steps)
        except CorruptionError as error:
            self.drop()
            return error_result("corrupted", str(error))
        self._steps -= self._hashing.steps - before
        if digest is None:
            return UNFINISHED
        self.drop()
        return [*self._as_of, digest]

    def drop(self) -> None:
        """End what is under way; harmless to repeat."""
        self._hashing = None
        self._unasked_jobs = 0
        if self._transaction is not None:
            self._transaction.abort()
            self._transaction = None
