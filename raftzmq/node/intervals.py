"""The events that come by themselves while somebody wants them: Lamport time, where the node stands, what it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raftzmq.config import MICROSECONDS
from raftzmq.events import topic_of
from raftzmq.node.metrics import metrics
from raftzmq.node.standing import standing

if TYPE_CHECKING:
    from raftzmq.node.node import Node

NEVER = 2**62
BY_THE_SECOND = ("standing", "metrics", "trace")
"""What comes once a second; of ``trace``, the slowest request in it."""


class Intervals:
    """``deadline_us``: when `tick` is wanted next; never while nobody wants any of this."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._heartbeat_us = node.raft.timing.heartbeat_us
        self._standing_topic = topic_of(node.name, "standing")
        self._clock_us = 0
        self._second_us = 0
        self.deadline_us = NEVER

    def subscription(self, prefix: bytes, wanted: bool, now_us: int) -> None:
        """The subscriptions have changed; who asks for it hears where the node stands at once."""
        if wanted and self._standing_topic.startswith(prefix):
            self._stand(now_us)
        self._plan()

    def tick(self, now_us: int) -> None:
        """Time has come to ``now_us``."""
        report = self._node.report
        if now_us >= self._clock_us:
            self._clock_us = now_us + self._heartbeat_us
            if report.wanted("clock"):
                report.emit("clock", now_us, interval_us=self._heartbeat_us)
        if now_us >= self._second_us:
            self._second_us = now_us + MICROSECONDS
            if report.wanted("standing"):
                self._stand(now_us)
            if report.wanted("metrics"):
                report.emit("metrics", now_us, **metrics(self._node))
            self._node.tracing.second(now_us)
        self._plan()

    def _stand(self, now_us: int) -> None:
        self._node.report.emit("standing", now_us, **standing(self._node, now_us))

    def _plan(self) -> None:
        wanted = self._node.report.wanted
        self.deadline_us = self._clock_us if wanted("clock") else NEVER
        if any(map(wanted, BY_THE_SECOND)):
            self.deadline_us = min(self.deadline_us, self._second_us)
