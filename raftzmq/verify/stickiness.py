"""Whether nodes keep to the leader that they hear: what keeps a healthy one from being deposed (thesis 4.2.3)."""

from __future__ import annotations

from raftzmq.verify.violation import Violations


class Stickiness:
    """Follows what nodes hear from leaders, in the time of their own clocks, and which pre-votes they grant."""

    def __init__(self, violations: Violations, election_min_us: int) -> None:
        self._report = violations.report
        self._patience_us = election_min_us
        self._heard: dict[str, tuple[int, str, int]] = {}
        self._asked: dict[tuple[str, str, int], tuple[str, int] | None] = {}

    def forgets(self, node: str) -> None:
        """``node`` starts anew, or has given up its leader."""
        self._heard.pop(node, None)

    def heard(self, node: str, leader: str, term: int, now_us: int) -> None:
        """``node``, at ``now_us`` of its clock, took a message from the leader of its own ``term``."""
        self._heard[node] = (term, leader, now_us)

    def asked(self, node: str, candidate: str, candidate_term: int, term: int, now_us: int) -> None:
        """``node``, in ``term``, was asked whether it would vote for ``candidate`` in ``candidate_term``."""
        known = self._heard.get(node)
        near = None
        if known is not None and known[0] == term and now_us - known[2] < self._patience_us:
            near = (known[1], now_us - known[2])
        key = (node, candidate, candidate_term)
        # Of several questions, one that had come when no leader was near excuses the answer.
        self._asked[key] = near if self._asked.get(key, near) is not None else None

    def would_vote(self, node: str, candidate: str, candidate_term: int) -> None:
        """``node`` answers that it would."""
        near = self._asked.pop((node, candidate, candidate_term), None)
        if near is not None:
            leader, ago_us = near
            self._report(
                "stickiness",
                (node, candidate),
                f"{node} would vote for {candidate} in term {candidate_term}, though it had heard its leader {leader} "
                f"{ago_us} µs before (minimum election timeout {self._patience_us} µs)",
            )
