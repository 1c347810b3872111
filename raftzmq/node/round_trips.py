"""How long followers take to answer their leader, measured on messages that go out anyway, one per peer at a time."""

from __future__ import annotations

from dataclasses import dataclass

from raftzmq.config import MICROSECONDS
from raftzmq.core.messages import AppendEntries, AppendEntriesResponse

LOST_US = MICROSECONDS
"""An answer that didn't come for so long won't: another message is measured."""


@dataclass(slots=True)
class _Awaited:
    """A message that is measured: when it left, and what an answer to it, and to none before it, says at least."""

    sent_us: int
    durable: bool
    index: int


class RoundTrips:
    """``last_us``: by peer, the last time from a message to its answer, in microseconds.

    The answers carry no number, so a message is chosen that only its own answer fits: one with entries, whose answer
    is the first that has them on disk (and so includes the follower's disk); or a heartbeat while everything before it
    has been answered.
    """

    def __init__(self) -> None:
        self.last_us: dict[str, int] = {}
        self.awaited: dict[str, _Awaited] = {}
        """The messages that are measured, by peer: without any, `heard` has nothing to do."""

    def sent(self, message: AppendEntries, match_index: int, now_us: int) -> None:
        """``message`` leaves for a peer that has said that its disk has entries up to ``match_index``."""
        awaited = self.awaited.get(message.to)
        if awaited is not None and now_us - awaited.sent_us < LOST_US:
            return
        last = message.prev_log_index + len(message.entries)
        if message.entries or match_index >= last:
            self.awaited[message.to] = _Awaited(now_us, bool(message.entries), last)

    def heard(self, answer: AppendEntriesResponse, now_us: int) -> None:
        """A peer answers."""
        awaited = self.awaited.get(answer.sender)
        if awaited is None:
            return
        reached = answer.match_index if awaited.durable else answer.prev_log_index
        if answer.success and reached >= awaited.index:
            del self.awaited[answer.sender]
            self.last_us[answer.sender] = now_us - awaited.sent_us

    def forget(self) -> None:
        """This node doesn't lead any more."""
        self.last_us.clear()
        self.awaited.clear()
