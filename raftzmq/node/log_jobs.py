"""The jobs of a node's log, one at a time."""

from __future__ import annotations

from raftzmq.core import Raft
from raftzmq.core.ready import Append
from raftzmq.node.work import LogJob


class LogJobs:
    """Holds back an append while the job before it, which may only store incarnations, is under way."""

    def __init__(self, raft: Raft) -> None:
        self._raft = raft
        self._job: LogJob | None = None
        self._waiting: Append | None = None

    def done(self) -> None:
        """The job under way is done."""
        self._job = None

    def take(self, append: Append | None, unknown: dict[str, str], leading: bool) -> LogJob | None:
        """The next job, if there is something to do and none is under way.

        ``append``: the core's, if it has one now; ``unknown``: peers whose incarnation is to be stored.
        """
        append = append or self._waiting
        if self._job is not None:
            self._waiting = append
            return None
        self._waiting = None
        if append is None and not unknown:
            return None
        incarnations = tuple(sorted(unknown.items()))
        # A leader's own disk is one vote of several for entries that have just left: the answers of others tell it to
        # look at that one, too. Its next heartbeat does, at the latest.
        one_of_several = append is not None and append.only_entries and len(self._raft.voters) > 1
        awaited = not leading or bool(incarnations) or not one_of_several
        self._job = LogJob(append, incarnations, awaited)
        return self._job
